"""Clients who ask at a steady pace, and what became of their requests."""

import dataclasses
import math
import pathlib
import subprocess
import tempfile
import time

_NAMES = {0: "refused", 1: "cut off", 2: "no answer", 3: "other bytes", 4: "the client's limits"}
_EXTRA_S = 20


@dataclasses.dataclass(frozen=True)
class Request:
    target: int
    due: float   # Seconds of the monotonic clock, as `ended`.
    ended: float
    end: int     # Its status; below 100: why there is none.
    again: bool = False  # Asked twice, the first time on a kept connection that was closed.

    @property
    def good(self):
        return self.end in (200, 302, 307)

    @property
    def took(self):
        return self.ended - self.due

    @property
    def why(self):
        return _NAMES.get(self.end, f"status {self.end}")


def read(path):
    requests = []
    with open(path, encoding="ascii") as file:
        for line in file:
            target, due, took, end, again = (int(word) for word in line.split())
            requests.append(Request(target, due / 1e9, (due + took) / 1e9, end, again == 1))
    return requests


def p99(requests):
    """Seconds; a request that failed counts as one that took for ever."""
    took = sorted(r.took if r.good else math.inf for r in requests)
    return took[min(len(took) - 1, len(took) * 99 // 100)] if took else None


def between(requests, begin, end):
    return [r for r in requests if begin <= r.due < end]


def served_again(requests, since):
    """The end of the longest time without an answer that ended after `since`."""
    good = sorted(r.ended for r in requests if r.good)
    gaps = [(after - before, after) for before, after in zip(good, good[1:]) if after > since]
    return max(gaps)[1] if gaps else math.inf


class Load:
    """Runs from the start to the end of the block; `requests` are there after it."""

    def __init__(self, programs, rate, seconds, host, targets):
        self._folder = tempfile.TemporaryDirectory()
        self._output = pathlib.Path(self._folder.name) / "requests"
        self._words = [str(programs / "paced_load"), str(rate), str(seconds), host,
                       str(self._output), *targets]
        self._limit = seconds + _EXTRA_S
        self._process = None
        self.requests = []

    def __enter__(self):
        self._process = subprocess.Popen(self._words, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                _, errors = self._process.communicate(timeout=self._limit)
                if self._process.returncode != 0:
                    raise RuntimeError(f"paced_load: {errors}")
                self.requests = read(self._output)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._folder.cleanup()


class Commits:
    """A guest of the farm that says something again and again; `requests` are its commits."""

    def __init__(self, farm, rate):
        self._folder = tempfile.TemporaryDirectory()
        self._output = pathlib.Path(self._folder.name) / "commits"
        managers = ",".join(f"{address}:7400" for address in farm.farm.manager_addresses.values())
        self._words = farm.guest_command(
            "farm_commits", managers, str(farm.farm.folder / "certificates" / "guest"),
            "10.77.0.8", "eth0", str(rate), str(self._output))
        self._process = None
        self.requests = []

    def __enter__(self):
        # Its log of views would be between the rows.
        log = pathlib.Path(self._folder.name) / "log"
        with open(log, "wb") as out:
            self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, text=True,
                                             stdout=subprocess.PIPE, stderr=out)
        if self._process.stdout.readline() != "joined\n":
            said = log.read_text(errors="replace")
            self.__exit__(RuntimeError)
            raise RuntimeError(f"farm_commits did not join:\n{said}")
        return self

    def __exit__(self, kind, *_):
        try:
            self._process.communicate(timeout=_EXTRA_S)
            if kind is None and self._output.exists():
                self.requests = read(self._output)
            elif kind is None:
                print(f"  farm_commits ended with status {self._process.returncode}")
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._folder.cleanup()


def sleep_until(instant):
    time.sleep(max(0.0, instant - time.monotonic()))
