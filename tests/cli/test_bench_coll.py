#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir bench coll as users call it: what is asked for is what is measured, every result is right, wrong options are answered.

Usage: test_bench_coll.py MUIR MPIRUN"""
import json
import os
import sys
import tempfile
import unittest

import patience

MUIR, MPIRUN = sys.argv[1:3]
BRIEF = ["-b", "1K", "-e", "1K", "-n", "3", "-w", "0", "--ms", "1"]


class BenchColl(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def bench(self, *arguments, ranks=2):
        return patience.run([MPIRUN, "-n", str(ranks), MUIR, "bench", "coll", *arguments], capture_output=True, text=True,
                            cwd=self.folder.name, check=False)

    def rows(self, *arguments, ranks=2):
        process = self.bench(*BRIEF, *arguments, "--json", "-", ranks=ranks)
        self.assertEqual(process.returncode, 0, process.stderr)
        rows = json.loads(process.stdout)["rows"]
        for row in rows:
            self.assertEqual(row["wrong"], 0, row)
            self.assertEqual(row["ranks"], ranks)
            self.assertAlmostEqual(row["algbw_byte_per_s"] * row["time_s"], row["bytes"], places=3)
            self.assertAlmostEqual(row["bound_share"] * row["time_s"], row["bound_s"], places=12)
        return rows

    def test_every_operation_type_and_reduction_is_right(self):
        for ranks, reduces in ((1, ["sum"]), (2, ["sum", "max", "min"]), (3, ["sum"])):
            rows = self.rows("-d", "all", "-o", ",".join(reduces), "--op", "all", ranks=ranks)
            measured = {(row["op"], row["dtype"], row["reduce"]) for row in rows}
            self.assertEqual({dtype for _, dtype, _ in measured}, {"fp32", "fp64", "bf16", "fp16", "int8", "int32"})
            for op in ("all_reduce", "reduce_scatter", "reduce"):
                self.assertEqual({reduce for name, _, reduce in measured if name == op}, set(reduces))
            for op in ("all_gather", "all_to_all", "broadcast"):
                self.assertEqual({reduce for name, _, reduce in measured if name == op}, {"none"})
            for key in measured:
                names = {row["algorithm"] for row in rows if (row["op"], row["dtype"], row["reduce"]) == key}
                self.assertIn("auto", names)
                self.assertIn("mpi", names, key)

    def test_memory_and_place_are_as_asked(self):
        rows = self.rows("-R", "all", "--in_place", "all", "--op", "all_reduce,all_gather,all_to_all", "--algorithm", "mpi,auto,ring")
        kinds = {(row["op"], row["registered"], row["in_place"]) for row in rows}
        both = {True, False}
        self.assertEqual(kinds, {(op, r, i) for op in ("all_reduce", "all_gather") for r in both for i in both}
                         | {("all_to_all", r, False) for r in both})
        self.assertEqual({row["algorithm"] for row in rows if row["op"] == "all_reduce"}, {"mpi", "auto", "ring"})

    def test_sizes_grow_by_a_factor_or_a_step(self):
        for growth, sizes in ((["-f", "3"], [1000, 3000, 9000]), (["-i", "4000"], [1000, 5000, 9000])):
            process = self.bench("-b", "1000", "-e", "10000", "-n", "3", "-w", "0", "--op", "broadcast", "--algorithm", "mpi",
                                 *growth, "--json", "-")
            self.assertEqual([row["bytes"] for row in json.loads(process.stdout)["rows"]], sizes)

    def test_the_table_says_what_auto_is_and_what_bounds_it(self):
        process = self.bench(*BRIEF, "--op", "all_reduce", "--algorithm", "auto,mpi")
        lines = process.stdout.splitlines()
        self.assertIn("(copy)", lines[-3])
        self.assertRegex(lines[-1], r" auto .*%\s+0  \w+$")

    def test_auto_fills_and_uses_a_table(self):
        arguments = (*BRIEF, "--op", "all_gather", "--algorithm", "auto,mpi", "--tuning", "t.yaml")
        self.assertIn("1 choices measured, 0 reused", self.bench(*arguments).stdout)
        with open(os.path.join(self.folder.name, "t.yaml"), encoding="utf-8") as file:
            text = file.read()
        name = text.split("algorithm: ")[1].split(",")[0]
        with open(os.path.join(self.folder.name, "t.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace(f"algorithm: {name}", "algorithm: bruck"))
        output = self.bench(*arguments).stdout
        self.assertIn("0 choices measured, 1 reused", output)
        self.assertRegex(output, "auto .*  bruck\n")

    def test_wrong_options_are_answered_with_what_is_known(self):
        wrong = {
            ("-d", "fp31"): "-d 'fp31' is unknown; known: fp32, bf16, ",
            ("-o", "prod"): "-o 'prod' is unknown; known: sum, max, min, all",
            ("--op", "all_reduce,shuffle"): "--op 'shuffle' is unknown; known: all_reduce, ",
            ("--algorithm", "rink"): "--algorithm 'rink' is unknown; known: auto and the names of muir list collectives",
            ("-R", "2"): "-R '2' is unknown; known: 0, 1, all",
            ("-i", "5", "-f", "2"): "-i and -f both say how sizes grow: give one",
        }
        for arguments, expected in wrong.items():
            with self.subTest(arguments=arguments):
                process = self.bench(*arguments, ranks=1)
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertIn("muir: " + expected, process.stderr)

    @staticmethod
    def costs(*arguments):
        return patience.run([MUIR, "list", "collectives", *arguments], capture_output=True, text=True, check=False)

    def test_ways_of_the_library_are_listed_and_the_taken_one_is_marked(self):
        process = self.costs("dgx-h100", "8")
        ways = [line for line in process.stdout.splitlines() if line.split()[:2] == ["all_reduce", "reduction"]]
        self.assertEqual(len(ways), 1)
        self.assertIn("*", ways[0])
        process = self.costs("dgx-h100", "4096")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn("are listed for at most 256 chips", process.stdout)

    def test_the_same_list_is_a_json_document(self):
        process = self.costs("dgx-h100", "8", "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        listed = json.loads(process.stdout)
        self.assertEqual((listed["fleet"], listed["chips"], listed["provenance"]), ("dgx-h100", 8, "modelled"))
        for lists, name, mark in (("ways", "way", "is_taken"), ("algorithms", "algorithm", "is_shortest")):
            rows = [row for row in listed[lists] if row["op"] == "all_reduce"]
            self.assertIn("ring", [row[name] for row in rows])
            for size in range(4):
                times = [row["times"][size] for row in rows]
                best = min(time["time_s"] for time in times)
                self.assertEqual([time["time_s"] for time in times if time[mark]][0], best)

    def test_costs_on_a_fleet_are_listed_and_called_modelled(self):
        process = self.costs("dgx-h100", "8")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertTrue(process.stdout.startswith("modelled: the first 8 chips of dgx-h100"))
        rows = {tuple(line.split()[:2]): line.split()[2:] for line in process.stdout.splitlines()[5:] if "(fleet" not in line}
        self.assertEqual(rows["all_reduce", "ring"][:2], ["14", "1.75"])
        self.assertEqual(rows["all_reduce", "recursive_doubling"][:2], ["3", "3"])
        self.assertTrue(rows["all_gather", "torus_3d"])
        for arguments, expected in ((["dgx-h100", "1"], "CHIPS is '1', but must be 2 to 16384"), (["no-fleet"], "fleet 'no-fleet'")):
            process = self.costs(*arguments)
            self.assertEqual(process.returncode, 2)
            self.assertIn(expected, process.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
