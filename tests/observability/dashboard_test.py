"""Every panel of the dashboard has something to show: Prometheus, set up by the scrape settings
that operators get, beside a farm in which all of it happens."""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
# pylint: disable=wrong-import-position
from clients import KeepingClient, Load
from farm_case import ENGINES, HOST, PORT, FarmCase, ask, host_of, wait_until

DASHBOARD = pathlib.Path("deploy/grafana/strata.json")
SCRAPE = pathlib.Path("deploy/prometheus/scrape.yml")

_PROMETHEUS = "127.0.0.1:9090"
_SCRAPES = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
_PATIENCE = 60  # Seconds, for Prometheus to start and to see what happened.

# What does not happen in this farm: the line is at 0, and it is good that it is.
_QUIET = {"Probes of nginx that failed", "Multicast: dropped by the kernel",
          "Floating addresses held", "Engines that differ", "Left to copy from drained engines",
          # Of a federation: its farm has neither children nor a parent.
          "Children: attached, telling, told", "Streams of children that began",
          "Questions where contents are", "Neighbours that did not answer in time"}


def query(expression):
    """What an expression gives now: [(labels, value)]."""
    words = urllib.parse.urlencode({"query": expression})
    url = f"http://{_PROMETHEUS}/api/v1/query?{words}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    return [(series["metric"], float(series["value"][1])) for series in found]


def ready():
    try:
        with urllib.request.urlopen(f"http://{_PROMETHEUS}/-/ready", timeout=1):
            return True
    except OSError:
        return False


class DashboardTest(FarmCase):
    """Two managers, three engines, and a Prometheus that was there before them."""

    backups = 1

    @classmethod
    def prepare(cls):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        folder = cls.folder / "prometheus"
        folder.mkdir()
        settings = folder / "prometheus.yml"
        settings.write_text(_SCRAPES + cls.scrape_settings(), encoding="utf-8")
        log = (folder / "log").open("w", encoding="utf-8")
        cls.addClassCleanup(log.close)
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={_PROMETHEUS}"], stdout=log, stderr=subprocess.STDOUT)
        cls.addClassCleanup(prometheus.wait, 20)
        cls.addClassCleanup(prometheus.kill)
        wait_until(ready, "Prometheus is ready", _PATIENCE)

    @classmethod
    def scrape_settings(cls):
        """Those for operators, with this farm's addresses and without alarms."""
        text = re.sub(r"(?m)^rule_files:.*\n", "", SCRAPE.read_text(encoding="utf-8"))
        for job, port, addresses in (("manager", 7401, cls.farm.manager_addresses),
                                     ("engine", 7402, cls.farm.addresses)):
            targets = ", ".join(f'"{host_of(address)}:{port}"' for address in addresses.values())
            text, count = re.subn(rf"(job_name: strata-{job}\n.*\n.*targets: )\[.*\]",
                                  rf"\g<1>[{targets}]", text)
            assert count == 1, job
        return text

    @staticmethod
    def panels():
        panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
        return [panel for panel in panels if panel["type"] != "row"]

    def ask_all(self):
        """A round of what clients ask for, each time of new contents, which are purged then."""
        self.rounds += 1
        path = f"/{self.rounds}.ts"
        self.write(path, b"shown" * 10000)
        for name in ENGINES:
            self.at(name, path)
            self.at(name, "/broken.ts")
            ask(self.engine_url(name, path, form=""), host="nobody.example")
        self.get(path)
        ask(self.farm.http + path, host="nobody.example")
        self.farm.purge(self.uri(path))
        return ask(self.farm.http + path, host=HOST)

    def happen(self):
        """What the expressions count goes on, while Prometheus looks: what it did not see before
        has not risen for it."""
        members = len(self.farm.managers) + len(ENGINES)
        wait_until(lambda: [value for _, value in query("up")] == [1] * members,
                   "Prometheus sees all members", _PATIENCE)
        self.origin.answers["/broken.ts"] = lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n")
        self.rounds = 0
        client = KeepingClient(self.farm.manager_address, PORT)
        self.addCleanup(client.end)
        load = Load(self.ask_all, lambda answer: answer.status == 302)
        self.addCleanup(load.end)
        self.lan.lose(5)
        self.addCleanup(self.lan.lose, 0)
        self.farm.engines["south-1"].kill()
        self.wait_status("south-1", "down")
        self.farm.start_engine("south-1")
        self.farm.wait_for_engine("south-1")

    def shows(self, panel):
        """Whether each line of a panel is there, with what its legend names, and one of them
        above 0 where something happened."""
        for target in panel["targets"]:
            series = query(target["expr"])
            labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
            if not series or any(label not in told for told, _ in series for label in labels):
                return False
            names = [tuple(told.get(label) for label in labels) for told, _ in series]
            self.assertEqual(len(set(names)), len(names), f"{panel['title']}: lines of one name")
            if panel["title"] not in _QUIET and not any(value > 0 for _, value in series):
                return False
        return True

    def test_every_panel_shows_what_happens(self):
        self.happen()
        deadline = time.monotonic() + _PATIENCE
        waiting = self.panels()
        while waiting and time.monotonic() < deadline:
            waiting = [panel for panel in waiting if not self.shows(panel)]
            time.sleep(0.5)
        self.assertEqual([panel["title"] for panel in waiting], [])
        self.assertEqual(_QUIET - {panel["title"] for panel in self.panels()}, set())
        for panel in self.panels():
            for target in panel["targets"]:
                print(panel["title"], query(target["expr"]), file=sys.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
