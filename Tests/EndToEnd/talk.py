"""One connection by bare socket, for a conversation in turns: say something, hear what comes of it, say more."""

import socket
import time
import urllib.parse

import raw_http
import recorder


class Talk:
    """Use it in a `with`. `source` is the address to call from."""

    def __init__(self, server, source=None, timeout=20.0):
        address = urllib.parse.urlsplit(server.url)
        self.server, self.timeout = server, timeout
        self.connection = socket.create_connection(
            (address.hostname, address.port), timeout, (source, 0) if source else None
        )
        self.received = b""
        self.was_closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def say(self, data):
        self.connection.sendall(data)
        return self

    def hear(self, method="RAW", path="/", interim=False):
        """The next whole answer, without those bytes that came behind it. 1xx only with `interim`."""
        end = time.monotonic() + self.timeout
        while True:
            answer, rest = raw_http.parse(self.received, self.was_closed) if self.received else (None, b"")
            if answer is not None and answer.is_whole:
                self.received = rest
                if answer.status >= 200 and recorder.is_recorded(self.server):
                    recorder.record(method, path, answer.status, answer.headers, answer.body, True, False)
                if answer.status >= 200 or interim:
                    return answer
                continue
            assert not self.was_closed, f"closed without a whole answer; received {self.received[:300]!r}"
            assert self._more(end), f"no whole answer in {self.timeout} s; received {self.received[:300]!r}"

    def hear_until(self, ending):
        """Everything up to these bytes, as it came: for what is too long to be looked at again and again."""
        end = time.monotonic() + self.timeout
        pieces, self.received = [self.received], b""
        while not b"".join(pieces[-2:]).endswith(ending):
            assert not self.was_closed and self._more(end), f"no {ending!r} in {self.timeout} s"
            pieces.append(self.received)
            self.received = b""
        return b"".join(pieces)

    def is_silent(self, seconds):
        """Whether nothing comes for this long."""
        return not self.received and not self._more(time.monotonic() + seconds)

    def is_closed(self):
        """Whether the server closes, within the timeout, without another byte."""
        end = time.monotonic() + self.timeout
        while not self.was_closed and not self.received and self._more(end):
            pass
        return self.was_closed and not self.received

    def _more(self, end):
        """Waits for bytes or the end of the connection; false when the time is over first."""
        left = end - time.monotonic()
        if left <= 0:
            return False
        self.connection.settimeout(left)
        try:
            data = self.connection.recv(65536)
        except TimeoutError:
            return False
        except ConnectionResetError:
            data = b""
        self.received += data
        self.was_closed = self.was_closed or not data
        return True
