"""The farm of recordings: open, so that what it says can be read."""

import pathlib
import sys

import recorded_calls

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
# pylint: disable=wrong-import-position,unused-import
from farm_case import ENGINES, FarmCase, ask, host_of, wait_until  # noqa: F401


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
        for role, name in recorded_calls.CALLERS.items():
            if role != "admin":
                cls.farm.issue(role, name)

    def call(self, who, service, method, request):
        """(code, answers) of a call with the certificate of `who`."""
        folder = self.farm.folder / "certificates" / recorded_calls.CALLERS[who]
        # Who is to be promoted is asked itself.
        asked = "sm-1" if method == "PromoteManager" else wait_until(self.farm.leader, "one leads")
        address = f"{host_of(self.farm.manager_addresses[asked])}:7400"
        return recorded_calls.call("tests/recorded/raw_call", address, folder, service, method,
                                   request)
