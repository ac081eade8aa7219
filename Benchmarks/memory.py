"""What a call under way holds of memory: many with a body of 4 MiB each, while the upstream takes its time."""

import concurrent.futures
import time

import machine
import requests
from deployment import Latchkey, furnish
from load import body
from programs import Upstream

CALLS = 16
SIZE = 4 << 20


def measure(folder):
    data = f"{folder}/memory"
    with Upstream(folder) as upstream:
        _, key = furnish(data, upstream.base)
        with Latchkey(data) as server, concurrent.futures.ThreadPoolExecutor(CALLS) as threads:
            text = body(SIZE, model="wait")
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

            def call(text):
                answer = requests.post(server.chat, data=text, headers=headers, timeout=120)
                assert answer.status_code == 200, answer.text

            # Whatever is made once is not what is measured.
            list(threads.map(call, [body()] * CALLS))
            time.sleep(1)
            machine.forget_peak(server.process.pid)
            before = server.rss_mib
            list(threads.map(call, [text] * CALLS))
            peak = machine.status_mib(server.process.pid, "VmHWM")
    return {"mib_per_call_of_4mib_body": (peak - before) / CALLS}
