"""Engines that come, go and are refused, and sites that go."""

import os
import threading
import time

from farm_case import ENGINES, FarmCase, Load, ask, digest, wait_until

GUEST = "guest"


class RefusalTest(FarmCase):
    """Who is refused is told why, and so is the manager's operator."""

    def start_guest(self, name, change=lambda text: text):
        self.farm.addresses[name] = self.guest_address
        settings = self.farm.write_engine_settings(name)
        settings.write_text(change(settings.read_text()))
        self.farm.wrap[name] = self.lan.command(self.guest_machine)
        write, self.farm.write_engine_settings = self.farm.write_engine_settings, lambda _: settings
        try:
            self.farm.start_engine(name)
        finally:
            self.farm.write_engine_settings = write
        process = self.farm.engines.pop(name)
        self.addCleanup(process.kill)
        return process

    def wait_end(self, process, *words):
        wait_until(lambda: not process.running(), f"{process.name} ends")
        self.assertEqual(process.process.returncode, 1)
        for word in words:
            self.assertIn(word, process.log_end(1))

    def handshakes(self):
        text = self.farm.fetch_status(self.farm.manager_address, 7401, "/metrics")[1]
        return next(float(line.split()[1]) for line in text.splitlines()
                    if line.startswith("strata_rpc_handshakes_failed_total "))

    def test_a_certificate_of_another_authority(self):
        other = self.folder / "foreign"
        pki = [self.farm.programs.strata, "pki"]
        self.farm.run([*pki, "init", "--dir", other, "--scope", self.farm.scope])
        self.farm.run([*pki, "issue", "--dir", other, "--role", "engine", "--name", "stranger",
                       "--out", self.farm.folder / "certificates/stranger"])
        before = self.handshakes()
        stranger = self.start_guest(
            "stranger", lambda text: text.replace(f"{self.farm.pki}/crl.pem", f"{other}/crl.pem"))
        self.wait_end(stranger, "authority", self.farm.rpc)
        self.assertGreater(self.handshakes(), before)
        self.assertIn("handshake failed", self.farm.manager.log_end(100))
        self.assertEqual(self.farm.row("stranger")["status"], "?")

    def test_a_certificate_that_the_managers_authority_does_not_know(self):
        """The engine believes the manager, but not the reverse: only the manager's log can tell."""
        other = self.folder / "half"
        pki = [self.farm.programs.strata, "pki"]
        self.farm.run([*pki, "init", "--dir", other, "--scope", self.farm.scope])
        files = self.farm.folder / "certificates/half"
        self.farm.run([*pki, "issue", "--dir", other, "--role", "engine", "--name", "half",
                       "--out", files])
        both = (self.farm.pki / "ca.pem").read_text() + (other / "ca.pem").read_text()
        (files / "ca.pem").write_text(both)
        before = self.handshakes()
        half = self.start_guest("half", lambda text: "".join(
            line for line in text.splitlines(True) if "crl.pem" not in line))
        wait_until(lambda: "not registered yet" in half.log_end(100), "it says so")
        self.assertIn("certificate", half.log_end(100))
        wait_until(lambda: self.handshakes() > before, "the manager counts it")

    def test_a_certificate_of_another_scope(self):
        files = self.farm.folder / "certificates/elsewhere"
        self.farm.run([self.farm.programs.strata, "pki", "issue", "--dir", self.farm.pki, "--role",
                       "engine", "--name", "elsewhere", "--scope", self.farm.scope + "/below",
                       "--out", files])
        self.wait_end(self.start_guest("elsewhere"), "refuses", self.farm.scope)
        self.assertIn("engine refused", self.farm.manager.log_end(100))


class GoodbyeTest(FarmCase):
    """An engine that is told to end."""

    def test_clients_are_sent_elsewhere_before_it_stops(self):
        bodies = {}
        for number in range(20):
            path = f"/goodbye/{number}"
            holder, bodies[path] = self.fill(path, os.urandom(1000))
            if holder == "north-2":
                break
        loads = [Load(lambda p=p: self.get(p, timeout=5),
                      lambda a, b=b: a.good and digest(a.body) == digest(b))
                 for p, b in list(bodies.items())[-4:]]
        wait_until(lambda: all(load.count > 5 for load in loads), "the load runs")
        self.assertEqual(self.farm.engines["north-2"].stop(), 0)
        self.wait_status("north-2", "down")
        counts = [load.count for load in loads]
        wait_until(lambda: all(load.count > c + 5 for load, c in zip(loads, counts)), "they go on")
        for load in loads:
            self.assertEqual([answer.status for _, answer in load.end()], [])
        self.assertNotIn("was not told", self.farm.engines["north-2"].log_end(100))
        self.farm.start_engine("north-2")
        self.farm.wait_for_engine("north-2")
        self.check_equal()


class RemovedSiteTest(FarmCase):
    """A site that goes while it is filled."""

    def site_of(self, *lines):
        return self.site(*lines, name="music", host="music.example")

    def test_what_was_on_its_way_is_not_served_when_the_site_is_back(self):
        self.farm.apply_site(self.site_of())
        old = self.write("/song", os.urandom(500_000))
        self.origin.seconds["/song"] = 4
        answers = []
        client = threading.Thread(target=lambda: answers.append(
            self.get("/song", host="music.example")))
        client.start()
        wait_until(lambda: self.origin.count("/song"), "the fill has begun")
        time.sleep(0.5)  # Into the body.
        self.origin.seconds.clear()
        self.farm.strata("site", "remove", "music")
        new = self.write("/song", os.urandom(500_000))
        self.farm.apply_site(self.site_of())
        for _ in range(2):
            for name in ENGINES:
                answer = ask(self.engine_url(name, "/song", form="/_s/music.example"))
                self.assertEqual((answer.status, digest(answer.body)), (200, digest(new)), name)
            client.join()
        self.assertTrue(answers[0].broken or answers[0].body == new)
        self.farm.strata("site", "remove", "music")
