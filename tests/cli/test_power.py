#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Power traces of muir as a user sees them: test_power.py MUIR MPIRUN. Exit status 77: a Python module is missing.

The stored density is held against scipy.signal.welch on the stored samples, and the emulated run of GPT-3 on 512 H100
against the published trace of its servers' meters.
"""
import json
import pathlib
import sys
import tempfile
import unittest

import patience

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from python_with import python_with

python_with("h5py", "numpy", "scipy", status_if_missing=77)
import numpy as np
import scipy.signal

from open_run import open_run

MUIR, MPIRUN = sys.argv[1:3]
KEYS = ["host.every=0", "steps=30", "evaluation.every=4", "evaluation.time_s=9", "power.window_s=130", "power.every=11",
        "power.start=2", "power.floor=0.2", "power.storage_j_per_chip=300", "power.ramp_down_w_per_s=60",
        "power.segment_s=20"]


class Power(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_muir(self, *arguments, ranks=0):
        command = [MPIRUN, "-n", str(ranks)] if ranks else []
        done = patience.run([*command, MUIR, *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_file(self, name, *keys, ranks=0, more=()):
        path = self.folder / name
        self.run_muir("run", "rainier", "-q", "-o", path, *KEYS, *keys, *more, ranks=ranks)
        return path

    def assert_equal_files(self, *paths):
        done = patience.run([sys.executable, SCRIPTS / "compare_runs.py", *paths], capture_output=True, text=True,
                            check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_density_is_that_of_scipy(self):
        with open_run(self.run_file("a.h5")) as file:
            windows = file["power_window/window"][:]
            self.assertEqual(windows.tolist(), [0, 1, 2])
            hz = file["power_window/frequency"][:]
            for row, window in enumerate(windows[:2]):
                mine = file["power/window"][:] == window
                watts = file["power/power_w"][:][mine]
                self.assertEqual(len(watts), 6500)
                f, psd = scipy.signal.welch(watts, 50.0, "hann", 1000)
                np.testing.assert_allclose(hz, f, rtol=1e-12)
                np.testing.assert_allclose(file["power_window/psd"][row], psd, rtol=1e-8, atol=1e-12 * psd.max())
                self.assertAlmostEqual(watts.mean() / file["power_window/mean_w"][row], 1.0, 12)
                self.assertLess(watts.std() / file["power_window/rms_w"][row] - 1.0, 1e-9)
            self.assertTrue(np.isfinite(file["power_window/psd"][2]).all())

    def test_rows_close_with_evaluations(self):
        with open_run(self.run_file("a.h5")) as file:
            fleet = file["fleet"]
            pauses = fleet["evaluation_s"][:]
            self.assertEqual(pauses.tolist(), [9.0 if step % 4 == 3 else 0.0 for step in range(30)])
            parts = sum(fleet[name][:] for name in fleet if name.endswith("_s")
                        and name not in ("step_time_s", "replica_mean_s", "tokens_per_s", "attempt_s", "broken_s",
                                         "fleet_time_s"))
            np.testing.assert_allclose(parts, fleet["step_time_s"][:], rtol=1e-12)
            np.testing.assert_allclose(fleet["power_w"][:] * fleet["step_time_s"][:], fleet["energy_j"][:], rtol=1e-12)

    def test_any_ranks_and_any_resume_give_the_same_bytes(self):
        one = self.run_file("1.h5")
        self.assert_equal_files(one, *[self.run_file(f"{n}.h5", ranks=n) for n in (2, 3, 5)])
        for first in (1, 5, 14, 29): # before a window, in the first, in the second, in the last
            path = self.run_file(f"r{first}.h5", f"steps={first}")
            self.assert_equal_files(one, self.run_file(path.name, more=["--resume"]))

    def test_summary_says_what_the_file_says(self):
        path = self.folder / "a.json"
        file = self.run_file("a.h5", more=["--json", path])
        power = json.loads(path.read_text())["power"]
        self.assertLess(abs(power["energy_difference"]), 1e-9)
        self.assertEqual(power["windows"], 3)
        with open_run(file) as stored:
            for key in ("mean_w", "max_w", "rms_w", "step_hz", "lost_j"):
                self.assertEqual(power[key], stored[f"power_window/{key}"][2])

    def test_remedies_are_compared(self):
        rows = json.loads(self.run_muir("power", "rainier", "power.window_s=60", "--json", "-"))
        found = {row["remedy"]: row["power"] for row in rows}
        self.assertGreater(len(found), 5)
        none, floor = found["none"], found["floor 0.9"]
        self.assertGreater(floor["mean_w"], none["mean_w"])
        self.assertLess(floor["rms_w"], 0.2 * none["rms_w"])

    def test_gpt3_on_512_h100_swings_as_published(self):
        done = patience.run([sys.executable, SCRIPTS / "compare_power.py", "--muir", MUIR], capture_output=True,
                            text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.rsplit(maxsplit=4) for line in done.stdout.splitlines()[1:]]
        ratio = {row[0].strip(): float(row[3]) / float(row[1]) for row in rows}
        # What muir reaches with nothing fitted to this run, some room on either side.
        for name, lowest, highest in [("mean", 0.94, 1.02), ("plateau", 0.94, 1.02), ("step", 0.93, 1.08),
                                      ("evaluation", 0.93, 1.07), ("rms over mean", 0.9, 1.1), ("step share", 0.75, 1.1),
                                      ("second harmonic", 0.6, 1.3), ("evaluation share", 0.7, 1.3),
                                      ("missing", 0.75, 1.1), ("lowest over plateau", 0.95, 1.08)]:
            self.assertGreater(ratio[name], lowest, name)
            self.assertLess(ratio[name], highest, name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
