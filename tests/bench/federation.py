"""The benchmark of the federation: what a manager above others keeps, finds and answers, and how
fast changes and purges go through all levels."""

import dataclasses
import tempfile

import chain
import redirects
import tree_purges
from table import Target, make_row, run_program

TARGETS = ["//tests/bench:federation_store", "//tests/bench:federation_locate", *redirects.TARGETS,
           *chain.TARGETS, *tree_purges.TARGETS]
AS_ROOT = ("resume",)  # It cuts a link in a network namespace.


@dataclasses.dataclass(frozen=True)
class Scale:
    contents: int
    rounds: int
    locations: int
    locate_seconds: float
    redirects: redirects.Scale
    chain: chain.Scale
    purges: int


FULL = Scale(contents=1_000_000, rounds=5, locations=20_000_000, locate_seconds=5,
             redirects=redirects.Scale(contents=1_000_000, pairs=7, seconds=5, connections=64),
             chain=chain.Scale(held=1_000_000, seconds=600, visible_s=60, cut_s=60), purges=200)
QUICK = Scale(contents=100_000, rounds=2, locations=1_000_000, locate_seconds=1,
              redirects=redirects.Scale(contents=1_000_000, pairs=2, seconds=2, connections=64),
              chain=chain.Scale(held=100_000, seconds=30, visible_s=10, cut_s=10), purges=30)


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale

    def _run(self, *words, program="federation_store"):
        return run_program(self._programs / program, *words)

    def contents(self):
        with tempfile.TemporaryDirectory() as folder:
            found = self._run("contents", folder, self._scale.contents, self._scale.rounds)
        what = f"contents with URIs of 100 bytes, {self._scale.contents / 1e6:g} M"
        yield make_row(f"{what}: written", found["written"], None, "/s")
        yield make_row(f"{what}: read in the order of keys", found["at_once"], None, "/s")
        yield make_row(f"{what}: the same in steps of 500", found["in_steps"], None, "/s",
                       Target(">=", 250e3, False))

    def memory(self):
        full = self._scale is FULL  # What does not grow counts too much where there are few.
        with tempfile.TemporaryDirectory() as folder:
            grown = self._run("memory", folder, self._scale.locations)
            restarted = self._run("restart", folder, self._scale.locations)
        what = f"{self._scale.locations / 1e6:g} M locations of two CDNs"
        yield make_row(f"{what}: resident memory each, worst", grown["worst_bytes"], None, "B",
                       Target("<=", 64, False) if full else None)
        yield make_row(f"{what}: of it the index", grown["worst_index_bytes"], None, "B")
        yield make_row(f"{what}: applied, index and store", grown["grown"], None, "/s")
        yield make_row(f"{what}: a restart is ready", restarted["ready_seconds"], None, "s",
                       Target("<=", 20, False))
        yield make_row(f"{what}: resident memory each then", restarted["ready_bytes"], None, "B")

    def locate(self):
        for concurrency in (1, 32):
            found = self._run(concurrency, self._scale.locate_seconds, self._scale.rounds,
                              program="federation_locate")
            what = f"located at another CDN, six hops, {concurrency} at once"
            yield make_row(what, found["ours_rate"], found["peer_rate"], "/s", Target(">=", 0.6))
            yield make_row(f"{what}: p50", found["ours_p50_us"], found["peer_p50_us"], "us",
                           Target("<=", 1.5) if concurrency == 1 else None)
            yield make_row(f"{what}: p99", found["ours_p99_us"], found["peer_p99_us"], "us")

    def redirects(self):
        for scene, of in (("full", " of an exchange that knows engines"),
                          ("scope", " of an exchange that knows scopes")):
            yield from redirects.rows(self._programs, self._scale.redirects, scene, of, 0.5)

    def chain(self):
        return chain.throughput(self._programs, self._scale.chain)

    def visible(self):
        return chain.visible(self._programs, self._scale.chain)

    def resume(self):
        return chain.resume(self._programs, self._scale.chain)

    def purge(self):
        return tree_purges.rows(self._programs, self._scale.purges)

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"contents": self.contents, "memory": self.memory, "locate": self.locate,
                "redirects": self.redirects, "chain": self.chain, "visible": self.visible,
                "resume": self.resume, "purge": self.purge}
