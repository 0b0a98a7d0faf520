"""Does what the operator's guide says, page by page, on machines of its own."""

import atexit
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import pages
from town import ADDRESSES, Town, until

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "packages"))
# pylint: disable=wrong-import-position
from machine import CannotBoot, can_boot

PACKAGING = pathlib.Path("deploy/debian")

# In the order in which a reader goes through them: each goes on where the one before ended.
TOUR = ("first_farm.md", "managers.md", "daily.md", "cli.md")
# Of another world, a federation on one machine: typed by tests/federation/guide_page_test.
ELSEWHERE = ("federation.md",)
# Pages that show nothing to type.
OTHERS = ("guide.md", "alarms.md", "metrics.md", "sizing.md", "scale.md", "topology.md")

PATIENCE = 60
# Commands that may be typed again until the answer is what the guide shows.
LOOKS = ("curl", "systemctl is-active", "ip address", "journalctl", "strata locate",
         "strata farm", "strata engine list", "strata manager list", "strata site list",
         "strata content list", "strata events", "strata audit")

_ORIGIN = """mkdir -p /srv/origin && echo 'the film' > /srv/origin/film.txt
systemd-run --unit=origin --quiet python3 -m http.server 8000 --bind 192.0.2.20 \\
  --directory /srv/origin"""


_GONE = ("sm-1", "north-1", "north-2")
# What happens to the farm before the first command below a heading.
EVENTS = {
    ("first_farm.md", "The first farm"): lambda town: town.shell("desk", _ORIGIN),
    ("managers.md", "Without a majority"): lambda town: town.link(_GONE, "down"),
    ("managers.md", "When the others are back after all"): lambda town: town.link(_GONE, "up"),
}
# Programs of the system whose uses in the text are typed somewhere, too.
SYSTEMS = ("apt-get", "curl", "journalctl", "runuser", "scp", "systemctl")


def is_look(line):
    return line.startswith(LOOKS)


def words_of(line):
    """The program and its verbs, without options and arguments."""
    words = line.split()
    bare = [word for word in words[1:] if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]
    return (words[0], *bare[:1])


class PagesTest(unittest.TestCase):
    """What can be seen without a farm."""

    def test_each_page_is_gone_through_or_shows_nothing_to_type(self):
        found = {path.name for path in pages.FOLDER.glob("*.md")}
        self.assertEqual(found, {*TOUR, *ELSEWHERE, *OTHERS})
        for page in OTHERS:
            left = [step for step in pages.steps(page) if not isinstance(step, pages.Heading)]
            self.assertEqual(left, [], page)
        for page in TOUR:
            self.assertTrue(any(isinstance(step, pages.Command) for step in pages.steps(page)))

    def test_each_machine_is_there(self):
        for page in TOUR:
            for step in pages.steps(page):
                if not isinstance(step, pages.Heading):
                    self.assertIn(step.machine, ADDRESSES, step.where)

    def test_what_happens_does_so_below_a_heading(self):
        headings = {(page, step.text) for page in TOUR for step in pages.steps(page)
                    if isinstance(step, pages.Heading)}
        self.assertEqual(set(EVENTS) - headings, set())

    def test_a_block_that_nobody_runs_is_refused(self):
        for info in ("", "sh", "bash", "yaml", "text"):
            with self.assertRaises(pages.GuideError, msg=info):
                pages.block(info, ["desk# strata farm show"], "here")

    def test_an_answer_is_compared_but_for_its_numbers(self):
        shown = ["sm-1     leads   192.0.2.1:7400       100", "...", "took 3.1 s"]
        self.assertIsNone(pages.fits(shown, "sm-1 leads 192.0.2.1:7400 7\nx\ntook 4 s\n"))
        self.assertEqual(pages.fits(shown, "sm-2 leads 192.0.2.1:7400 7\ntook 4 s\n"), shown[0])
        self.assertEqual(pages.fits(shown, "took 4 s\nsm-1 leads 192.0.2.1:7400 7\n"), shown[2])

    def test_what_the_text_names_is_typed_somewhere(self):
        typed = {words_of(part) for page in TOUR for step in pages.steps(page)
                 if isinstance(step, pages.Command)
                 for part in re.split(r"[;|&]+ *", step.line) if part}
        for page in (*TOUR, *ELSEWHERE, *OTHERS):
            for where, words in pages.inline(page):
                if words[0] in SYSTEMS and len(words) > 1:
                    self.assertIn(words_of(" ".join(words)), typed, where)


