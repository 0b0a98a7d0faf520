"""Runs a sender and its receivers, each in its namespace, and reads the lines that they print.

The lines are those of peers/line_protocol.h.
"""

import dataclasses
import os
import queue
import subprocess
import threading
import time

from network import address

_READY_S = 60
_STOP_S = 2


def busy_seconds():
    """CPU seconds that this machine has spent so far, whoever spent them."""
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


class Process:
    """A program in a namespace; its lines go into one queue that all share."""

    def __init__(self, network, index, words, lines):
        self.index = index
        self._child = subprocess.Popen(network.inside(index) + words, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()

    def _read(self, lines):
        for line in self._child.stdout:
            lines.put((time.monotonic_ns(), self.index, line.split()))
        lines.put((time.monotonic_ns(), self.index, ["EXIT"]))

    def kill(self):
        self._child.kill()

    def stop(self):
        self._child.terminate()
        try:
            self._child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join(_STOP_S)


@dataclasses.dataclass
class Result:
    complete: bool = False  # Everybody has everything, in order.
    seconds: float = 0.0    # From the sender's start to the last receiver's last message.
    messages: int = 0
    payload_bytes: int = 0
    busy: float = 0.0       # CPU seconds of the machine meanwhile.
    own_cpu: float = 0.0    # CPU seconds of the programs, without the kernel's own.
    p50_us: float = 0.0
    p99_us: float = 0.0
    rate: float = 0.0       # Of one-after-the-other sends.
    notes: tuple = ()

    @property
    def messages_per_second(self):
        return self.messages / self.seconds if self.complete and self.seconds else None

    @property
    def megabytes_per_second(self):
        return self.payload_bytes / self.seconds / 1e6 if self.complete and self.seconds else None

    @property
    def busy_per_gigabyte(self):
        return self.busy / (self.payload_bytes / 1e9) if self.complete else None


class _Lines:
    """What was printed in one run."""

    def __init__(self, lines, deadline):
        self._lines = lines
        self._deadline = deadline
        self.busy_at_go = None
        self.sent = None
        self.latencies = None
        self.received = {}
        self.notes = []

    def take(self):
        """One line; False when time is over."""
        try:
            _, index, words = self._lines.get(timeout=max(0.0, self._deadline - time.monotonic()))
        except queue.Empty:
            return False
        if words[:1] == ["GO"]:
            self.busy_at_go = busy_seconds()
        elif words[:1] == ["S"]:
            self.sent = words
        elif words[:1] == ["L"]:
            self.latencies = words
        elif words[:1] == ["R"]:
            self.received[index] = words
        elif words[:1] == ["EXIT"]:
            return index != 0 or self.sent is not None
        elif words and words[0] != "READY":
            self.notes.append(" ".join(words))
        return True


def _await_ready(processes, lines):
    waiting = {process.index for process in processes}
    deadline = time.monotonic() + _READY_S
    while waiting:
        _, index, words = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        if words[:1] == ["READY"]:
            waiting.discard(index)
        elif words[:1] == ["EXIT"]:
            raise RuntimeError(f"receiver {index} ended before it was ready")


def _result(lines, receivers):
    result = Result(notes=tuple(lines.notes[:5]))
    if lines.latencies:
        words = lines.latencies
        result.p50_us, result.p99_us, result.rate = (float(words[i]) for i in (3, 5, 9))
    if lines.sent is None or len(lines.received) < receivers:
        return result
    last = max(int(words[4]) for words in lines.received.values())
    result.seconds = (last - int(lines.sent[1])) / 1e9
    result.payload_bytes = min(int(words[1]) for words in lines.received.values())
    result.messages = min(int(words[2]) for words in lines.received.values())
    result.complete = all(words[5] == "0" and words[6] == "1" for words in lines.received.values())
    result.own_cpu = float(lines.sent[3]) + sum(float(w[7]) for w in lines.received.values())
    if lines.busy_at_go is not None:
        result.busy = busy_seconds() - lines.busy_at_go
    return result


def run(network, receivers, sender, receiver, timeout):
    """`sender` and `receiver` are lists of words; {i}, {n} and {addresses} are filled in."""
    lines = queue.Queue()
    processes = []
    try:
        for i in range(1, receivers + 1):
            words = [word.format(i=i, n=receivers) for word in receiver]
            processes.append(Process(network, i, words, lines))
        _await_ready(processes, lines)
        words = [word.format(n=receivers) for word in sender if word != "{addresses}"]
        if "{addresses}" in sender:
            words += [address(i) for i in range(1, receivers + 1)]
        processes.append(Process(network, 0, words, lines))
        seen = _Lines(lines, time.monotonic() + timeout)
        while (seen.sent is None or len(seen.received) < receivers) and seen.take():
            pass
        return _result(seen, receivers)
    except (RuntimeError, queue.Empty) as error:
        return Result(notes=(str(error) or "not ready in time",))
    finally:
        for process in processes:
            process.stop()
