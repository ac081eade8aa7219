"""The programs that take part beside Latchkey: the upstream, and nginx as its rival."""

import pathlib
import shutil
import socket
import subprocess
import time

from options import SOURCES

SECRET = "upstream-secret"


def compiled(folder, name, *flags):
    """A C source of this folder, compiled."""
    compiler = next(filter(None, map(shutil.which, ("clang", "cc"))), None)
    if not compiler:
        raise SystemExit("There is no C compiler; the Swift toolchain has clang.")
    path = pathlib.Path(folder) / f"{name}.compiled"
    if not path.exists():
        command = [compiler, "-O2", "-Wall", "-Werror", *flags, "-o", path, SOURCES / f"{name}.c", "-ldl"]
        subprocess.run(command, check=True)
    return path


class Program:
    """One process, ended with the `with` that it stands in."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)


class Upstream(Program):
    """upstream.c: a provider that answers at once, and only what is asked as it has to be."""

    def __init__(self, folder):
        self.process = subprocess.Popen([compiled(folder, "upstream")], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        # What a gateway is given; and where nobody adds a prompt, for calls past it.
        self.base = f"http://127.0.0.1:{self.port}/v1"
        self.plain = f"http://127.0.0.1:{self.port}/plain/v1/chat/completions"


class Nginx(Program):
    """The rival: a proxy to the same upstream that knows one key by a static map and puts the upstream's secret in.

    It does what it can of the same work: it adds no prompt, meters nothing and writes nothing. `/asked` is the same
    with `auth_request`: another nginx is asked about each call and answers 204. The configuration is fixed: two
    workers, one for each core of the machine that the goals were measured on, kept connections on both sides, no log.
    """

    def __init__(self, folder, keys, upstream):
        self.port, asked, folder = free_port(), free_port(), pathlib.Path(folder)
        known = "".join(f'"Bearer {key}" 1; ' for key in keys)
        shared = f"""
          access_log off; keepalive_requests 1000000000; client_max_body_size 16m; client_body_buffer_size 16m;
          client_body_temp_path {folder}/nginx-1; proxy_temp_path {folder}/nginx-2; fastcgi_temp_path {folder}/nginx-3;
          uwsgi_temp_path {folder}/nginx-4; scgi_temp_path {folder}/nginx-5;"""
        passing = f"""
          proxy_pass http://up/plain/v1/chat/completions; proxy_http_version 1.1; proxy_buffering off;
          proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {SECRET}";"""
        (folder / "nginx.conf").write_text(
            f"""
            daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
            events {{ worker_connections 2048; }}
            http {{
              {shared}
              map_hash_max_size 65536; map_hash_bucket_size 256;
              map $http_authorization $known {{ default 0; {known} }}
              upstream up {{ server 127.0.0.1:{upstream.port}; keepalive 512; }}
              upstream asked {{ server 127.0.0.1:{asked}; keepalive 512; }}
              server {{
                listen 127.0.0.1:{self.port} reuseport;
                location / {{ if ($known = 0) {{ return 401; }} {passing} }}
                location /asked {{ auth_request /ask; {passing} }}
                location = /ask {{
                  internal; proxy_pass http://asked/; proxy_http_version 1.1; proxy_pass_request_body off;
                  proxy_set_header Connection ""; proxy_set_header Content-Length "";
                }}
              }}
              server {{
                listen 127.0.0.1:{asked} reuseport;
                location / {{ if ($known = 0) {{ return 401; }} return 204; }}
              }}
            }}
            """
        )
        self.process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder])
        self.url, self.asked_url = f"http://127.0.0.1:{self.port}/", f"http://127.0.0.1:{self.port}/asked"
        try:
            wait_for_port(self.port)
        except BaseException:
            self.stop()
            raise


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")
