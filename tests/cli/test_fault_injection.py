#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every write, allocation and shared-memory map of a run fails once: one message names the cause, all ranks end, and the
telemetry file is whole, or was never there, and goes on to the same fleet.

Usage: test_fault_injection.py MUIR MPIRUN SOURCE_DIR FAIL [--all] [--table FILE]
  FAIL    the library of tests/faults/fail.c
  --all   each single call instead of some of them (minutes to hours)
  --table FILE   a line per failure: call, exit status, seconds, message, state of the file
Exit status 77: h5py is missing."""
import argparse
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

import patience

parser = argparse.ArgumentParser()
parser.add_argument("muir"), parser.add_argument("mpirun"), parser.add_argument("source"), parser.add_argument("fail")
parser.add_argument("--all", action="store_true")
parser.add_argument("--table")
ARGUMENTS = parser.parse_args()
COMPARE = pathlib.Path(ARGUMENTS.source) / "scripts" / "compare_runs.py"
RANKS, STEPS, SOME = 2, 40, 6
JOB = ["run", "tiny", "host.budget=0.001", "telemetry.flush=0.02", "-q"]
# Kinds of calls, the ranks on which they fail, and whether a run may go on without them: a file that cannot be packed in the
# end stays as it is, and messages do what shared memory would.
KINDS = {"write": ((0,), True), "rename": ((0,), False), "alloc": ((0, 1), False), "share": ((0, 1), True)}


patience.MOST_CPU_S = 100.0  # a run takes a second


class Injection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = pathlib.Path(cls.folder.name)
        done = cls.run_job(cls.path / "whole.h5")
        assert done.returncode == 0, done.stderr
        cls.table = open(ARGUMENTS.table, "w", encoding="utf-8") if ARGUMENTS.table else None

    @classmethod
    def run_job(cls, file, *more, **env):
        wanted = [f"{key}={value}" for key, value in env.items()]
        return patience.run([ARGUMENTS.mpirun, "-n", str(RANKS), "env", *wanted, ARGUMENTS.muir, *JOB, f"steps={STEPS}", "-o", file,
                             *more], capture_output=True, text=True, cwd=cls.path)

    def fail(self, kind, number, rank, file, **env):
        return self.run_job(file, LD_PRELOAD=ARGUMENTS.fail, MUIR_FAIL=f"{kind}:{number}", MUIR_FAIL_RANK=rank,
                            MUIR_FAIL_FILE=file.name, **env)

    def calls(self, kind, rank):
        """How many there are in a run that nothing disturbs."""
        count = self.path / "count"
        done = self.fail(kind, 0, rank, self.path / "count.h5", MUIR_FAIL_COUNT=count)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(pathlib.Path(f"{count}.{rank}").read_text())

    def check(self, kind, number, rank, may_go_on):
        file, count = self.path / f"{kind}-{rank}-{number}.h5", pathlib.Path(self.path / "reached")
        count.with_suffix(f".{rank}").unlink(missing_ok=True)
        begin = time.monotonic()
        done = self.fail(kind, number, rank, file, MUIR_FAIL_COUNT=count)
        took_s = time.monotonic() - begin
        counted = count.with_suffix(f".{rank}")
        if done.returncode == 0 and counted.exists() and int(counted.read_text()) < number:
            return  # fewer calls than last time: how often a step is tried depends on how long it takes
        said = [line for line in done.stderr.splitlines() if line.startswith("muir: ")]
        state = "whole" if file.exists() else "none"
        if self.table:
            print(f"{kind} {number} on rank {rank} | {done.returncode} | {took_s:.1f} s | {' '.join(said)} | {state}", file=self.table,
                  flush=True)
        if done.returncode == 0:
            self.assertTrue(may_go_on, "nothing is said of a failure")
        else:
            self.assertEqual(len(said), 1, f"exit status {done.returncode}\n{done.stderr}")
            self.assertTrue(re.search("No space left|memory|Permission|Input/output|denied|written|cannot|fail", said[0]), said[0])
        resumed = self.run_job(file, "--resume")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        same = patience.run([sys.executable, COMPARE, self.path / "whole.h5", file], capture_output=True, text=True)
        self.assertEqual(same.returncode, 0, same.stdout + same.stderr)
        file.unlink()

    def sample(self, total):
        """All calls, or some: the first and last ones, and between them at even distances."""
        if ARGUMENTS.all or total <= SOME:
            return range(1, total + 1)
        return sorted({1, 2, total - 1, total, *(1 + (total - 1) * i // (SOME - 4) for i in range(1, SOME - 4))})


def add_test(kind, ranks, may_go_on):
    def test(self):
        for rank in ranks:
            total = self.calls(kind, rank)
            self.assertGreater(total, 0, "there is nothing to fail")
            for number in self.sample(total):
                with self.subTest(kind=kind, call=number, of=total, rank=rank):
                    self.check(kind, number, rank, may_go_on)

    setattr(Injection, f"test_every_{kind}_may_fail", test)


for KIND, (ON_RANKS, MAY_GO_ON) in KINDS.items():
    add_test(KIND, ON_RANKS, MAY_GO_ON)

if __name__ == "__main__":
    try:
        import h5py  # noqa: F401
    except ImportError:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
