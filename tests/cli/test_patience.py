#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What hangs is ended and named: commands by patience.py, test programs by their own watch in tests/check.c.

Usage: test_patience.py HANGS       HANGS: the program of tests/unit/hangs.c"""
import os
import subprocess
import sys
import unittest

import patience

HANGS = sys.argv[1]
SHORT = {"MUIR_TEST_MOST_CPU_S": "1", "MUIR_TEST_ASLEEP_S": "2"}


class Patience(unittest.TestCase):
    def setUp(self):
        saved = patience.MOST_CPU_S, patience.ASLEEP_S
        self.addCleanup(lambda: (setattr(patience, "MOST_CPU_S", saved[0]), setattr(patience, "ASLEEP_S", saved[1])))
        patience.MOST_CPU_S, patience.ASLEEP_S = 1.0, 2.0

    def test_what_spins_is_ended_by_its_cpu_time(self):
        with self.assertRaisesRegex(AssertionError, "hangs: it used [12] s of CPU time"):
            patience.run([sys.executable, "-c", "while True: pass"])

    def test_what_a_child_uses_counts(self):
        with self.assertRaisesRegex(AssertionError, "hangs: it used [12] s of CPU time"):
            patience.run(["sh", "-c", f"{sys.executable} -c 'while True: pass'; true"])

    def test_what_sleeps_is_ended_by_doing_nothing(self):
        with self.assertRaisesRegex(AssertionError, "hangs: it did nothing for 2.0 s"):
            patience.run(["sleep", "1000"])

    def test_what_ends_is_as_with_subprocess(self):
        done = patience.run(["sh", "-c", "cat; echo error >&2; exit 3"], capture_output=True, text=True, input="given")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "given", "error\n"))

    def test_a_test_program_says_where_it_hangs(self):
        for way, name, why in (("spin", "spinning", "much CPU time"), ("sleep", "sleep", "nothing done")):
            done = subprocess.run([HANGS, way], capture_output=True, text=True, env={**os.environ, **SHORT}, check=False)
            self.assertEqual(done.returncode, 124, done.stderr)
            self.assertIn(f"rank 0 hangs in '{name} never ends' after 1 asserts: {why} since the last", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
