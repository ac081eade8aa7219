"""Debian's Chromium, driven by Playwright, and a server of empty pages for it. (`make install-test` installs it; the
browsers that Playwright would download are not used.)"""

import contextlib
import http.server
import json
import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import requests
from playwright.sync_api import sync_playwright

import recorder
from waiting import wait_for

CHROMIUM = Path("/usr/bin/chromium")
JSON = {"Content-Type": "application/json"}

FETCH = """async ([url, init]) => {
    try {
        const answer = await fetch(url, init)
        return {status: answer.status, headers: [...answer.headers], body: await answer.text()}
    } catch (error) { return {error: String(error)} }
}"""
# Reads a stream as a page does, and leaves what has come so far where the test can see it.
READ = """([url, init]) => {
    window.text = ""
    window.reading = fetch(url, init).then(async answer => {
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
        for (let part; !(part = await reader.read()).done;) window.text += part.value
        return {status: answer.status, headers: [...answer.headers], body: window.text}
    })
}"""
FORM = """([url, name, value]) => {
    const form = document.body.appendChild(document.createElement("form"))
    Object.assign(form, {method: "post", enctype: "text/plain", action: url})
    form.appendChild(Object.assign(document.createElement("input"), {name, value}))
    form.submit()
}"""


class EmptyPage(http.server.BaseHTTPRequestHandler):
    """The same for every name of the host; /framed holds itself in a sandboxed frame."""

    def do_GET(self):
        frame = '<iframe sandbox="allow-scripts" src="/"></iframe>' if self.path == "/framed" else ""
        body = f"<!doctype html><title>A page</title>{frame}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def pages():
    """Serves empty pages, and gives the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


class Chromium:
    """The browser, which is started anew when it has ended."""

    def __init__(self, playwright):
        self.playwright = playwright
        self.launch()

    def launch(self):
        # Without its own sandbox, which root and most containers can't have: the only pages are those of the tests.
        self.browser = self.playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=False, args=["--disable-gpu", "--no-proxy-server"]
        )
        session = self.browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        [pid] = [process["id"] for process in processes if process["type"] == "browser"]
        self.process = os.pidfd_open(pid)
        session.detach()

    def new_context(self, **options):
        if not self.browser.is_connected():
            os.close(self.process)
            self.launch()
        return self.browser.new_context(**options)

    @contextlib.contextmanager
    def within(self, seconds):
        """Kills the browser when the block takes longer, so that the call that waits for it fails. Playwright gives
        clicks and page loads a deadline, but no script, no count and no close."""
        late = threading.Event()

        def kill():
            late.set()
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.process, signal.SIGKILL)

        timer = threading.Timer(seconds, kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            assert not late.is_set(), f"the browser was killed: it took longer than {seconds} s"


@contextlib.contextmanager
def chromium():
    assert CHROMIUM.exists(), "chromium is missing: make install-test"
    with sync_playwright() as playwright:
        made = Chromium(playwright)
        try:
            yield made
        finally:
            with made.within(30):
                made.browser.close()
            os.close(made.process)


class Tab:
    """An open page, with all that went between the browser and the gateway for it, preflights too."""

    def __init__(self, context, url, gateway):
        self.page, self.gateway, self.noted = context.new_page(), gateway, {}
        self.page.goto(url)
        self.frame = self.page.main_frame
        session = context.new_cdp_session(self.page)
        session.on("Network.requestWillBeSent", lambda e: self.note(e, **e["request"]))
        session.on("Network.requestWillBeSentExtraInfo", lambda e: self.note(e, cookies=e["associatedCookies"]))
        session.on(
            "Network.responseReceivedExtraInfo", lambda e: self.note(e, status=e["statusCode"], answered=e["headers"])
        )
        session.send("Network.enable")

    def note(self, event, **facts):
        self.noted.setdefault(event["requestId"], {}).update(facts)

    def enter_frame(self):
        """Goes on in the sandboxed frame of the page, which has no origin."""
        _, self.frame = self.page.frames
        assert self.frame.evaluate("[origin, document.title]") == ["null", "A page"]
        return self

    def on_the_wire(self, count):
        """The calls that the gateway has answered, whether or not a page may see it, once there are so many."""

        def enough():
            self.page.wait_for_timeout(10)  # meanwhile the browser's events come in
            whole = [call for call in self.noted.values() if {"url", "cookies", "status"} <= set(call)]
            found = [call for call in whole if call["url"].startswith(self.gateway)]
            return found if len(found) >= count else None

        return wait_for(f"{count} answers on the wire", enough)

    # Calls by a script of the page

    def fetch(self, method, path, body=None, headers=None, **init):
        """The answer, as far as the page can read it; None when the browser keeps it from the page."""
        init |= {"method": method, "headers": headers or {}} | ({} if body is None else {"body": body})
        seen = self.frame.evaluate(FETCH, [self.gateway + path, init])
        if "error" in seen:
            assert "Failed to fetch" in seen["error"], seen
            return None
        return self.answer(method, path, seen)

    def answer(self, method, path, seen, through_upstream=False):
        """As other tests know answers. It is judged as theirs are: what every answer must have, a page must see."""
        made = requests.Response()
        made.status_code, made._content = seen["status"], seen["body"].encode()
        made.headers.update(seen["headers"])
        made.raw = SimpleNamespace(headers=dict(seen["headers"]))
        made.request = requests.Request(method, self.gateway + path).prepare()
        recorder.record_requests(made, through_upstream=through_upstream)
        return made

    def chat(self, key, **fields):
        return self.fetch("POST", "/v1/chat/completions", **chat(key, fields))

    def begin_stream(self, key, **fields):
        init = {"method": "POST"} | chat(key, {"stream": True} | fields)
        self.frame.evaluate(READ, [self.gateway + "/v1/chat/completions", init])

    def read_until(self, text):
        """What the page has read of the stream once this has come."""
        self.frame.wait_for_function("part => text.includes(part)", arg=text, timeout=10_000)
        return self.frame.evaluate("text")

    def end_stream(self):
        return self.answer("POST", "/v1/chat/completions", self.frame.evaluate("reading"), through_upstream=True)

    def submit(self, path, name, value):
        """Leaves the page by a form; the answer is what the browser shows then."""
        with self.page.expect_navigation() as navigation:
            self.page.evaluate(FORM, [self.gateway + path, name, value])
        return navigation.value


def chat(key, fields):
    body = {"messages": [{"role": "user", "content": "hello"}]} | fields
    return {"headers": JSON | {"Authorization": f"Bearer {key['token']}"}, "body": json.dumps(body)}
