import re
import subprocess
import threading

from server import BINARY, environment


class Staying:
    """A demo that goes on."""

    def __init__(self, home):
        self.temporary = home / "tmp"
        self.temporary.mkdir(parents=True)
        self.process = subprocess.Popen(
            [BINARY, "demo", "--stay"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=environment({"TMPDIR": self.temporary}),
        )
        self.told = ""

    def read_until(self, words):
        deadline = threading.Timer(120, self.process.kill)
        deadline.start()
        try:
            while words not in self.told:
                line = self.process.stdout.readline()
                assert line, self.told[-2000:]
                self.told += line
        finally:
            deadline.cancel()
        return self

    def field(self, name):
        return re.search(rf"^ +{name} +(\S+)$", self.told, re.MULTILINE).group(1)

    def end(self, which):
        self.process.send_signal(which)
        threading.Timer(30, self.process.kill).start()
        self.process.stdout.read()
        return self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
