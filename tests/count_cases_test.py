import json
import os
import pathlib
import tempfile
import unittest

from count_cases import Count, count_events, count_xml

_GTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" disabled="1" errors="0">
  <testsuite name="NakTest">
    <testcase name="A" status="run" result="completed" />
    <testcase name="B" status="run" result="completed"><failure message="no"/></testcase>
    <testcase name="C" status="run" result="skipped"><skipped message="not here"/></testcase>
    <testcase name="DISABLED_D" status="notrun" result="suppressed" />
  </testsuite>
</testsuites>"""
_PASSING = '<testsuites><testcase name="a"/><testcase name="b"/></testsuites>'


def configured(label):
    return {"id": {"targetConfigured": {"label": label}}, "configured": {"testSize": "SMALL"}}


def completed(label, success):
    return {"id": {"targetCompleted": {"label": label}},
            "completed": {"success": True} if success else {}}


class CountXmlTest(unittest.TestCase):

    def test_tells_passed_failed_and_skipped_apart(self):
        self.assertEqual(count_xml(_GTEST), Count(passed=1, failed=1, skipped=2))


class CountEventsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def result(self, label, status, text=None, shard=1, attempt=1):
        outputs = []
        if text is not None:
            path = self.folder / f"{label.replace('/', '_')} {shard} {attempt}.xml"
            path.write_text(text, encoding="utf-8")
            outputs = [{"name": "test.xml", "uri": path.as_uri()}]
        key = {"label": label, "run": 1, "shard": shard, "attempt": attempt}
        return {"id": {"testResult": key},
                "testResult": {"status": status, "testActionOutput": outputs}}

    def count(self, *events):
        return count_events([json.dumps(event) for event in events])

    def test_adds_up_the_cases_of_all_shards(self):
        total, failures = self.count(self.result("//a:b_test", "PASSED", _PASSING, shard=1),
                                     self.result("//a:b_test", "PASSED", _PASSING, shard=2))
        self.assertEqual(total, Count(passed=4))
        self.assertEqual(failures, {})

    def test_names_the_target_of_each_failure(self):
        total, failures = self.count(self.result("//a:b_test", "FAILED", _GTEST))
        self.assertEqual(total, Count(passed=1, failed=1, skipped=2))
        self.assertEqual(failures, {"//a:b_test": 1})

    def test_takes_the_last_attempt_only(self):
        total, _ = self.count(self.result("//a:b_test", "FAILED", _GTEST, attempt=1),
                              self.result("//a:b_test", "PASSED", _PASSING, attempt=2))
        self.assertEqual(total, Count(passed=2))

    def test_counts_one_case_where_there_is_no_xml(self):
        self.assertEqual(self.count(self.result("//a:b_test", "PASSED"))[0], Count(passed=1))
        self.assertEqual(self.count(self.result("//a:b_test", "TIMEOUT"))[0], Count(failed=1))

    def test_counts_a_crash_whose_xml_shows_no_failure(self):
        total, _ = self.count(self.result("//a:b_test", "FAILED", _PASSING))
        self.assertEqual(total, Count(passed=2, failed=1))

    def test_survives_a_torn_xml(self):
        total, _ = self.count(self.result("//a:b_test", "FAILED", "<testsuites><te"))
        self.assertEqual(total, Count(failed=1))

    def test_counts_nothing_but_skips_when_all_was_skipped(self):
        text = '<testsuites><testcase name="a" status="run" result="skipped"/></testsuites>'
        total, _ = self.count(self.result("//a:b_test", "PASSED", text))
        self.assertEqual(total, Count(skipped=1))

    def test_counts_a_test_that_does_not_build_as_failed(self):
        total, failures = self.count(configured("//a:b_test"), completed("//a:b_test", False))
        self.assertEqual(total, Count(failed=1))
        self.assertEqual(failures, {"//a:b_test": 1})

    def test_does_not_count_what_built_but_did_not_run(self):
        total, _ = self.count(configured("//a:b_test"), completed("//a:b_test", True))
        self.assertEqual(total, Count())


if __name__ == "__main__":
    unittest.main()
