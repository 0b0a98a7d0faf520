"""A farm fills: long fills and many clients, slow ones, full disks, and what changes contents."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import time
import unittest

from farm_case import ENGINES, HOST, FarmCase, digest, wait_until
from lab import own_mounts

CLIENTS = 100
LONG = 15  # Seconds of a fill.
BIG = 96 << 20
SLOW = 20  # Slow clients at once.
MEMORY_MAX = 64 << 20  # What an engine may take more for them.


def curl(url, rate=""):
    """A client who takes `rate` bytes a second; its body comes on standard output."""
    limit = ["--limit-rate", rate] if rate else []
    return subprocess.Popen(["curl", "-sS", "-f", *limit, url], stdout=subprocess.PIPE)


def body_of(client):
    body = client.stdout.read()
    client.stdout.close()
    return client.wait(), digest(body)


class FillsTest(FarmCase):
    """Fills that take their time, and clients who take theirs."""

    def other(self, holder):
        return next(name for name in ENGINES if name != holder)

    def memory(self, name):
        status = pathlib.Path(f"/proc/{self.farm.engines[name].pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10

    def first_byte(self, name, path):
        """Seconds until the first byte of a body, and until its end."""
        words = ["curl", "-sSL", "-o", "/dev/null", "-w", "%{time_starttransfer} %{time_total}",
                 "-H", f"Host: {HOST}", self.engine_url(name, path, form="")]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return [float(word) for word in done.stdout.split()]

    def test_clients_of_a_long_fill_ask_the_origin_once(self):
        """By the manager, and by one engine, both at once."""
        bodies = {}
        for path in ("/long/farm", "/long/engine"):
            bodies[path] = self.write(path, os.urandom(2 << 20))
            self.origin.seconds[path] = LONG
        with concurrent.futures.ThreadPoolExecutor(2 * CLIENTS + 3) as clients:
            began = time.monotonic()
            # Clients whom nobody sent: they are led to the one that fills.
            streams = [clients.submit(self.first_byte, name, "/long/farm") for name in ENGINES]
            by_farm = [clients.submit(self.get, "/long/farm", timeout=60) for _ in range(CLIENTS)]
            by_engine = [clients.submit(self.at, "north-1", "/long/engine", timeout=60)
                         for _ in range(CLIENTS)]
            for path, asked in (("/long/farm", by_farm), ("/long/engine", by_engine)):
                answers = [client.result() for client in asked]
                self.assertEqual({(a.status, digest(a.body)) for a in answers},
                                 {(200, digest(bodies[path]))})
                self.assertEqual(self.origin.count(path), 1)
            self.assertGreater(time.monotonic() - began, LONG - 1)
            for stream in streams:
                first, last = stream.result()
                self.assertLess(first, LONG / 3, "the first bytes come while it is filled")
                self.assertGreater(last, first + LONG / 2)

    def check_slow_clients(self, path, body, name):
        """Many slow clients, some who are not so slow, and one who hurries; most leave early."""
        url = self.engine_url(name, path)
        slow = [curl(url, "1M") for _ in range(SLOW)]
        medium = [curl(url, "16M") for _ in range(3)]
        for client in slow:
            self.assertEqual(len(client.stdout.read(1000)), 1000)
        began = time.monotonic()
        answer = self.at(name, path, timeout=60)
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.assertLess(time.monotonic() - began, 15, "slow clients hold up nobody")
        began = time.monotonic()
        self.assertEqual(self.at(name, "/small").status, 200)
        self.assertLess(time.monotonic() - began, 2)
        memory = self.memory(name)
        for client in medium:
            self.assertEqual(body_of(client), (0, digest(body)))
        for client in slow:
            self.assertIsNone(client.poll(), "it is still at it")
            client.kill()
            client.stdout.close()
            client.wait()
        return memory

    def test_slow_clients_hold_up_nobody_and_take_no_memory(self):
        path = "/slow-clients"
        self.fill("/small", b"small")
        body = self.write(path, os.urandom(BIG))
        self.origin.seconds[path] = 5
        name = "north-1"
        before = self.memory(name)
        filling = self.check_slow_clients(path, body, name)
        self.assertEqual(self.origin.count(path), 1)
        holder = wait_until(lambda: self.farm.holders(self.uri(path)), "it is held")[0]
        cached = self.check_slow_clients(path, body, holder)
        self.assertLess(filling - before, MEMORY_MAX)
        self.assertLess(cached - before, MEMORY_MAX)
        self.assertEqual(self.origin.count(path), 1)

    def test_a_fill_whose_only_client_leaves_is_completed(self):
        path = "/left"
        body = self.write(path, os.urandom(1 << 20))
        self.origin.seconds[path] = 3
        client = curl(self.engine_url("north-2", path))
        self.assertEqual(client.stdout.read(1000), body[:1000])
        client.kill()
        client.stdout.close()
        client.wait()
        wait_until(lambda: self.farm.holders(self.uri(path)), "it is held")
        self.check_everywhere(path, body)
        self.assertEqual(self.origin.count(path), 1)


class ChangeTest(FarmCase):
    """Requests that change contents (RFC 9110, section 9.2.1; RFC 9111, section 4.4)."""

    def change(self, handler):
        """The origin's part: what is sent is what is there."""
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        self.seen.append((handler.command, body))
        if handler.command == "GET":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.content)))
            handler.end_headers()
            handler.wfile.write(self.content)
            return
        if body != b"refused":
            self.content = body
        handler.send_response(400 if body == b"refused" else 204)
        if body == b"refused":
            handler.send_header("Content-Length", "0")
        handler.end_headers()

    def test_a_change_takes_the_copy_where_it_came_in(self):
        self.seen, self.content = [], b"first"
        self.origin.answers["/changed"] = self.change
        holder, _ = self.fill("/changed")
        for number, method in enumerate(("PUT", "POST", "DELETE", "PATCH")):
            new = f"{method} {number}".encode()
            self.assertEqual(self.at(holder, "/changed", method=method, body=new).status, 204)
            self.assertEqual(self.seen[-1], (method, new))
            self.assertEqual(self.at(holder, "/changed").body, new)
            wait_until(lambda: holder in self.farm.holders(self.uri("/changed")), "it is kept")
        asked = self.origin.count("/changed")
        self.assertEqual(self.at(holder, "/changed", method="POST", body=b"refused").status, 400)
        self.assertEqual(self.at(holder, "/changed").body, self.content)
        self.assertEqual(self.origin.count("/changed"), asked, "the copy stayed")

    def test_a_change_cuts_off_what_is_being_filled(self):
        self.write("/changed-slow", b"a" * 500_000)
        self.origin.seconds["/changed-slow"] = 5
        name = "north-1"
        with concurrent.futures.ThreadPoolExecutor(1) as clients:
            old = clients.submit(self.at, name, "/changed-slow")
            wait_until(lambda: self.origin.count("/changed-slow"), "it is asked for")
            self.origin.seconds.clear()
            new = self.write("/changed-slow", b"b" * 500_000)
            for engine in ENGINES:  # One of them fills.
                self.assertEqual(self.at(engine, "/changed-slow", method="POST").status, 200)
            self.check_everywhere("/changed-slow", new)
            answer = old.result()
            self.assertTrue(answer.broken or answer.body == new)

    def test_a_library_is_not_the_clients_to_change(self):
        file = self.farm.library("south-1", "films") / "changed-own"
        file.write_bytes(b"own")
        wait_until(lambda: self.farm.holders(self.uri("/changed-own")) == ["south-1"], "known")
        self.seen, self.content = [], b""
        self.origin.answers["/changed-own"] = self.change
        self.assertEqual(self.at("south-1", "/changed-own", method="PUT", body=b"x").status, 204)
        self.assertEqual(self.at("south-1", "/changed-own").body, b"own")
        self.assertEqual(file.read_bytes(), b"own")


