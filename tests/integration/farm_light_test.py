"""A farm one of whose engines is light: it keeps its own copies only, and asks for the others'."""

import os
import re

from farm_case import ENGINES, FarmCase, digest, wait_until

LIGHT = "south-1"


class LightTest(FarmCase):
    """Clients do not notice who is light."""

    light = (LIGHT,)

    def contents_known_to(self, name):
        """How many contents an engine has in its table."""
        text = self.farm.fetch_status(self.farm.addresses[name], 7402, "/metrics")[1]
        return int(float(re.search(r"^strata_farm_contents (\S+)$", text, re.M).group(1)))

    def member(self, name):
        members = self.farm.verify().get("members", [])
        return next(member for member in members if member["name"] == name)

    def fill_elsewhere(self, path, body):
        """A content that only another engine holds."""
        for number in range(50):
            holder, _ = self.fill(f"{path}/{number}", body)
            if holder != LIGHT:
                return f"{path}/{number}"
        raise AssertionError("all is filled by the light one")

    def test_it_fetches_from_the_engine_that_holds_it(self):
        body = os.urandom(50_000)
        path = self.fill_elsewhere("/peer", body)
        answer = self.at(LIGHT, path)
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.assertEqual(self.origin.count(path), 1, "not from the origin")

    def test_it_keeps_its_own_copies_only_and_is_verified_by_what_it_should_have(self):
        for number in range(20):
            self.fill(f"/many/{number}", os.urandom(100))
        self.check_equal()
        rows = {row["name"]: int(row.get("assets", 0)) for row in self.farm.show()["engines"]}
        wait_until(lambda: self.contents_known_to(LIGHT) == rows[LIGHT], "its own")
        wait_until(lambda: self.contents_known_to("north-1") > rows[LIGHT], "all contents")
        self.assertTrue(self.member(LIGHT)["light"])
        self.assertTrue(self.member(LIGHT)["equal"])
        self.assertNotEqual(self.member(LIGHT)["digest"], self.member("north-1")["digest"])
        self.assertFalse(self.member("north-1").get("light", False))
        self.assertRegex(self.farm.strata("farm", "verify"), rf"{LIGHT} +light ")

    def test_purges_and_sites_reach_it(self):
        self.check_a_purge_takes_all_copies("/all")
        self.check_equal()

    def test_without_a_manager_it_fills(self):
        path = self.fill_elsewhere("/alone", b"still there")
        self.farm.manager.kill()
        wait_until(lambda: self.at(LIGHT, path).body == b"still there", "it is filled here")
        self.assertEqual(self.origin.count(path), 2, "nobody told who holds it")
        self.farm.start_manager()
        self.wait_whole()
        self.check_equal()

    def test_a_manager_that_finds_only_it_founds_with_what_it_has_itself(self):
        path = self.fill_elsewhere("/left", b"left")
        old = self.write("/left/purged", b"old")
        self.assertEqual(self.at(LIGHT, "/left/purged").body, old)
        for name in ENGINES:
            if name != LIGHT:
                self.farm.engines[name].kill()
                self.wait_status(name, "down")
        new = self.write("/left/purged", b"new")
        self.farm.purge(self.uri("/left/purged"))
        self.farm.manager.kill()
        self.farm.start_manager()
        self.farm.wait_for_manager()
        self.farm.wait_for_engine(LIGHT)
        self.assertEqual(self.at(LIGHT, "/left/purged").body, new)
        for name in ENGINES:
            if name != LIGHT:
                self.farm.start_engine(name)
        self.wait_whole()
        wait_until(lambda: self.farm.holders(self.uri(path)), "who came back tells")
        self.check_equal()
