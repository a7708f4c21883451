#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir jobs: placements, degraded parts, and tables that cannot be read.

usage: test_jobs.py MUIR
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MUIR = sys.argv[1]
DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "jobs"
TWO = str(DATA / "two-moe.csv")
CLOS = ["fleet.servers=2048", "fleet.fabric.leaf_servers=32", "fleet.fabric.oversubscription=8"]


def jobs(*arguments):
    return subprocess.run([MUIR, "jobs", *arguments], capture_output=True, text=True, timeout=120, check=False)


class Jobs(unittest.TestCase):
    def rows(self, *arguments):
        process = jobs(*arguments, "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        return json.loads(process.stdout)

    def test_packed_is_the_best_place(self):
        rows = self.rows(TWO, *CLOS)
        self.assertEqual(len(rows), 8)
        step = {placement: sum(row["step_time_s"] for row in rows if row["placement"] == placement)
                for placement in ("packed", "by_leaf", "scattered", "random")}
        self.assertEqual(min(step, key=step.get), "packed")
        self.assertTrue(all(row["slowdown"] > 0.999 and row["chips"] == 8192 for row in rows))

    def test_degraded_parts_hit_who_uses_them(self):
        whole = self.rows(TWO, *CLOS, "--placement", "packed")
        hurt = self.rows(TWO, *CLOS, "--placement", "packed", "--server", "2000=0.1")
        self.assertAlmostEqual(hurt[0]["step_time_s"], whole[0]["step_time_s"], places=6)
        self.assertGreater(hurt[1]["step_time_s"], whole[1]["step_time_s"] * 1.05)
        leaf = self.rows(TWO, *CLOS, "--placement", "packed", "--leaf", "0=0.01")
        self.assertGreater(leaf[0]["step_time_s"], whole[0]["step_time_s"] * 1.01)
        self.assertAlmostEqual(leaf[1]["step_time_s"], whole[1]["step_time_s"], places=6)

    def test_a_hundred_jobs_on_a_million_chips(self):
        rows = self.rows(str(DATA / "hundred.csv"), "fleet.fabric.leaf_servers=32", "fleet.fabric.oversubscription=8")
        self.assertEqual(len(rows), 400)
        mean = {placement: sum(row["slowdown"] for row in rows if row["placement"] == placement) / 100 for placement in ("packed", "random")}
        self.assertLess(mean["packed"], mean["random"])

    def test_wrong_calls_end_with_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            table = pathlib.Path(folder) / "table.csv"
            for text, expected in (("name\nx\n", "no column 'scenario'"), ("name,scenario\n", "has no jobs"),
                                   ("name,scenario,count\nx,tiny,many\n", "line 2: count is 'many'"),
                                   ("name,scenario\nx,nothing-like-it\n", "nothing-like-it")):
                table.write_text(text)
                process = jobs(str(table))
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertIn(expected, process.stderr)
        for arguments, expected in (([], "which table"), ([TWO, "--placement", "heaped"], "packed, by_leaf, scattered or random"),
                                    ([TWO, "--leaf", "5"], "--leaf is '5'"), ([TWO, "--leaf", "0=0"], "above 0"),
                                    ([TWO, "fleet.servers=1500"], "more servers than the fleet's 1500")):
            process = jobs(*arguments)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(expected, process.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
