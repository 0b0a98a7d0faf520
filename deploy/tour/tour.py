#!/usr/bin/env python3
"""The tour of deploy/quickstart: two CDNs under one exchange on this machine's loopback addresses,
shown at work."""

import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import media
from farm import FarmError, Programs, wait_until
from federation import Federation
from origin import Origin

TOPOLOGY = pathlib.Path(__file__).parents[1] / "topologies" / "quickstart.yaml"
ORIGINS = {"films.example": ("127.0.84.250", 8000), "shop.example": ("127.0.84.250", 8001)}
# Which engines' libraries have a film at the beginning.
LIBRARIES = {"clock": ["cdn-one/dc-one/lan-a/north-1", "cdn-one/dc-two/lan-c/east-1"],
             "colours": ["cdn-two/dc-three/lan-d/west-1"]}
# Only cdn-two has it.
RARE = "/films/colours/index.m3u8"
FARM_OF_ONE = "cdn-one/dc-one/lan-a"
CENTER_OF_TWO = "cdn-two/dc-three"
FARM_OF_TWO = "cdn-two/dc-three/lan-d"


class Tour:
    """Shows, checks what it shows, and counts what did not hold."""

    def __init__(self, options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-tour-"))
        self.folder.chmod(0o711)  # nginx's workers go through it.
        self.media = media.make(options.media)
        self.programs = Programs(options.programs)
        self.tree = None
        self.origins = []
        self.failed = 0
        self.bold, self.dim, self.plain = (
            ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", ""))

    # ---- Telling.

    def step(self, text):
        print(f"\n{self.bold}{text}{self.plain}", flush=True)

    def say(self, text):
        for line in text.rstrip("\n").splitlines():
            print(f"   {line}", flush=True)

    def command(self, scope, *words):
        """Shows a command, at a scope's manager, and what it prints."""
        print(f"   {self.dim}$ strata --config cli/{scope}.yaml {' '.join(words)}{self.plain}")
        self.say(self.tree.cli(scope, *words))

    def check(self, holds, text):
        self.say(("ok    " if holds else "FAILED  ") + text)
        self.failed += not holds

    # ---- The client.

    def fetch(self, process, path, host="films.example"):
        """What a client gets who asks the front end of a process, and follows redirects: status,
        body, and the name of the engine that answered in the end."""
        server = urllib.parse.urlsplit(self.tree.http(process))
        body = self.folder / "body"
        body.unlink(missing_ok=True)
        done = subprocess.run(
            ["curl", "-sS", "-L", "-m", "30", "--resolve",
             f"{host}:{server.port}:{server.hostname}", "-o", str(body), "-w",
             "%{http_code} %{url_effective}", f"http://{host}:{server.port}{path}"],
            capture_output=True, text=True)
        status, _, where = done.stdout.partition(" ")
        return int(status or 0), body.read_bytes() if body.exists() else b"", self.at(where)

    def at(self, url):
        """Which process a URL is of."""
        host = urllib.parse.urlsplit(url).netloc
        for name in self.tree.processes:
            if self.tree.http(name) == f"http://{host}":
                return name
        return host

    def original(self, path):
        return (self.folder / "origin" / path.lstrip("/")).read_bytes()

    def fetch_well(self, process, path, text):
        """Fetches, and checks that it is what the origin has; who answered."""
        status, body, engine = self.fetch(process, path)
        right = hashlib.sha256(body).digest() == hashlib.sha256(self.original(path)).digest()
        self.check(status == 200 and right, f"{text}: {engine} answered" if status == 200 and right
                   else f"{text}: {status}, {len(body)} bytes from {engine}")
        return engine

    def located(self, scope, path, host="films.example"):
        """Names of who has a content, as a scope's manager finds it."""
        done = self.tree.cli(scope, "locate", f"http://{host}{path}", "--trace", "--json",
                             check=False)
        if done.returncode != 0:
            return []
        return [f"{copy['scope']}/{copy['engine']}" if copy.get("engine") else copy["scope"]
                for copy in json.loads(done.stdout).get("copies", [])]

    # ---- The steps.

    def start(self):
        self.step("3. The federation is one short file; settings and certificates come from it")
        print(f"   {self.dim}$ strata topology check {TOPOLOGY.name}{self.plain}")
        self.say(subprocess.run([self.programs.strata, "topology", "check", str(TOPOLOGY)],
                                capture_output=True, text=True, check=True).stdout)
        self.tree = Federation(self.programs, TOPOLOGY, self.folder / "federation")

        self.step("4. Origins, and libraries: only cdn-two has the film colours")
        shutil.copytree(self.media, self.folder / "origin")
        for address, port in ORIGINS.values():
            self.origins.append(Origin(self.folder / "origin", address, port))
        for film, engines in LIBRARIES.items():
            for engine in engines:
                self.put_into_library(engine, film)
                self.say(f"{engine} has the film {film}")

        self.step(f"5. {len(self.tree.processes)} processes: an exchange with a backup and a "
                  "witness, two CDNs, three data centers, four farms")
        began = time.monotonic()
        self.tree.start()
        self.tree.wait_ready()
        self.tree.apply_sites()
        wait_until(lambda: self.located("exchange", RARE), "the exchange knows of the film", 60)
        self.say(f"ready within {time.monotonic() - began:.0f} s")
        self.command("exchange", "tree")

    def put_into_library(self, engine, film):
        folder = pathlib.Path(self.tree.processes[engine]["data_folder"])
        target = folder / "library" / "films" / "films" / film
        shutil.copytree(self.media / "films" / film, target)
        for path in [target, *list(target.parents)[:4]]:
            path.chmod(0o755)
        for path in list(folder.parents)[:3]:
            path.chmod(0o711)

    def show_serving(self):
        self.step("6. A client of cdn-one wants a film that only cdn-two has")
        engine = self.fetch_well("cdn-one/sm-1", RARE, "by the front end of cdn-one")
        self.check(engine.startswith("cdn-two/"), "it came from cdn-two, and not from the origin")
        self.fetch_well(f"{FARM_OF_ONE}/sm-1", RARE, f"by the farm {FARM_OF_ONE} itself")
        self.command(FARM_OF_ONE, "locate", f"http://films.example{RARE}", "--trace")
        self.command("cdn-two", "policy", "test", f"http://films.example{RARE}")

    def show_purge(self):
        self.step("7. A file changes; a purge at the exchange makes it gone everywhere")
        farms = ["cdn-one/dc-one/lan-a/sm-1", "cdn-one/dc-one/lan-b/sm-1",
                 "cdn-one/dc-two/lan-c/sm-1", "cdn-two/dc-three/lan-d/sm-1"]
        for farm in farms:
            self.fetch(farm, "/news.txt")
        (self.folder / "origin" / "news.txt").write_text("The second edition.\n")
        self.command("exchange", "content", "purge", "http://films.example/news.txt")
        seen = {farm: self.fetch(farm, "/news.txt")[1] for farm in farms}
        self.check(set(seen.values()) == {b"The second edition.\n"},
                   "clients of all farms get the second edition")
        self.command("exchange", "purge", "list")

    def show_failure(self):
        leader = self.tree.manager("exchange")
        self.step(f"8. {leader}, which leads the exchange, is killed")
        self.tree.kill(leader)
        began = time.monotonic()
        wait_until(lambda: self.tree.manager("exchange") not in ("", leader),
                   "the backup leads", 30, 0.05)
        self.say(f"{self.tree.manager('exchange')} leads after {time.monotonic() - began:.1f} s")
        wait_until(lambda: any(name.startswith("cdn-two/") for name in
                               self.located(FARM_OF_ONE, "/films/colours/part000.ts")),
                   "cdn-one finds what cdn-two has", 30)
        self.fetch_well("cdn-one/sm-1", "/films/colours/part000.ts", "by the front end of cdn-one")
        self.tree.start(leader)
        self.tree.wait_ready(leader)
        self.command("exchange", "manager", "list")

    def show_cut(self):
        self.step(f"9. {CENTER_OF_TWO} is cut off: its manager is frozen")
        process = self.tree.running[f"{CENTER_OF_TWO}/sm-1"]
        process.signal(signal.SIGSTOP)
        try:
            self.fetch_well(f"{FARM_OF_TWO}/sm-1", RARE, "its farm serves on, alone")
            wait_until(lambda: self.heard(CENTER_OF_TWO) is False, "its parent misses it", 30)
            self.command("cdn-two", "tree")
            self.fetch_well("cdn-one/sm-1", "/films/clock/index.m3u8", "others serve as before")
        finally:
            process.signal(signal.SIGCONT)
        wait_until(lambda: self.heard(CENTER_OF_TWO), "it is back", 30)
        self.fetch_well("cdn-one/sm-1", "/films/colours/part001.ts", "and it is back")
        self.command("exchange", "tree")

    def heard(self, scope):
        """Whether the parent of a scope hears it; None if nobody tells."""
        rows = json.loads(self.tree.cli("cdn-two", "tree", "--json")).get("scopes", [])
        return next((row.get("heard", False) for row in rows if row["scope"] == scope), None)

    def invite(self):
        files = self.tree.folder
        server = urllib.parse.urlsplit(self.tree.http("cdn-one/sm-1"))
        self.step("The federation is running: try it, in another terminal")
        self.say(f"""\
curl -L --resolve films.example:{server.port}:{server.hostname} \
http://films.example:{server.port}{RARE}
cd {files}
strata={self.programs.strata}
$strata --config cli/exchange.yaml tree --watch
$strata --config cli/cdn-one.yaml locate http://films.example{RARE} --trace
$strata --config cli/exchange.yaml site status films
Logs: {files}/*.log
Ctrl-C ends it all.""")

    def run(self):
        self.start()
        self.show_serving()
        self.show_purge()
        self.show_failure()
        self.show_cut()

    def stop(self):
        bad = self.tree.stop() if self.tree else []
        for origin in self.origins:
            origin.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if bad:
            print(f"did not end in order: {', '.join(bad)}", file=sys.stderr)
            self.failed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="where the built programs are")
    parser.add_argument("--media", required=True, help="folder for the media library, kept")
    parser.add_argument("--once", action="store_true", help="end after the tour")
    options = parser.parse_args()
    # What a terminal or a supervisor ends is to end in order too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tour = Tour(options)
    try:
        tour.run()
        if not options.once:
            tour.invite()
            threading.Event().wait()
    except KeyboardInterrupt:
        print()
    except FarmError as error:
        print(f"\n{error}", file=sys.stderr)
        tour.failed += 1
    finally:
        tour.stop()
    if options.once and not tour.failed:
        tour.step("Everything held.")
    return 1 if tour.failed else 0


if __name__ == "__main__":
    sys.exit(main())
