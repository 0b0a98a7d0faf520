"""Redirects of a front end beside nginx's `return 302`, under wrk."""

import contextlib
import dataclasses
import subprocess

import web
from table import Target, make_row

TARGETS = ["//tests/bench:front_end_bench"]

_RETURN = """
  access_log off;
  server {{
    listen 127.0.0.1:{port} reuseport;
    location / {{ return 302 http://192.0.2.1/_s/films.example$request_uri; }}
  }}
"""


@dataclasses.dataclass(frozen=True)
class Scale:
    contents: int
    pairs: int
    seconds: int
    connections: int


@contextlib.contextmanager
def _front_end(programs, contents, threads, scene, cores):
    words = [str(programs / "front_end_bench"), str(contents), str(threads), scene]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               **web.on(cores))
    try:
        yield web.Server((process.pid,), process.stdout.readline().split()[1])
    finally:
        web.stop(process)


def rows(programs, scale, scene, of, ratio):
    """Those of front_end_bench's `scene`, which people call `of`; with many connections at least
    `ratio` times as many as the peer."""
    server_cores, load_cores = web.cores()
    threads = len(server_cores)
    with _front_end(programs, scale.contents, threads, scene, server_cores) as ours, \
            web.nginx(threads, server_cores, _RETURN) as peer:
        for connections, targets in ((scale.connections, True), (1, False)):
            load = web.Load(scale.contents, scale.seconds, connections, load_cores)
            found, other, _ = load.pairs(ours, peer, scale.pairs)
            what = f"redirects{of}, {scale.contents / 1e6:g} M URIs, {connections} "
            what += f"connection{'s' if connections > 1 else ''}, beside nginx's return"
            yield make_row(f"{what}", found["rate"], other["rate"], "/s",
                           Target(">=", ratio) if targets else None)
            yield make_row(f"{what}: p99", found["p99_us"], other["p99_us"], "us",
                           Target("<=", 2) if targets else None)
            yield make_row(f"{what}: p50", found["p50_us"], other["p50_us"], "us")
            yield make_row(f"{what}: CPU each", found["cpu_us"], other["cpu_us"], "us")
