"""No answer's time tells what its text doesn't: who has an account, and how much of a guessed key is right.

ASVS 6.3.8 (sign-in with known and unknown addresses), ASVS 11.2.4 (keys that differ early and late): 2,000 of each in
`make test-long`, some hundreds in `make test`, which see what a careless change would do.

Two kinds of requests are asked in random order over one kept-alive connection. Twice they are compared by a
Mann–Whitney test, and have to be of one kind with p > 0.01: by the time that the caller waits, and by the time that the
server's processors spend, which shows also on a busy machine what the one answer takes more work than the other. The
same measure tells apart what does differ, in every run, or it would be worth nothing.
"""

import contextlib
import gc
import http.client
import json
import math
import os
import random
import statistics
import time

import pytest

from client import MEMBER_SCOPES
from deployment import Deployment
from length import length
from shapes import alphabet_of, crc32_base62

SAMPLES = length(500, 2000)
# A sign-in takes fifty times as long as a guess.
SIGN_INS = length(150, 2000)
# Enough to see what does differ.
TOLD_APART = length(100, 200)
# The server's least allowed memory and the passes that go with it: the quickest Argon2id there may be.
QUICK = {
    "LATCHKEY_ARGON2_MEMORY_KIB": 7168,
    "LATCHKEY_ARGON2_ITERATIONS": 5,
    # Each sign-in comes from an address of its own, as this proxy says: the throttle is met by nobody.
    "LATCHKEY_LISTEN_TRUSTED_PROXIES": "127.0.0.1",
    # A line for each refusal is the same work for all of them, and only noise here.
    "LATCHKEY_LOG_LEVEL": "error",
}

_addresses = iter(f"10.{a}.{b}.{c}" for a in range(256) for b in range(256) for c in range(1, 255))


def p_value(one, other):
    """Two-sided p of the Mann–Whitney U test, by the normal approximation with the correction for ties."""
    n, m = len(one), len(other)
    everything = sorted([(value, True) for value in one] + [(value, False) for value in other])
    rank_sum, ties, start = 0.0, 0, 0
    while start < len(everything):
        end = start
        while end < len(everything) and everything[end][0] == everything[start][0]:
            end += 1
        # Equal values share the middle of their ranks, which begin at 1.
        rank_sum += (start + 1 + end) / 2 * sum(is_one for _, is_one in everything[start:end])
        ties += (end - start) ** 3 - (end - start)
        start = end
    u = rank_sum - n * (n + 1) / 2
    variance = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    return math.erfc(abs(u - n * m / 2) / math.sqrt(variance) / math.sqrt(2)) if variance else 1.0


class Stopwatch:
    """One kept-alive connection, and nothing between the clock and the socket that a test could do without."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.threads = f"/proc/{server.process.pid}/task"

    def work(self):
        """The nanoseconds for which the server's threads have run so far."""
        total = 0
        for thread in os.listdir(self.threads):
            with contextlib.suppress(OSError):  # a thread that has ended meanwhile
                with open(f"{self.threads}/{thread}/schedstat", "rb") as counters:
                    total += int(counters.read().split()[0])
        return total

    def take(self, status, method, path, headers, body=None):
        """(the nanoseconds that one answer takes, those of work in it); the answer has to have this status."""
        before = self.work()
        began = time.perf_counter_ns()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        took = time.perf_counter_ns() - began
        assert answer.status == status, answer.status
        return took, self.work() - before


MEASURES = ("waited", "worked")
BLOCK = 10  # of each kind


