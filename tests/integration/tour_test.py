"""The tour of deploy/quickstart, as it is, in a network of its own."""

import os
import pathlib
import subprocess
import tempfile
import unittest

LIMIT = 240


class TourTest(unittest.TestCase):
    def test_everything_that_the_tour_shows_holds(self):
        tour = pathlib.Path("deploy/tour/tour.py").resolve()
        with tempfile.TemporaryDirectory() as media:
            done = subprocess.run(
                ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "tour",
                 "python3", str(tour), "--once", "--programs", os.getcwd(), "--media",
                 f"{media}/media"],
                capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Everything held.", done.stdout)


if __name__ == "__main__":
    unittest.main()
