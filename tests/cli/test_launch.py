#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How muir is built and started: launchers of another MPI, a long start that shows what it is at, read-only checkouts.

Usage: test_launch.py MUIR MPIRUN SOURCE_DIR"""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import patience

MUIR, MPIRUN, SOURCE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


class Launch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def test_the_launcher_of_another_mpi_is_refused_once_and_writes_nothing(self):
        others = [name for name in ("mpirun.mpich", "mpirun.openmpi") if shutil.which(name) and
                  os.path.realpath(shutil.which(name)) != os.path.realpath(shutil.which(MPIRUN) or MPIRUN)]
        if not others:
            self.skipTest("there is no second MPI")
        done = patience.run([others[0], "-n", "3", MUIR, "run", "tiny", "steps=2", "-o", self.path / "x.h5"],
                            capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("muir: ")]
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(said), 1, done.stderr)
        self.assertIn("started 3 processes", said[0])
        self.assertEqual(os.listdir(self.path), [])

    def test_the_start_is_counted(self):
        done = patience.run([MPIRUN, "-n", "2", MUIR, "run", "tiny", "steps=2", "host.budget=0.002", "-o", self.path / "x.h5"],
                            capture_output=True, text=True)
        self.assertRegex(done.stdout, "muir itself .* after a start of [0-9.]+ [mu]?s;", done.stderr)

    def forecast(self, *arguments, ranks):
        done = patience.run([MUIR, "check", *arguments, "--ranks", str(ranks), "--json", "-"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["forecast"]

    def test_a_signal_ends_a_long_start(self):
        """A fleet of 20 million chips takes seconds to lay out; nothing is written before the first step."""
        process = subprocess.Popen([MUIR, "run", "llama3-16k", "fleet.servers=2500000", "parallel.dp=auto", "global_batch_size=auto", "host.every=0",
                                    "steps=5", "-q", "-o", "x.h5"], stderr=subprocess.PIPE, text=True, cwd=self.path)
        status, bit = pathlib.Path(f"/proc/{process.pid}/status"), 1 << (signal.SIGTERM - 1)
        while process.poll() is None and not int(re.search(r"SigCgt:\s*(\w+)", status.read_text()).group(1), 16) & bit:
            time.sleep(0.01)  # until muir catches it
        process.terminate()
        said = patience.communicate(process)[1]
        self.assertEqual((process.returncode, said), (75, "muir: stopped while it started; go on with --resume\n"))
        self.assertEqual(os.listdir(self.path), [])

    def test_a_dry_run_says_who_idles(self):
        forecast = self.forecast("rainier", ranks=1000)
        self.assertEqual((forecast["fleet_ranks"], forecast["host_ranks"]), (976, 1000))
        self.assertEqual(self.forecast("tiny", ranks=7)["fleet_ranks"], 2)
        self.assertEqual(self.forecast("tiny", "host.every=0", ranks=2)["host_ranks"], 0)
        text = patience.run([MUIR, "check", "rainier", "--ranks", "1000"], capture_output=True, text=True).stdout
        self.assertIn("ranks 976 to 999 idle on the fleet clock: the job has only 976 replicas", text)

    def largest_rank(self, ranks, *arguments):
        """Bytes of the largest process of a launch, by a process of its own, which knows no other children."""
        code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); " \
               "print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        done = patience.run([sys.executable, "-c", code, MPIRUN, "-n", str(ranks), MUIR, *arguments], capture_output=True,
                            text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def test_a_dry_run_foresees_memory_and_telemetry(self):
        for ranks, arguments in ((1, ["tiny", "host.budget=0.002"]), (4, ["tiny", "host.budget=0.002"]),
                                 (2, ["rainier-1m", "host.every=0", "telemetry.server_every=1"])):
            job = [*arguments, "steps=200"]
            forecast, file = self.forecast(*job, ranks=ranks), self.path / f"{ranks}.h5"
            largest = self.largest_rank(ranks, "run", *job, "-q", "-o", file)
            with self.subTest(ranks=ranks, job=job):
                self.assertLess(abs(forecast["rank_bytes"] / largest - 1.0), 0.5)
                self.assertLess(file.stat().st_size, 4 * 2**20 + 1.5 * forecast["telemetry_bytes"])

    def test_a_run_writes_its_file_and_nothing_else(self):
        home, work = self.path / "home", self.path / "work"
        home.mkdir()
        work.mkdir()
        done = patience.run([MPIRUN, "-n", "2", MUIR, "run", "tiny", "steps=2", "host.budget=0.002", "-q", "-o", "x.h5", "--json",
                             "x.json"], capture_output=True, text=True, cwd=work, env={**os.environ, "HOME": str(home)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(work)), ["x.h5", "x.json"])
        self.assertEqual(os.listdir(home), [])

    def test_a_read_only_checkout_says_what_to_do(self):
        scripts, build = self.path / "scripts", self.path / "build" / "release"
        shutil.copytree(SOURCE / "scripts", scripts)
        shutil.copy(SOURCE / "CMakePresets.json", self.path)
        build.mkdir(parents=True)
        for folder in (self.path, scripts, build.parent, build):
            folder.chmod(0o555)
        self.addCleanup(lambda: [folder.chmod(0o755) for folder in (self.path, scripts, build.parent, build)])
        plain = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        done = patience.run([*plain, scripts / "build"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.strip(), f"scripts/build: {build} cannot be written to: set MUIR_BUILD to a folder of your own")
        build.chmod(0o755)
        (build / "muir").write_text("#!/bin/sh\n")
        (build / "muir").chmod(stat.S_IRWXU | stat.S_IROTH | stat.S_IXOTH)
        build.chmod(0o555)
        done = patience.run([*plain, scripts / "build"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), "what is built there already will do")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
