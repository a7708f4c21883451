#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program as users run it: exit codes and messages, the same bytes on any number of ranks, kill and resume.

Usage: test_muir.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py is missing, so files cannot be compared."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import patience

MUIR, MPIRUN, SOURCE = sys.argv[1:4]
COMPARE = os.path.join(SOURCE, "scripts", "compare_runs.py")
JOB = ["run", "tiny", "host.budget=0.002"]


def muir(*arguments, ranks=1, **options):
    """Runs the program; returns the finished process."""
    return patience.run([MPIRUN, "-n", str(ranks), MUIR, *arguments], capture_output=True, text=True, **options)


def message(process):
    """What muir said, without what mpirun says about exit codes."""
    return [line for line in process.stderr.splitlines() if line.startswith("muir: ")]


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def same(self, *names):
        compared = patience.run([sys.executable, COMPARE, *map(self.path, names)], capture_output=True, text=True)
        self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)


class Program(Case):
    def test_wrong_input_is_one_sentence_and_exit_code_2(self):
        wrong = {
            ("run",): "which scenario? (muir list scenarios)",
            ("run", "rainer"): "scenario 'rainer' is unknown, did you mean 'rainier'? (muir list scenarios)",
            ("run", "rainier", "parallel.tp=48"): "parallel.tp=48 does not divide model.heads=256",
            ("run", "tiny", "-x"): "unknown option -x (--help lists the options)",
            ("run", "tiny", "-o"): "option -o needs a value",
            ("run", "tiny", "rainier"): "2 jobs at once take a rank each at least: mpirun -n 2 or more",
            ("run", "tiny", "-o", "/no/such/x.h5"): "-o /no/such/x.h5: /no/such/ is not a writable folder",
            ("run", "tiny", "-o", "-"): "-o -: telemetry is a file and cannot go to standard output",
            ("run", "tiny", "-o", "x", "--json", "./x"): "-o x and --json ./x are the same file: give two names",
            ("run", "tiny", "host.all_reduce=2f2b"): "host.all_reduce '2f2b' is unknown; known: auto, ring, ...",
            ("check", "tiny", "--ranks", "0"): "--ranks is 0, but must be 1 to 10,000,000",
            ("bench", "coffee"): "which benchmark? clock, coll, fft, fft3d, gemm",
            ("list", "coffee"): None,
            ("frobnicate",): "unknown command 'frobnicate' (muir --help lists them)",
        }
        for arguments, expected in wrong.items():
            with self.subTest(arguments=arguments):
                process = muir(*arguments, cwd=self.folder.name)
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertEqual(len(message(process)), 1, process.stderr)
                self.assertEqual(process.stdout, "")
                if expected:
                    beginning = expected.removesuffix("...") # where a list goes on
                    self.assertEqual(message(process)[0][:6 + len(beginning)], "muir: " + beginning)
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_every_command_answers(self):
        for arguments in (["--help"], ["--version"], ["list"], ["check", "rainier"], ["check", "tiny", "--yaml"], ["run", "--help"],
                          ["help", "scenario"], ["help", "fleet"], ["help", "chip"], ["help", "model"], ["help", "faults"], ["help", "telemetry"],
                          ["help", "plan"]):
            with self.subTest(arguments=arguments):
                process = muir(*arguments, ranks=2)
                self.assertEqual(process.returncode, 0, process.stderr)
                self.assertGreater(len(process.stdout), 50)

    def test_the_page_on_telemetry_has_every_group(self):
        with open(os.path.join(SOURCE, "docs", "telemetry.md")) as file:
            readme = file.read()
        names = [line.split()[0] for line in muir("help", "telemetry").stdout.splitlines() if line.startswith("  /")]
        self.assertIn("/fleet/step_time_s", names)
        for group in {name.split("/")[1] for name in names}:
            self.assertIn(f"| `/{group}` |", readme)

    def test_resolved_yaml_is_a_scenario(self):
        text = muir("check", "rainier", "steps=3", "--yaml").stdout
        with open(self.path("again.yaml"), "w") as file:
            file.write(text)
        process = muir("check", self.path("again.yaml"), "--yaml")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual(process.stdout.splitlines()[1:], text.splitlines()[1:])

    def test_same_bytes_on_any_number_of_ranks(self):
        names = []
        for scenario in ("tiny", "rainier"):
            for ranks in (1, 2, 3, 5):
                names.append(f"{scenario}{ranks}.h5")
                process = muir("run", scenario, "steps=25", "host.budget=0.002", "-q", "-o", self.path(names[-1]), ranks=ranks)
                self.assertEqual(process.returncode, 0, process.stderr)
        self.same(*names[:4])
        self.same(*names[4:])

    def test_resumed_run_equals_an_uninterrupted_one(self):
        for target in ("part.h5", "whole.h5"):
            steps = "steps=13" if target == "part.h5" else "steps=30"
            self.assertEqual(muir(*JOB, steps, "-q", "-o", self.path(target), ranks=2).returncode, 0)
        process = muir(*JOB, "steps=30", "--resume", "-q", "-o", self.path("part.h5"), ranks=2)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.same("whole.h5", "part.h5")
        for arguments, ranks, expected in ((["seed=2"], 2, "part.h5 was written by another scenario: it has 'seed=1', this one 'seed=2'"),
                                           ([], 3, "part.h5 was written by 2 ranks and can only be resumed on 2; this launch has 3")):
            process = muir(*JOB, "steps=40", *arguments, "--resume", "-q", "-o", "part.h5", ranks=ranks, cwd=self.folder.name)
            self.assertEqual(process.returncode, 2)
            self.assertEqual(message(process), ["muir: " + expected])

    def test_killed_runs_go_on(self):
        whole = muir(*JOB, "steps=600", "telemetry.flush=0.05", "-q", "-o", self.path("whole.h5"), ranks=2)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        command = [MPIRUN, "-n", "2", MUIR, *JOB, "steps=600", "telemetry.flush=0.05", "-q", "-o", self.path("killed.h5")]
        random.seed(1)
        for _ in range(4):
            resume = ["--resume"] if os.path.exists(self.path("killed.h5")) else []
            process = subprocess.Popen(command + resume, stderr=subprocess.DEVNULL, start_new_session=True)
            while not os.path.exists(self.path("killed.h5")):
                time.sleep(0.01)
            time.sleep(random.uniform(0.1, 1.0))
            patience.kill(process)
        finished = patience.run(command + ["--resume"], capture_output=True, text=True)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.same("whole.h5", "killed.h5")

    def test_a_signal_ends_the_run_resumably(self):
        process = subprocess.Popen([MUIR, *JOB, "steps=1000000", "-q", "-o", self.path("x.h5")], stderr=subprocess.PIPE, text=True)
        time.sleep(2.0)
        process.send_signal(signal.SIGTERM)
        _, errors = patience.communicate(process)
        self.assertEqual(process.returncode, 75, errors)
        self.assertRegex(errors, "muir: stopped after [0-9]+ of 1000000 steps; continue with --resume")

    def test_json_has_the_documented_shape(self):
        process = muir(*JOB, "steps=5", "--json", "-", "-o", self.path("x.h5"), ranks=2)
        self.assertEqual(process.returncode, 0, process.stderr)
        summary = json.loads(process.stdout)
        self.assertEqual(summary["chips"], 4)
        self.assertEqual(summary["ranks"], 2)
        self.assertEqual(summary["steps"], 5)
        fleet = summary["fleet"]
        self.assertAlmostEqual(sum(fleet["parts_s"].values()), fleet["step_time_s"]["mean"], places=12)
        for key in ("mfu", "hfu", "tokens_per_s", "goodput", "energy_j", "cost_usd", "usd_per_mtoken"):
            self.assertGreater(fleet[key], 0.0, key)
        for key in ("gemm_flop_per_s", "gemm_fraction_of_peak", "empty_step_s"):
            self.assertGreater(summary["host"][key], 0.0, key)
        self.assertEqual(summary["host"]["wrong"], 0)
        for collective in summary["host"]["collectives"]:
            self.assertEqual(collective["axis"] in ("dp", "world"), True)
        self.assertGreater(summary["emulation"]["steps_per_s"], 0.0)

    def test_an_older_file_is_set_aside(self):
        for _ in range(3):
            self.assertEqual(muir(*JOB, "steps=2", "-q", "-o", self.path("x.h5")).returncode, 0)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["x.h5", "x.h5.bak", "x.h5.bak2"])


if __name__ == "__main__":
    try:
        import h5py  # noqa: F401
    except ImportError:
        print("h5py is missing: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
