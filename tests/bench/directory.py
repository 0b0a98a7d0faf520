"""The benchmark of the directory: the hot index, and the store beneath it."""

import dataclasses
import tempfile

from table import Target, make_row, run_program

TARGETS = ["//tests/bench:directory_index", "//tests/bench:directory_store"]
_REDIS_BYTES_A_KEY = 96  # Of a small set by a 32-digit key; a figure, not measured here.


@dataclasses.dataclass(frozen=True)
class Scale:
    entries: int
    rounds: int
    stall_seconds: int
    updates: int


FULL = Scale(entries=10_000_000, rounds=5, stall_seconds=20, updates=500_000)
QUICK = Scale(entries=1_000_000, rounds=2, stall_seconds=3, updates=100_000)


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale

    def _run(self, program, *words):
        return run_program(self._programs / program, *words)

    def _millions(self):
        return f"{self._scale.entries / 1e6:g} M contents"

    def lookup(self):
        found = self._run("directory_index", "lookup", self._scale.entries, self._scale.rounds)
        what = f"lookups, {self._millions()}, one thread, beside flat_hash_map"
        peer = found["flat_hash_map"]
        yield make_row(f"{what}: asked ahead", found["ahead"], peer, "/s",
                       Target(">=", 8e6, False))
        yield make_row(f"{what}: 32 a session", found["turn"], peer, "/s",
                       Target(">=", 8e6, False))
        yield make_row(f"{what}: 1 a session", found["single"], peer, "/s")
        yield make_row(f"{what}: not there", found["miss"], peer, "/s")

    def readers(self):
        found = self._run("directory_index", "readers", self._scale.entries, self._scale.rounds)
        yield make_row("lookups, 2 readers and a writer of 20,000/s, beside 1 reader",
                       found["two"], found["one"], "/s", Target(">=", 1.6))
        yield make_row("the same, by the readers' own CPU time", found["two_cpu"],
                       found["one_cpu"], "/s")

    def stalls(self):
        found = self._run("directory_index", "stalls", self._scale.entries,
                          self._scale.stall_seconds)
        for name, label in (("paced", "20,000 changes/s"), ("growing", "all the writer can")):
            what = f"longest lookup beside {label}, beside reads of unshared words in turn"
            for which, value, target in (("own CPU time", "cpu_max_us", Target("<=", 1000, False)),
                                         ("with preemption", "wall_max_us", None),
                                         ("p99.99", "p9999_us", None)):
                yield make_row(f"{what}: {which}", found[f"{name}_{value}"],
                               found[f"{name}_peer_{value}"], "us", target)

    def memory(self):
        found = self._run("directory_index", "memory", self._scale.entries)
        what = f"resident memory a content, up to {self._millions()}, beside Redis' figure"
        # What does not grow with the contents counts too much where there are few.
        yield make_row(f"{what}: worst", found["worst_bytes"], _REDIS_BYTES_A_KEY, "B",
                       Target("<=", 48, False) if self._scale is FULL else None)
        yield make_row(f"{what}: at the end", found["last_bytes"], _REDIS_BYTES_A_KEY, "B")

    def updates(self):
        with tempfile.TemporaryDirectory() as folder:
            found = self._run("directory_store", "updates", folder, self._scale.updates,
                              self._scale.rounds)
        what = "location updates, synced together, beside RocksDB synced by 1,000"
        for size, target in ((1000, Target(">=", 0.6)), (100, None)):
            yield make_row(f"{what}: applied by {size:,}", found[f"ours_{size}"], found["peer"],
                           "/s", target)
        yield make_row("intents, one after the other, each synced", found["intents"], None, "/s")

    def restart(self):
        with tempfile.TemporaryDirectory() as folder:
            self._run("directory_store", "fill", folder, self._scale.entries)
            found = self._run("directory_store", "load", folder, self._scale.entries)
        what = f"restart with {self._millions()}"
        yield make_row(f"{what}: the store is open", found["open_seconds"], None, "s")
        yield make_row(f"{what}: the index is loaded", found["ready_seconds"], None, "s",
                       Target("<=", 10, False))

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"lookup": self.lookup, "readers": self.readers, "stalls": self.stalls,
                "memory": self.memory, "updates": self.updates, "restart": self.restart}
