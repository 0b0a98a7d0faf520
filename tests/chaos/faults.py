"""Does what a plan says to a fleet, undoes it, and keeps who was under a fault when."""

import signal
import threading
import time

import plan as plans
from clients import signal_all

# So long a member has to be well after a fault until it is believed: one that was away for a while
# takes a moment to notice what it missed.
WELL_S = 1.5
LATE_S = 0.5  # What a look may be late.
PROMOTED = "it leads"
ENDS_S = 10.0  # SIGTERM ends members in 5 s, on a machine with time for it.


class Strike:
    """A fault that came to pass. Times are monotonic; None: not yet."""

    def __init__(self, fault, members):
        self.fault = fault
        self.members = members  # Names of all whom it may concern.
        self.begun = time.monotonic()
        self.ended = None
        self.recovered = {}  # Member -> when it was well again.
        self.note = ""

    def covers(self, name, start, end):
        """Whether a member was under it at some time in between."""
        if name not in self.members or end < self.begun:
            return False
        until = self.recovered.get(name)
        return until is None or start <= until


class History:
    """All strikes. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.strikes = []
        self.unwell = {}  # Member -> [[since, until or None]]

    def add(self, strike):
        with self.lock:
            self.strikes.append(strike)

    def stalled(self, members, begun, ended):
        """The machine stood still, and so did they all."""
        strike = Strike(plans.Fault(0, plans.STALL, 0, ended - begun, tuple(members)), members)
        strike.begun, strike.ended = begun, ended
        self.add(strike)

    def last_stall(self):
        """When the last one ended; 0: there was none."""
        with self.lock:
            return max((s.ended for s in self.strikes if s.fault.kind == plans.STALL), default=0)

    def over(self, name, start, end):
        """The strikes that a member was under in between."""
        with self.lock:
            return [s for s in self.strikes if s.covers(name, start, end)]

    def well(self, name, since, now):
        """A member was seen to be well all this time: strikes that had ended before are over."""
        with self.lock:
            for strike in self.strikes:
                if strike.ended is not None and max(strike.ended, since) + WELL_S < now:
                    strike.recovered.setdefault(name, now)

    def saw(self, name, is_well, when):
        """What a look at a member found."""
        with self.lock:
            spans = self.unwell.setdefault(name, [])
            is_open = bool(spans) and spans[-1][1] is None
            if is_well and is_open:
                spans[-1][1] = when
            elif not is_well and not is_open:
                spans.append([when, None])

    def unwell_since(self, name, start, end):
        """Since when a member is not well that was not in between; looks come a little late."""
        with self.lock:
            return next((since for since, until in self.unwell.get(name, [])
                         if since - LATE_S <= end and (until is None or start <= until + LATE_S)),
                        None)


def ending(status, seconds):
    """What is told of a member that was to end; "broken" if it did not, in order and in time. One
    that has just started knows no order yet."""
    bad = status not in (0, -signal.SIGTERM) or seconds > ENDS_S
    return f"{'broken: ' if bad else ''}status {status} after {seconds:.1f} s"


class Injector:
    """Strikes a fleet by a plan, each fault on a thread of its own."""

    def __init__(self, fleet, history, seed, log):
        self.fleet = fleet
        self.history = history
        self.seed = seed
        self.log = log
        self.healing = threading.Event()
        self.network = threading.Lock()
        self.by_kind = {
            "kill": self._kill, "kill nginx": self._kill_nginx,
            "kill nginx worker": self._kill_nginx_worker, "freeze shortly": self._freeze,
            "freeze": self._freeze, "freeze nginx": self._freeze_nginx,
            "restart": self._restart, "cut off": self._network, "cut one way": self._network,
            "halves": self._network, "loss": self._network, "slow link": self._slow,
            "full disk": self._full_disk, "clock": self._clock, "power cut": self._power_cut,
            "whole farm without power": self._rack, "promote": self._promote,
        }

    def run(self, storm):
        """Until all faults of the storm have begun and ended."""
        started = time.monotonic()
        threads = []
        self.healing.clear()
        for fault in storm:
            if self.healing.wait(max(0, started + fault.at - time.monotonic())):
                break
            threads.append(threading.Thread(target=self._strike, args=(fault,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def heal(self):
        """Ends every fault that still is."""
        self.healing.set()

    def _strike(self, fault):
        names = [name for name in fault.targets if name != plans.NETWORK]
        strike = Strike(fault, self._concerned(fault, names))
        self.history.add(strike)
        self.log(f"begins {fault}")
        try:
            strike.note = self.by_kind[fault.kind](fault, [self.fleet.members[n] for n in names])
        except Exception as error:  # pylint: disable=broad-except
            self.log(f"BROKEN {fault}: {error!r}")
            strike.note = f"broken: {error!r}"
        strike.ended = time.monotonic()
        self.log(f"ended  {fault} {strike.note or ''}".rstrip())

    def _concerned(self, fault, names):
        """Loss and halves concern all; who is cut off is alone with it. A promotion is no reason
        for anything to fail."""
        if fault.kind in ("loss", "halves"):
            return list(self.fleet.members)
        return [] if fault.kind in plans.EXTRAS else names

    def _wait(self, fault):
        self.healing.wait(fault.seconds)

    # ---- Processes.

    def _kill(self, fault, members):
        members[0].process.kill()
        self._wait(fault)
        self.fleet.start(members[0])

    def _restart(self, fault, members):
        begun = time.monotonic()
        note = "it was not there"
        if members[0].running():
            status = members[0].process.stop(2 * ENDS_S)
            note = ending(status, time.monotonic() - begun)
        self._wait(fault)
        self.fleet.start(members[0])
        return note

    def _kill_nginx(self, fault, members):
        pids = members[0].pids()
        signal_all(pids[1:2], signal.SIGKILL)  # The master: its workers are below it.
        self._wait(fault)

    def _kill_nginx_worker(self, fault, members):
        pids = members[0].pids()
        signal_all(pids[2:3], signal.SIGKILL)
        self._wait(fault)

    def _freeze(self, fault, members):
        self._stop(members[0].pids()[:1], fault)

    def _freeze_nginx(self, fault, members):
        self._stop(members[0].pids()[1:], fault)

    def _stop(self, pids, fault):
        signal_all(pids, signal.SIGSTOP)
        try:
            self._wait(fault)
        finally:
            signal_all(pids, signal.SIGCONT)

    def _power_cut(self, fault, members):
        member = members[0]
        member.process.kill()
        lost = self.fleet.cut_power(member, f"cut {self.seed} {fault.number}")
        self._wait(fault)
        self.fleet.start(member)
        return f"{lost['names']} names and {lost['bytes']} bytes were not on disk"

    def _rack(self, fault, members):
        for member in members:
            if member.running():
                member.process.kill()
        for member in members:
            if member.is_manager:
                self.fleet.cut_power(member, f"cut {self.seed} {fault.number} {member.name}")
        self._wait(fault)
        for member in members:
            self.fleet.start(member)
            self.healing.wait(fault.amount)

    # ---- Orders.

    def _promote(self, fault, members):
        """Of one that may be away, or lead already."""
        done = self.fleet.strata("manager", "promote", members[0].name, check=False)
        if done.returncode < 0:
            return f"broken: the command ended with status {done.returncode}"
        return PROMOTED if done.returncode == 0 else (f"refused, status {done.returncode}: "
                                                      f"{done.stderr.strip()[-200:]}")

    # ---- Network.

    def _network(self, fault, members):
        with self.network:
            lan = self.fleet.lan
            inside = [m.machine for m in members]
            outside = [m.machine for m in self.fleet.members.values() if m not in members]
            if fault.kind == "loss":
                lan.lose(5, inside + outside, also_tcp=True)
            else:
                pairs = [(i, o) for i in inside for o in outside]
                back = [(o, i) for i, o in pairs]
                lan.block({"cut one way": back if fault.amount < 0.5 else pairs}.get(
                    fault.kind, pairs + back))
            try:
                self._wait(fault)
            finally:
                lan.lose(0)
                lan.heal()

    def _slow(self, fault, members):
        self.fleet.slow_link(members[0], 20)
        try:
            self._wait(fault)
        finally:
            self.fleet.slow_link(members[0], 0)

    # ---- Disk and clock.

    def _full_disk(self, fault, members):
        self.fleet.fill_disk(members[0], fault.amount)
        try:
            self._wait(fault)
        finally:
            self.fleet.free_disk(members[0])

    def _clock(self, fault, members):
        members[0].clock.set(fault.amount)
        try:
            self._wait(fault)
        finally:
            members[0].clock.set(0)
