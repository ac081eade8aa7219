"""A real nginx in front of a server, as operators put it there. (`make install-test` installs it.)"""

import shutil
import socket
import subprocess
from pathlib import Path

from waiting import wait_for


class Nginx:
    """One nginx that passes everything on to `target` and adds its caller to X-Forwarded-For, as its manual says.

    It calls from `address`, which the server behind it may trust. It has a `url`, so that a Client may call it.
    """

    is_latchkey = False

    def __init__(self, home, target, address="127.0.0.1"):
        binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert binary, "nginx is missing: make install-test"
        self.home = Path(home)
        self.home.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        temporary = " ".join(
            f"{kind}_temp_path {self.home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = self.home / "nginx.conf"
        # One process, under the user that started it: there is nothing here that needs another.
        config.write_text(f"""
            daemon off; master_process off; pid {self.home}/pid; error_log {self.home}/error.log;
            events {{ worker_connections 256; }}
            http {{
              access_log off; large_client_header_buffers 4 32k; {temporary}
              server {{
                listen 127.0.0.1:{port};
                location / {{
                  proxy_pass {target};
                  proxy_bind {address};
                  proxy_set_header Host $http_host;
                  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                }}
              }}
            }}
            """)
        self.process = subprocess.Popen([binary, "-c", config, "-p", self.home], stderr=subprocess.DEVNULL)

        def is_listening():
            assert self.process.poll() is None, f"nginx ended: {(self.home / 'error.log').read_text()}"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False

        wait_for("nginx", is_listening)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
