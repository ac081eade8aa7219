"""A real HAProxy in front of a server, with the check of its manual. (`make install-test` installs it.)"""

import csv
import io
import shutil
import socket
import subprocess
from pathlib import Path

from waiting import wait_for


class HAProxy:
    """One HAProxy that passes everything on to the server at `port` while `option httpchk GET /readyz` says that it is
    well: a request of HTTP/1.0 without a Host. It has a `url`, so that a Client may call it."""

    is_latchkey = False

    def __init__(self, home, port):
        binary = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert binary, "haproxy is missing: make install-test"
        self.home = Path(home)
        self.home.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            own = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{own}"
        config = self.home / "haproxy.cfg"
        config.write_text(f"""
global
  stats socket {self.home}/stats
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend door
  bind 127.0.0.1:{own}
  default_backend latchkey
backend latchkey
  option httpchk GET /readyz
  server one 127.0.0.1:{port} check inter 200ms rise 2 fall 2
""")
        self.process = subprocess.Popen([binary, "-db", "-q", "-f", config], stderr=subprocess.DEVNULL)

        def is_up():
            assert self.process.poll() is None, "haproxy ended"
            return Path(f"{self.home}/stats").exists()

        wait_for("haproxy", is_up)

    def checks(self):
        """(state, what the last check saw), as (`UP`, `L7OK`)."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(f"{self.home}/stats")
            connection.sendall(b"show stat\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        row = next(row for row in rows if row["pxname"] == "latchkey" and row["svname"] == "one")
        return row["status"], row["check_status"]

    def close(self):
        self.process.terminate()
        self.process.wait(20)
