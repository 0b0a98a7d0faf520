import unittest

import targets

_XML = """<?xml version="1.1" encoding="UTF-8" standalone="no"?>
<query version="2">
  <rule class="cc_library" location="x" name="//farm:view">
    <string name="name" value="view"/>
    <string name="generator_function" value="strata_pure_library"/>
    <list name="tags"><string value="strata_pure"/></list>
    <list name="srcs"><label value="//farm:view.cc"/></list>
    <list name="hdrs"><label value="//farm:view.h"/></list>
    <list name="deps"><label value="@debian//:xxhash"/><label value="//farm:view.arrows"/></list>
  </rule>
  <rule class="cc_library" location="x" name="//farm:fake">
    <boolean name="testonly" value="true"/>
    <list name="tags"><string value="strata_pure"/></list>
    <list name="hdrs"><label value="//farm:fake.h"/></list>
  </rule>
</query>
"""


def messages(all_targets, paths):
    return [str(finding) for finding in targets.check_targets(all_targets, paths)]


class TargetsTest(unittest.TestCase):

    def setUp(self):
        self.targets = targets.parse(_XML)

    def test_reads_rules_with_their_files_and_marks(self):
        view, fake = self.targets
        self.assertEqual(view.macro, "strata_pure_library")
        self.assertIn("farm/view.cc", view.files)
        self.assertTrue(fake.testonly)

    def test_pure_files_are_those_of_pure_libraries_that_ship(self):
        self.assertEqual(targets.pure_files(self.targets), {"farm/view.cc", "farm/view.h"})

    def test_reports_a_file_without_a_target(self):
        found = messages(self.targets, {"farm/view.cc", "farm/lost.cc", "farm/README.md"})
        self.assertEqual([text for text in found if "no-target" in text],
                         ["farm/lost.cc: no Bazel target has this file [no-target]"])

    def test_reports_a_native_rule_and_accepts_a_macro(self):
        found = [text for text in messages(self.targets, {"farm/README.md"}) if "native" in text]
        self.assertEqual(len(found), 1)
        self.assertIn("//farm:fake", found[0])

    def test_reports_a_room_without_a_readme(self):
        self.assertIn("readme", "".join(messages(self.targets, set())))
        self.assertNotIn("readme", "".join(messages(self.targets, {"farm/README.md"})))


if __name__ == "__main__":
    unittest.main()
