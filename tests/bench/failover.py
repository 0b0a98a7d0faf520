"""The benchmark of a farm that loses members: take-overs, a manager that joins, a farm that starts
again after a power cut."""

import dataclasses
import json
import math
import os
import random
import signal
import statistics
import subprocess
import threading
import time

import failover_farm
import paced
import vrrp
from failover_farm import HOST, PORT, floating_hosts
from table import Target, make_row

TARGETS = ["//tests/bench:paced_load", "//tests/bench:farm_commits",
           "//service_manager/app:service_manager", "//service_engine/app:service_engine",
           "//cli:strata"]
_HERE = os.path.dirname(os.path.abspath(__file__))
_FLOATING_RATE = 2000
_ENGINES_RATE = 1000
_COMMIT_RATE = 200
_WARM_S = 1
_QUIET_S = 3   # As long as what is compared with it.
_BACK_S = 3    # After the event the member comes back,
_AFTER_S = 6   # and then this is over.
_CURL_LIMIT = "0.3"
_SAMPLES = 200
_NONE = Target("<=", 0, False)


@dataclasses.dataclass(frozen=True)
class Scale:
    take_overs: int   # Of each kind.
    curls: int
    contents: int
    joins: int
    restarts: int
    peers: int
    join_quiet_s: int


FULL = Scale(take_overs=5, curls=2, contents=1_000_000, joins=3, restarts=2, peers=3,
             join_quiet_s=5)
QUICK = Scale(take_overs=1, curls=1, contents=1_000_000, joins=1, restarts=1, peers=1,
              join_quiet_s=5)


@dataclasses.dataclass
class _TakeOver:
    """What clients saw of one."""
    first: float          # Seconds until both addresses answer again.
    longest: float        # The longest latency of a request that was answered.
    failed_before: list   # Requests that began before that, and failed.
    failed_after: list
    again: int            # Requests that were asked twice.
    engines_failed: list
    engines_quiet: list   # Requests.
    engines_then: list


def _since(requests, instant):
    """When each target answered again, the last one."""
    return max(paced.served_again([r for r in requests if r.target == target], instant)
               for target in {r.target for r in requests}) - instant


def _failures(requests):
    """How many, and why, for people."""
    reasons = {}
    for request in requests:
        reasons[request.why] = reasons.get(request.why, 0) + 1
    return ", ".join(f"{number} {why}" for why, number in sorted(reasons.items()))


def _floating_targets():
    return [f"{host}:{PORT}/0/0" for host in floating_hosts()]


def _take_over(farm, stop, back):
    """Under load: `stop` is the event, `back` brings the member again."""
    seconds = _WARM_S + _QUIET_S + _AFTER_S + 1
    targets = [farm.engine_target(name) for name in farm.engines]
    begun = time.monotonic()
    floating = paced.Load(farm.programs, _FLOATING_RATE, seconds, HOST, _floating_targets())
    engines = paced.Load(farm.programs, _ENGINES_RATE, seconds, "engine", targets)
    with floating, engines:
        paced.sleep_until(begun + _WARM_S + _QUIET_S)
        event = time.monotonic()
        stop()
        paced.sleep_until(event + _BACK_S)
        back()
    first = _since(floating.requests, event)
    bad = [r for r in floating.requests if not r.good]
    return _TakeOver(
        first=first,
        longest=max(r.took for r in floating.requests if r.good),
        failed_before=[r for r in bad if r.due < event + first],
        failed_after=[r for r in bad if r.due >= event + first],
        again=sum(r.again for r in floating.requests),
        engines_failed=[r for r in engines.requests if not r.good],
        engines_quiet=paced.between(engines.requests, event - _QUIET_S, event),
        engines_then=paced.between(engines.requests, event, event + _QUIET_S))


def _whole(farm):
    farm.wait_whole()
    farm.wait_served()


def _kill(farm):
    name = farm.leader()
    found = _take_over(farm, farm.farm.managers[name].kill, lambda: farm.farm.start_manager(name))
    _whole(farm)
    return found


def _freeze(farm):
    process = farm.farm.managers[farm.leader()]
    try:
        found = _take_over(farm, lambda: process.signal(signal.SIGSTOP),
                           lambda: process.signal(signal.SIGCONT))
    finally:
        process.signal(signal.SIGCONT)
    _whole(farm)
    return found


def _promote(farm):
    leader = farm.leader()
    other = random.choice([name for name in farm.farm.managers if name != leader])
    found = _take_over(farm, lambda: farm.farm.strata("manager", "promote", other), lambda: None)
    if farm.leader() != other:
        raise RuntimeError(f"{other} does not lead")
    _whole(farm)
    return found


