#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""noise_lines.py on step times with a planted daemon, and on ones without. Exit status 77 without h5py: skipped."""
import pathlib
import sys
import tempfile
import unittest

import patience

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from python_with import python_with

python_with("h5py", "numpy", status_if_missing=77)
import h5py
import numpy as np

STEPS, STEP_S, PERIOD_S = 4000, 0.01, 0.5


def step_times(daemons):
    """Noisy steps; rank r loses 3 ms to a daemon each PERIOD_S where daemons[r]."""
    rng = np.random.default_rng(0)
    seconds = STEP_S * (1 + 0.02 * rng.standard_normal((STEPS, len(daemons))))
    for rank in np.flatnonzero(daemons):
        now = 0.0
        for step in range(STEPS):
            seconds[step, rank] += 0.003 * (now // PERIOD_S != (now + seconds[step, rank]) // PERIOD_S)
            now += seconds[step, rank]
    return seconds


class NoiseLines(unittest.TestCase):
    def lines(self, seconds):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "run.h5")
            with h5py.File(path, "w", libver="latest") as file:
                file["host/step_time_s"] = seconds
                file["host/step"] = np.arange(len(seconds))
            done = patience.run([sys.executable, SCRIPTS / "noise_lines.py", path], capture_output=True, text=True,
                                check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def test_a_daemon_is_named_with_its_period_and_rank(self):
        status, lines = self.lines(step_times([False, True, False]))
        self.assertEqual(status, 0)
        words = lines[1].split()
        self.assertAlmostEqual(float(words[0]), 1 / PERIOD_S, delta=0.1)
        self.assertEqual(words[-2:], ["rank", "1"])
        self.assertGreater(float(words[5]), 50)

    def test_noise_without_a_period_has_no_line(self):
        status, lines = self.lines(step_times([False, False]))
        self.assertEqual(status, 0)
        self.assertLess(len(lines), 4)
        for line in lines[1:]: # chance makes a weak line now and then
            self.assertTrue(line.startswith("no line") or float(line.split()[5]) < 2, line)

    def test_few_steps_are_refused(self):
        status, lines = self.lines(step_times([False])[:20])
        self.assertEqual(status, 1)
        self.assertIn("too few", lines[0])


if __name__ == "__main__":
    unittest.main()
