#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real checkpoints as users meet them: summary and JSON, telemetry, folders, full disks, kills.

Usage: test_checkpoints.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py is missing."""
import glob
import json
import os
import random
import subprocess
import sys
import time
import unittest

import patience
from test_muir import MPIRUN, MUIR, SOURCE, Case, message, muir

STORAGE = ["faults.checkpoint.storage=async", "faults.checkpoint.storage_every=10"]
JOB = ["run", "tiny", "host.budget=0.002", *STORAGE]
# Many failures that only storage survives, in steps of 0.2 s.
FAILURES = ["run", "tiny", "host.budget=0.002", "faults=elastic", "fleet.servers=3", "global_batch_size=1024", "faults.rate=1.8e6",
            "faults.planned=1500", "faults.detection.explicit_median_s=0.3", "faults.detection.hang_s=2",
            "faults.reaction.reschedule_s=0.5", "faults.reaction.no_spare_s=3", "faults.repair_median_s=10",
            "faults.long_repair_share=0", "faults.checkpoint.memory=false", "faults.checkpoint.disk=false",
            "faults.checkpoint.storage_every=5", "faults.checkpoint.storage_block_s=0.1", "faults.reaction.scope=sync"]


class Checkpoints(Case):
    def summary(self, *arguments, ranks=2, **options):
        process = muir(*arguments, "--json", self.path("x.json"), ranks=ranks, **options)
        self.assertEqual(process.returncode, 0, process.stderr)
        with open(self.path("x.json"), encoding="utf-8") as file:
            return json.load(file)["host"]["checkpoints"], process.stdout

    def same_fleet(self, *names):
        """The fleet clock's rows, of scenarios that differ in where checkpoints go."""
        rows = []
        for name in names:
            with h5py.File(self.path(name)) as file:
                rows.append({key: dataset[:].tobytes() for group in ("fleet", "events") for key, dataset in file[group].items()
                             if dataset.dtype.kind != "O"})
        self.assertEqual([key for key in rows[0] if rows[0][key] != rows[1].get(key)], [])

    def checkpoints(self):
        return glob.glob(self.path("*checkpoint*"))

    def test_summary_json_and_telemetry_agree(self):
        got, text = self.summary(*JOB, "steps=60", "host.checkpoint_bytes=3000000", "-o", self.path("x.h5"))
        self.assertEqual((got["writes"], got["reads"], got["wrong"]), (6, 0, 0))
        self.assertEqual(got["write_bytes"], 6 * 2 * 3000000)
        self.assertAlmostEqual(got["job_bytes"] / got["divisor"], 2 * 3000000)
        self.assertIn("checkpoints 6 written to storage, 5.72 MiB each", text)
        with h5py.File(self.path("x.h5")) as file:
            host = file["host"]
            self.assertEqual(host["checkpoint_bytes"][:].sum(), got["write_bytes"])
            self.assertEqual(list((host["checkpoint_bytes"][:, 0] > 0).nonzero()[0]), [9, 19, 29, 39, 49, 59])
            self.assertTrue(((host["checkpoint_write_s"][:] > 0) == (host["checkpoint_bytes"][:] > 0)).all())
            self.assertEqual(host["checkpoint_job_bytes"][()], got["job_bytes"])
            self.assertEqual(host["checkpoint_divisor"][()], got["divisor"])
            self.assertEqual(host["checkpoint_write_s"].attrs["provenance"], b"executed")
        self.assertEqual(self.checkpoints(), [])

    def test_restarts_read_every_byte_and_the_fleet_clock_does_not_care(self):
        names = []
        for ranks in (1, 2, 3, 5):
            names.append(f"{ranks}.h5")
            got, text = self.summary(*FAILURES, "steps=400", "-o", self.path(names[-1]), ranks=ranks)
            self.assertGreater(got["reads"], 3)
            self.assertEqual(got["wrong"], 0)
            self.assertEqual(got["gone"], 0)
            self.assertIn("every byte verified, 0 wrong", text)
        process = muir(*FAILURES, "steps=400", "host.checkpoint=off", "-q", "-o", self.path("off.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        self.same(*names)
        self.same_fleet(names[0], "off.h5")

    def test_skipped_host_steps_lose_no_restart(self):
        every, _ = self.summary(*FAILURES, "steps=400", "-o", self.path("every.h5"))
        some, _ = self.summary(*FAILURES, "steps=400", "host.every=3", "-o", self.path("some.h5"))
        self.assertEqual((some["reads"] - every["reads"], some["wrong"], some["gone"]), (0, 0, 0))

    def test_a_folder_takes_them_and_keeps_the_last_two(self):
        os.mkdir(self.path("elsewhere"))
        self.summary(*JOB, "steps=60", "host.checkpoint_keep=true", f"host.checkpoint={self.path('elsewhere')}", "-o", self.path("x.h5"))
        self.assertEqual(self.checkpoints(), [])
        kept = sorted(glob.glob(self.path("elsewhere/*")))
        self.assertEqual([os.path.basename(name) for name in kept], ["x.checkpoint-0.h5", "x.checkpoint-1.h5"])
        steps = set()
        for name in kept:
            with h5py.File(name) as file:
                steps.add(int(file.attrs["step"]))
        self.assertEqual(steps, {50, 60})
        process = muir(*JOB, "host.checkpoint=/no/such", "-o", self.path("y.h5"))
        self.assertEqual(process.returncode, 2)
        self.assertEqual(message(process), ["muir: host.checkpoint=/no/such is not a writable folder"])

    def test_without_checkpoints_nothing_is_written(self):
        got, text = self.summary("run", "tiny", "host.budget=0.002", "steps=20", "-o", self.path("x.h5"))
        self.assertIsNone(got)
        self.assertNotIn("written to storage", text)

    def stops_and_goes_on(self, process, expected):
        """A run that could not write ended with one sentence, its file is whole, and the rest can be run."""
        self.assertEqual(process.returncode, 1, process.stderr)
        self.assertEqual(len(message(process)), 1, process.stderr)
        self.assertRegex(message(process)[0], expected)
        with h5py.File(self.path("x.h5")) as file:
            self.assertEqual(len(file["fleet/step"]), 9)
        got, _ = self.summary(*JOB, "steps=60", "host.checkpoint_bytes=8000000", "--resume", "-o", self.path("x.h5"))
        self.assertEqual(got["writes"], 6)
        whole = muir(*JOB, "steps=60", "host.checkpoint_bytes=8000000", "-q", "-o", self.path("whole.h5"))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.same_fleet("whole.h5", "x.h5")

    def test_a_full_disk_stops_the_run_resumably(self):
        small = self.path("small")
        os.mkdir(small)
        if patience.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], capture_output=True, check=False).returncode:
            self.skipTest("mounting a small file system takes root")
        self.addCleanup(subprocess.run, ["umount", small], check=False)
        process = muir(*JOB, "steps=60", f"host.checkpoint={small}", "host.checkpoint_bytes=8000000", "-q", "-o", self.path("x.h5"), ranks=2)
        self.stops_and_goes_on(process, r"^muir: \S+/small/x.checkpoint-0.h5: a checkpoint takes \d+ bytes here, but \d+ are free$")

    def test_a_file_in_the_way_stops_the_run_resumably(self):
        os.makedirs(self.path("x.checkpoint-0.h5.part/no"))
        process = muir(*JOB, "steps=60", "host.checkpoint_bytes=8000000", "-q", "-o", self.path("x.h5"), ranks=2)
        os.removedirs(self.path("x.checkpoint-0.h5.part/no"))
        self.stops_and_goes_on(process, r"^muir: \S+/x.checkpoint-0.h5.part: Is a directory$")

    def test_killed_runs_go_on_and_verify_what_is_left(self):
        job = [*FAILURES, "telemetry.flush=0.05", "host.checkpoint_bytes=4000000"]
        whole = muir(*job, "steps=320", "-q", "-o", self.path("whole.h5"), ranks=2)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        random.seed(3)
        resumed = 0
        for _ in range(5):
            resume = ["--resume"] if os.path.exists(self.path("killed.h5")) else []
            resumed += len(resume)
            process = subprocess.Popen([MPIRUN, "-n", "2", MUIR, *job, "steps=300", "-q", "-o", self.path("killed.h5"), *resume],
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            while not os.path.exists(self.path("killed.h5")):
                time.sleep(0.01)
            time.sleep(random.uniform(0.6, 1.2))
            patience.kill(process)
        got, _ = self.summary(*job, "steps=320", "--resume", "-o", self.path("killed.h5")) # there is something left to do
        self.assertGreater(resumed, 0)
        self.assertEqual(got["wrong"], 0)
        self.same("whole.h5", "killed.h5")
        self.assertEqual(self.checkpoints(), [])

    def test_check_says_what_is_executed(self):
        process = muir("check", "tiny", *STORAGE, "host.checkpoint_bytes=1000000", "--ranks", "2")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn("checkpoints on storage: executed, 1.91 MiB each from 2 ranks", process.stdout)
        self.assertNotIn("checkpoints on storage", muir("check", "tiny").stdout)


if __name__ == "__main__":
    try:
        import h5py
    except ImportError:
        print("h5py is missing: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
