"""Certificates that are renewed, revoked or damaged while a farm with real nginx serves. Nobody is
told: processes notice by themselves."""

import re
import shutil
import socket
import ssl
import subprocess
import time

from farm_case import ENGINES, FarmCase, Load, ask, wait_until

GUEST = "guest-1"


class CertificatesTest(FarmCase):
    """Files change under processes that run."""

    def pki(self, *words):
        self.farm.run([self.farm.programs.strata, "pki", *words, "--dir", self.farm.pki])

    def metric(self, name, address=None, port=7401):
        text = self.farm.fetch_status(address or self.farm.manager_address, port, "/metrics")[1]
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0

    def shown_certificate(self):
        """What the manager shows who connects now."""
        files = self.farm.folder / "certificates/admin"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(files / "ca.pem")
        context.load_cert_chain(files / "certificate.pem", files / "key.pem")
        context.set_alpn_protocols(["h2"])
        address, port = self.farm.manager_address, 7400
        with socket.create_connection((address, port), 5) as plain:
            with context.wrap_socket(plain) as connection:
                return connection.getpeercert(binary_form=True)

    def file_certificate(self, name):
        text = (self.farm.folder / "certificates" / name / "certificate.pem").read_text()
        return ssl.PEM_cert_to_DER_cert(text)

    def test_renewed_certificates_are_used_and_no_request_is_lost(self):
        body = self.fill("/renewed.ts", b"renewed" * 1000)[1]
        loads = [Load(lambda: self.get("/renewed.ts"), lambda answer: answer.body == body)]
        loads += [Load(lambda name=name: self.at(name, "/renewed.ts"),
                       lambda answer: answer.body == body) for name in ENGINES]
        registrations = {name: self.farm.row(name)["registration"] for name in ENGINES}
        reloads = {name: self.metric("strata_tls_reloads_total", self.farm.addresses[name], 7402)
                   for name in ENGINES}
        before = self.shown_certificate()
        refused = self.metric("strata_tls_reloads_refused_total")
        for name in ("sm-1", *ENGINES):
            self.pki("renew", name, "--out", self.farm.folder / "certificates" / name)
        wait_until(lambda: self.shown_certificate() == self.file_certificate("sm-1"),
                   "the manager shows its new certificate", 5)
        self.assertNotEqual(self.shown_certificate(), before)
        for name in ENGINES:
            wait_until(lambda name=name: self.metric(
                "strata_tls_reloads_total", self.farm.addresses[name], 7402) > reloads[name],
                       f"{name} has read its files", 5)
        # Who still showed his old certificate would be refused from now on.
        self.check_purged("/renewed.ts")
        for load in loads:
            self.assertEqual([(answer.status, answer.hops) for _, answer in load.end()], [])
            self.assertGreater(load.count, 0)
        self.assertEqual({name: self.farm.row(name)["registration"] for name in ENGINES},
                         registrations)
        self.assertEqual(self.metric("strata_tls_reloads_refused_total"), refused)

    def test_an_open_stream_of_who_is_revoked_ends_within_five_seconds(self):
        self.farm.issue("viewer", "leaver")
        files = self.farm.folder / "certificates/leaver"
        self.farm.strata("events", "--recent", "1", who="leaver")  # Writes its settings, too.
        command = [self.farm.programs.strata, "--config", str(self.farm.folder / "cli-leaver.yaml"),
                   "events", "--follow"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stream:
            self.addCleanup(stream.kill)
            stream.stdout.readline()  # It is open.
            self.pki("revoke", "leaver")
            begun = time.monotonic()
            error = stream.communicate(timeout=20)[1].decode()
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("revoked", error)
        shutil.rmtree(files)

    def test_an_engine_that_is_revoked_is_out_within_five_seconds(self):
        self.farm.issue("engine", GUEST)
        self.farm.addresses[GUEST] = self.guest_address
        self.farm.wrap[GUEST] = self.lan.command(self.guest_machine)
        self.farm.start_engine(GUEST)
        guest = self.farm.engines.pop(GUEST)
        self.addCleanup(guest.kill)
        wait_until(lambda: self.farm.row(GUEST)["status"] == "up", "the guest is up")
        self.pki("revoke", GUEST)
        begun = time.monotonic()
        wait_until(lambda: not guest.running(), "the guest ends", 10)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("revoked", guest.log_end(1))
        wait_until(lambda: not self.farm.row(GUEST).get("in_view"), "the guest is out of the view")
        self.farm.strata("engine", "remove", GUEST)

    def test_a_damaged_list_changes_nothing_and_is_told(self):
        path = self.farm.pki / "crl.pem"
        good = path.read_bytes()
        self.addCleanup(path.write_bytes, good)
        refused = self.metric("strata_tls_reloads_refused_total")
        path.write_bytes(good[:len(good) // 2])
        wait_until(lambda: self.metric("strata_tls_reloads_refused_total") > refused,
                   "the fault is counted", 5)
        self.assertIn("crl.pem", self.farm.manager.log_end(50))
        self.assertEqual(ask(self.farm.http + "/any", host="films.example").status, 302)
        self.check_equal()
        reloads = self.metric("strata_tls_reloads_total")
        path.write_bytes(good)
        wait_until(lambda: self.metric("strata_tls_reloads_total") > reloads, "it is read", 5)


if __name__ == "__main__":
    import unittest
    unittest.main()
