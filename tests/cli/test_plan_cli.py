#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir plan as people use it: rows that can be pasted, bounds, rankings with failures, CSV and JSON.

Usage: test_plan_cli.py MUIR"""
import csv
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

MUIR = sys.argv[1]
FLEET = ["plan", "llama-3.1-8b", "dgx-h100", "fleet.servers=4", "global_batch_size=64"]


def muir(*arguments):
    return subprocess.run([MUIR, *arguments], capture_output=True, text=True, timeout=170)


def layouts(*arguments):
    done = muir(*FLEET, *arguments, "--json", "-")
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)["layouts"]


class Plans(unittest.TestCase):
    def test_a_shown_layout_can_be_pasted_and_takes_the_printed_step(self):
        for place in (1, 5):
            shown = muir(*FLEET, "--show", str(place))
            self.assertEqual(shown.returncode, 0, shown.stderr)
            entry = layouts("--top", "5")[place - 1]
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "x.json")
                none = [f"fleet.variation.{key}=0" for key in ("chip_sigma", "drift_sigma", "step_sigma")]
                run = muir("run", "tiny", *shlex.split(shown.stdout), *none, "fleet.servers=4", "steps=2", "host.every=0",
                           "-q", "-o", os.path.join(folder, "x.h5"), "--json", path)
                self.assertEqual(run.returncode, 0, run.stderr)
                with open(path) as file:
                    step_s = json.load(file)["fleet"]["step_time_s"]["mean"]
            self.assertAlmostEqual(step_s / entry["step_time_s"], 1.0, delta=1e-6)

    def test_a_layout_in_the_words_of_a_framework_is_read_back(self):
        """Every key of the layout that the framework has a word for; what it has none for stands in a comment."""
        for style, kind, ending in (("megatron", "megatron", ".sh"), ("torchtitan", "torchtitan", ".toml")):
            entry = layouts("--top", "1")[0]
            written = muir(*FLEET, "--as", style)
            self.assertEqual(written.returncode, 0, written.stderr)
            with tempfile.TemporaryDirectory() as folder:
                path, out = os.path.join(folder, f"launch{ending}"), os.path.join(folder, "read.yaml")
                with open(path, "w") as file:
                    file.write(written.stdout)
                read = muir("import", kind, path, "-o", out)
                self.assertEqual(read.returncode, 0, read.stderr)
                with open(out) as file:
                    lines = [line.split("#")[0].strip() for line in file]
            found = dict(line.split(": ", 1) for line in lines if ": " in line)
            wanted = {key: entry["parallel"][key] for key in ("tp", "cp", "pp", "dp", "zero_stage")}
            wanted["micro_batch_size"] = entry["micro_batch_size"]
            for key, value in wanted.items():
                self.assertEqual(int(found[key]), value, f"{style} {key}\n{written.stdout}")
        self.assertEqual(muir(*FLEET, "--as", "maxtext").returncode, 2)

    def test_bounds_are_kept(self):
        free = layouts("--top", "1000")
        self.assertTrue(any(row["parallel"]["pp"] > 1 for row in free))
        bounded = layouts("--top", "1000", "pp<=1", "parallel.tp>=2")
        self.assertTrue(bounded)
        self.assertTrue(all(row["parallel"]["pp"] == 1 and row["parallel"]["tp"] >= 2 for row in bounded))
        limit = sorted(row["memory_bytes"] for row in free)[len(free) // 2]
        self.assertTrue(all(row["memory_bytes"] <= limit for row in layouts("--top", "1000", f"memory_bytes<={limit}")))

    def test_rankings_go_by_what_they_say(self):
        faults = ["faults=llama3", "faults.rate=1000"]
        for by, value in (("step", lambda row: row["step_time_s"]),
                          ("tokens", lambda row: 1 / row["tokens_per_s"] / row["goodput"]),
                          ("cost", lambda row: row["usd_per_mtoken"])):
            values = [value(row) for row in layouts(*faults, "--by", by, "--top", "40")]
            self.assertEqual(values, sorted(values), by)
        self.assertTrue(all(row["goodput"] == 1 for row in layouts("faults=none")))
        self.assertTrue(all(row["goodput"] < 1 for row in layouts(*faults)))

    def test_layouts_that_differ_in_nothing_that_shows_stand_once(self):
        rows = layouts("--top", "1000")
        steps = {}
        for row in rows:
            key = json.dumps({**row["parallel"], "order": "", "micro_batch_size": row["micro_batch_size"]})
            for step_s in steps.setdefault(key, []):
                self.assertGreater(abs(row["step_time_s"] / step_s - 1), 0.9e-4, key)
            steps[key].append(row["step_time_s"])

    def test_csv_has_the_rows_of_the_table(self):
        rows = list(csv.DictReader(io.StringIO(muir(*FLEET, "--csv", "-").stdout)))
        self.assertEqual(len(rows), 10)
        self.assertEqual(float(rows[3]["step_time_s"]), layouts()[3]["step_time_s"])

    def test_wrong_words_are_one_sentence_and_exit_code_2(self):
        for words, said in ((["ppp<=3"], "known: "), (["pp<=many"], "must be a number"), (["--by", "joy"], "step, tokens or cost"),
                            (["--show", "900000"], "--show is 900000"), (["power_w<=3s"], "must be a number")):
            done = muir(*FLEET, *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(said, done.stderr)

    def test_lines_fit_a_page(self):
        self.assertLessEqual(max(map(len, muir(*FLEET).stdout.splitlines())), 110)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
