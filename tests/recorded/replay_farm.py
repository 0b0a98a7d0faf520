"""The farm of recordings: open, so that what it says can be read."""

import pathlib
import sys

import recorded_calls

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
# pylint: disable=wrong-import-position,unused-import
from farm_case import ENGINES, FarmCase, ask, wait_until  # noqa: F401

GUEST = "guest-1"


class PlainFarmCase(FarmCase):
    """A farm whose multicast is not encrypted, and calls with raw bytes."""

    @classmethod
    def prepare(cls):
        encrypted = cls.farm.write_manager_settings

        def write_settings(*name):
            path = encrypted(*name)
            text = path.read_text()
            path.write_text(text.replace("group: {", "group: {encrypted: false, ", 1))
            return path
        cls.farm.write_manager_settings = write_settings

    def call(self, who, service, method, request):
        """(code, answers) of a call as the guest engine or as the administrator."""
        folder = self.farm.folder / "certificates" / (GUEST if who == "engine" else who)
        return recorded_calls.call("tests/recorded/raw_call", self.farm.rpc, folder, [],
                                   [(service, method, request)])[0]
