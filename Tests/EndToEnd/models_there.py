"""An upstream that answers `GET /models`, in every way that one can."""

import http.server
import json
import ssl
import threading
import time

SECRET_PLACE = "{secret}"


class Lists(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("authorization")))
        time.sleep(server.delay)
        body = server.body.replace(SECRET_PLACE.encode(), (self.headers.get("authorization") or "").encode()[7:])
        try:
            self.send_response(server.status)
            self.send_header("content-length", str(len(body)))
            for name, value in server.fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # who asked has gone

    def log_message(self, *arguments):
        pass


class ModelsThere(http.server.ThreadingHTTPServer):
    """By TLS with this certificate, or without any in plain HTTP. `asked` has the paths and the secrets that came."""

    daemon_threads = True

    def __init__(self, status=200, body=None, names=("gpt-4o", "o3"), delay=0, certificate=None, fields={}):
        super().__init__(("127.0.0.1", 0), Lists)
        listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
        self.status, self.delay, self.fields = status, delay, fields
        self.body = json.dumps(listed).encode() if body is None else body
        self.asked = []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is for the thread of the connection: one that fails must end no other.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.server_port}/v1"

    def handle_error(self, request, address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join(10)
