"""What a federation of a given size takes, from unit costs that were measured one by one.

    python3 tests/bench/scale.py       the tables of docs/operator/scale.md

Pure arithmetic: nothing is run. A cost without a value was not measured so far and counts as
nothing, so processor times are lower bounds.
"""

import dataclasses

_DAY = 86_400
_LEVELS = (1, 2, 3, 4)


@dataclasses.dataclass(frozen=True)
class Cost:
    """One unit cost, and where it was measured."""
    value: float | None  # None: not measured.
    unit: str
    what: str
    where: str


_FEED = "decision 0020, `feed_benchmark`"
_LINK = "[the feed](../protocols/federation.md#35-the-stream)"
_BYTES = "counted: [appendix A](../protocols/federation.md#appendix-a-the-bytes-of-a-batch)"
_STORE = "[the store's format](../../service_manager/store/README.md#on-disk)"
_SIZING = "[sizing](sizing.md)"
_NOT_YET = "`tests/bench/run chain`"

COSTS = {
    "memory_location": Cost(46, "B", "memory a location, at most", f"`federation`; {_SIZING}"),
    "memory_base": Cost(0.17e9, "B", "memory of a manager above others, with 50,000 engines' names",
                        f"`federation`; {_SIZING}"),
    "disk_location": Cost(20 + 19 + 16, "B", "disk a location, before RocksDB's own",
                          f"counted: {_STORE}, a validator of 16 bytes"),
    "disk_uri": Cost(16 + 100, "B", "disk a content, for its URI of 100 bytes",
                     f"counted: {_STORE}"),
    "there_full": Cost(150, "B", "a change that says that an engine has a copy", _BYTES),
    "there_scope": Cost(132, "B", "a change that says that a scope has one", _BYTES),
    "gone": Cost(21, "B", "a change that takes one back; it does not compress", _BYTES),
    "compressed": Cost(0.27, "", "left of the first two by gzip", _LINK),
    "batch": Cost(24 + 90, "B", "a batch's head, and what gRPC, TLS, TCP and IP put before it",
                  "counted: 24 of them by appendix A, about 90 by the others' formats"),
    "report": Cost(91, "B", "a report of the attachment, each second, compressed",
                   "`protoc --encode` and zlib, two managers a scope"),
    "report_scope": Cost(53, "B", "and for each scope in it", "the same"),
    "child_feed": Cost(0.1, "µs", "a change told and packed", _FEED),
    "child_gzip": Cost(1.9, "µs", "the same compressed", _LINK),
    "child_projection": Cost(None, "µs", "a change projected by the policy", _NOT_YET),
    "child_link": Cost(None, "µs", "the same through gRPC and TLS, child", _NOT_YET),
    "parent_link": Cost(None, "µs", "the same, parent", _NOT_YET),
    "parent_gzip": Cost(0.3, "µs", "a change decompressed", _LINK),
    "parent_feed": Cost(0.7, "µs", "a change taken, with the index", _FEED),
    "store": Cost(4, "µs", "a location to a manager's disk, 1,000 at a time", _SIZING),
    "farm": Cost(None, "µs", "a change of the farm's table at its manager", _NOT_YET),
    "read": Cost(1, "µs", "a content with its URI, read in order", _SIZING),
    "start": Cost(0.52, "µs", "a location at a restart", f"`directory`; {_SIZING}"),
}


