// What HTML can't do by itself: the clipboard, forms in a dialog, and one click that is one click. Everything works without.
"use strict";

const say = document.body.dataset;

function announce(text) {
  const place = document.querySelector("dialog[open] [role=status]") ?? document.querySelector("[role=status]");
  if (place) place.textContent = text;
}

// A copy button copies what stands beside it, or what `data-copy` names. It says "Copied" once the clipboard has it;
// where the browser doesn't allow it, the text is selected.
function prepare(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const named = button.dataset.copy;
  const source = named ? document.getElementById(named) : button.closest(".copyable")?.querySelector("code, output, pre, .secret");
  if (!source) return;
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.dataset.text ?? source.textContent);
    button.classList.add("done");
    label.textContent = say.copied;
    announce(say.copied);
    setTimeout(() => { button.classList.remove("done"); label.textContent = before; announce(""); }, 2000);
  } catch {
    getSelection().selectAllChildren(source);
    let help = button.parentElement.nextElementSibling;
    if (!help?.matches("[data-selected-help]")) {
      help = Object.assign(document.createElement("p"), { className: "help" });
      help.setAttribute("data-selected-help", "");
      button.parentElement.after(help);
    }
    help.textContent = say.selected;
    announce(say.selected);
  }
}

// A linked form opens in a dialog; the same address works as a page.
function sheet(html) { return new DOMParser().parseFromString(html, "text/html").querySelector("[data-sheet]"); }

function show(dialog, section) {
  const secret = dialog.take && section.querySelector("code.secret");
  if (secret) {
    // It is for the page below, and needn't be seen.
    dialog.next = dialog.take(secret.textContent);
    return dialog.close();
  }
  const status = Object.assign(document.createElement("p"), { className: "announce" });
  status.setAttribute("role", "status");
  dialog.replaceChildren(section, status);
  const title = section.querySelector("h1, h2");
  if (title) {
    title.id = "sheet-title";
    dialog.setAttribute("aria-labelledby", title.id);
  }
  prepare(dialog);
  hideLater(section);
  dialog.closedBy = "unstored" in section.dataset ? "none" : "closerequest";
}

// A secret that was shown again is not left on the screen.
function hideLater(section) {
  if (!section?.dataset.hide) return;
  setTimeout(() => {
    const place = section.querySelector("[data-hides]");
    place?.replaceWith(Object.assign(document.createElement("p"), { className: "note", textContent: section.dataset.hidden }));
    announce(section.dataset.hidden);
  }, Number(section.dataset.hide) * 1000);
}

// What is shown this once is not lost by a key or a click: the dialog stays, and the browser asks, until somebody says
// that it is stored.
function unstored() {
  const section = document.querySelector("[data-unstored]");
  return section?.querySelector("[name=stored]:checked") ? null : section;
}

function hold(event) {
  const section = unstored();
  if (!section) return;
  event.preventDefault();
  section.querySelector("[name=stored], [data-stored]")?.focus();
  announce(section.dataset.unstored);
}

addEventListener("beforeunload", (event) => { if (unstored()) event.preventDefault(); });
addEventListener("keydown", (event) => { if (event.key === "Escape" && document.querySelector("dialog[open]")) hold(event); });

// A limit in calls, as it is typed.
function tellWorth(form) {
  const door = form.querySelector("[name=application_id]")?.selectedOptions[0] ?? form;
  const group = form.querySelector("[name=group]")?.selectedOptions[0];
  const cost = Math.round(Number(door.dataset.price) * Number(group?.dataset.multiplier ?? 1) * 1e6) / 1e6;
  for (const output of form.querySelectorAll("output.worth")) {
    const typed = form.querySelector("#" + output.htmlFor[0]).value.replaceAll(",", "").trim();
    const calls = Math.floor(Number(typed) / cost + 1e-9);
    const isTold = typed && door.dataset.price && cost > 0 && calls >= 0;
    const text = calls === 1 ? form.dataset.worthOne : form.dataset.worthOther;
    output.value = isTold ? text.replace("{count}", calls.toLocaleString("en")).replace("{cost}", cost.toLocaleString("en", { maximumFractionDigits: 6 })) : "";
  }
}

addEventListener("input", (event) => { if (event.target.form?.dataset.worthOne) tellWorth(event.target.form); });

async function open(link) {
  const answer = await fetch(link.href, { headers: { "Console-Dialog": "1" } });
  const section = answer.ok ? sheet(await answer.text()) : null;
  if (!section) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.take = link.take;
  show(dialog, section);
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); (dialog.next ?? link).focus(); });
  dialog.showModal();
  (dialog.querySelector(".wrong :is(input, select, textarea)") ?? dialog.querySelector("[autofocus]"))?.focus();
}

