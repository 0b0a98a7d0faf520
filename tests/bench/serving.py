"""The benchmark of a farm: redirects, changes, purges, cache hits."""

import collections
import dataclasses
import os
import subprocess
import tempfile
import time

import farm_processes
import redirects
import web
from table import Target, make_row, median

TARGETS = [*redirects.TARGETS, "//tests/bench:farm_changes", "//tests/bench:farm_purges",
           "//service_manager/app:service_manager",
           "//service_engine/app:service_engine", "//cli:strata"]
_ENGINES = 8
_OBJECT_BYTES = 10 * 1024

# What a person writes who wants a cache, with a log: {origin} is filled in first.
_CACHE = """
  sendfile on;
  tcp_nopush on;
  server_tokens off;
  access_log {{folder}}/access.log combined buffer=64k flush=1s;
  proxy_cache_path {{folder}}/cache levels=1:2 keys_zone=cache:16m use_temp_path=off;
  server {{{{
    listen 127.0.0.1:{{port}};
    location / {{{{
      proxy_pass http://{origin};
      proxy_cache cache;
      proxy_cache_valid 200 1d;
    }}}}
  }}}}
"""


@dataclasses.dataclass(frozen=True)
class Scale:
    contents: int
    pairs: int
    seconds: int
    connections: int
    purges: int
    rounds: int
    changes_s: int
    hit_pairs: int
    hit_seconds: int


FULL = Scale(contents=1_000_000, pairs=7, seconds=5, connections=64, purges=200, rounds=3,
             changes_s=10, hit_pairs=15, hit_seconds=2)
QUICK = Scale(contents=1_000_000, pairs=2, seconds=2, connections=64, purges=30, rounds=1,
              changes_s=3, hit_pairs=3, hit_seconds=2)
_CHANGES_PER_S = 2000


def synced_write_us(folder):
    """A small file written whole: synced, renamed, its folder synced."""
    target = os.path.join(folder, "synced")
    handle = os.open(folder, os.O_RDONLY)
    start = time.monotonic()
    with open(target + ".new", "wb") as file:
        file.write(b"films 1\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(target + ".new", target)
    os.fsync(handle)
    took = time.monotonic() - start
    os.close(handle)
    return took * 1e6


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale
        self._server_cores, self._load_cores = web.cores()

    def _run(self, program, *words, lines=()):
        """The values of each name that the program printed."""
        done = subprocess.run([str(self._programs / program), *(str(word) for word in words)],
                              capture_output=True, check=False, text=True,
                              input="".join(f"{line}\n" for line in lines))
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr[-2000:]}")
        found = collections.defaultdict(list)
        for name, value in (line.split() for line in done.stdout.splitlines()):
            found[name].append(float(value))
        return found

    def redirects(self):
        scale = redirects.Scale(self._scale.contents, self._scale.pairs, self._scale.seconds,
                                self._scale.connections)
        return redirects.rows(self._programs, scale, "farm", "", 0.6)

    def changes(self):
        found = collections.defaultdict(list)
        for _ in range(self._scale.rounds):
            with farm_processes.running(self._programs, _ENGINES) as farm:
                staging = farm.folder / "staging"
                staging.mkdir()
                one = self._run("farm_changes", farm.manager, farm.certificate("observer"),
                                farm.observer, staging, farm_processes.HOST, _CHANGES_PER_S,
                                self._scale.changes_s, *map(farm.library, farm.names))
            if one["missed"] != [0]:
                raise RuntimeError(f"changes that were never seen: {dict(one)}")
            for name, values in one.items():
                found[name] += values
        what = f"change at an engine, seen by a member, {_ENGINES} engines, "
        what += f"{median(found['rate']):,.0f} changes/s"
        yield make_row(f"{what}: p50", median(found["p50_us"]) / 1e3, None, "ms",
                       Target("<=", 2, False))
        yield make_row(f"{what}: p99", median(found["p99_us"]) / 1e3, None, "ms",
                       Target("<=", 20, False))
        yield make_row(f"{what}: longest", median(found["max_us"]) / 1e3, None, "ms")

    def _purge(self, farm, paths):
        """Medians of a purge, and of a synced write meanwhile; the 99th percentile of a purge."""
        before = [synced_write_us(farm.folder) for _ in range(20)]
        found = self._run("farm_purges", farm.manager, farm.certificate("admin"), len(farm.names),
                          lines=[f"http://{farm_processes.HOST}/{path}" for path in paths])
        after = [synced_write_us(farm.folder) for _ in range(20)]
        took = sorted(found["purge_us"])
        return median(took) / 1e3, median(before + after) / 1e3, took[len(took) * 99 // 100] / 1e3

    def purges(self):
        paths = [f"purged/{i}" for i in range(self._scale.purges)]
        with farm_processes.running(self._programs, _ENGINES, copies=_ENGINES) as farm:
            for path in paths:
                farm.make_at_origin(path, path.encode() * 100)
                for name in farm.names:
                    farm.fill(name, path)
            farm.await_assets(len(paths))
            in_caches = self._purge(farm, paths)
            farm.await_assets(0)
            for name in farm.names:
                for path in paths:
                    # In the site's folder itself: one that appears is read first.
                    (farm.library(name) / path.replace("/", "-")).write_bytes(path.encode())
            farm.await_assets(len(paths))
            in_libraries = self._purge(farm, [path.replace("/", "-") for path in paths])
        for where, (p50, disk, p99) in (("caches", in_caches), ("libraries", in_libraries)):
            what = f"purge of a URI in {_ENGINES} {where}, confirmed, beside a synced write"
            yield make_row(f"{what}: p50", p50, disk, "ms", Target("<=", 10, False))
            yield make_row(f"{what}: p99", p99, None, "ms")

    def _hits(self, library):
        """Medians of ours, of the peer, of the ratio. On the servers' cores: engine, its nginx and
        the manager; or nginx alone."""
        scale = self._scale
        load = web.Load(1, scale.hit_seconds, scale.connections, self._load_cores)
        with farm_processes.running(self._programs, 1, libraries=library,
                                    cores=self._server_cores) as farm:
            name = farm.names[0]
            farm.make_at_origin("video/0", os.urandom(_OBJECT_BYTES))
            ours = web.Server(farm.pids(name), farm.address(name))
            farm.fill(name, "video/0")
            farm.await_assets(1)
            cache = _CACHE.format(origin=farm.origin_address)
            # As deep in the file system as the engines are.
            with web.nginx(farm.workers, self._server_cores, cache, farm.folder) as peer:
                for server in (ours, peer):
                    web.fetch(server, farm_processes.HOST, "/video/0", _OBJECT_BYTES)
                asked = farm.asked_of_origin("/video/0")
                result = load.pairs(ours, peer, scale.hit_pairs)
                if farm.asked_of_origin("/video/0") != asked:
                    raise RuntimeError("hits went to the origin")
        return result

    def hits(self):
        for library in (False, True):
            found, other, ratio = self._hits(library)
            with_it = "with" if library else "without"
            what = f"cache hits, 10 KiB, site {with_it} a library, beside nginx"
            row = make_row(what, found["rate"], other["rate"], "/s", Target(">=", 0.95))
            # The two of a pair had the same machine: the median of their ratios counts.
            yield {**row, "ratio": ratio, "met": ratio >= 0.95}
            yield make_row(f"{what}: p99", found["p99_us"], other["p99_us"], "us")
            yield make_row(f"{what}: CPU each", found["cpu_us"], other["cpu_us"], "us")

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"redirects": self.redirects, "changes": self.changes, "purges": self.purges,
                "hits": self.hits}
