#!/usr/bin/env python3
"""Checks the whole source tree against the rules of the house; see README.md."""

import pathlib
import subprocess
import sys

import findings
import source_rules
import targets

_EXCEPTIONS = "tools/lint/exceptions.txt"


def tracked_files():
    """Files that git has or would take, in order."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return sorted({path for path in output.split("\0") if path and pathlib.Path(path).is_file()})


def read(path):
    """The text of a file, or None for binary ones."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def main():
    paths = tracked_files()
    all_targets = targets.query()
    pure = targets.pure_files(all_targets)
    found = list(targets.check_targets(all_targets, set(paths)))
    for path in paths:
        text = read(path)
        if text is not None and "/testdata/" not in path and "/corpus/" not in path:
            found += source_rules.check_file(path, text, path in pure)
    exceptions = findings.parse_exceptions(read(_EXCEPTIONS))
    kept = findings.apply_exceptions(found, exceptions)
    for finding in kept:
        print(finding)
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
