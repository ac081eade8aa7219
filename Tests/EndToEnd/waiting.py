"""Waiting with a deadline: the only way this suite waits for anything."""

import time


def wait_for(what, condition, deadline=10.0, interval=0.02):
    """Calls `condition` until it returns something other than None and False, and returns that. Fails by name when the
    deadline passes. (Not truth itself: an HTTP answer with an error status is false to the `requests` package.)"""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result is not None and result is not False:
            return result
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline} s in vain for {what}")
        time.sleep(interval)


def wait_until(moment, deadline=130.0):
    """Waits for a wall-clock moment (seconds since 1970). Refuses a moment so far away that it must be a mistake."""
    assert moment - time.time() <= deadline, f"{moment - time.time():.0f} s is longer than this suite waits"
    wait_for(f"the clock to reach {moment}", lambda: time.time() >= moment, deadline=deadline + 1)
