"""What a manager reads again at SIGHUP, in a farm with real nginx."""

import re
import signal

from farm_case import HOST, FarmCase, ask, wait_until


class SettingsTest(FarmCase):
    """Settings that change while the manager runs."""

    def reload(self, change):
        """Changes the text of the manager's settings file, and tells the manager."""
        path = self.farm.write_manager_settings()
        path.write_text(change(path.read_text()))
        self.farm.manager.signal(signal.SIGHUP)

    def tearDown(self):
        self.reload(lambda text: text)
        super().tearDown()

    def metric(self, name):
        text = self.farm.fetch_status(self.farm.manager_address, 7401, "/metrics")[1]
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0

    def statuses(self, count):
        return {ask(self.farm.http + "/limited", host=HOST).status for _ in range(count)}

    def test_a_rate_limit_comes_and_goes_without_a_restart(self):
        self.assertEqual(self.statuses(20), {302})
        self.reload(lambda text: text.replace(
            "requests_per_client: 0", "requests_per_client: 1\n  burst_per_client: 2"))
        wait_until(lambda: 429 in self.statuses(5), "clients are limited", 20)
        self.reload(lambda text: text)
        wait_until(lambda: self.statuses(20) == {302}, "clients are not limited any more", 20)

    def test_weights_count_at_once(self):
        # Storage is what every machine uses some of.
        only = "load_weights: {bandwidth_out: 0, bandwidth_in: 0, cpu: 0, memory: 0, storage: 1}\n"
        self.reload(lambda text: text + only)

        def by_storage():
            row = self.farm.row("north-1")
            share = int(row["storage_used"]) / int(row["capacity"]["storage"])
            return abs(row["load_factor"] - share) < 1e-6
        wait_until(by_storage, "the load is that of the storage", 20)

    def test_a_file_with_a_fault_changes_nothing(self):
        refused = self.metric("strata_manager_reloads_refused_total")
        self.reload(lambda text: text.replace("requests_per_client: 0", "requests_per_client: 1")
                    + "purge_wait: soon\n")
        wait_until(lambda: self.metric("strata_manager_reloads_refused_total") == refused + 1,
                   "the fault is counted", 20)
        self.assertIn("purge_wait: found", self.farm.manager.log_end(50))
        self.assertEqual(self.statuses(120), {302})

    def test_what_needs_a_restart_is_named(self):
        self.reload(lambda text: text.replace("threads: 1", "threads: 2") + "purge_wait: 20s\n")
        wait_until(lambda: "keys=http.threads" in self.farm.manager.log_end(50),
                   "the key is in the log", 20)

    def test_its_health_tells_more_than_that_it_is_well(self):
        status, text = self.farm.fetch_status(self.farm.manager_address, 7401, "/healthz")
        self.assertEqual(status, 200)
        lines = text.splitlines()
        self.assertEqual(lines[0], "ok")
        facts = dict(line.split(": ", 1) for line in lines[1:])
        self.assertEqual(facts["role"], "leads the farm")
        self.assertEqual(facts["majority of voters"], "in reach")
        self.assertEqual(facts["members"], "4")
        self.assertEqual(facts["states"], "no difference found")
        self.assertEqual(facts["store"], "ok")
        self.assertTrue(facts["front end"].endswith(f":{self.farm.http_port}"), facts)

