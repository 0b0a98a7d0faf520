"""A short chaos run: two storms of all kinds of faults. tests/chaos/run is for long ones."""

import os
import subprocess
import sys
import unittest

SEED = 1325  # Its plan has 15 of the 17 kinds of faults.
LIMIT_S = 400


class ChaosTest(unittest.TestCase):
    """Three managers, three engines."""

    def test_a_farm_survives_two_storms(self):
        # Its own process: it goes to another network, and has mounts of its own.
        done = subprocess.run(
            [sys.executable, "tests/chaos/chaos.py", "--programs", os.getcwd(), "--minutes", "1.2",
             "--storm", "22", "--seed", str(SEED), "--managers", "3"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
            check=False)
        print(done.stdout[-8000:], file=sys.stderr)
        self.assertEqual(done.returncode, 0, "violations, see above")


if __name__ == "__main__":
    unittest.main()