// On to another page; the same one is made anew, also when only its part is another.
function go(path) {
  const there = new URL(path, location.href);
  if (there.pathname !== location.pathname || there.search !== location.search) return location.assign(there);
  history.replaceState(null, "", there);
  location.reload();
}

async function send(form, submitter) {
  const dialog = form.closest("dialog");
  const body = new URLSearchParams(new FormData(form, submitter));
  const answer = await fetch(form.action, { method: "POST", body, headers: { "Console-Dialog": "1" } });
  const going = answer.headers.get("Console-Location");
  if (going) return go(going);
  const section = sheet(await answer.text());
  if (!section) throw new Error("no form");
  show(dialog, section);
  dialog.querySelector(".wrong :is(input, select, textarea), [role=alert], [autofocus]")?.focus();
}

addEventListener("click", (event) => {
  const stored = event.target.closest("[data-stored]");
  if (stored) {
    unstored()?.removeAttribute("data-unstored");
    if (stored.closest("dialog")) {
      event.preventDefault();
      return go(stored.href);
    }
  }
  const button = event.target.closest("button[data-copy]");
  if (button) return void copy(button);
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    return close.closest("dialog").close();
  }
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    open(link).catch(() => location.assign(link.href));
  }
});

addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button) {
    button.setAttribute("aria-disabled", "true");
    button.textContent = say.busy;
  }
  if (form.closest("dialog")) {
    event.preventDefault();
    send(form, button).catch(() => form.submit());
  }
});

// A choice among filters is taken at once.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.classList.add("auto");
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
}

// Figures that move. The server says when they have, and what is new is put in its place: what has the focus, what is
// selected, where the page stands and what is open stay.
function update(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const selection = getSelection();
  if (!selection.isCollapsed && old.contains(selection.anchorNode)) return;
  const [rows, newRows] = [old.querySelector("[data-rows]"), fresh.querySelector("[data-rows]")];
  if (rows && newRows) {
    // Rows never change, so those that stay are left alone.
    const stay = new Set([...newRows.children].map((row) => row.id));
    for (const row of [...rows.children]) if (!stay.has(row.id)) row.remove();
    [...newRows.children].forEach((row, place) => {
      if (rows.children[place]?.id !== row.id) rows.insertBefore(row, rows.children[place] ?? null);
    });
    const foot = fresh.querySelector("tfoot");
    if (foot) old.querySelector("tfoot")?.replaceWith(foot);
    return;
  }
  const link = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  old.replaceChildren(...fresh.childNodes);
  if (link) [...old.querySelectorAll("a")].find((a) => a.getAttribute("href") === link)?.focus({ preventScroll: true });
}

async function newer() {
  const answer = await fetch(location.href);
  // To the door: nobody is signed in any more.
  if (answer.redirected || answer.status === 401) return null;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function put(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) update(part, fresh);
  }
  const balances = page.querySelectorAll(".balance");
  document.querySelectorAll(".balance").forEach((old, place) => { if (balances[place]) update(old, balances[place]); });
}

async function refresh() {
  const page = await newer();
  if (!page) return location.reload();
  put(page);
  return page.querySelector("[data-live]")?.dataset.mark;
}

const live = document.querySelector("[data-live]");
if (live) {
  let [mark, source, touched, failures, again] = [live.dataset.mark, null, Date.now(), 0, null];
  // Nobody is here any more: a session must be able to end by itself.
  const isIdle = () => document.hidden || Date.now() - touched > 600000;
  const look = async (seen) => {
    if (isIdle()) return stop();
    if (seen === mark) return;
    mark = await refresh() ?? seen;
    failures = 0;
  };
  const stop = () => { source?.close(); source = null; };
  // What could not be had is tried again, after one second, then two, up to a minute.
  const later = () => {
    stop();
    again ??= setTimeout(() => {
      again = null;
      if (!isIdle()) refresh().then((seen) => { mark = seen ?? mark; start(); }, later);
    }, Math.min(60000, 1000 * 2 ** failures++));
  };
  const start = () => {
    if (source || again || isIdle()) return;
    source = new EventSource(live.dataset.live);
    source.onmessage = (event) => look(event.data).catch(later);
    source.onerror = () => { if (source?.readyState === EventSource.CLOSED) later(); };
  };
  for (const kind of ["pointermove", "keydown", "scroll", "focus"]) {
    addEventListener(kind, () => { touched = Date.now(); start(); }, { passive: true });
  }
  addEventListener("visibilitychange", () => { touched = Date.now(); document.hidden ? stop() : start(); });
  start();
}

