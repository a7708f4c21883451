#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir validate --collectives: the shipped table, sources left out, and tables that cannot be read.

usage: test_collectives.py MUIR
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MUIR = sys.argv[1]
DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
TABLE = DATA / "published_collectives.csv"


def validate(*arguments):
    return subprocess.run([MUIR, "validate", "--collectives", *arguments], capture_output=True, text=True, timeout=120, check=False)


def means(report):
    return {group["name"]: group for group in report["by"]["size"]}


class Collectives(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def table(self, rows, columns=None):
        """Path of a table of rows, each a change to one of the shipped ones."""
        with TABLE.open(newline="") as file:
            first = next(row for row in csv.DictReader(file) if row["id"] == "coreweave-6")
        path = pathlib.Path(self.folder.name) / "table.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns or list(first), extrasaction="ignore")
            writer.writeheader()
            for row in rows:
                writer.writerow({**first, **row})
        return str(path)

    def report(self, *arguments):
        process = validate(*arguments, "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        return json.loads(process.stdout)

    def test_the_shipped_table_is_met(self):
        report = self.report(str(TABLE))
        self.assertEqual(len(report["rows"]) + len(report["skipped"]), 1030)
        self.assertTrue(all("suspect" in row["why"] for row in report["skipped"]))
        self.assertLess(means(report)["from 1 MiB"]["mean_abs_error"], 0.15)
        self.assertLess(means(report)["below 1 MiB"]["mean_abs_error"], 0.23)
        for row in report["rows"]:
            self.assertAlmostEqual(row["error"], row["predicted_s"] / row["real_s"] - 1, places=9)

    def test_sources_left_out_are_met_less_well(self):
        fitted, left_out = self.report(str(TABLE)), self.report(str(TABLE), "--leave-out", "source")
        for size, group in means(fitted).items():
            self.assertGreater(means(left_out)[size]["mean_abs_error"], group["mean_abs_error"])
        self.assertLess(means(left_out)["from 1 MiB"]["mean_abs_error"], 0.21)
        self.assertLess(means(left_out)["below 1 MiB"]["mean_abs_error"], 0.33)
        self.assertTrue(0.7 < left_out["interval_coverage"] < 0.9)

    def test_intervals_hold_what_they_count(self):
        report = self.report(str(TABLE))
        held = [row["low_s"] <= row["real_s"] <= row["high_s"] for row in report["rows"]]
        self.assertAlmostEqual(report["interval_coverage"], sum(held) / len(held), places=9)
        self.assertGreater(report["interval_coverage"], 0.8)  # of rows that the figures have seen

    def test_shipped_spreads_are_those_of_sources_left_out(self):
        text = validate(str(TABLE), "--leave-out", "source").stdout
        with (DATA / "collectives_hardware.csv").open(newline="") as file:
            shipped = {row["text"]: row["value"] for row in csv.DictReader(file) if row["kind"] == "spread"}
        self.assertEqual(len(shipped), 4)
        for name, value in shipped.items():
            line = next(line for line in text.splitlines() if line.startswith(f"  {name}"))
            self.assertAlmostEqual(float(line.split("spread ")[1].rstrip(")")), float(value), delta=0.005)

    def test_columns_replace_what_a_fleet_says(self):
        rows = [{"id": "a", "chip": "H100", "servers": 4, "ranks": 32, "chips_per_server": 8, "nics_per_server": n, "nic_gbit": 400,
                 "fleet": fleet, "library": "NCCL", "op": "all_to_all", "bytes": 2**33, "notes": "", "algorithm": ""}
                for n, fleet in ((8, "dgx-h100"), (4, "dgx-h100"), (8, ""), (8, "p5-efa"))]
        times = [row["predicted_s"] for row in self.report(self.table(rows))["rows"]]
        self.assertAlmostEqual(times[1] / times[0], 2, places=2)
        self.assertEqual(times[2], times[0])
        self.assertLess(times[3], times[0])  # EFA passes more of an all_to_all than InfiniBand

    def test_algorithms_can_be_forced(self):
        rows = [{"chip": "H100", "servers": 1, "ranks": 8, "chips_per_server": 8, "fleet": "dgx-h100", "algorithm": name, "notes": "",
                 "bytes": 2**33} for name in ("ring", "nvls", "")]
        ways = [row["way"] for row in self.report(self.table(rows))["rows"]]
        self.assertEqual(ways, ["ring", "reduction", "reduction"])

    def test_rows_that_cannot_be_read_say_why(self):
        rows = [{"chip": "abacus", "fleet": "", "notes": ""}, {"op": "all_sing", "notes": ""}, {"time_us": "soon", "notes": ""},
                {"algorithm": "magic", "notes": ""}]
        why = [row["why"] for row in self.report(self.table(rows))["skipped"]]
        for said, expected in zip(why, ("no fleet has chip 'abacus'", "op is 'all_sing'", "time_us is 'soon'", "algorithm is 'magic'")):
            self.assertIn(expected, said)
        self.assertEqual(len(why), 4)

    def test_wrong_calls_end_with_a_sentence(self):
        for arguments, expected in (((self.table([{}], ["id", "op"]),), "no column 'chip'"),
                                    ((str(TABLE), "--leave-out", "chip"), "--leave-out 'chip': for collectives, it must be source"),
                                    (("nowhere.csv",), "nowhere.csv"), ((str(TABLE), "another.csv"), "has its own table")):
            process = validate(*arguments)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(expected, process.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
