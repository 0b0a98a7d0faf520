#!/usr/bin/env python3
"""Runs one unittest file and reports each of its cases the way Bazel wants it."""

import importlib
import os
import pathlib
import sys
import unittest
import xml.etree.ElementTree as ElementTree


class _Recorder(unittest.TextTestResult):
    """Keeps (case, complaint or None) for every case that ran."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = {}
        self.skipped_cases = set()

    def startTest(self, test):  # pylint: disable=invalid-name
        super().startTest(test)
        self.cases[test.id()] = None

    def _complain(self, test, err):
        self.cases[test.id()] = self._exc_info_to_string(err, test)

    def addFailure(self, test, err):  # pylint: disable=invalid-name
        super().addFailure(test, err)
        self._complain(test, err)

    def addError(self, test, err):  # pylint: disable=invalid-name
        super().addError(test, err)
        self._complain(test, err)

    def addSubTest(self, test, subtest, err):  # pylint: disable=invalid-name
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._complain(test, err)

    def addSkip(self, test, reason):  # pylint: disable=invalid-name
        super().addSkip(test, reason)
        self.skipped_cases.add(test.id())


def write_xml(path, result):
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="unittest")
    for name, complaint in result.cases.items():
        class_name, _, case_name = name.rpartition(".")
        case = ElementTree.SubElement(suite, "testcase", name=case_name, classname=class_name)
        if complaint is not None:
            ElementTree.SubElement(case, "failure").text = complaint
        if name in result.skipped_cases:
            ElementTree.SubElement(case, "skipped")
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def main():
    test_file = pathlib.Path(sys.argv[1]).absolute()
    sys.path.insert(0, str(test_file.parent))
    module = importlib.import_module(test_file.stem)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(resultclass=_Recorder, verbosity=2).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        write_xml(os.environ["XML_OUTPUT_FILE"], result)
    return 0 if result.wasSuccessful() and result.cases else 1


if __name__ == "__main__":
    sys.exit(main())
