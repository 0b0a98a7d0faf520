"""Rows of a benchmark: what was measured, beside what, and whether the target is met."""

import collections
import dataclasses
import json
import operator
import statistics
import subprocess

_COMPARE = {"<=": operator.le, ">=": operator.ge}


@dataclasses.dataclass(frozen=True)
class Target:
    """`relation` `value`, of the ratio ours / peer, or of ours itself."""
    relation: str
    value: float
    of_ratio: bool = True

    def met(self, ours, ratio):
        found = ratio if self.of_ratio else ours
        return found is not None and _COMPARE[self.relation](found, self.value)

    def __str__(self):
        return f"{self.relation} {self.value:g}" + (" x" if self.of_ratio else "")


def median(values):
    """Of the runs that have a value; None if not even half of them have."""
    found = [value for value in values if value is not None]
    return statistics.median(found) if found and len(found) * 2 >= len(values) else None


def run_program(program, *words):
    """What the program printed, lines `name value`: the median of each name's values, or None."""
    line = [str(program)] + [str(word) for word in words]
    output = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = collections.defaultdict(list)
    for name, value in (line.split() for line in output.splitlines()):
        found[name].append(float(value))
    return collections.defaultdict(lambda: None,
                                   {name: median(values) for name, values in found.items()})


def make_row(what, ours, peer, unit, target=None):
    ratio = ours / peer if ours is not None and peer else None
    return {"what": what, "ours": ours, "peer": peer, "unit": unit, "ratio": ratio,
            "target": str(target) if target else None,
            "met": target.met(ours, ratio) if target else None}


def _number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def format_row(row):
    met = {True: "met", False: "MISSED", None: ""}[row["met"]]
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} x"
    return (f"{row['what']:<70} {_number(row['ours']):>9} {_number(row['peer']):>9} "
            f"{row['unit']:<6} {ratio:>8}  {row['target'] or '':<10} {met}")


def heading():
    return f"{'what':<70} {'ours':>9} {'peer':>9} {'unit':<6} {'ratio':>8}  {'target':<10}"


def write_json(rows, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
