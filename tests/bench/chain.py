"""Changes of a farm on their way through managers of four levels: how many, how soon, and what
becomes of them when a link is cut."""

import collections
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from federation_processes import running, wait_until
from table import Target, make_row

TARGETS = ["//tests/bench:federation_changes", "//service_manager/app:service_manager",
           "//service_engine/app:service_engine", "//cli:strata"]

_HOST = "films.example"
_SITE = f"name: films\nhosts: [{_HOST}]\norigins: [{{host: 127.0.84.250, port: 9}}]\n"
_BATCHING_MS = 10  # Of each of the three links: the default.
# The engine is nobody's program: the guest has its certificate.
_TOPOLOGY = f"""
hosts:
  here: {{addresses: [127.0.84.1], interface: lo, own: address}}
ports: {{http: 8080, peers: 8081}}
multicast: {{detection_timeout: 2s}}  # Two cores for all of them.
http: {{threads: 1}}
nginx: {{cache_size: 256MiB}}
policies:
  all: {{batching_delay: {_BATCHING_MS}ms}}
scopes:
  exchange: {{level: 4, sites: [site.yaml]}}
  cdn-one: {{policy: all}}
  cdn-one/dc-one: {{policy: all}}
  cdn-one/dc-one/lan-a: {{policy: all, engines: [{{name: guest}}]}}
"""
_TOP = "exchange/sm-1"
_BOTTOM = "cdn-one/dc-one/lan-a/sm-1"
_GUEST = "cdn-one/dc-one/lan-a/guest"
# The guest tells no more than so many changes that the exchange does not have on its disk.
_BEHIND_MAX = 50_000
_NO_LIMIT = 2 ** 62
_RATE = 5000  # Changes a second, where it is not as many as the chain takes.
_HELD_AT_RATE = 20_000
_LOOK_EVERY_S = 0.1
_WARM_UP_S = 5
_WINDOW_S = 10
_PATIENCE_S = 300
# Who is behind by the changes of a fifth of a second has caught up.
_CAUGHT_UP = _RATE // 5
_CLONE_NEWNET = 0x40000000


@dataclasses.dataclass(frozen=True)
class Scale:
    held: int
    seconds: int
    visible_s: int
    cut_s: int


