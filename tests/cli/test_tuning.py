#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Algorithms of collectives as users choose them: for all axes, for one, by measurement, from a table.

Usage: test_tuning.py MUIR MPIRUN. Exit code 77: h5py is missing, so telemetry cannot be read."""
import json
import os
import sys
import tempfile
import unittest

import patience

MUIR, MPIRUN = sys.argv[1:3]
JOB = ["run", "tiny", "steps=3", "host.budget=0.002", "parallel.tp=2", "parallel.pp=1", "-q", "--json", "-"]


class Tuning(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def muir(self, *arguments, ranks=4):
        return patience.run([MPIRUN, "-n", str(ranks), MUIR, *JOB, *arguments], capture_output=True, text=True,
                            cwd=self.folder.name, check=False)

    def run_job(self, *arguments):
        """(summary's host part, collectives of the telemetry: list of {name: value}, trials likewise)."""
        process = self.muir(*arguments, "-o", "x.h5")
        self.assertEqual(process.returncode, 0, process.stderr)
        with h5py.File(os.path.join(self.folder.name, "x.h5"), "r") as file:
            group = file["collectives"]
            rows = self.rows(group, ("op", "axis", "algorithm", "chosen", "chosen_median_s", "mpi_median_s"))
            trials = self.rows(group, ("trial_collective", "trial_algorithm", "trial_s")) if "trial_s" in group else []
        return json.loads(process.stdout)["host"], rows, trials

    @staticmethod
    def rows(group, names):
        columns = [[value.decode() if isinstance(value, bytes) else value for value in group[name][:]] for name in names]
        return [dict(zip(names, values)) for values in zip(*columns)]

    def test_a_forced_algorithm_runs_on_its_axis_only(self):
        host, rows, _ = self.run_job("host.algorithms=tp.all_gather=bruck,tp.reduce_scatter=pat", "host.all_gather=ring")
        used = {(row["axis"], row["op"]): (row["algorithm"], row["chosen"]) for row in rows}
        self.assertEqual(used["tp", "all_gather"], ("bruck", "forced"))
        self.assertEqual(used["tp", "reduce_scatter"], ("pat", "forced"))
        self.assertEqual(used["dp", "all_gather"], ("ring", "forced"))
        self.assertEqual(used["dp", "reduce_scatter"][1], "measured")
        for row in host["collectives"]:
            self.assertEqual((row["algorithm"], row["chosen"]), used[row["axis"], row["op"]])
            self.assertEqual(row["median_s"] is None, row["chosen"] == "forced")
        self.assertEqual(host["wrong"], 0)

    def test_what_was_tried_is_in_the_telemetry(self):
        host, rows, trials = self.run_job()
        self.assertEqual(host["tuning"]["table"], "auto")
        self.assertGreater(host["tuning"]["measured"], 0)
        for trial in trials:
            self.assertGreater(trial["trial_s"], 0.0)
        for i in {int(trial["trial_collective"]) for trial in trials}:
            names = {trial["trial_algorithm"]: trial["trial_s"] for trial in trials if trial["trial_collective"] == i}
            self.assertEqual(names[rows[i]["algorithm"]], rows[i]["chosen_median_s"])
            self.assertEqual(names["mpi"], rows[i]["mpi_median_s"])

    def test_a_table_is_made_then_reused(self):
        made, _, trials = self.run_job("host.tuning=t.yaml")
        self.assertGreater(made["tuning"]["measured"], 0)
        self.assertGreater(len(trials), 0)
        with open(os.path.join(self.folder.name, "t.yaml"), encoding="utf-8") as file:
            text = file.read()
        # every row from here on says mpi, which nothing else would have chosen for all of them
        lines = [line.split(", algorithm: ")[0] + ", algorithm: mpi, " + line.split(", algorithm: ")[1].split(", ", 1)[1]
                 if line.startswith("- {") else line for line in text.splitlines()]
        with open(os.path.join(self.folder.name, "t.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        reused, rows, _ = self.run_job("host.tuning=t.yaml")
        self.assertGreater(reused["tuning"]["reused"], 0)
        self.assertIn("reused", [row["chosen"] for row in rows])
        for row in rows:
            if row["chosen"] == "reused":
                self.assertEqual(row["algorithm"], "mpi")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["t.yaml", "x.h5", "x.h5.bak"])

    def test_off_is_the_librarys_own(self):
        host, rows, trials = self.run_job("host.tuning=off")
        self.assertEqual({(row["algorithm"], row["chosen"]) for row in rows}, {("mpi", "untuned")})
        self.assertEqual((host["tuning"]["table"], trials), ("off", []))

    def test_wrong_words_are_answered_with_the_known_ones(self):
        wrong = {
            "host.algorithms=xp.all_gather=ring": "host.algorithms: axis 'xp' is unknown; known: tp, cp, ep, dp, edp, pp, world",
            "host.algorithms=tp.all_gatter=ring": "host.algorithms: operation 'all_gatter' is unknown; known: all_reduce, ",
            "host.algorithms=tp.all_gather=rink": "host.algorithms: tp.all_gather 'rink' is unknown; known: auto, ring, ",
            "host.algorithms=tp": "host.algorithms is 'tp', but must be a list such as tp.all_reduce=ring, ",
            "host.all_gather=rink": "host.all_gather 'rink' is unknown; known: auto, ring, ",
        }
        for argument, expected in wrong.items():
            with self.subTest(argument=argument):
                process = self.muir(argument, ranks=2)
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertIn("muir: " + expected, process.stderr)
        self.assertEqual(os.listdir(self.folder.name), [])


if __name__ == "__main__":
    try:
        import h5py
    except ImportError:
        print("h5py is missing: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
