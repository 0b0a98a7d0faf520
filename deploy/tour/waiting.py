"""Waiting for what others do."""

import time


def wait_until(condition, what, patience=30, pause=0.05, failure=AssertionError):
    """Waits until condition() is true, and gives that; `failure` says what did not happen within
    `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise failure(f"{what}: not within {patience} s")
        time.sleep(pause)
