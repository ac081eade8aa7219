"""What other readers make of JSON texts: Python's json and Node's JSON.parse, asked about random texts by seed.

`fixtures/json_verdicts.json` holds their verdicts, and `Tests/JSONTests/JSONVerdictTests.swift` holds Latchkey's reader
against them. Latchkey is stricter than either on purpose: what two readers could take for two things is refused. Python
is made as strict here by its hooks, so that its verdict must be the same; Node must take all that is taken, to the same
strings in the same places, and refuse all that breaks the grammar.
"""

import base64
import json
import random
import subprocess

SEED = 20_261_130
CASES = 1500
DEPTH = 64

WORDS = ["null", "true", "false", "0", "-0", "1.10", "12345678901234567890", "1e400", "-1.5E-3", "7"]
PARTS = ["a", "plain words ", "é", "猫", "😀", "\\n", "\\u0041", "\\ud83d\\ude00", '\\"', "\\\\", "\\/", "\x7f", "\u0301"]
PARTS += ["\\u0000", "\\uD7FF", "\\uffff", "{", "]", ",", "\\b\\f\\r\\t", "\u2028", "\\udead"]
NAMES = ['"a"', '"\\u0061"', '"b"', '""', '"é"', '"e\\u0301"', '"\\u00e9"', '"__proto__"', '"10"', '"9"', '"\\""']
DAMAGE = ['"a":1,', "\\ud800", "[[", "}", ",", '"', "\ufeff", "NaN", "Infinity", "01", "+1", "'", "//", "\x0b", "\u00a0", "\x01"]
RAW = [b"\xc3", b"\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xf0\x80\x80\x80", b"\xff", b"\x00"]


def texts(seed, count):
    """Random texts: valid ones, and such as are not for a few bytes."""
    choose = random.Random(seed)
    for _ in range(count):
        text = value(choose, 0).encode()
        if choose.random() < 0.02:
            levels = choose.choice([63, 64, 65, 66])
            text = b"[" * levels + text + b"]" * levels
        if choose.random() < 0.6:
            text = damaged(choose, text)
        yield text


def value(choose, depth):
    kind = choose.randrange(6 if depth > 3 else 9)
    if kind < 2:
        text = choose.choice(WORDS)
    elif kind < 5:
        text = '"' + "".join(choose.choices(PARTS, k=choose.randrange(5))) + '"'
    elif kind < 7:
        text = "[" + ",".join(value(choose, depth + 1) for _ in range(choose.randrange(4))) + "]"
    else:
        names = [f'"n{index}"' if choose.random() < 0.4 else choose.choice(NAMES) for index in range(choose.randrange(5))]
        text = "{" + ",".join(f"{name}:{value(choose, depth + 1)}" for name in names) + "}"
    return choose.choice([" ", "\n", "\r\n", "\t"]) + text if choose.random() < 0.1 else text


def damaged(choose, text):
    for _ in range(choose.choice([1, 1, 2])):
        place = choose.randrange(len(text) + 1)
        kind = choose.randrange(4)
        if kind == 0:
            text = text[:place] + text[place + choose.choice([1, 2]) :]
        elif kind == 1:
            text = text[:place] + choose.choice(DAMAGE).encode() + text[place:]
        elif kind == 2:
            text = text[:place] + choose.choice(RAW) + text[place:]
        else:
            text = text[:place] + bytes([choose.randrange(128)]) + text[place + 1 :]
    return text


class Refused(Exception):
    """Why a text is not taken: `grammar`, `repeated`, `surrogate` or `depth`."""


class Number(str):
    """A number as its literal."""


def read_by_python(text):
    """The value of a text by Python's json, made as strict as Latchkey."""
    try:
        read = json.loads(
            text.decode(), object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=refuse
        )
    except ValueError as error:  # also of UTF-8; a byte order mark is one of json's own
        raise Refused("grammar") from error
    look_through(read, 0)
    return read


def refuse(_):
    raise ValueError("NaN and Infinity are no JSON")


class Members(list):
    """An object as its members in their order."""


def look_through(read, depth):
    if depth > DEPTH:
        raise Refused("depth")
    if isinstance(read, Members):
        names = [name for name, _ in read]
        if len(set(names)) < len(names):
            raise Refused("repeated")
        for name, member in read:
            look_through(name, 0)
            look_through(member, depth + 1)
    elif isinstance(read, list):
        for element in read:
            look_through(element, depth + 1)
    elif isinstance(read, str) and any("\ud800" <= letter <= "\udfff" for letter in read):
        raise Refused("surrogate")


def written(read, numbers=True, in_order=True):
    """A value as Latchkey writes it. Node keeps neither the literals of numbers nor the order of members."""
    if read is None or isinstance(read, bool):
        return {None: "null", True: "true", False: "false"}[read]
    if isinstance(read, Number):
        return str(read) if numbers else "0"
    if isinstance(read, str):
        return '"' + "".join(letter_written(letter) for letter in read) + '"'
    if isinstance(read, Members):
        members = read if in_order else sorted(read, key=lambda member: member[0].encode())
        return "{" + ",".join(f"{written(n)}:{written(v, numbers, in_order)}" for n, v in members) + "}"
    return "[" + ",".join(written(element, numbers, in_order) for element in read) + "]"


def letter_written(letter):
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if letter in short:
        return short[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x20 or letter == "\x7f" else letter


NODE = r"""
const written = (read) => {
  if (typeof read === "number") return "0";
  if (typeof read === "string")
    return '"' + read.replace(/["\\\x00-\x1f\x7f]/g, (letter) => {
      const short = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }[letter];
      return short ?? "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0");
    }) + '"';
  if (read === null || typeof read === "boolean") return String(read);
  if (Array.isArray(read)) return "[" + read.map(written).join(",") + "]";
  const names = Object.keys(read).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return "{" + names.map((name) => written(name) + ":" + written(read[name])).join(",") + "}";
};
const lines = require("fs").readFileSync(0, "latin1").split("\n").slice(0, -1);
for (const line of lines) {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = written(JSON.parse(decoder.decode(Buffer.from(line, "base64"))));
    console.log(Buffer.from(text).toString("base64"));
  } catch {
    console.log("-");
  }
}
"""


def read_by_node(texts):
    """For each text what Node reads (numbers as 0, members sorted by name), or None where it refuses."""
    lines = "".join(base64.b64encode(text).decode() + "\n" for text in texts)
    answer = subprocess.run(["node", "-e", NODE], input=lines.encode(), capture_output=True, check=True, timeout=300)
    return [None if line == b"-" else base64.b64decode(line) for line in answer.stdout.split(b"\n")[:-1]]


def digest(text):
    """FNV-1a of 64 bits: a few lines in every language."""
    state = 0xCBF29CE484222325
    for byte in text:
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def verdicts(seed=SEED, count=CASES):
    """Each text with the digest of its value, or with why it is refused. Fails where Python and Node differ."""
    asked = list(texts(seed, count))
    found = []
    for text, by_node in zip(asked, read_by_node(asked), strict=True):
        entry = {"text": base64.b64encode(text).decode()}
        try:
            read = read_by_python(text)
            entry["value"] = digest(written(read).encode())
            same = written(read, numbers=False, in_order=False).encode() == by_node
        except Refused as refused:
            entry["refused"] = str(refused)
            same = (by_node is None) == (str(refused) == "grammar")
        assert same, (text, entry, by_node)
        found.append(entry)
    return found