class _Curls(threading.Thread):
    """Asks one address by curl, again and again, until it is told to end."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self._url = f"http://{host}:{PORT}/0/0"
        self._ending = threading.Event()
        self.requests = []
        self.start()

    def run(self):
        words = ["curl", "-s", "-g", "-o", "/dev/null", "-m", _CURL_LIMIT, "-w", "%{http_code}",
                 "-H", f"Host: {HOST}", self._url]
        while not self._ending.is_set():
            begun = time.monotonic()
            status = int(subprocess.run(words, check=False, stdout=subprocess.PIPE).stdout or 0)
            self.requests.append(paced.Request(0, begun, time.monotonic(), status))
            self._ending.wait(0.005)

    def end(self):
        self._ending.set()
        self.join()
        return self.requests


def _kill_under_curl(farm):
    """Seconds until both addresses answer curl again, and what failed after that."""
    name = farm.leader()
    curls = [_Curls(host) for host in floating_hosts()]
    time.sleep(_WARM_S)
    event = time.monotonic()
    farm.farm.managers[name].kill()
    paced.sleep_until(event + _BACK_S)
    farm.farm.start_manager(name)
    paced.sleep_until(event + _AFTER_S)
    seen = [curl.end() for curl in curls]
    first = max(_since(requests, event) for requests in seen)
    failed = [r for requests in seen for r in requests if not r.good and r.due >= event + first]
    _whole(farm)
    return first, len(failed)


def _promote_under_wrk(farm):
    """What wrk counts while another manager takes the lead; its errors are with its timeouts, which
    are no failures: answers that took it more than 2 s."""
    other = next(name for name in farm.farm.managers if name != farm.leader())
    found = {"requests": 0, "errors": 0, "timeouts": 0}
    words = [["wrk", "-t1", "-c4", "-d4s", "-s", os.path.join(_HERE, "load.lua"),
              f"http://{host}:{PORT}/"] for host in floating_hosts()]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True,
                                env=dict(os.environ, CONTENTS="1000")) for each in words]
    time.sleep(_WARM_S)
    farm.farm.strata("manager", "promote", other)
    for process in running:
        for line in process.communicate()[0].splitlines():
            name, _, value = line.partition(" ")
            if name in found:
                found[name] += int(value)
    _whole(farm)
    return found


def _milliseconds(seconds):
    return seconds * 1e3 if seconds is not None and seconds < math.inf else None


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale
        self.chaos_report = None  # Path of what tests/chaos/run has written.
        self._keepalived = None   # Seconds; None without it.

    def take_overs(self):
        with failover_farm.machines() as lan, \
                failover_farm.running(self._programs, lan, 3000) as farm:
            farm.wait_served()
            peer = self._keepalived
            count = range(self._scale.take_overs)
            kills = [_kill(farm) for _ in count]
            yield from self._rows_of("SM killed", kills, peer)
            freezes = [_freeze(farm) for _ in count]
            yield from self._rows_of("SM stopped by SIGSTOP", freezes, peer)
            yield from self._promotions([_promote(farm) for _ in count])
            yield from self._engines_rows(kills + freezes)
            curls = [_kill_under_curl(farm) for _ in range(self._scale.curls)]
            yield make_row("SM killed, by plain curl: first success, worst",
                           max(first for first, _ in curls), None, "s", Target("<=", 2, False))
            yield make_row("SM killed, by plain curl: failures after the first success",
                           sum(failed for _, failed in curls), None, "", _NONE)
            wrk = _promote_under_wrk(farm)
            yield make_row(f"promote under wrk, {wrk['requests']:,} requests: errors",
                           wrk["errors"] - wrk["timeouts"], None, "", _NONE)
            yield make_row("promote under wrk: waited for an answer for more than 2 s",
                           wrk["timeouts"], None, "")

    @staticmethod
    def _rows_of(event, found, peer):
        what = f"{event}, {_FLOATING_RATE:,} requests/s on the floating addresses"
        first = [one.first for one in found]
        for one in found:
            if one.failed_after:
                print(f"  {event}: failed after the first success: {_failures(one.failed_after)}")
        yield make_row(f"{what}: first success, median of {len(found)}", statistics.median(first),
                       peer, "s", Target("<=", 2, False))
        yield make_row(f"{event}: first success, worst", max(first), None, "s",
                       Target("<=", 2, False))
        yield make_row(f"{event}: failures after the first success",
                       sum(len(one.failed_after) for one in found), None, "", _NONE)
        yield make_row(f"{event}: failures before it, each",
                       statistics.mean(len(one.failed_before) for one in found), None, "")

    @staticmethod
    def _promotions(found):
        failed = [r for one in found for r in one.failed_before + one.failed_after]
        if failed:
            print(f"  promote: {_failures(failed)}")
        yield make_row(f"promote, {_FLOATING_RATE:,} requests/s: failures of {len(found)}",
                       len(failed), None, "", _NONE)
        yield make_row("promote: asked twice, the kept connection was closed",
                       sum(one.again for one in found), None, "")
        yield make_row("promote: longest latency", max(one.longest for one in found), None, "s")

    @staticmethod
    def _engines_rows(found):
        failed = [r for one in found for r in one.engines_failed]
        if failed:
            print(f"  engines: {_failures(failed)}")
        what = f"{_ENGINES_RATE:,} requests/s to engines, {len(found)} take-overs"
        yield make_row(f"{what}: failures", len(failed), None, "", _NONE)
        then = paced.p99([r for one in found for r in one.engines_then])
        quiet = paced.p99([r for one in found for r in one.engines_quiet])
        yield make_row(f"{what}: p99, beside the seconds before", _milliseconds(then),
                       _milliseconds(quiet), "ms", Target("<=", 1.5))

    def peer(self):
        if not vrrp.available():
            print("  keepalived is not installed")
            return
        with failover_farm.machines() as lan:
            first = [vrrp.take_over(lan, self._programs) for _ in range(self._scale.peers)]
        self._keepalived = statistics.median(first)
        yield make_row(f"keepalived killed, 1 s between adverts: first success, of {len(first)}",
                       None, self._keepalived, "s")

    def locations(self):
        scale = self._scale
        with failover_farm.machines() as lan:
            begun = time.monotonic()
            with failover_farm.running(self._programs, lan, scale.contents) as farm:
                what = f"{farm.contents / 1e6:g} M locations"
                yield make_row(f"a new farm, {what} in 3 libraries: all are known",
                               time.monotonic() - begun, None, "s")
                yield from self._joins(farm, what)
                yield from self._restarts(farm, what)

    def _joins(self, farm, what):
        took, quiet, then = [], [], []
        for _ in range(self._scale.joins):
            one, before, meanwhile = self._join(farm)
            took.append(one)
            quiet += before
            then += meanwhile
        yield make_row(f"BSM joins a farm with {what}, median of {len(took)}",
                       statistics.median(took), None, "s", Target("<=", 10, False))
        yield make_row(f"BSM joins a farm with {what}, worst", max(took), None, "s",
                       Target("<=", 10, False))
        yield make_row("  commits meanwhile: p99, beside the seconds before",
                       _milliseconds(paced.p99(then)), _milliseconds(paced.p99(quiet)), "ms",
                       Target("<=", 2))
        yield make_row("  commits meanwhile: failures", sum(1 for r in then if not r.good), None,
                       "", _NONE)

    def _join(self, farm):
        """Seconds until it is in step, with all locations; commits of the others before, and
        meanwhile."""
        leader = farm.leader()
        name = next(name for name in farm.farm.managers if name != leader)
        farm.wipe(name)
        with paced.Commits(farm, _COMMIT_RATE) as commits:
            time.sleep(_WARM_S + self._scale.join_quiet_s)
            begun = time.monotonic()
            farm.farm.start_manager(name)
            farm.wait_backup(name)
            failover_farm.wait_until(farm.locations_in, "it has all locations", 120, 0.02)
            ended = time.monotonic()
            time.sleep(_WARM_S)
        requests = commits.requests
        return (ended - begun, paced.between(requests, begun - self._scale.join_quiet_s, begun),
                paced.between(requests, begun, ended))

    def _restarts(self, farm, what):
        serving, whole, wrong = [], [], 0
        for _ in range(self._scale.restarts):
            farm.cut_power()
            order = farm.members()
            random.shuffle(order)
            begun = time.monotonic()
            farm.start_all(order)
            for host in floating_hosts():
                failover_farm.wait_until(lambda h=host: farm.serves(0, h), f"{host} serves", 120,
                                         0.02)
            serving.append(time.monotonic() - begun)
            farm.wait_contents_again()
            whole.append(time.monotonic() - begun)
            wrong += sum(not self._sample(farm) for _ in range(_SAMPLES))
        yield make_row(f"whole farm without power, {what}: serves, median of {len(serving)}",
                       statistics.median(serving), None, "s", Target("<=", 15, False))
        yield make_row("  serves, worst", max(serving), None, "s", Target("<=", 15, False))
        yield make_row("  all members are in, all is told anew, worst", max(whole), None, "s",
                       Target("<=", 15, False))
        yield make_row(f"  wrong or no bytes then, of {len(serving) * _SAMPLES} contents", wrong,
                       None, "", _NONE)

    @staticmethod
    def _sample(farm):
        number = random.randrange(farm.contents)
        return farm.serves(number // 1000, random.choice(floating_hosts()), number % 1000)

    def chaos(self):
        if self.chaos_report is None:
            return
        with open(self.chaos_report, encoding="utf-8") as file:
            report = json.load(file)
        faults = sum(report["faults"].values())
        yield make_row(f"chaos, {report['seconds'] / 60:.0f} minutes, {faults} faults: violations",
                       len(report["violations"]), None, "", _NONE)

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"peer": self.peer, "take_overs": self.take_overs, "locations": self.locations,
                "chaos": self.chaos}
