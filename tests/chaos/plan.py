"""What befalls a farm, and when: a pure function of the seed."""

import dataclasses
import json
import random

NETWORK = "network"  # What faults of the LAN as a whole are about: one at a time.
FREEZE_SHORT = (0.1, 0.6)  # Seconds; the farm takes members for dead after 1 s.
FREEZE_LONG = (2.0, 8.0)
HOUR = 3600

# Kind -> (weight, whom it strikes, seconds that it lasts: from, to)
KINDS = {
    "kill": (4, "member", 0.2, 5),
    "kill nginx": (2, "engine", 0.2, 0.2),
    "kill nginx worker": (1, "engine", 0.2, 0.2),
    "freeze shortly": (2, "member", *FREEZE_SHORT),
    "freeze": (3, "member", *FREEZE_LONG),
    "freeze nginx": (2, "engine", *FREEZE_LONG),
    "restart": (2, "member", 0.1, 2),
    "cut off": (3, "network", 2, 8),
    "cut one way": (2, "network", 2, 8),
    "halves": (2, "network", 2, 8),
    "loss": (3, "network", 3, 10),
    "slow link": (1, "member", 3, 8),
    "full disk": (2, "member", 3, 8),
    "clock": (2, "member", 2, 10),
    "power cut": (3, "manager", 0.2, 4),
    "whole farm without power": (1, "all", 0.5, 3),
}

# What came later is drawn by itself, so that the plans of earlier seeds stay as they were; numbers
# from here on. Kind -> how many in a minute of storm
EXTRAS = {"promote": 4}
_EXTRA_NUMBERS = 1000
ALL_KINDS = (*KINDS, *EXTRAS)
STALL = "the machine stood still"  # Not planned: pulse.py has noticed it.

CALM_S = 15  # What checks take between two storms, about.


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault. `at` is from the start of its storm; `amount` is what the kind makes of it."""
    number: int
    kind: str
    at: float
    seconds: float
    targets: tuple
    amount: float = 0

    def __str__(self):
        return f"#{self.number} {self.kind} of {', '.join(self.targets)} for {self.seconds:.1f} s"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Storms of faults; after each all is healed and judged."""
    seed: int
    storms: tuple  # Of tuples of faults, by rising `at`.
    storm_s: float

    def faults(self):
        return [fault for storm in self.storms for fault in storm]

    def as_json(self):
        return json.dumps(dataclasses.asdict(self), indent=1)


class _Maker:
    def __init__(self, seed, managers, engines, witnesses, kinds):
        self.chance = random.Random(f"plan {seed}")
        self.chance_of_extras = random.Random(f"extras {seed}")
        self.managers = list(managers)
        self.engines = list(engines)
        self.others = self.engines + list(witnesses)
        self.kinds = [kind for kind in kinds if kind in KINDS]
        self.extras = [kind for kind in kinds if kind in EXTRAS]
        self.number = 0
        self.extra_number = _EXTRA_NUMBERS
        self.busy = {}  # Target -> until when

    def targets(self, whom):
        """Whom a fault strikes; the first is who is named."""
        members = self.managers + self.others
        if whom == "member":
            # Managers are few and matter more.
            side = self.managers if self.chance.random() < 0.45 else self.others
            return (self.chance.choice(side),)
        if whom in ("manager", "engine"):
            return (self.chance.choice(self.managers if whom == "manager" else self.engines),)
        if whom == "all":
            order = members[:]
            self.chance.shuffle(order)
            return tuple(order)
        return (NETWORK,)

    def sides(self, kind):
        members = self.managers + self.others
        if kind in ("cut off", "cut one way"):
            return (NETWORK, self.chance.choice(members))
        if kind == "halves":
            size = self.chance.randint(1, len(members) - 1)
            return (NETWORK, *sorted(self.chance.sample(members, size)))
        return (NETWORK,)

    def amount(self, kind):
        if kind == "clock":
            return self.chance.choice([-HOUR, HOUR])
        if kind == "full disk":  # Bytes that stay free.
            return self.chance.choice([0, 0, 64 << 10, 2 << 20])
        if kind == "cut one way":  # 0: it does not hear; 1: it is not heard.
            return self.chance.randint(0, 1)
        return round(self.chance.random(), 6)

    def fault(self, at):
        """One at this time; None if whom it would strike is busy."""
        names = list(self.kinds)
        kind = self.chance.choices(names, [KINDS[name][0] for name in names])[0]
        _, whom, least, most = KINDS[kind]
        targets = self.targets(whom)
        if whom == "network":
            targets = self.sides(kind)
        seconds = round(self.chance.uniform(least, most), 2)
        amount = self.amount(kind)
        struck = targets[:1] if whom == "network" else targets
        if any(self.busy.get(target, 0) > at for target in struck):
            return None
        for target in struck:
            self.busy[target] = at + seconds + 0.5
        self.number += 1
        return Fault(self.number, kind, round(at, 2), seconds, targets, amount)

    def storm(self, length):
        self.busy = {}
        faults = []
        at = self.chance.uniform(0.5, 1.5) if self.kinds else length
        while at < length:
            fault = self.fault(at)
            if fault:
                faults.append(fault)
            # Often one after another, at times several at once.
            at += self.chance.choice([0.2, 1, 3, 6]) * self.chance.uniform(0.5, 1.5)
        return tuple(sorted(faults + self.extra_faults(length), key=lambda fault: fault.at))

    def extra_faults(self, length):
        """They strike whoever they would, under another fault or not."""
        chance = self.chance_of_extras
        faults = []
        for kind in self.extras if len(self.managers) > 1 else ():
            at = chance.expovariate(EXTRAS[kind] / 60)
            while at < length:
                self.extra_number += 1
                faults.append(Fault(self.extra_number, kind, round(at, 2), 0,
                                    (chance.choice(self.managers),)))
                at += chance.expovariate(EXTRAS[kind] / 60)
        return faults


def make_plan(seed, seconds, managers, engines, kinds=None, storm_s=30.0, witnesses=()):
    """A plan of about so many seconds. Equal arguments give equal plans."""
    kinds = list(kinds or ALL_KINDS)
    unknown = set(kinds) - set(ALL_KINDS)
    if unknown:
        raise ValueError(f"no such kind of fault: {', '.join(sorted(unknown))}; "
                         f"there are {', '.join(ALL_KINDS)}")
    storm_s = min(storm_s, max(5.0, seconds - CALM_S))
    count = max(1, round(seconds / (storm_s + CALM_S)))
    maker = _Maker(seed, managers, engines, witnesses, kinds)
    return Plan(seed, tuple(maker.storm(storm_s) for _ in range(count)), storm_s)
