#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What people look at, made from files of real runs: pictures, the report, exports, the live view.

Usage: test_see.py MUIR SOURCE_DIR. Exit code 77: h5py or matplotlib is missing."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import patience

MUIR, SOURCE = sys.argv[1:3]
SCRIPTS = os.path.join(SOURCE, "scripts")
# Windows longer than a segment, so that there is a spectrum; no products, so that runs are short.
JOB = ["run", "tiny", "steps=60", "host.every=0", "power.window_s=0.6", "power.segment_s=0.1"]


def run(*command, **options):
    return patience.run([*map(str, command)], capture_output=True, text=True, **options)


def script(name, *arguments, **options):
    return run(sys.executable, os.path.join(SCRIPTS, name), *arguments, **options)


class Case(unittest.TestCase):
    """A test with files of runs that all tests share, and a folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared.cleanup)

    @classmethod
    def telemetry(cls, name, *overrides):
        path = pathlib.Path(cls.shared.name, name)
        if not path.exists():
            done = run(MUIR, *JOB, *overrides, "-o", path)
            if done.returncode:
                raise AssertionError(done.stderr)
        return path

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


class Pictures(Case):
    def test_a_cap_is_a_remedy_and_no_two_traces_share_a_name(self):
        plain, capped = self.telemetry("plain.h5"), self.telemetry("capped.h5", "power.cap=0.75")
        other = self.telemetry("other.h5", "seed=2")
        program = ("import sys, pathlib; sys.argv[0] = 'plot_power.py'; import plot_power\n"
                   "for trace in plot_power.read_all([pathlib.Path(name) for name in sys.argv[1:]], None):\n"
                   "    print(trace['label'])")
        done = run(sys.executable, "-c", program, plain, capped, other, plain, cwd=SCRIPTS)
        labels = self.check(done).splitlines()
        self.assertIn("cap 0.75 of TDP", labels[1])
        self.assertIn("seed=2", labels[2])
        self.assertEqual(len(set(labels[:3])), 3, labels)
        self.assertIn("plain.h5", labels[3])

    def test_o_is_a_folder_or_a_name_for_both_scripts(self):
        plain = self.telemetry("plain.h5")
        self.check(script("plot_power.py", plain, "-o", self.folder / "new"))
        self.check(script("plot_run.py", plain, "-o", self.folder / "new"))
        self.check(script("plot_power.py", plain, "-o", self.folder / "a.png"))
        self.check(script("plot_run.py", plain, "-o", self.folder / "a.png"))
        names = {path.name for path in (self.folder / "new").iterdir()}
        self.assertEqual(names, {"plain-power.png", "plain-step-time.png", "plain-throughput.png", "plain-servers.png"})
        self.assertTrue((self.folder / "a.png").is_file())
        self.assertTrue((self.folder / "a-step-time.png").is_file())

    def test_a_window_shorter_than_a_segment_draws_no_axis(self):
        short = self.telemetry("short.h5", "power.segment_s=64")
        self.check(script("plot_power.py", short, "-o", self.folder / "short.png"))


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-c", "import h5py, matplotlib"], capture_output=True, check=False).returncode:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
