#!/usr/bin/env python3
"""The tour of deploy/quickstart: a farm on this machine's loopback addresses, shown at work."""

import argparse
import collections
import hashlib
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import media
from farm import Farm, FarmError, Programs, wait_until
from origin import Origin

ENGINES = {"north-1": "127.0.83.11", "north-2": "127.0.83.12",
           "south-1": "127.0.83.13", "south-2": "127.0.83.14"}
MANAGER = "127.0.83.1"
ORIGIN = "127.0.83.2"
HOST = "films.example"
PORT = 8080
SITE = f"""\
name: films
hosts: [{HOST}]
origins:
  - {{host: {ORIGIN}, port: 8000}}
ttl: 10min
cors_origins: ["*"]
"""


class Tour:
    """Shows, checks what it shows, and counts what did not hold."""

    def __init__(self, options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-tour-"))
        self.folder.chmod(0o711)  # nginx's workers go through it.
        self.media = media.make(options.media)
        self.farm = Farm(Programs(options.programs), self.folder, manager_address=MANAGER,
                         http_port=PORT)
        self.origin = None
        self.failed = 0
        self.bold, self.dim, self.plain = (
            ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", ""))

    # ---- Telling.

    def step(self, text):
        print(f"\n{self.bold}{text}{self.plain}", flush=True)

    def say(self, text):
        for line in text.rstrip("\n").splitlines():
            print(f"   {line}", flush=True)

    def command(self, *words):
        """Shows a command and what it prints."""
        print(f"   {self.dim}$ strata {' '.join(words)}{self.plain}")
        self.say(self.farm.strata(*words))

    def check(self, holds, text):
        self.say(("ok    " if holds else "FAILED  ") + text)
        self.failed += not holds

    # ---- The client.

    def fetch(self, path, *extra):
        """Follows redirects as any client does: status, body, and who answered in the end."""
        url = f"http://{HOST}:{PORT}{path}"
        body = self.folder / "body"
        body.unlink(missing_ok=True)
        done = subprocess.run(
            ["curl", "-sS", "-L", "-m", "30", "--resolve", f"{HOST}:{PORT}:{MANAGER}", "-o",
             str(body), "-w", "%{http_code} %{url_effective}", *extra, url],
            capture_output=True, text=True)
        status, _, where = done.stdout.partition(" ")
        address = urllib.parse.urlsplit(where).hostname if where else None
        engine = next((n for n, a in ENGINES.items() if a == address), address)
        return int(status or 0), body.read_bytes() if body.exists() else b"", engine

    def fetch_everything(self):
        """Everything once; who served how many, and what was wrong."""
        served = collections.Counter()
        wrong = []
        for path in media.names(self.media):
            status, body, engine = self.fetch(path)
            served[engine] += 1
            original = self.origin_file(path).read_bytes()
            if status != 200 or hashlib.sha256(body).digest() != hashlib.sha256(original).digest():
                wrong.append(f"{path}: {status} from {engine}")
        return served, wrong

    def origin_file(self, path):
        return self.folder / "origin" / path.lstrip("/")

    # ---- The steps.

    def start(self):
        self.step("3. Certificates: an authority, and one for each process and operator")
        self.farm.make_certificates(ENGINES)
        self.say(self.farm.run([self.farm.programs.strata, "pki", "list", "--dir", self.farm.pki]))

        self.step("4. An origin with a media library; part of it is in engines' libraries")
        shutil.copytree(self.media, self.folder / "origin")
        self.origin = Origin(self.folder / "origin", ORIGIN)
        for engine, film in (("north-1", "clock"), ("south-1", "clock"), ("south-2", "colours")):
            target = self.farm.library(engine, "films") / "films" / film
            shutil.copytree(self.media / "films" / film, target)
            for path in [target, target.parent, target.parent.parent]:
                path.chmod(0o755)
            self.say(f"{engine} has the film {film}")

        self.step("5. A Service Manager, and four engines with an nginx each")
        self.farm.start_manager()
        self.farm.wait_for_manager()
        for name, address in ENGINES.items():
            self.farm.start_engine(name, address)
        for name in ENGINES:
            self.farm.wait_for_engine(name)
        self.say(SITE)
        print(f"   {self.dim}$ strata site apply -f site.yaml{self.plain}")
        self.say(self.farm.apply_site(SITE))
        files = len(media.names(self.media / "films" / "clock"))
        wait_until(lambda: self.farm.show().get("contents", 0) and
                   int(self.farm.show()["contents"]) >= 2 * files, "libraries are in the directory")

    def show_serving(self):
        self.step("6. A client fetches everything from the manager, which sends him to engines")
        served, wrong = self.fetch_everything()
        self.say(", ".join(f"{name} answered {n}" for name, n in sorted(served.items())))
        self.check(not wrong, f"{sum(served.values())} files are what the origin has"
                   if not wrong else "; ".join(wrong))
        before = sum(self.origin.requests.values())
        served, wrong = self.fetch_everything()
        self.check(not wrong and sum(self.origin.requests.values()) == before,
                   "once more: the origin was asked for nothing")
        uri = f"http://{HOST}/films/life/index.m3u8"
        wait_until(lambda: self.farm.holders(uri), "the directory has what was pulled")
        self.command("farm", "show")
        self.command("locate", uri)

    def show_purge(self):
        self.step("7. The origin changes a file; a purge makes it gone everywhere")
        self.origin_file("/news.txt").write_text("The second edition.\n")
        _, body, engine = self.fetch("/news.txt")
        self.check(body == b"The first edition.\n", f"{engine} still has: {body.decode().strip()}")
        self.command("content", "purge", f"http://{HOST}/news.txt")
        _, body, engine = self.fetch("/news.txt")
        self.check(body == b"The second edition.\n", f"now {engine} has: {body.decode().strip()}")

    def show_failure(self):
        self.step("8. The engine south-2 is killed, the only one with colours; all goes on")
        self.farm.engines["south-2"].kill()
        wait_until(lambda: self.farm.row("south-2")["status"] == "down", "south-2 is seen as down")
        served, wrong = self.fetch_everything()
        self.say(", ".join(f"{name} answered {n}" for name, n in sorted(served.items())))
        self.check(not wrong and "south-2" not in served,
                   "everything is served by the others" if not wrong else "; ".join(wrong))
        self.farm.start_engine("south-2")
        self.farm.wait_for_engine("south-2")
        self.check(True, "south-2 was started again, and is back with what it held")

    def show_equal(self):
        self.step("9. Every member holds the same table")
        self.command("farm", "verify")
        self.check(self.farm.verify().get("equal", False), "tables are equal")
        self.command("events")

    def invite(self):
        files = self.farm.folder
        self.step("The farm is running: try it, in another terminal")
        self.say(f"""\
curl -L --resolve {HOST}:{PORT}:{MANAGER} http://{HOST}:{PORT}/films/life/index.m3u8
curl -i --resolve {HOST}:{PORT}:{MANAGER} http://{HOST}:{PORT}/news.txt?strata=explain
export STRATA_CONFIG={files}/cli-admin.yaml
{self.farm.programs.strata} farm show --watch
{self.farm.programs.strata} content list
curl http://{MANAGER}:7401/metrics
Logs: {files}/*.log, and nginx's in {files}/north-1/log
Ctrl-C ends it all.""")

    def run(self):
        self.start()
        self.show_serving()
        self.show_purge()
        self.show_failure()
        self.show_equal()

    def stop(self):
        bad = self.farm.stop()
        if self.origin:
            self.origin.close()
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