class _Guest:
    """federation_changes."""

    def __init__(self, programs, tree, held, rate, watch=False):
        files = tree.folder / "processes"
        engine = tree.processes[_GUEST]
        address = engine["http"][0].rpartition(":")[0]
        words = [programs / "federation_changes", tree.processes[_BOTTOM]["rpc"],
                 files / _GUEST.replace("/", "_"), address, _HOST, held, rate]
        if watch:
            words += [tree.processes[_TOP]["rpc"], tree.folder / "operators" / "exchange"]
        self._log = tree.folder / "guest.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=log, text=True)
        if self._process.stdout.readline() != "joined\n":
            raise self._failure("the guest did not join")

    @property
    def pid(self):
        return self._process.pid

    def order(self, line):
        """Changes that it has told, contents that it has."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if answer[:1] != ["told"]:
            raise self._failure(f"the guest ended at {line}")
        return int(answer[1]), int(answer[2])

    def end(self):
        """What it watched, in ms."""
        found, _ = self._process.communicate(timeout=_PATIENCE_S)
        if self._process.returncode != 0:
            raise self._failure("the guest failed")
        return [float(line.split()[1]) / 1e3 for line in found.splitlines()]

    def _failure(self, what):
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return RuntimeError(f"{what}: {text[-2000:]}")

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class _Chain:
    """Four managers in a row, and a guest at the lowest one."""

    def __init__(self, tree, programs):
        self._tree = tree
        self._programs = programs
        self._durable = 0
        self.guest = None

    def join(self, *words, **options):
        self.guest = _Guest(self._programs, self._tree, *words, **options)

    def end(self):
        if self.guest:
            self.guest.kill()

    @property
    def top(self):
        return self._tree.processes[_TOP]["rpc"]

    def durable(self):
        """Changes that are on the exchange's disk; as before, if it does not answer."""
        self._durable = max(self._durable,
                            int(self._tree.metric(_TOP, "strata_link_changes_total")))
        return self._durable

    def told_anew(self):
        """Parts of the directory that any level was told anew as a whole."""
        return sum(self._tree.metric(name, "strata_link_intervals_total")
                   for name in self.managers() if name != _BOTTOM)

    def managers(self):
        return [name for name, process in self._tree.processes.items()
                if process["role"] == "manager"]

    def locations(self):
        return {name: int(self._tree.facts(name).get("locations", -1))
                for name in self.managers()}

    def cpu_seconds(self):
        """Of each process of the chain, the lowest first, and the guest's."""
        pids = [self._tree.running[name].pid for name in reversed(self.managers())]
        return [_cpu_seconds(pid) for pid in [*pids, self.guest.pid]]

    def fill(self, limit):
        """Until the guest has all that it is to have, and some seconds more."""
        fills = True
        until = None
        while fills or time.monotonic() < until:
            told, held = self.guest.order(f"allow {limit(self.durable())}")
            if fills and told > held:  # One has gone.
                fills, until = False, time.monotonic() + _WARM_UP_S
            time.sleep(_LOOK_EVERY_S)

    def finish(self):
        """The guest tells no more, and all levels know what it has. How many times more than it
        told the exchange was told: a content whose URI came late is told again."""
        told, held = self.guest.order("stop")
        try:
            wait_until(lambda: self.durable() >= told and
                       set(self.locations().values()) == {held}, "all is known", _PATIENCE_S, 0.1)
        except Exception:
            print(f"told {told}, durable {self.durable()}, held {held}, known "
                  f"{self.locations()}", file=sys.stderr)
            raise
        return self.durable() / told


def _cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _running(programs):
    with tempfile.TemporaryDirectory() as folder:
        topology = pathlib.Path(folder) / "chain.yaml"
        topology.write_text(_TOPOLOGY, encoding="utf-8")
        topology.with_name("site.yaml").write_text(_SITE, encoding="utf-8")
        with running(programs, topology) as tree:
            chain = _Chain(tree, programs)
            tree.start(*chain.managers())
            tree.wait_ready(*chain.managers())
            tree.apply_sites()
            for name in chain.managers():
                if name != _TOP:
                    wait_until(lambda name=name: " at " in tree.facts(name).get("parent", ""),
                               f"{name} tells its parent", _PATIENCE_S, 0.1)
            try:
                yield chain
            finally:
                chain.end()