def samples(one, other, count):
    """By measure, `count` times of each of two kinds, in random order within short blocks, each as a multiple of its
    block's median: a machine that is busy for a while is so for both kinds. What is far out in either is left out of
    both, by one limit for all, since a pause meets the kinds alike."""
    for kind in (one, other) * BLOCK:  # connections, caches and branch predictors are warm from here on
        kind()
    taken = {measure: ([], []) for measure in MEASURES}
    gc.disable()
    try:
        for _ in range(count // BLOCK):
            order = [0, 1] * BLOCK
            random.shuffle(order)
            block = [(one, other)[index]() for index in order]
            for measure, values in zip(MEASURES, zip(*block)):
                median = statistics.median(values)
                for index, value in zip(order, values):
                    taken[measure][index].append(value / median)
    finally:
        gc.enable()
    return {measure: trimmed(*values) for measure, values in taken.items()}


def trimmed(one, other):
    limit = sorted(one + other)[int(len(one + other) * 0.95) - 1]
    return [value for value in one if value <= limit], [value for value in other if value <= limit]


def measured(one, other, count):
    """The smallest p of all measures, and what there is to tell."""
    ps, about = [], []
    for measure, taken in samples(one, other, count).items():
        ps.append(p_value(*taken))
        medians = [statistics.median(values) for values in taken]
        about.append(f"{measure}: p = {ps[-1]:.3g}, medians {medians[0]:.4f} and {medians[1]:.4f} of their blocks'")
    return min(ps), "; ".join(about)


def look_alike(one, other, count):
    """Chance alone fails one comparison in fifty, so there is a second one with fresh samples; not a third."""
    first, about = measured(one, other, count)
    if first > 0.01:
        return
    second, again = measured(one, other, count)
    assert second > 0.01, f"{about}. Once more: {again}"


def are_told_apart(one, other, count):
    """With a second try, too, for a machine that was busy with something else."""
    first, about = measured(one, other, count)
    if first < 0.01:
        return
    second, again = measured(one, other, count)
    assert second < 0.01, f"the measure doesn't see what is there: {about}. Once more: {again}"


# The measure itself


def test_the_statistic_is_the_one_of_the_books():
    """Against worked examples: 5 against 5 in two orders, and one with ties."""
    assert p_value([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(0.00902, abs=1e-4)
    assert p_value([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]) == pytest.approx(0.6015, abs=1e-3)
    assert p_value([1, 1, 2, 2], [1, 2, 2, 3]) == pytest.approx(0.3428, abs=1e-4)
    assert p_value([1, 2], [1, 2]) == 1.0


def test_the_statistic_finds_a_small_shift_and_only_that():
    """A shift of a tenth of the noise is found in 2,000 samples, and what is of one kind is of one kind."""
    source = random.Random(20261121)
    one, other = ([source.gauss(100, 10) for _ in range(2000)] for _ in range(2))
    assert p_value(one, other) > 0.01
    assert p_value(one, [value + 1.5 for value in other]) < 0.001


# Signing in


@pytest.fixture(scope="module")
def quick_deployment(homes):
    made = Deployment(homes / "timing", QUICK)
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(quick_deployment):
    """Eight people with addresses of one length, so that the requests are of one length too."""
    tenant = quick_deployment.new_tenant("Timed")
    return [quick_deployment.new_person(tenant.account["id"], email=address()) for _ in range(8)]


def address():
    """An address that nobody has, as long as those that somebody has."""
    return f"{random.getrandbits(64):016x}@example.test"


def sign_in(watch, email, password, status=401):
    headers = {"Content-Type": "application/json", "X-Forwarded-For": next(_addresses)}
    body = json.dumps({"email": email, "password": password})
    return watch.take(status, "POST", "/api/v1/sessions", headers, body)


@pytest.mark.long
def test_an_unknown_address_takes_as_long_as_a_wrong_password(quick_deployment, people):
    """ASVS 6.3.8. Sign-ins with known and with unknown addresses, all with a wrong password."""
    watch = Stopwatch(quick_deployment.server)
    look_alike(
        lambda: sign_in(watch, random.choice(people).email, new_wrong_password()),
        lambda: sign_in(watch, address(), new_wrong_password()),
        SIGN_INS,
    )


@pytest.mark.long
def test_a_right_password_is_told_from_a_wrong_one(quick_deployment, people):
    """What does differ, since it opens a session: this measure sees it in fewer samples."""
    watch = Stopwatch(quick_deployment.server)

    def right():
        person = random.choice(people)
        return sign_in(watch, person.email, person.password, 201)

    are_told_apart(right, lambda: sign_in(watch, random.choice(people).email, new_wrong_password()), TOLD_APART)


def new_wrong_password():
    return f"{random.getrandbits(96):024x}"


# Keys


def with_other(token, place):
    """The same token with another character at a place after its prefix, and the checksum that goes with that: whoever
    reads it offline takes it for a real one."""
    alphabet, start = alphabet_of(token), len(token) - 51
    at = start + place
    other = random.choice([character for character in alphabet if character != token[at]])
    text = token[:at] + other + token[at + 1 : -6]
    return text + crc32_base62(text, alphabet)


# Where the parts of a token lie: an id of 12, a secret of 22, a keyed tag of 11, a checksum.
FIRST_OF_SECRET, LAST_OF_SECRET = 12, 33
FIRST_OF_TAG, LAST_OF_TAG = 34, 44


@pytest.fixture(scope="module")
def timed(quick_deployment):
    made = quick_deployment.new_tenant("Timed keys")
    made.key = made.key(made.application()["id"])
    made.platform_token = made.person.platform_token(MEMBER_SCOPES)["token"]
    return made


CHAT = json.dumps({"messages": [{"role": "user", "content": "hello"}]})
CALLS = {"key": ("POST", "/v1/chat/completions", CHAT), "platform token": ("GET", "/api/v1/users/current", None)}


@pytest.fixture(params=CALLS)
def guess(request, timed, quick_deployment):
    """Presents a token with one character changed, or as it is."""
    watch = Stopwatch(quick_deployment.server)
    genuine = timed.key if request.param == "key" else timed.platform_token
    method, path, body = CALLS[request.param]

    def present(place=None):
        token, status = (genuine, 200) if place is None else (with_other(genuine, place), 401)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return watch.take(status, method, path, headers, body)

    return present


@pytest.mark.long
@pytest.mark.parametrize(
    "first, last",
    [(FIRST_OF_SECRET, LAST_OF_SECRET), (FIRST_OF_TAG, LAST_OF_TAG)],
    ids=["of the secret", "of the keyed tag"],
)
def test_a_guess_that_is_wrong_early_takes_as_long_as_one_that_is_wrong_late(guess, first, last):
    """ASVS 11.2.4. With a right checksum, so that it is the keyed tag that refuses them."""
    look_alike(lambda: guess(first), lambda: guess(last), SAMPLES)


@pytest.mark.long
def test_a_genuine_token_is_told_from_a_forged_one(guess):
    """What does differ, since it is looked up and served: the same measure sees it, in fewer samples."""
    are_told_apart(guess, lambda: guess(LAST_OF_TAG), TOLD_APART)


@pytest.mark.parametrize("place", [FIRST_OF_SECRET, LAST_OF_SECRET, FIRST_OF_TAG, LAST_OF_TAG])
def test_a_guess_is_wrong_in_one_character_and_right_in_its_checksum(timed, place):
    """So that nothing but the keyed tag can refuse it."""
    for token in (timed.key, timed.platform_token):
        other, start = with_other(token, place), len(token) - 51
        assert alphabet_of(other) == alphabet_of(token)
        assert [i - start for i in range(len(token) - 6) if other[i] != token[i]] == [place]