class GuideTest(unittest.TestCase):
    """One farm goes through all pages."""

    @classmethod
    def setUpClass(cls):
        if not can_boot():
            raise unittest.SkipTest("takes root, systemd and control groups")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-guide-"))
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        built = os.environ.get("STRATA_PACKAGES")
        packages = pathlib.Path(built) if built else cls.folder / "packages"
        if not built:
            subprocess.run([PACKAGING / "build", "--built", os.getcwd(), "--out", packages],
                           check=True, stdout=subprocess.DEVNULL)
        (cls.folder / "town").mkdir()
        try:
            cls.town = Town(cls.folder / "town", packages)
        except CannotBoot as error:
            raise unittest.SkipTest(str(error)) from error
        cls.addClassCleanup(cls.town.close)
        cls.failed = None

    def do(self, step):
        if isinstance(step, pages.File):
            text = step.text.replace("'", "'\\''")
            self.check(step, f"mkdir -p $(dirname {step.path}); printf '%s' '{text}' > {step.path}")
        elif isinstance(step, pages.Command):
            self.check(step, step.line)

    def check(self, step, script):
        begun = time.monotonic()
        while True:
            status, said = self.town.shell(step.machine, script)
            missing = pages.fits(getattr(step, "shown", []), said)
            if status == 0 and missing is None:
                break
            if not is_look(script) or not until(begun + PATIENCE):
                logs = "".join(f"---- {name}\n{machine.journal('strata-*')}"
                               for name, machine in self.town.machines.items())
                self.fail(f"{step.where}: {step.machine}# {script}\nended with {status}, and did "
                          f"not show: {missing}\n{said}\n{logs}")
        took = time.monotonic() - begun
        # What it said is not of interest here: a failure's text shall not be lost in it.
        print(f"{step.where} {step.machine}# {script} [{took:.1f} s]", file=sys.stderr)

    def do_page(self, page):
        if GuideTest.failed:
            self.skipTest(f"{GuideTest.failed} did not work")
        GuideTest.failed = page
        for step in pages.steps(page):
            if isinstance(step, pages.Heading):
                EVENTS.get((page, step.text), lambda town: None)(self.town)
            else:
                self.do(step)
        GuideTest.failed = None


    def test_9_what_the_text_names_is_understood(self):
        """`strata VERB --option` in the middle of a sentence: there is such a verb and option."""
        if GuideTest.failed:
            self.skipTest(f"{GuideTest.failed} did not work")
        for page in (*TOUR, *ELSEWHERE, *OTHERS):
            for where, words in pages.inline(page):
                if words[0] not in ("strata", "strata-sm", "strata-se"):
                    continue
                machine = "north-1" if words[0] == "strata-se" else "sm-1"
                verbs = " ".join(words_of(" ".join(words))) if len(words) < 3 else " ".join(
                    itertools.takewhile(re.compile("[a-z-]+$").match, words[:3]))
                status, said = self.town.shell(machine, f"{verbs} --help")
                self.assertEqual(status, 0, f"{where}: {' '.join(words)}\n{said}")
                for option in filter(re.compile("--[a-z]").match, words):
                    self.assertIn(option, said + "--help", f"{where}: {' '.join(words)}")


def _add(number, page):
    setattr(GuideTest, f"test_{number}_{page.removesuffix('.md')}",
            lambda self: self.do_page(page))


for _number, _page in enumerate(TOUR):
    _add(_number, _page)


if __name__ == "__main__":
    unittest.main()
