"""An authenticator app: RFC 6238 with SHA-1, six digits and steps of 30 seconds."""

import base64
import hmac

import planted
from client import expect

STEP = 30


def code_at(secret, moment):
    """The code of a secret in base32 at a time in seconds since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, int(moment // STEP).to_bytes(8, "big"), "sha1").digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


class Authenticator:
    """The app of one person, and the recovery codes that they wrote down. Its clock is the server's."""

    def __init__(self, server, secret, recovery_codes=()):
        self.server, self.secret, self.recovery_codes = server, secret, list(recovery_codes)

    def code(self, steps=0):
        """The code of now, or of so many steps later."""
        return code_at(self.secret, self.server.now() + steps * STEP)

    def wrong_code(self):
        """Six digits that are the code of no step that anybody would take."""
        near = {self.code(steps) for steps in range(-20, 21)}
        return next(
            code for code in ("000000", "111111", "222222", *map(str, range(333333, 333999))) if code not in near
        )


def begin(person):
    """Begins to set a second factor; nothing is confirmed yet."""
    made = expect(person.call("POST", "/api/v1/users/current/totp"), 201).json()
    planted.plant("second factor", made["secret"])
    return Authenticator(person.client.server, made["secret"])


def confirm(person, authenticator, code=None):
    answer = person.call("POST", "/api/v1/users/current/totp/confirmation", json={"code": code or authenticator.code()})
    return plant_codes(answer)


def plant_codes(answer):
    if answer.status_code < 300:
        for code in answer.json()["recovery_codes"]:
            planted.plant("recovery code", code)
    return answer


def enrol(person):
    """Sets a second factor. The code of the present step is spent by that."""
    authenticator = begin(person)
    authenticator.recovery_codes = expect(confirm(person, authenticator), 200).json()["recovery_codes"]
    return authenticator
