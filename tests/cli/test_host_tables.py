#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the host clock leaves in the file beside its rows: bit flips, executed ops, facts of pace and overlap; kept by a resume.

Usage: test_host_tables.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py is missing."""
import json
import os
import sys
import tempfile
import unittest

import patience

MUIR, MPIRUN, SOURCE = sys.argv[1:4]
try:
    import h5py
    import numpy as np
except ImportError:
    sys.exit(77)


def muir(*arguments, ranks=2):
    """Runs the program; returns the finished process."""
    return patience.run([MPIRUN, "-n", str(ranks), MUIR, *arguments], capture_output=True, text=True)


def rows(file, group):
    """A table as a dictionary of columns."""
    return {name: item[:] for name, item in file[group].items() if isinstance(item, h5py.Dataset)}


class Tables(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_muir(self, name, *overrides, ranks=2):
        process = muir("run", "tiny", "host.budget=0.002", "-q", "-o", self.path(name), "--json", self.path("summary.json"), *overrides, ranks=ranks)
        self.assertEqual(process.returncode, 0, process.stderr)
        with open(self.path("summary.json")) as file:
            return json.load(file)["host"]

    def test_flips_are_logged_with_where_and_when(self):
        host = self.run_muir("flips.h5", "steps=10", "host.flips=3")
        self.assertEqual(host["flips"]["planted"], 30)
        self.assertEqual(host["wrong"], 0)
        with h5py.File(self.path("flips.h5")) as file:
            flips, kinds = rows(file, "host_flips"), file["program/kind"][:]
            self.assertEqual(list(flips["step"]), [step for step in range(10) for _ in range(3)])
            self.assertEqual(flips["caught"].sum(), host["flips"]["caught"])
            self.assertEqual(flips["checked"].sum(), 30)
            self.assertEqual(file["host/planted"][:].sum(), 30)
            self.assertEqual(file["host_flips/bit"].attrs["provenance"], b"injected")
            expected = {0: [b"product"], 2: [b"receive"]}
            for op, kind, bit, caught in zip(flips["op"], flips["kind"], flips["bit"], flips["caught"]):
                self.assertIn(kinds[op], expected.get(kind, [b"reduce_scatter", b"all_gather", b"all_reduce"]))
                self.assertTrue(caught or bit == 31)  # the sign of a zero

    def test_flips_that_nobody_looks_for_are_not_caught(self):
        host = self.run_muir("blind.h5", "steps=5", "host.flips=2", "host.check=false")
        self.assertEqual((host["flips"]["planted"], host["flips"]["caught"], host["checked"]), (10, 0, 0))

    def test_a_resumed_run_has_every_flip_and_op_once(self):
        options = ("host.flips=1.5", "telemetry.trace_steps=12", "host.every=2")
        self.run_muir("whole.h5", "steps=20", *options)
        self.run_muir("part.h5", "steps=11", *options)
        self.run_muir("part.h5", "steps=20", *options, "--resume")
        with h5py.File(self.path("whole.h5")) as whole, h5py.File(self.path("part.h5")) as part:
            for name in ("flip", "step", "rank", "bit"):
                self.assertEqual(list(whole["host_flips"][name]), list(part["host_flips"][name]))
            traced = rows(part, "host_trace")
            self.assertEqual(sorted(set(traced["step"])), list(range(0, 20, 2)))
            self.assertTrue((np.diff(traced["event"]) > 0).all())
            self.assertEqual(len(traced["event"]), len(whole["host_trace/event"]))

    def test_a_trace_has_every_byte_of_the_step(self):
        self.run_muir("trace.h5", "steps=3", "telemetry.trace_steps=1", "host.overlap=true", ranks=4)
        with h5py.File(self.path("trace.h5")) as file:
            trace, kinds = rows(file, "host_trace"), file["program/kind"][:]
            counted = (trace["op"] >= 0) & (kinds[trace["op"]] != b"receive")
            moved = (trace["bytes"] * counted).sum(axis=0)
            np.testing.assert_allclose(moved, file["host/coll_bytes"][0] + file["host/p2p_bytes"][0])
            done = trace["op"] >= 0
            self.assertTrue((trace["end_s"][done] >= trace["start_s"][done]).all())
            self.assertTrue(np.isnan(trace["end_s"][~done]).all())
            self.assertGreater(file["host/exposed_off_s"][()], 0)
            self.assertIn(b"the rank itself", file["host/progress"][()])

    def test_a_dilated_run_has_its_rhythm(self):
        host = self.run_muir("dilated.h5", "steps=3", "host.pace=dilate:5")
        self.assertGreaterEqual(host["step_s"], 0.999 * host["planned_step_s"])
        self.assertGreaterEqual(host["rhythm"]["p99_s"], host["rhythm"]["p50_s"])
        with h5py.File(self.path("dilated.h5")) as file:
            self.assertTrue((file["host/rhythm_p99_s"][:] >= file["host/rhythm_p50_s"][:]).all())
            self.assertAlmostEqual(file["host/planned_step_s"][()], host["planned_step_s"])
        self.assertIsNone(self.run_muir("asap.h5", "steps=3")["rhythm"]["p50_s"])
        process = muir("run", "tiny", "host.pace=dilate", "-o", self.path("none.h5"))
        self.assertEqual(process.returncode, 2)
        self.assertIn("muir: host.pace is 'dilate', but must be asap or dilate:X with X from 1e-06 to 1e+09", process.stderr)
        self.assertFalse(os.path.exists(self.path("none.h5")))

    def test_calibration_is_measured_once_and_kept(self):
        command = ("run", "tiny", "host.budget=0.002", "calibrate=host", "-q", "-o", self.path("here.h5"))
        process = muir(*command, "steps=5")
        if process.returncode == 1:  # a machine that does something else meanwhile says so
            self.assertIn("calibrate=host: times of the same work vary by", process.stderr)
            return
        self.assertEqual(process.returncode, 0, process.stderr)
        with h5py.File(self.path("here.h5")) as file:
            sigma = file["scenario/calibrated_step_sigma"][()]
            self.assertEqual(file["scenario/calibrated_step_sigma"].attrs["provenance"], b"measured")
            self.assertEqual(float(file["scenario"].attrs["fleet.variation.step_sigma"]), sigma)
        self.assertEqual(muir(*command, "steps=8", "--resume").returncode, 0)
        with h5py.File(self.path("here.h5")) as file:
            self.assertEqual(len(file["fleet/step"]), 8)
            self.assertEqual(file["scenario/calibrated_step_sigma"][()], sigma)

    def test_bench_flips_catches_all_that_changes_a_number(self):
        process = muir("bench", "flips", "-n", "320", "-b", "64", "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        found = json.loads(process.stdout)["rows"]
        self.assertEqual([row["bit"] for row in found], list(range(31, -1, -1)))
        for row in found:
            for kind in ("product", "collective"):
                self.assertEqual(row[kind]["planted"], 10)
                self.assertEqual(row[kind]["caught"] + row[kind]["equal"], 10)
        self.assertEqual(muir("bench", "flips", "-e", "64").returncode, 2)

    def test_traffic_is_drawn(self):
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            self.skipTest("matplotlib is missing")
        self.run_muir("picture.h5", "steps=2", "telemetry.trace_steps=1")
        script = os.path.join(SOURCE, "scripts", "plot_traffic.py")
        drawn = patience.run([sys.executable, script, self.path("picture.h5"), "-o", self.folder.name], capture_output=True, text=True)
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        self.assertGreater(os.path.getsize(self.path("picture-traffic.png")), 10000)
        refused = patience.run([sys.executable, script, self.path("picture.h5"), "-s", "1"], capture_output=True, text=True)
        self.assertIn("step 1 was not traced; traced: 0 to 0", refused.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