class FullDiskTest(FarmCase):
    """One engine has a disk that is small, and at times full."""

    small = "south-1"
    size = 400 << 20

    @classmethod
    def prepare(cls):
        own_mounts()
        folder = cls.farm.engine_folder(cls.small)
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={cls.size},mode=711", "disk", folder],
                       check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "-l", folder], check=True)

    def setUp(self):
        self.ballast = self.farm.engine_folder(self.small) / "ballast"
        self.ballast.unlink(missing_ok=True)
        super().setUp()

    def fill_disk(self, free):
        """Leaves so many bytes."""
        disk = os.statvfs(self.ballast.parent)
        with open(self.ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - free)

    def reason(self):
        return self.farm.row(self.small).get("reason", "")

    def test_a_full_disk_is_told_and_serves_no_half_file(self):
        held = self.write("/disk/held", os.urandom(300_000))
        self.assertEqual(self.at(self.small, "/disk/held").body, held)
        self.fill_disk(4 << 20)
        self.wait_status(self.small, "degraded")
        self.assertIn("disk full", self.reason())
        self.assertIn("disk full", self.farm.strata("farm", "show"))
        for number in range(20):
            path = f"/disk/{number}"
            body = self.write(path, os.urandom(200_000))
            answer = self.at(self.small, path)
            self.assertTrue(answer.good and answer.body == body or answer.status >= 500)
            answer = self.get(path)
            self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)), path)
        self.assertEqual(self.at(self.small, "/disk/held").body, held)
        self.ballast.unlink()
        self.wait_status(self.small, "up")
        for number in range(20):
            path = f"/disk/{number}"
            self.check_everywhere(path, (self.folder / "origin" / path[1:]).read_bytes())
        self.check_equal()

    def test_a_disk_that_fills_up_during_a_fill(self):
        path = "/disk/too-big"
        body = self.write(path, os.urandom(self.size - (20 << 20)))
        self.farm.apply_site(self.site("minimum_copies: 3"))  # Whoever is asked fills.
        self.addCleanup(lambda: self.farm.apply_site(self.site()))
        for _ in range(2):
            answer = self.at(self.small, path, timeout=60)
            self.assertFalse(answer.good)
            self.assertTrue(answer.status >= 500 or body.startswith(answer.body))
        self.assertNotIn(self.small, self.farm.holders(self.uri(path)))
        answer = self.at("north-1", path, timeout=60)
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.wait_status(self.small, "up", patience=60)
        small = self.write("/disk/small", os.urandom(100_000))
        wait_until(lambda: self.at(self.small, "/disk/small").body == small, "it fills again")
        self.check_equal()


if __name__ == "__main__":
    unittest.main()