// The box that tries an app makes real calls, as a program does: with a key that is typed. The secret is in the memory of
// this page and nowhere else, and what an app answers is put in as text.
const box = document.querySelector("[data-try]");
if (box) prepareBox();

function prepareBox() {
  const words = box.dataset;
  const [choice, field, take, fault, talk, form, message, cost, again, stop, send] = ["key", "secret", "take", "fault",
    "talk", "form", "message", "cost", "again", "stop", "send"].map((name) => box.querySelector(`[data-at=${name}]`));
  const [secrets, longest, longestTalk, mostTurns] = [new Map(), 1 << 20, 200_000, 40];
  let [said, stopper, follows, frame] = [[], null, true, 0];

  const element = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text });
  const grouped = (decimal) => decimal.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));

  // What is new stays in sight, unless somebody has scrolled away. Once a frame: a stream can have thousands of events.
  function follow() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (follows) form.scrollIntoView({ block: "nearest" });
    });
  }

  function flaw(text) {
    fault.hidden = !text;
    fault.querySelector("span").textContent = text;
    text ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    field.closest(".field").classList.toggle("wrong", Boolean(text));
    if (text) { field.focus(); announce(text); }
  }

  function choose() {
    const option = choice.selectedOptions[0].dataset;
    field.value = secrets.get(choice.value) ?? "";
    take.hidden = !option.reveal;
    take.href = option.reveal ?? "";
    cost.textContent = option.cost ?? "";
    flaw("");
  }

  // A secret that was pasted is that of the key whose hint it fits; another one is for the gateway to judge.
  function type() {
    const typed = field.value.trim();
    const fits = (option) => option.dataset.hints.split(" ").some((hint) => typed.startsWith(hint.split("…")[0]));
    const option = typed && !fits(choice.selectedOptions[0]) && [...choice.options].find(fits);
    if (option) choice.value = option.value;
    secrets.set(choice.value, typed);
    choose();
  }

  take.take = (secret) => {
    field.value = secret;
    type();
    announce(words.taken);
    return message;
  };

  async function* pieces(answer, most, stopper) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let seen = 0;
    for (let piece; !(piece = await reader.read()).done;) {
      yield piece.value.slice(0, most - seen);
      seen += piece.value.length;
      if (seen > most) { stopper.abort("long"); throw new Error("long"); }
    }
  }

  // The data of each event of a stream (HTML §9.2.6).
  async function* events(pieces) {
    let [rest, data] = ["", []];
    for await (const piece of pieces) {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
        if (line || !data.length) continue;
        yield data.join("\n");
        data = [];
      }
    }
  }

  function begin(text) {
    const [mine, theirs, spoken] = [element("li", "mine", ""), element("li", "theirs", ""), element("p", "spoken", "")];
    mine.append(element("span", "announce", words.you), element("p", "spoken", text));
    theirs.append(element("span", "announce", words.app), spoken);
    theirs.setAttribute("aria-busy", "true");
    talk.append(mine, theirs);
    while (talk.children.length > 2 * mostTurns) talk.firstElementChild.remove();
    return { theirs, spoken, node: spoken.appendChild(new Text()), key: { id: choice.value, path: choice.selectedOptions[0].dataset.path } };
  }

  function note(turn, text) { turn.theirs.append(element("p", "told", text)); }

  function refuse(turn, answer, body) {
    const code = answer.headers.get("X-Latchkey-Code") ?? "other";
    const known = box.querySelector(`[data-code="${CSS.escape(code)}"]`) ?? box.querySelector("[data-code=other]");
    const [sentence, step] = [known.querySelector("dt"), known.querySelector("dd")].map((part) => part.textContent);
    const told = element("div", "refused", "");
    const next = element("p", "", step);
    if ("ofKey" in known.dataset) {
      next.append(" ", Object.assign(element("a", "", words.open), { href: turn.key.path, target: "_blank", rel: "noopener" }));
    }
    const got = element("p", "got", `${words.caller} ${answer.status} `);
    got.append(element("code", "", code));
    let said = null;
    try { said = JSON.parse(body).error.message; } catch { /* No answer of the gateway's own. */ }
    if (typeof said === "string") got.append(" ", Object.assign(element("span", "", said), { lang: "en" }));
    const request = answer.headers.get("X-Request-Id");
    if (request) got.append(" ", element("code", "", request));
    told.append(element("b", "", sentence), next, got);
    turn.spoken.remove();
    turn.theirs.append(told);
  }

  function receive(turn, headers, began) {
    const [paid, charge, left] = ["Cost", "Charge", "Remaining"].map((name) => headers.get("X-Latchkey-" + name));
    const line = element("p", "receipt", "");
    if (paid !== null) line.append(element("b", "", words.paid.replace("{credits}", grouped(paid))));
    if (left !== null) line.append(element("span", "", words.left.replace("{credits}", grouped(left))));
    if (charge) {
      const short = charge.slice(0, 13) + "…";
      const link = Object.assign(element("a", "mono", short), {
        href: `/console/usage?credential=${encodeURIComponent(turn.key.id)}#why-${encodeURIComponent(charge)}`, title: charge, target: "_blank", rel: "noopener",
      });
      link.setAttribute("aria-label", words.charge.replace("{id}", short));
      line.append(link);
    }
    line.append(element("span", "", words.took.replace("{seconds}", ((performance.now() - began) / 1000).toFixed(1))));
    turn.theirs.append(line);
  }

  async function call(text, secret, turn) {
    const [mine, began] = [stopper, performance.now()];
    let [answer, whole, isWhole, isServed] = [null, "", false, false];
    try {
      // Keys are for servers: each call shows that it comes from this page, where a person types the key.
      const pass = await fetch(words.pass, { signal: mine.signal });
      if (!pass.ok || pass.redirected) return note(turn, words.ended);
      answer = await fetch(words.try, {
        method: "POST", credentials: "omit", cache: "no-store", redirect: "error", signal: mine.signal,
        headers: { "Authorization": `Bearer ${secret}`, "Content-Type": "application/json", "X-Latchkey-Pass": await pass.text() },
        body: JSON.stringify({ stream: true, messages: [...said, { role: "user", content: text }] }),
      });
      if (!answer.ok) {
        let body = "";
        try { for await (const piece of pieces(answer, 65_536, mine)) body += piece; } catch { /* Its head says enough. */ }
        return refuse(turn, answer, body);
      }
      isServed = true;
      for await (const event of events(pieces(answer, longest, mine))) {
        if (event === "[DONE]") { isWhole = true; continue; }
        const value = JSON.parse(event);
        if (value.error) throw new Error("broken");
        const part = value.choices?.[0]?.delta?.content;
        isWhole ||= Boolean(value.choices?.[0]?.finish_reason);
        if (typeof part !== "string") continue;
        whole += part;
        turn.node.appendData(part);
        follow();
      }
      if (!isWhole) throw new Error("broken");
      if (!whole) turn.node.data = words.empty;
    } catch {
      const how = mine.signal.reason;
      note(turn, how === "stop" ? answer ? words.stopped : words.early : how === "long" ? words.long : answer ? words.broken : words.unreachable);
    } finally {
      if (!whole && !isWhole) turn.spoken.remove();
      if (whole) said.push({ role: "user", content: text }, { role: "assistant", content: whole });
      while (said.length && JSON.stringify(said).length > longestTalk) said.splice(0, 2);
      // What was not served is not lost.
      if (!isServed && !message.value) message.value = text;
      if (answer) receive(turn, answer.headers, began);
    }
  }

  // What is left now, of the account and of each key.
  async function renew() {
    const page = await newer();
    if (!page) return;
    put(page);
    for (const option of choice.options) {
      const now = page.querySelector(`[data-at=key] option[value="${CSS.escape(option.value)}"]`);
      if (now) option.textContent = now.textContent;
    }
  }

  function busy(isBusy) {
    if (!isBusy && document.activeElement === stop) message.focus();
    stop.hidden = !isBusy;
    send.toggleAttribute("disabled", isBusy);
    again.hidden = isBusy || !talk.childElementCount;
  }

  async function submit() {
    if (stopper) return;
    const [text, secret] = [message.value.trim(), field.value.trim()];
    if (!/^[\x21-\x7e]{8,256}$/.test(secret)) return flaw(secret ? words.malformed : words.unsaid);
    if (!text) return message.focus();
    flaw("");
    stopper = new AbortController();
    follows = true;
    const turn = begin(text);
    message.value = "";
    message.focus();
    busy(true);
    follow();
    await call(text, secret, turn);
    stopper = null;
    turn.theirs.removeAttribute("aria-busy");
    busy(false);
    // Once, when all of it is there.
    announce(turn.theirs.innerText.slice(0, 2000));
    follow();
    await renew().catch(() => {});
  }

  choice.addEventListener("change", choose);
  field.addEventListener("input", type);
  stop.addEventListener("click", () => stopper?.abort("stop"));
  again.addEventListener("click", () => {
    said = [];
    talk.replaceChildren();
    busy(false);
    message.focus();
  });
  for (const kind of ["wheel", "touchmove"]) addEventListener(kind, () => { follows = false; }, { passive: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  choose();
  box.hidden = false;
}

// A page that comes back from the browser's memory takes forms again.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

prepare(document);
hideLater(document.querySelector("main [data-hide]"));
