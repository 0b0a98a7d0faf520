#!/usr/bin/env python3
"""Runs clang-tidy over the pure libraries, as many at once as there are cores.

What passed is remembered by the hash of all it was made of, under .cache/.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys

import cpp_source
import targets

_CACHE = pathlib.Path(".cache/clang-tidy")
_HEADERS = r"^(\./)?(common|farm|multicast|service_\w+)/"
_FLAGS = ["-std=c++20", "-I.", "-Wall", "-Wextra", "-Wno-pragma-once-outside-header"]


def own_includes(path, seen):
    """Adds to `seen` every project file that `path` includes, itself first."""
    if path in seen or not pathlib.Path(path).is_file():
        return seen
    seen.add(path)
    for _, name in cpp_source.includes(pathlib.Path(path).read_text(encoding="utf-8")):
        if name.startswith('"'):
            own_includes(name.strip('"'), seen)
    return seen


def cache_key(path, version):
    digest = hashlib.sha256(version)
    for part in [".clang-tidy", __file__] + sorted(own_includes(path, set())):
        digest.update(part.encode() + b"\0" + pathlib.Path(part).read_bytes())
    return digest.hexdigest()


def covered_headers(sources):
    """Headers that the checking of some .cc file of their own checks already."""
    return {source[:-len(".cc")] + ".h" for source in sources if source.endswith(".cc")}


def check(path, version):
    """What clang-tidy says about one file; empty when it is content."""
    mark = _CACHE / cache_key(path, version)
    if mark.exists():
        return ""
    language = ["-xc++"] if path.endswith(".h") else []
    command = ["clang-tidy", "--quiet", f"--header-filter={_HEADERS}", path, "--"]
    result = subprocess.run(command + language + _FLAGS, capture_output=True, text=True,
                            check=False)
    if result.returncode == 0:
        _CACHE.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return ""
    return result.stdout or result.stderr


def main():
    pure = targets.pure_files(targets.query())
    paths = sorted(pure - covered_headers(pure))
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [text for text in pool.map(lambda path: check(path, version), paths) if text]
    for text in complaints:
        print(text)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
