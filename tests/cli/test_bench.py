#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir bench clock, gemm, fft, fft3d and mem: their rows, and what they refuse.

Usage: test_bench.py MUIR MPIRUN."""
import json
import math
import sys
import unittest

import patience

MUIR, MPIRUN = sys.argv[1:3]


def bench(*arguments, ranks=1):
    return patience.run([MPIRUN, "-n", str(ranks), MUIR, "bench", *arguments], capture_output=True, text=True)


def rows(*arguments, ranks=1):
    process = bench(*arguments, "--json", "-", ranks=ranks)
    if process.returncode != 0:
        raise AssertionError(process.stderr)
    return json.loads(process.stdout)["rows"]


class Clock(unittest.TestCase):
    def test_the_yardstick_job_runs(self):
        (row,) = rows("clock", "-b", "8K", "-e", "8K", "-n", "5", "-w", "1")
        self.assertEqual((row["chips"], row["ranks"]), (8192, 1))
        self.assertGreater(row["steps_per_s"], 0)


class Gemm(unittest.TestCase):
    def test_every_type_has_right_products_and_a_peak(self):
        found = rows("gemm", "-b", "48", "-e", "96", "-n", "2", "-d", "all", "-t", "2")
        self.assertEqual({(r["m"], r["n"], r["k"]) for r in found}, {(48, 48, 48), (96, 96, 96)})
        for dtype in ("fp32", "bf16", "int8", "fp8"):
            kernels = {r["kernel"] for r in found if r["dtype"] == dtype}
            self.assertLessEqual({"auto", "tiles", "plain"}, kernels)
        for row in found:
            self.assertEqual(row["wrong"], 0, row)
            self.assertGreater(row["flop_per_s"], 0)
            self.assertAlmostEqual(row["fraction"], row["flop_per_s"] / row["peak_flop_per_s"], 9)

    def test_a_model_gives_its_own_products(self):
        found = rows("gemm", "--model", "tiny-30m", "-d", "bf16", "-n", "1", "-w", "0", "--algorithm", "tiles")
        sizes = {(r["m"], r["n"], r["k"]) for r in found}
        self.assertLessEqual({(1024, 1536, 512), (1024, 2816, 512), (1408, 512, 1024), (1024, 16384, 512)}, sizes)
        self.assertEqual({r["kernel"] for r in found}, {"tiles"})

    def test_what_means_nothing_is_refused(self):
        for arguments, ranks, expected in (
                (["gemm", "-d", "fp64"], 1, "-d is 'fp64', but must be one of all, fp32, bf16, int8, fp8"),
                (["gemm", "--algorithm", "tiles,mkl"], 1, "--algorithm 'mkl' is unknown (see muir list kernels)"),
                (["gemm", "--op", "all_reduce"], 1, "--op would change nothing in muir bench gemm"),
                (["gemm"], 2, "muir bench gemm measures one rank, but this launch has 2"),
                (["coll", "--model", "tiny-30m"], 1, "--model would change nothing in muir bench coll")):
            with self.subTest(arguments=arguments):
                process = bench(*arguments, ranks=ranks)
                self.assertEqual(process.returncode, 2)
                self.assertIn("muir: " + expected, process.stderr.splitlines())


class Fft(unittest.TestCase):
    def test_transforms_are_right_along_rows_and_columns(self):
        found = rows("fft", "-b", "96", "-e", "192", "-f", "2", "-n", "1")
        self.assertEqual({(r["n"], r["stride"] > 1) for r in found}, {(n, s) for n in (96, 192) for s in (False, True)})
        self.assertIn("plain", {r["kernel"] for r in found})
        for row in found:
            self.assertEqual(row["wrong"], 0, row)
            self.assertGreater(row["flop_per_s"], 0)
            self.assertGreater(row["byte_per_s"], 0)

    def test_what_means_nothing_is_refused(self):
        process = bench("fft", "--algorithm", "mkl")
        self.assertEqual(process.returncode, 2)
        self.assertIn("muir: --algorithm 'mkl' is unknown; known: fftw, fftw-measured, plain", process.stderr.splitlines())


class Fft3d(unittest.TestCase):
    def test_spectra_equal_those_of_fftw_on_any_number_of_ranks(self):
        for ranks, columns in ((1, None), (2, 2), (3, 3), (4, 2), (5, 5)):
            found = {(r["n"], r["layout"]): r for r in rows("fft3d", "-b", "12", "-e", "36", "-f", "3", "-n", "2", ranks=ranks)}
            if (12, "fftw-mpi") not in found:
                self.skipTest("fftw-mpi is not installed")
            layouts = {"slabs", "fftw-mpi"} | ({"pencils"} if columns else set())
            self.assertEqual(set(found), {(n, layout) for n in (12, 36) for layout in layouts})
            for (n, layout), row in found.items():
                with self.subTest(ranks=ranks, n=n, layout=layout):
                    self.assertEqual(row["rows"] * row["columns"], ranks)
                    self.assertEqual(row["columns"], columns if layout == "pencils" else 1)
                    self.assertAlmostEqual(row["time_s"] * row["flop_per_s"] / (30 * n**3 * math.log2(n)), 1, 9)
                    self.assertGreater(row["ratio_to_fftw_mpi"], 0)
                    if layout == "fftw-mpi":
                        self.assertIsNone(row["difference"])
                    else:
                        self.assertLess(row["difference"], 1e-6)
                        self.assertLess(row["exchange_share"], 1)

    def test_one_layout_needs_no_yardstick(self):
        found = rows("fft3d", "-b", "8", "-n", "1", "--algorithm", "slabs", ranks=2)
        self.assertEqual([(r["layout"], r["ratio_to_fftw_mpi"], r["difference"]) for r in found], [("slabs", None, None)])

    def test_what_means_nothing_is_refused(self):
        for arguments, expected in ((["--algorithm", "cubes"], "--algorithm 'cubes' is unknown; known: slabs, pencils, fftw-mpi"),
                                    (["-b", "4K"], "-b and -e are points along an edge, at most 2048"),
                                    (["-d", "fp64"], "-d would change nothing in muir bench fft3d")):
            with self.subTest(arguments=arguments):
                process = bench("fft3d", *arguments)
                self.assertEqual(process.returncode, 2)
                self.assertIn("muir: " + expected, process.stderr.splitlines())


class Mem(unittest.TestCase):
    def test_every_stream_moves_what_it_says(self):
        found = rows("mem", "-b", "16K", "-e", "256K", "-n", "2")
        self.assertEqual({(r["op"], r["bytes"]) for r in found},
                         {(op, b) for op in ("copy", "add", "triad") for b in (16380, 262140)})
        for row in found:
            self.assertEqual(row["wrong"], 0, row)
            self.assertGreater(row["byte_per_s"], 0)

    def test_what_means_nothing_is_refused(self):
        process = bench("mem", "--op", "scale")
        self.assertEqual(process.returncode, 2)
        self.assertIn("muir: --op 'scale' is unknown; known: copy, add, triad", process.stderr.splitlines())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
