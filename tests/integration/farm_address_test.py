"""The floating addresses of a farm with one manager: it serves on them while it leads."""

import signal
import subprocess
import time
import unittest

from farm_case import HOST, PORT, FarmCase, ask, wait_until

V4 = "10.77.0.100"
V6 = "fd77::100"


class AddressTest(FarmCase):
    @classmethod
    def prepare(cls):
        write = cls.farm.write_manager_settings

        def write_with_addresses():
            path = write()
            text = path.read_text(encoding="utf-8")
            assert "\nhttp:\n" in text
            path.write_text(text.replace(
                "\nhttp:\n", f"\nhttp:\n  floating: {{addresses: ['{V4}', '{V6}']}}\n"),
                encoding="utf-8")
            return path

        cls.farm.write_manager_settings = write_with_addresses

    def held(self):
        shown = subprocess.run(self.lan.command(1, "ip", "-o", "addr", "show", "dev", "eth0"),
                               check=True, capture_output=True, text=True).stdout
        return {address for address in (V4, V6) if f" {address}/" in shown}

    def wait_held(self, addresses, patience=20):
        wait_until(lambda: self.held() == addresses, f"{addresses} are held", patience, 0.01)

    def setUp(self):
        super().setUp()
        self.wait_held({V4, V6})

    def test_serves_on_both(self):
        for host in (V4, f"[{V6}]"):
            answer = ask(f"http://{host}:{PORT}/any", host=HOST)
            self.assertEqual(answer.status, 302, host)
        health = self.farm.fetch_status(self.farm.manager_address, 7401, "/healthz")[1]
        self.assertIn(f"floating addresses: {V4}, {V6} on eth0: held", health)

    def test_drops_them_before_the_others_choose_anew(self):
        self.lan.cut(1, [2, 3, 4])
        started = time.monotonic()
        self.wait_held(set(), 5)
        self.assertLess(time.monotonic() - started, 1.5)
        self.lan.heal()
        self.wait_held({V4, V6})

    def test_a_frozen_manager_loses_them_and_takes_them_when_it_leads_again(self):
        self.farm.manager.signal(signal.SIGSTOP)
        self.addCleanup(self.farm.manager.signal, signal.SIGCONT)
        started = time.monotonic()
        self.wait_held(set())
        self.assertLess(time.monotonic() - started, 2.5)
        self.farm.manager.signal(signal.SIGCONT)
        self.wait_held({V4, V6})

    def test_drops_them_when_it_ends_in_order(self):
        self.assertEqual(self.farm.manager.stop(), 0)
        self.assertEqual(self.held(), set())
        self.farm.start_manager()
        self.wait_held({V4, V6})


if __name__ == "__main__":
    unittest.main()
