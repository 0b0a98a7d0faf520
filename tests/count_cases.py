#!/usr/bin/env python3
"""Counts the test cases of one Bazel run from its build events (JSON lines).

Usage: count_cases.py EVENTS; prints `passed failed skipped`, and names what failed on stderr.
Only the tests of that run count, cached ones included; leftovers of other runs do not.
"""

import collections
import dataclasses
import json
import pathlib
import sys
import urllib.parse
import xml.etree.ElementTree

_SKIPPED_RESULTS = ("skipped", "suppressed")


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count_xml(text):
    """The cases of one test.xml, as GoogleTest, Bazel and our own runners write it."""
    count = Count()
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif (case.find("skipped") is not None or case.get("status") == "notrun"
              or case.get("result") in _SKIPPED_RESULTS):
            count.skipped += 1
        else:
            count.passed += 1
    return count


def read_xml(outputs):
    """The text of the test.xml among a test's outputs, or None."""
    for output in outputs:
        if output.get("name") == "test.xml":
            path = urllib.parse.unquote(urllib.parse.urlparse(output.get("uri", "")).path)
            if pathlib.Path(path).is_file():
                return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    return None


def count_result(result):
    """The cases of one shard. One without a readable XML is one case."""
    passed = result.get("status") in ("PASSED", "FLAKY")
    text = read_xml(result.get("testActionOutput", []))
    try:
        count = count_xml(text) if text else Count()
    except xml.etree.ElementTree.ParseError:
        count = Count()
    if not passed and count.failed == 0:
        count.failed = 1
    if passed and count == Count():
        count.passed = 1
    return count


def read_events(lines):
    """(last result of each shard, labels of tests that did not come to run)."""
    results = {}
    tests = set()
    broken = set()
    for line in lines:
        event = json.loads(line)
        event_id = event.get("id", {})
        if "testResult" in event_id:
            key = event_id["testResult"]
            results[(key["label"], key.get("run", 1), key.get("shard", 1))] = event["testResult"]
        elif "targetConfigured" in event_id:
            label = event_id["targetConfigured"]["label"]
            if event.get("configured", {}).get("testSize"):
                tests.add(label)
        elif "targetCompleted" in event_id:
            if not event.get("completed", {}).get("success"):
                broken.add(event_id["targetCompleted"]["label"])
    ran = {label for label, _, _ in results}
    return results, (broken & tests) - ran


def count_events(lines):
    """The count of one run, and the failures by label."""
    results, broken = read_events(lines)
    total = Count()
    failures = collections.Counter()
    for (label, _, _), result in results.items():
        count = count_result(result)
        total.add(count)
        failures[label] += count.failed
    for label in broken:
        total.failed += 1
        failures[label] += 1
    return total, +failures


def main():
    with open(sys.argv[1], encoding="utf-8") as events:
        total, failures = count_events(events)
    for label, number in sorted(failures.items()):
        print(f"failed: {label} ({number})", file=sys.stderr)
    print(total.passed, total.failed, total.skipped)


if __name__ == "__main__":
    main()
