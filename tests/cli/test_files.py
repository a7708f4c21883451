#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Files of the program: no run takes another's, none is lost, none is overwritten that muir did not write.

Usage: test_files.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py is missing."""
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

MUIR, MPIRUN, SOURCE = sys.argv[1:4]
JOB = ["run", "tiny", "host.every=0", "-q"]


class Files(unittest.TestCase):
    """Runs in a folder of their own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def muir(self, *arguments, **options):
        """Runs the program in the folder; returns the finished process."""
        return subprocess.run([MUIR, *arguments], capture_output=True, text=True, timeout=170, cwd=self.folder, **options)

    def check(self, process, code, sentence):
        """The program ended with the code, and said one sentence that begins like this."""
        self.assertEqual(process.returncode, code, process.stderr)
        self.assertTrue(process.stderr.startswith("muir: " + sentence), process.stderr)
        self.assertEqual(len(process.stderr.splitlines()), 1, process.stderr)

    def write(self, name, words):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(words)

    def names(self):
        return sorted(os.listdir(self.folder))

    def steps(self, name):
        import h5py

        with h5py.File(os.path.join(self.folder, name), "r") as file:
            return len(file["fleet/step"])

    def start(self, *arguments):
        """Starts a run, and returns it when its file is there."""
        process = subprocess.Popen([MUIR, *JOB, *arguments], stderr=subprocess.PIPE, text=True, cwd=self.folder)
        while not os.path.exists(os.path.join(self.folder, "x.h5")):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        return process

    def test_a_live_file_is_refused_to_others(self):
        live = self.start("steps=1000000", "-o", "x.h5")
        for more in ([], ["--resume"], ["seed=2"]):
            self.check(self.muir(*JOB, "steps=2", *more, "-o", "x.h5"), 2, "x.h5 is being written by another run")
        live.terminate()
        live.communicate(timeout=60)
        self.assertEqual(live.returncode, 75)
        self.assertEqual(self.names(), ["x.h5"])
        self.assertEqual(self.muir(*JOB, "steps=2", "-o", "x.h5").returncode, 0)
        self.assertEqual(self.names(), ["x.h5", "x.h5.bak"])

    def test_of_runs_started_at_once_one_gets_the_file(self):
        runs = [subprocess.Popen([MUIR, *JOB, "steps=20000", "-o", "x.h5"], stderr=subprocess.DEVNULL, cwd=self.folder) for _ in range(3)]
        codes = sorted(run.wait(timeout=170) for run in runs)
        self.assertEqual(codes.count(0) + codes.count(2), 3, codes)
        older = [name for name in self.names() if ".bak" in name]
        self.assertEqual(codes.count(0), 1 + len(older), codes) # a late one may find the first one's file finished
        for name in ["x.h5"] + older:
            self.assertEqual(self.steps(name), 20000)

    def test_a_file_that_muir_did_not_write_stays(self):
        self.write("thesis.txt", "thesis")
        self.write("mine.yaml", "steps: 3\n")
        for resume in ([], ["--resume"]):
            self.check(self.muir(*JOB, "steps=2", "-o", "thesis.txt", *resume), 2, "thesis.txt is not a telemetry file written by muir")
        self.check(self.muir("run", "mine.yaml", "-o", "./mine.yaml"), 2, "-o ./mine.yaml is the scenario itself: give another name")
        self.check(self.muir("run", "./mine.yaml", "--json", "mine.yaml"), 2, "--json mine.yaml is the scenario itself")
        self.check(self.muir(*JOB, "-o", "j.h5", "--json", "j.h5"), 2, "-o j.h5 and --json j.h5 are the same file: give two names")
        self.assertEqual(self.names(), ["mine.yaml", "thesis.txt"])

    def test_resume_without_a_file_starts(self):
        process = self.muir(*JOB, "steps=3", "--resume", "-o", "x.h5")
        self.check(process, 0, "--resume: there is no x.h5 yet, so the run starts")
        self.assertEqual(self.steps("x.h5"), 3)
        process = self.muir(*JOB, "steps=5", "--resume", "-o", "x.h5")
        self.assertEqual((process.returncode, process.stderr), (0, ""))
        self.assertEqual(self.steps("x.h5"), 5)

    def test_a_file_deleted_under_a_run_is_said(self):
        live = self.start("steps=1000000", "telemetry.flush=0.05", "-o", "x.h5")
        os.unlink(os.path.join(self.folder, "x.h5"))
        _, errors = live.communicate(timeout=60)
        self.assertEqual(live.returncode, 1)
        self.assertEqual(errors, "muir: x.h5 was deleted while this run wrote it: its rows are lost\n")

    def opens(self, name):
        """Whether tools that know nothing of writers at work open the file."""
        import h5py

        try:
            with h5py.File(os.path.join(self.folder, name), "r") as file:
                return "fleet" in file
        except OSError:
            return False

    def test_a_killed_file_is_repaired(self):
        job = ["run", "tiny", "host.budget=0.002", "telemetry.flush=0.05", "power.window_s=1", "power.every=100", "-q"]
        random.seed(2)
        for i in range(3):
            name = f"killed{i}.h5"
            process = subprocess.Popen([MUIR, *job, "steps=1000000", "-o", name], stderr=subprocess.DEVNULL, cwd=self.folder)
            while not os.path.exists(os.path.join(self.folder, name)):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            time.sleep(random.uniform(0.2, 1.0))
            self.check(self.muir("repair", name), 2, f"{name} is being written by another run")
            process.kill()
            process.wait(timeout=60)
            self.assertFalse(self.opens(name))
            repaired = self.muir("repair", name)
            self.assertEqual(repaired.returncode, 0, repaired.stderr)
            self.assertIn("its run was killed; now every tool can open it", repaired.stdout)
            self.assertIn(f"/fleet          {self.steps(name)} step", repaired.stdout)
            self.assertTrue(self.opens(name))
            self.assertIn("is complete", self.muir("repair", name).stdout)
            steps = f"steps={self.steps(name) + 20}"
            for arguments in ([name, "--resume"], [f"whole{i}.h5"]):
                process = self.muir(*job, steps, "-o", *arguments)
                self.assertEqual(process.returncode, 0, process.stderr)
            compared = subprocess.run([sys.executable, os.path.join(SOURCE, "scripts", "compare_runs.py"), f"whole{i}.h5", name],
                                      capture_output=True, text=True, timeout=60, cwd=self.folder)
            self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)

    def test_what_cannot_be_repaired_stays(self):
        self.write("thesis.txt", "thesis")
        self.check(self.muir("repair", "thesis.txt"), 2, "thesis.txt is not a telemetry file written by muir, or is damaged")
        self.check(self.muir("repair", "none.h5"), 2, "none.h5: No such file or directory")
        self.check(self.muir("repair"), 2, "muir repair needs a telemetry file: muir repair FILE.h5")
        self.assertEqual(self.names(), ["thesis.txt"])

    def test_output_that_cannot_be_written_is_said(self):
        commands = (["--help"], ["version"], ["list"], ["help", "telemetry"], ["check", "tiny"], ["run", "--help"],
                    [*JOB[:3], "steps=2"], [*JOB, "steps=2", "--json", "-"], ["power", "tiny", "--json", "-"], ["plan", "tiny-30m", "tiny"])
        for command in commands:
            with self.subTest(command=command), open("/dev/full", "w") as full:
                process = subprocess.run([MUIR, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=170, cwd=self.folder)
                self.assertEqual(process.returncode, 1, process.stderr)
                self.assertRegex(process.stderr, "muir: standard output.* cannot be written")

    def test_a_damaged_file_is_refused_and_holds_nobody_up(self):
        self.assertEqual(self.muir(*JOB, "steps=5", "-o", "x.h5").returncode, 0)
        with open(os.path.join(self.folder, "x.h5"), "rb") as file:
            whole = file.read()
        codes = []
        for at in [255, *range(300, 3000, 100)]:
            with open(os.path.join(self.folder, "d.h5"), "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1:])
            process = self.muir(*JOB, "steps=7", "-o", "d.h5", "--resume")
            codes.append(process.returncode)
            self.assertIn(process.returncode, (0, 1, 2), process.stderr)
            if process.returncode:
                self.assertRegex(process.stderr, "^muir: d.h5")
        self.assertIn(2, codes)


if __name__ == "__main__":
    try:
        import h5py  # noqa: F401
    except ImportError:
        print("h5py is missing: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
