"""A farm of processes that `strata topology render` planned and wrote, really started."""

import atexit
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parents[2] / folder)
                for folder in ("deploy/tour", "tests/integration")]
# pylint: disable=wrong-import-position
from clients import ask, enter
from farm import Programs, wait_until
from federation import Federation
from lab import Lan
from origin import Origin

SCOPE = "demo/lan-a"
HOST = "films.example"
TOPOLOGY = """\
hosts: {here: {addresses: [127.0.84.1], interface: lo, own: address}}
ports: {http: 8080, peers: 8081}
http: {threads: 1}
nginx: {workers: 1, cache_size: 64MiB}
scopes:
  demo/lan-a:
    managers: [{count: 2}]
    witness: {}
    engines: [{name: north}]
    sites: [films.yaml]
"""
SITE = f"name: films\nhosts: [{HOST}]\norigins: [{{host: 127.0.84.250, port: 8000}}]\n"


class RenderedFarmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-rendered-"))
        cls.folder.chmod(0o711)
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.lan = Lan(1)
        enter(cls.lan.machines[1])
        (cls.folder / "films.yaml").write_text(SITE)
        (cls.folder / "farm.yaml").write_text(TOPOLOGY)
        cls.farm = Federation(Programs(os.getcwd()), cls.folder / "farm.yaml", cls.folder / "farm")
        atexit.register(cls.farm.stop)
        origin = cls.folder / "origin"
        origin.mkdir()
        (origin / "news.txt").write_text("The news.\n")
        cls.origin = Origin(origin, "127.0.84.250")
        cls.addClassCleanup(cls.origin.close)

    def fetch(self, manager):
        """What a client gets who begins at this manager."""
        answer = ask(f"{self.farm.http(manager)}/news.txt", host=HOST)
        if answer.status == 302:
            answer = ask(answer.headers["Location"])
        return answer.status, answer.body

    def test_it_starts_serves_goes_on_and_ends(self):
        self.farm.start()
        try:
            self.farm.wait_ready()
            self.farm.apply_sites()
            leader = self.farm.manager(SCOPE)
            self.assertEqual(leader, f"{SCOPE}/sm-1", "the first one founds the farm")
            served = (200, b"The news.\n")
            wait_until(lambda: self.fetch(leader) == served, "it serves", 20)

            # Who founded the farm joins the others from now on, although its disk is lost.
            self.farm.render("--founded", "--force")
            self.farm.kill(leader)
            other = f"{SCOPE}/sm-2"
            wait_until(lambda: self.farm.manager(SCOPE) == other, "the other one leads", 20)
            shutil.rmtree(self.farm.processes[leader]["data_folder"])
            self.farm.start()
            self.farm.wait_ready()
            self.assertEqual(self.farm.manager(SCOPE), other)
            self.assertIn("films", self.farm.cli(SCOPE, "site", "list"))
            wait_until(lambda: self.fetch(other) == served, "it serves", 20)
            self.assertEqual(self.farm.stop(), [])
        except BaseException:
            print(self.farm.logs_end(), file=sys.stderr)
            raise


if __name__ == "__main__":
    unittest.main()
