#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ensembles: each draw is its single run, on any number of ranks; percentiles are those of the draws.

Usage: test_ensemble.py MUIR MPIRUN. Exit code 77: h5py is missing."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
from python_with import python_with

python_with("h5py", "numpy", status_if_missing=77)
import h5py
import numpy

MUIR, MPIRUN = sys.argv[1:3]
JOB = ["run", "tiny", "faults=llama3", "faults.rate=1e6", "steps=5000", "host.every=0"]
SINGLE = {"goodput": ("fleet", "goodput"), "tokens_per_s": ("fleet", "tokens_per_s"),
          "step_time_s": ("fleet", "step_time_s", "mean"), "usd_per_mtoken": ("fleet", "usd_per_mtoken")}


def muir(*arguments, ranks=1):
    return subprocess.run([MPIRUN, "-n", str(ranks), MUIR, *arguments], capture_output=True, text=True, timeout=170)


def quantile(values, share):
    """Interpolated between neighbours."""
    values = sorted(values)
    place = share * (len(values) - 1)
    below = min(int(place), len(values) - 2)
    return values[below] + (place - below) * (values[below + 1] - values[below])


class Ensembles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def document(self, *arguments, ranks=1):
        path = os.path.join(self.folder, "x.json")
        done = muir(*arguments, "-q", "--json", path, ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path) as file:
            return json.load(file)

    def test_each_draw_is_its_single_run(self):
        ensemble = self.document(*JOB, "seed=5", "--seeds", "4", ranks=2)["ensemble"]
        self.assertEqual((ensemble["seeds"], ensemble["first_seed"]), (4, 5))
        self.assertGreater(len(set(ensemble["goodput"]["draws"])), 1)
        for i in range(4):
            single = self.document(*JOB, f"seed={5 + i}", "-o", os.path.join(self.folder, f"{i}.h5"))
            for name, path in SINGLE.items():
                value = single
                for key in path:
                    value = value[key]
                self.assertEqual(ensemble[name]["draws"][i], value, name)

    def test_the_number_of_ranks_changes_nothing(self):
        documents = [self.document(*JOB, "--seeds", "5", ranks=ranks) for ranks in (1, 2, 3)]
        self.assertEqual(documents[0], documents[1])
        self.assertEqual(documents[0], documents[2])

    def test_steps_that_share_draws_are_the_same_in_a_run_that_was_resumed(self):
        """Failures, slow chips and replicas that are down end what is held; so does a resume in the middle of it."""
        once, resumed = (os.path.join(self.folder, name) for name in ("once.h5", "resumed.h5"))
        job = ["run", "rainier-1f1b", "fleet.servers=64", "global_batch_size=64", "faults=elastic", "faults.rate=100", "host.every=0",
               "fleet.variation.draw_steps=7", "telemetry.level=fleet"]
        self.document(*job, "steps=150", "-o", once, ranks=2)
        self.document(*job, "steps=73", "-o", resumed, ranks=2)
        self.document(*job, "steps=150", "-o", resumed, "--resume", ranks=2)
        with h5py.File(resumed) as resumed, h5py.File(once) as once:
            for name in once["fleet"]:
                self.assertTrue(numpy.array_equal(once["fleet"][name][:], resumed["fleet"][name][:], equal_nan=True), name)
            self.assertGreater(len(once["events/kind"]), 3)
            self.assertGreater(len(set(once["fleet/replicas"][:])), 2)
            ideal_s = once["fleet/attempt_s"][:] / once["fleet/common_mode"][:]
            self.assertLess(len(set(ideal_s.round(6))), 75)

    def test_the_file_has_a_row_for_each_draw_and_what_they_come_to(self):
        path = os.path.join(self.folder, "e.h5")
        documents, rows = [], []
        for ranks in (1, 3):
            documents.append(self.document(*JOB, "seed=4", "--seeds", "5", "-o", path, ranks=ranks)["ensemble"])
            with h5py.File(path) as file:
                rows.append({name: dataset[:].tolist() for name, dataset in file["ensemble"].items()})
                self.assertEqual(file["scenario"].attrs["faults.rate"], 1e6)
                for name in ("goodput", "power_w", "interruptions"):
                    self.assertEqual(file["ensemble"][name].attrs["p90"], documents[-1][name]["p90"])
                    self.assertEqual(file["ensemble"][name].attrs["standard_error"], documents[-1][name]["standard_error"])
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(rows[0]["seed"], [4, 5, 6, 7, 8])
        for name in ("goodput", "cost_usd", "tokens_per_s"):
            self.assertEqual(rows[0][name], documents[0][name]["draws"])

    def test_percentiles_are_those_of_the_draws(self):
        ensemble = self.document(*JOB, "--seeds", "7")["ensemble"]
        for name in ("goodput", "step_time_s", "interruptions"):
            draws = ensemble[name]["draws"]
            for key, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
                self.assertAlmostEqual(ensemble[name][key], quantile(draws, share), delta=1e-12 * max(1, max(draws)))
            mean = sum(draws) / len(draws)
            error = (sum((x - mean) ** 2 for x in draws) / (len(draws) - 1) / len(draws)) ** 0.5
            self.assertAlmostEqual(ensemble[name]["standard_error"], error, delta=1e-9 * max(1, mean))

    def test_until_stops_at_the_end_of_a_batch(self):
        few = self.document(*JOB, "--seeds", "64", "--until", "power_w:60%", ranks=3)["ensemble"]["seeds"]
        self.assertEqual(few, 8)
        all_of_them = self.document(*JOB, "--seeds", "9", "--until", "power_w:0.0001%")["ensemble"]["seeds"]
        self.assertEqual(all_of_them, 9)

    def test_wrong_options_are_one_sentence_and_exit_code_2(self):
        for arguments in (["--until", "goodput:1%"], ["--seeds", "0"], ["--seeds", "4", "--until", "goodput"],
                          ["--seeds", "4", "--until", "speed:1%"], ["--seeds", "4", "--resume"],
                          ["--seeds", "4", "-o", "/no/folder/x.h5"]):
            done = muir(*JOB, *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(len([line for line in done.stderr.splitlines() if line.startswith("muir: ")]), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
