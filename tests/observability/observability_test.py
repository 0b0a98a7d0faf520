"""Alert rules, the dashboard and the documents name metrics that there are, and rules work. That
the documents tell what real processes do is seen by tests/packages."""

import json
import pathlib
import re
import subprocess
import unittest

import metrics_page

RULES = pathlib.Path("deploy/prometheus/alerts.yml")
RULE_TESTS = pathlib.Path("deploy/prometheus/alerts_test.yml")
SCRAPE = pathlib.Path("deploy/prometheus/scrape.yml")
DASHBOARD = pathlib.Path("deploy/grafana/strata.json")
ALARMS = pathlib.Path("docs/operator/alarms.md")


def metrics_in(text):
    return set(re.findall(r"\bstrata_[a-z0-9_]+\b", text))


def promtool(*words):
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True,
                          check=False)


class RulesTest(unittest.TestCase):
    def test_promtool_takes_rules_and_scrape_settings(self):
        for done in (promtool("check", "rules", RULES),
                     promtool("check", "config", "--syntax-only", SCRAPE)):
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_fires_when_it_should_and_none_on_a_quiet_farm(self):
        done = promtool("test", "rules", RULE_TESTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_has_a_test_and_a_row_in_the_document(self):
        alerts = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
        tested = re.findall(r"- name: (Strata\w+)", RULE_TESTS.read_text(encoding="utf-8"))
        told = re.findall(r"^\| `(\w+)`", ALARMS.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertGreater(len(alerts), 10)
        self.assertEqual((tested, told), (alerts, alerts))

    def test_uses_metrics_that_there_are(self):
        used = metrics_in(RULES.read_text(encoding="utf-8"))
        self.assertEqual(used - set(metrics_page.told()), set())


class DashboardTest(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        self.panels = [panel for panel in self.dashboard["panels"] if panel["type"] != "row"]

    def test_every_panel_shows_something_that_there_is(self):
        self.assertGreater(len(self.panels), 10)
        for panel in self.panels:
            for target in panel["targets"]:
                used = metrics_in(target["expr"])
                self.assertTrue(used or "up{" in target["expr"], panel["title"])
                self.assertEqual(used - set(metrics_page.told()), set(), panel["title"])

    def test_expressions_are_promql(self):
        rules = {"groups": [{"name": "panels", "rules": [
            {"record": f"panel:{panel['id']}", "expr": target["expr"]}
            for panel in self.panels for target in panel["targets"]]}]}
        done = subprocess.run(["promtool", "check", "rules", "/dev/stdin"], capture_output=True,
                              input=json.dumps(rules), text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_panels_do_not_overlap(self):
        taken = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y)
                     for x in range(place["w"]) for y in range(place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
        self.assertEqual(len({panel["id"] for panel in self.dashboard["panels"]}),
                         len(self.dashboard["panels"]))


class PageTest(unittest.TestCase):
    def test_every_metric_is_told_once_with_what_is_normal(self):
        rows = metrics_page.rows()
        self.assertEqual(len(rows), len(metrics_page.told()))
        for name, meaning, normal in rows:
            self.assertTrue(meaning and normal, name)


if __name__ == "__main__":
    unittest.main()
