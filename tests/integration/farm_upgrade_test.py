"""A farm of old programs becomes one of new ones, member by member, while clients ask.

The old ones are in the folder that STRATA_OLD_BINARIES names, laid out as bazel-bin of an older
checkout (service_manager/app/service_manager and so on); without it they are those of this build,
which tries the way of the upgrade only.

  bazel test //tests/integration:farm_upgrade_test --test_env=STRATA_OLD_BINARIES=/old/bazel-bin
"""

import os
import re
import subprocess
import urllib.parse

from farm_case import ENGINES, HOST, FarmCase, Load, Programs, ask, wait_until

_WRK_SECONDS = 600  # Longer than all of it: it is stopped.


class Wrk:
    """wrk against one address, until it is stopped; what it counted."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            ["wrk", "-t1", "-c8", f"-d{_WRK_SECONDS}s", "--timeout", "10s", url],
            stdout=subprocess.PIPE, text=True)

    def stop(self):
        self.process.send_signal(2)
        text = self.process.communicate(timeout=20)[0]
        errors = re.search(r"Socket errors: (.*)", text)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        return requests, [found.group(0) for found in (errors, bad) if found]


class UpgradeTest(FarmCase):
    """From the old programs to the new ones."""

    @classmethod
    def prepare(cls):
        cls.new = Programs(os.getcwd())
        old = os.environ.get("STRATA_OLD_BINARIES")
        cls.old = Programs(old) if old else cls.new
        cls.farm.programs = cls.old
        # The only manager is away for a moment: engines are to serve what they have.
        cls.farm.serve_alone = True

    def version(self, program):
        return subprocess.run([program, "--version"], capture_output=True, text=True,
                              check=True).stdout.strip()

    def others(self, name):
        return [other for other in ENGINES if other != name]

    def steady(self, name, path, body):
        """Clients that are sent by the manager and follow, and clients at the other engines."""
        loads = [Load(lambda: self.get(path), lambda answer: answer.body == body)]
        loads += [Load(lambda other=other: self.at(other, path),
                       lambda answer: answer.body == body) for other in self.others(name)]
        return loads

    def end(self, loads, what):
        for load in loads:
            bad = [(answer.status, answer.hops) for _, answer in load.end()]
            self.assertEqual(bad, [], what)
            self.assertGreater(load.count, 0, what)

    def farm_version(self):
        text = self.farm.fetch_status(self.farm.manager_address, 7401, "/metrics")[1]
        found = re.search(r"^strata_farm_version (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 1

    def upgrade_engine(self, name, path, body):
        loads = self.steady(name, path, body)
        wrk = Wrk(self.engine_url(self.others(name)[0], path))
        self.farm.strata("engine", "drain", name)
        self.wait_sent_elsewhere(path, name)
        self.farm.engines[name].stop()
        self.farm.start_engine(name)
        self.farm.wait_healthy(self.farm.engines[name], self.farm.addresses[name], 7402)
        self.farm.strata("engine", "undrain", name)
        self.farm.wait_for_engine(name)
        self.check_equal()
        requests, bad = wrk.stop()
        self.assertEqual(bad, [], name)
        self.assertGreater(requests, 0)
        self.end(loads, name)

    def test_member_by_member_without_a_failed_request(self):
        print(self.version(self.old.manager), "->", self.version(self.new.manager))
        self.farm.apply_site(self.site("minimum_copies: 3"))
        path, body = "/upgraded.ts", self.write("/upgraded.ts", b"upgraded" * 1000)
        self.check_everywhere(path, body)
        wait_until(lambda: len(self.farm.holders(self.uri(path))) == 3, "all hold it")
        # The manager first. Its address does not answer for a moment, engines do all the time.
        loads = [Load(lambda name=name: self.at(name, path), lambda answer: answer.body == body)
                 for name in ENGINES]
        wrk = Wrk(self.engine_url("north-1", path))
        self.farm.manager.stop()
        self.farm.programs = self.new
        self.farm.start_manager()
        self.wait_whole()
        self.check_equal()
        self.assertEqual(wrk.stop()[1], [])
        self.end(loads, "the manager")
        for name in ENGINES:
            self.upgrade_engine(name, path, body)
        self.assertGreaterEqual(self.farm_version(), 1)
        self.check_a_purge_takes_all_copies("/after.ts")
        sent = ask(self.farm.http + path, host=HOST).headers["Location"]
        self.assertIn(self.name_of(urllib.parse.urlsplit(sent).hostname), ENGINES)


if __name__ == "__main__":
    import unittest
    unittest.main()
