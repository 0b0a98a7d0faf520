"""Recorded calls of earlier versions, read by the present definitions: no farm is needed."""

import json
import pathlib
import unittest

import recorded_calls

ROOT = pathlib.Path("tests/recorded")
VERSIONS = sorted(path.parent.name for path in ROOT.glob("*/calls.json"))


def recorded(version, name):
    return json.loads((ROOT / version / name).read_text())


class CallsTest(unittest.TestCase):
    """Requests and answers, read by the present definitions."""

    def test_there_are_recordings(self):
        self.assertTrue(VERSIONS)

    def test_every_message_means_what_it_meant(self):
        for version in VERSIONS:
            for call in recorded(version, "calls.json"):
                service, method = call["service"], call["method"]
                kind = recorded_calls.request_type(service, method)
                self.assertEqual(recorded_calls.decode(kind, bytes.fromhex(call["request"])),
                                 call["request_text"], (version, method))
                kind = recorded_calls.answer_type(service, method)
                for answer, text in zip(call["answers"], call["answer_texts"]):
                    now = recorded_calls.decode(kind, bytes.fromhex(answer))
                    self.assertEqual(now, text, (version, method))
                    self.assertEqual(recorded_calls.unknown_fields(now), [], (version, method))

    def test_every_call_is_recorded(self):
        there = set()
        for name in recorded_calls.DEFINITIONS:
            text = pathlib.Path(f"proto/{name}.proto").read_text()
            there |= {line.split("(")[0].split()[1] for line in text.splitlines()
                      if line.strip().startswith("rpc ")}
        told = {call["method"] for version in VERSIONS
                for call in recorded(version, "calls.json")}
        self.assertEqual(told - there, set(), "calls that old programs make, and nobody answers")
        self.assertEqual(there - {method for _, _, method, _ in recorded_calls.CALLS}, set(),
                         "calls that the next recording will not have")
