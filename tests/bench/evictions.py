"""Members that are killed, and members that must not be evicted."""

import multiprocessing
import os
import queue
import random
import time

from measurement import Process
from table import Target, make_row

_VICTIM = 3  # Neither the sender nor the SM.
_WAIT_S = 30
_DETECTION_MS = 300
_STALL_ABOVE_DETECTION_MS = 20


def _receiver(network, program, i, lines):
    return Process(network, i, [str(program), "recv", str(i), "200", "0", str(network.size - 1)],
                   lines)


class _Sender:
    """What the sender tells of views and pauses."""

    def __init__(self, lines):
        self._lines = lines
        self.gaps = []  # (start, length) in ns

    def await_view(self, full):
        """The time at which the sender had a view with that many full members."""
        deadline = time.monotonic() + _WAIT_S
        while True:
            words = self._next(deadline)
            if words[:1] == ["V"] and int(words[2]) == full:
                return int(words[1])

    def listen(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._next(deadline)
            except queue.Empty:
                return

    def _next(self, deadline):
        while True:
            left = max(0.0, deadline - time.monotonic())
            _, index, words = self._lines.get(timeout=left)
            if words[:1] == ["G"]:
                self.gaps.append((int(words[1]), int(words[2])))
            if index == 0:
                return words

    def longest_gap(self, since, until):
        return max((length for start, length in self.gaps
                    if start + length >= since and start <= until), default=0)


def killed(network, program, times):
    lines = queue.Queue()
    processes = {}
    detections, stalls = [], []
    try:
        for i in range(1, network.size):
            processes[i] = _receiver(network, program, i, lines)
        processes[0] = Process(network, 0, [str(program), "evict", str(network.size - 1)], lines)
        sender = _Sender(lines)
        sender.await_view(network.size)
        for _ in range(times):
            sender.listen(0.5 + random.random() / 2)
            killed_at = time.monotonic_ns()
            processes[_VICTIM].kill()
            noticed_at = sender.await_view(network.size - 1)
            sender.listen(0.2)
            detections.append((noticed_at - killed_at) / 1e6)
            stalls.append(sender.longest_gap(killed_at, noticed_at) / 1e6)
            processes[_VICTIM].stop()
            processes[_VICTIM] = _receiver(network, program, _VICTIM, lines)
            sender.await_view(network.size)
    except queue.Empty:
        print(f"-- the group did not change its view in {_WAIT_S} s")
    finally:
        for process in processes.values():
            process.stop()
    yield from _killed_rows(detections, stalls, times)


def _killed_rows(detections, stalls, times):
    complete = len(detections) == times
    what = f"a member killed {times} times"
    beyond = [stall - detection for stall, detection in zip(stalls, detections)]
    yield make_row(f"{what}: longest detection", max(detections) if complete else None, None, "ms",
                   Target("<=", _DETECTION_MS, False))
    yield make_row(f"{what}: most that commits stall beyond it", max(beyond) if complete else None,
                   None, "ms", Target("<=", _STALL_ABOVE_DETECTION_MS, False))


def _burn():
    while True:
        pass


def soak(network, program, minutes):
    """Full load, and as many busy processes as there are cores: nobody may be evicted."""
    lines = queue.Queue()
    burners = [multiprocessing.Process(target=_burn, daemon=True)
               for _ in range(os.cpu_count() or 1)]
    processes = []
    evictions = 0
    full = False
    ended = False
    try:
        for i in range(1, network.size):
            processes.append(_receiver(network, program, i, lines))
        for burner in burners:
            burner.start()
        words = [str(program), "flood", "200", str(network.size - 1), str(minutes * 60)]
        processes.append(Process(network, 0, words, lines))
        deadline = time.monotonic() + minutes * 60 + _WAIT_S
        while not ended:
            _, index, words = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            if index == 0 and words[:1] == ["V"]:
                evictions += 1 if full and int(words[2]) < network.size else 0
                full = full or int(words[2]) == network.size
            ended = index == 0 and words[:1] == ["S"]
    except queue.Empty:
        print("-- the sender did not end")
    finally:
        for process in processes:
            process.stop()
        for burner in burners:
            if burner.pid is not None:
                burner.terminate()
                burner.join()
    yield make_row(f"{minutes} minutes of full load on busy cores: false evictions",
                   evictions if ended else None, None, "", Target("<=", 0, False))