@contextlib.contextmanager
def _own_network():
    """This process, and what it starts meanwhile, has a loopback interface of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as before:
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "no network of its own")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            libc.setns(before.fileno(), _CLONE_NEWNET)


@contextlib.contextmanager
def _cut(endpoint):
    """Nothing goes to or from there."""
    address, _, port = endpoint.rpartition(":")
    rules = ("table inet cut {\nchain cut {\ntype filter hook input priority 0;\n"
             f"ip daddr {address} tcp dport {port} drop\n"
             f"ip saddr {address} tcp sport {port} drop\n}}\n}}\n")
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)


def throughput(programs, scale):
    """As many changes as the chain sustains."""
    with _running(programs) as chain:
        chain.join(scale.held, 0)

        def limit(durable):
            return durable + _BEHIND_MAX
        chain.fill(limit)
        cpu = chain.cpu_seconds()
        looks = [(time.monotonic(), chain.durable())]
        while looks[-1][0] - looks[0][0] < scale.seconds:
            durable = chain.durable()
            looks.append((time.monotonic(), durable))
            chain.guest.order(f"allow {limit(durable)}")
            time.sleep(_LOOK_EVERY_S)
        changes = looks[-1][1] - looks[0][1]
        spent = [(after - before) * 1e6 / changes
                 for before, after in zip(cpu, chain.cpu_seconds())]
        times_told = chain.finish()
        anew = chain.told_anew()
        chain.guest.end()
    if anew:
        raise RuntimeError(f"{anew} parts of the directory were told anew: changes count wrongly")
    what = f"changes, farm to exchange, {scale.held / 1e6:g} M contents"
    rate = changes / times_told / (looks[-1][0] - looks[0][0])
    yield make_row(f"{what}: sustained", rate, None, "/s", Target(">=", 50e3, False))
    yield make_row(f"{what}: slowest {_WINDOW_S} s", _slowest(looks), None, "/s")
    yield make_row(f"{what}: times told", times_told, None, "x")
    for who, micros in zip(("level 1", "level 2", "level 3", "level 4", "the guest"), spent):
        yield make_row(f"{what}: CPU each, {who}", micros, None, "us")


def _slowest(looks):
    """The lowest rate of any window; of all, if that is shorter."""
    window = collections.deque()
    slowest = None
    for look in looks:
        window.append(look)
        while len(window) > 2 and look[0] - window[1][0] >= _WINDOW_S:
            window.popleft()
        time_s = look[0] - window[0][0]
        if time_s >= min(_WINDOW_S, looks[-1][0] - looks[0][0]):
            rate = (look[1] - window[0][1]) / time_s
            slowest = rate if slowest is None else min(slowest, rate)
    return slowest


def visible(programs, scale):
    """How soon the exchange knows a new content."""
    with _running(programs) as chain:
        chain.join(_HELD_AT_RATE, _RATE, watch=True)
        chain.fill(lambda _: _NO_LIMIT)
        told, _ = chain.guest.order("watch")
        start = time.monotonic()
        time.sleep(scale.visible_s)
        rate = (chain.guest.order(f"allow {_NO_LIMIT}")[0] - told) / (time.monotonic() - start)
        chain.finish()
        took = sorted(chain.guest.end())
    what = f"change at an engine, known at level 4, {rate:,.0f} changes/s"
    batching = 3 * _BATCHING_MS
    yield make_row(f"{what}: p50", took[len(took) // 2], None, "ms",
                   Target("<=", 20 + batching, False))
    yield make_row(f"{what}: p99", took[len(took) * 99 // 100], None, "ms",
                   Target("<=", 100, False))
    yield make_row(f"{what}: longest", took[-1], None, "ms")


def resume(programs, scale):
    """A link that is cut, and healed."""
    with _own_network(), _running(programs) as chain:
        chain.join(_HELD_AT_RATE, _RATE)
        chain.fill(lambda _: _NO_LIMIT)

        def behind():
            durable = chain.durable()
            return chain.guest.order(f"allow {_NO_LIMIT}")[0] - durable
        wait_until(lambda: behind() <= _CAUGHT_UP, "it keeps up", _PATIENCE_S, _LOOK_EVERY_S)
        before = chain.told_anew()
        with _cut(chain.top):
            time.sleep(scale.cut_s / 2)
            reached = chain.durable()
            time.sleep(scale.cut_s / 2)
            waiting = behind()
            if chain.durable() != reached:
                raise RuntimeError("the link was not cut")
        start = time.monotonic()
        wait_until(lambda: behind() <= _CAUGHT_UP, "it has caught up", _PATIENCE_S,
                   _LOOK_EVERY_S / 2)
        took = time.monotonic() - start
        chain.finish()
        anew = chain.told_anew() - before
        chain.guest.end()
    what = f"level 4 cut off for {scale.cut_s} s, {_RATE:,} changes/s"
    yield make_row(f"{what}: caught up after", took, None, "s", Target("<=", 10, False))
    yield make_row(f"{what}: changes that waited", waiting, None, "")
    yield make_row(f"{what}: parts of the directory told anew", anew, None, "",
                   Target("<=", 0, False))
