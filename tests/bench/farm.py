"""The benchmark of a farm: what its front end answers, beside nginx."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import tempfile
import time

from table import Target, make_row, median

TARGETS = ["//tests/bench:front_end_bench"]
_HERE = os.path.dirname(os.path.abspath(__file__))
_READY_S = 60
_STOP_S = 5

_NGINX = """
daemon off;
worker_processes {workers};
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} reuseport;
    location / {{ return 302 http://192.0.2.1/_s/films.example$request_uri; }}
  }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Scale:
    contents: int
    pairs: int
    seconds: int
    connections: int


FULL = Scale(contents=1_000_000, pairs=7, seconds=5, connections=64)
QUICK = Scale(contents=1_000_000, pairs=2, seconds=2, connections=64)


def _cores():
    """Those of the servers and those of the load: apart, if there are two."""
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    return (cores[:half], cores[half:]) if half else (cores, cores)


def _on(cores):
    return {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}


def _cpu_seconds(pid):
    """Of a process and its children."""
    ticks = 0
    for each in [pid] + _children(pid):
        with open(f"/proc/{each}/stat", encoding="ascii") as stat:
            words = stat.read().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return [int(word) for word in children.read().split()]


def _stop(process):
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_listening(port):
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nobody listens on port {port}")


@dataclasses.dataclass(frozen=True)
class Server:
    pid: int
    address: str


@contextlib.contextmanager
def nginx(workers, cores):
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(_NGINX.format(workers=workers, folder=folder, port=port))
        process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", path],
                                   stderr=subprocess.DEVNULL, **_on(cores))
        try:
            _await_listening(port)
            yield Server(process.pid, f"127.0.0.1:{port}")
        finally:
            _stop(process)


@contextlib.contextmanager
def front_end(programs, contents, threads, cores):
    words = [str(programs / "front_end_bench"), str(contents), str(threads)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               **_on(cores))
    try:
        yield Server(process.pid, process.stdout.readline().split()[1])
    finally:
        _stop(process)


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale
        self._server_cores, self._load_cores = _cores()

    def _load(self, server, connections):
        """What wrk found in one run, and what the server spent."""
        threads = len(self._load_cores)
        words = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{self._scale.seconds}s",
                 "-s", os.path.join(_HERE, "load.lua"), f"http://{server.address}/"]
        before = _cpu_seconds(server.pid)
        output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True,
                                env=dict(os.environ, CONTENTS=str(self._scale.contents)),
                                **_on(self._load_cores)).stdout
        found = {"cpu_s": _cpu_seconds(server.pid) - before}
        for line in output.splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit():
                found[words[0]] = float(words[1])
        if found["errors"] or not found["requests"]:
            raise RuntimeError(f"{server.address}: {found}")
        found["rate"] = found["requests"] / found["microseconds"] * 1e6
        found["cpu_us"] = found["cpu_s"] / found["requests"] * 1e6
        return found

    def _pairs(self, ours, peer, connections):
        """Medians of both, measured in turns."""
        results = ([], [])
        for _ in range(self._scale.pairs):
            for server, found in zip((ours, peer), results):
                found.append(self._load(server, connections))
        return tuple({name: median([run[name] for run in runs]) for name in runs[0]}
                     for runs in results)

    def redirects(self):
        threads = len(self._server_cores)
        with front_end(self._programs, self._scale.contents, threads, self._server_cores) as ours, \
                nginx(threads, self._server_cores) as peer:
            for connections, targets in ((self._scale.connections, True), (1, False)):
                found, other = self._pairs(ours, peer, connections)
                what = f"redirects, {self._scale.contents / 1e6:g} M URIs, {connections} "
                what += f"connection{'s' if connections > 1 else ''}, beside nginx's return"
                yield make_row(f"{what}", found["rate"], other["rate"], "/s",
                               Target(">=", 0.6) if targets else None)
                yield make_row(f"{what}: p99", found["p99_us"], other["p99_us"], "us",
                               Target("<=", 2) if targets else None)
                yield make_row(f"{what}: p50", found["p50_us"], other["p50_us"], "us")
                yield make_row(f"{what}: CPU each", found["cpu_us"], other["cpu_us"], "us")

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"redirects": self.redirects}