@dataclasses.dataclass(frozen=True)
class Tree:
    """How many there are, and what is in them; each scope of a level is like the others."""
    managers: tuple = (1000, 100, 10, 1)  # Scopes of level 1, 2, 3, 4.
    engines: int = 50_000
    copies: float = 1e9
    # Copies that a farm has of a content that it has; farms of a data center, data centers of a
    # CDN, CDNs that have it.
    sharing: tuple = (2, 2, 2, 2)
    changes_per_copy_day: float = 1
    backups: int = 1           # Of each scope.
    batching_delay: float = 0.010
    check_cycle: float = 3600  # In this time a child compares each range once.

    def scopes_beneath(self, level):
        return sum(self.managers[i] // self.managers[level - 1] for i in range(level - 1))

    def contents(self, level):
        """Different contents that one scope of this level has beneath it."""
        share = 1
        for number in self.sharing[:level]:
            share *= number
        return self.copies / share / self.managers[level - 1]


# What each link tells: level 1 to 2, 2 to 3, 3 to 4.
POLICIES = {"full at each link": ("full", "full", "full"),
            "mixed: farms and data centers full, CDNs scope": ("full", "full", "scope"),
            "scope at each link": ("scope", "scope", "scope")}


@dataclasses.dataclass(frozen=True)
class Load:
    """Of the manager that leads a scope of this level."""
    level: int
    locations: float
    contents: float
    memory: float        # Bytes.
    disk: float          # Bytes.
    changes_in: float    # A second, as those that follow.
    changes_up: float    # 0 at the top.
    bytes_up: float
    bytes_in: float
    bytes_backup: float  # To each; in a farm they hear of copies by the farm's group.
    cpu: float           # Of one core; a lower bound.
    restart: float       # Seconds until it is ready with what its disk has,
    filled: float        # and until children have told all of it to one whose disk is empty.


def _cost(name, costs):
    return costs[name].value or 0


def _together(costs, *names):
    return sum(_cost(name, costs) for name in names)


def _feed_bytes(forward, changes, tree, costs):
    """A second: changes, half of which take something back, and the batches that they are in."""
    there = _cost(f"there_{forward}", costs) * _cost("compressed", costs)
    batches = min(changes, 1 / tree.batching_delay)
    return changes * (there + _cost("gone", costs)) / 2 + batches * _cost("batch", costs)


def _report_bytes(level, tree, costs):
    """A second, of a scope of this level with all beneath it."""
    scopes = 1 + tree.scopes_beneath(level)
    return _cost("report", costs) + scopes * _cost("report_scope", costs)


_TAKE = ("parent_link", "parent_gzip", "parent_feed", "store")


def _cpu(level, changes_in, changes_up, contents, tree, costs):
    tell = _together(costs, "child_feed", "child_gzip", "child_link")
    if level == 1:
        micros = changes_in * _together(costs, "farm", "store")
        told = 0
    else:
        micros = changes_in * (_together(costs, *_TAKE) + tree.backups * tell)
        told = tree.backups
    if level < _LEVELS[-1]:  # The policy looks at each change, whether it is told or not.
        micros += changes_up * tell + changes_in * _cost("child_projection", costs)
        told += 1
    micros += told * contents * _cost("read", costs) / tree.check_cycle
    return micros / 1e6


def _load(level, locations, told, bytes_in, tree, costs):
    """`told`: of its locations, as many as its parent knows; None at the top."""
    contents = tree.contents(level)
    changes = tree.changes_per_copy_day / _DAY
    forward, number = told or ("full", 0)
    return Load(
        level=level, locations=locations, contents=contents,
        memory=(_cost("memory_base", costs) if level > 1 else 0) +
        locations * _cost("memory_location", costs),
        disk=locations * _cost("disk_location", costs) + contents * _cost("disk_uri", costs),
        changes_in=locations * changes, changes_up=number * changes,
        bytes_up=_feed_bytes(forward, number * changes, tree, costs) +
        _report_bytes(level, tree, costs) if told else 0,
        bytes_in=bytes_in,
        bytes_backup=_feed_bytes("full", locations * changes, tree, costs) if level > 1 else 0,
        cpu=_cpu(level, locations * changes, number * changes, contents, tree, costs),
        restart=locations * _cost("start", costs) / 1e6,
        filled=locations * _together(costs, *_TAKE) / 1e6 if level > 1 else 0)


def loads(policy, tree=Tree(), costs=None):
    """The Load of each level, from level 1 up."""
    costs = COSTS if costs is None else costs
    found = []
    locations = tree.copies / tree.managers[0]
    bytes_in = 0
    for level, forward in zip(_LEVELS, (*policy, None)):
        told = forward and (forward, locations if forward == "full" else tree.contents(level))
        found.append(_load(level, locations, told, bytes_in, tree, costs))
        if told:
            children = tree.managers[level - 1] // tree.managers[level]
            locations = told[1] * children
            bytes_in = found[-1].bytes_up * children
    return found


@dataclasses.dataclass(frozen=True)
class Limit:
    what: str
    here: float
    limit: float
    source: str


_ROWS_MAX = 200_000
_BLOCKS_MAX = 65_536 * 1024


def limits(tree=Tree()):
    """What of this tree comes near a limit that is a constant in the code; where contents are
    told in full up to the top, which is what it takes most."""
    top = _LEVELS[-1]
    many = tree.contents(top) if tree.copies / tree.managers[-1] / tree.contents(top) > 3 else 0
    return [
        Limit("children of a manager", max(tree.managers[i] // tree.managers[i + 1]
                                           for i in range(top - 1)), 40, "`link/limits.h`"),
        Limit("members of a farm: engines, managers, a witness",
              tree.engines // tree.managers[0] + 1 + tree.backups + 1, 64, "the farm's group"),
        Limit("scopes beneath the exchange", tree.scopes_beneath(top), 4096, "`sites/limits.h`"),
        Limit("engines that one CDN names to the exchange", tree.engines // tree.managers[-2],
              1 << 18, "`feed/feed_limits.h`"),
        Limit("engines that have one content, told in full, if all have it", tree.engines, 4096,
              "`directory/limits.h`"),
        Limit("contents with more than three locations, at the exchange, told in full", many,
              _BLOCKS_MAX, "`directory/limits.h`"),
    ]


def sites_for_all(level, tree=Tree()):
    """Sites from above that a manager of this level may have, if each is for every scope: rows of
    what is acknowledged beneath."""
    return _ROWS_MAX // (tree.scopes_beneath(level) + 1)


# ---- Words.


def _readable(value, unit=""):
    """Three digits: 46.2 GB, 1.16 k."""
    for limit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit * 0.9995:
            shown = value / limit
            return f"{shown:.3g}{letter}{unit}" if shown < 99.95 else f"{shown:.0f}{letter}{unit}"
    space = " " if unit else ""
    return f"{value:.3g}{space}{unit}"


def _time(seconds):
    return f"{seconds / 60:.2g} min" if seconds >= 100 else f"{seconds:.2g} s"


def _table(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _amount(cost):
    if cost.value is None:
        return "not measured"
    if cost.unit == "":
        return f"{cost.value * 100:.0f} %"
    return _readable(cost.value, cost.unit)


def cost_table():
    return _table(["unit cost", "value", "where it was measured"],
                  [[cost.what, _amount(cost),
                    f"to come: {cost.where}" if cost.value is None else cost.where]
                   for cost in COSTS.values()])


def _or_none(shown, there):
    return shown if there else "-"


def load_table(policy, tree=Tree()):
    heading = ["level", "scopes", "locations", "memory", "disk", "changes", "to the parent",
               "from children", "to a backup", "processor", "restart", "filled anew"]
    rows = []
    for load in loads(policy, tree):
        above = load.level > 1
        rows.append([
            str(load.level), f"{tree.managers[load.level - 1]:,}", _readable(load.locations),
            _readable(load.memory, "B"), _readable(load.disk, "B"),
            f"{_readable(load.changes_in)}/s",
            _or_none(_readable(load.bytes_up, "B/s"), load.level < _LEVELS[-1]),
            _or_none(_readable(load.bytes_in, "B/s"), above),
            _or_none(_readable(load.bytes_backup, "B/s"), above),
            f"{load.cpu * 100:.2g} %", _time(load.restart),
            _or_none(_time(load.filled), above)])
    return _table(heading, rows)


def limit_table(tree=Tree()):
    rows = []
    for limit in limits(tree):
        share = limit.here / limit.limit
        rows.append([limit.what, f"{limit.here:,.0f}", f"{limit.limit:,.0f}", limit.source,
                     "**beyond**" if share > 1 else f"{share * 100:.0f} %"])
    return _table(["what", "here", "limit", "where", "of it"], rows)


def tables(tree=Tree()):
    """What the page has, by name."""
    found = {"costs": cost_table(), "limits": limit_table(tree)}
    for name, policy in POLICIES.items():
        found[name] = load_table(policy, tree)
    found["sites"] = _table(
        ["level", "sites for all beneath"],
        [[str(level), f"{sites_for_all(level, tree):,}"] for level in _LEVELS[1:]])
    return found


def main():
    for name, table in tables().items():
        print(f"<!-- {name} -->\n{table}")


if __name__ == "__main__":
    main()
