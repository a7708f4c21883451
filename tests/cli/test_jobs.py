#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""muir jobs: placements, degraded parts, and tables that cannot be read. muir run with `jobs:`: what they cost each
other, faults, spares, and files that cannot be read.

usage: test_jobs.py MUIR MPIRUN
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
except ImportError:  # the Python of the build has none
    h5py = None

MUIR, MPIRUN = sys.argv[1:3]
LAUNCH = [MPIRUN, "--allow-run-as-root", "--oversubscribe", "-n"]
DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "jobs"
TWO = str(DATA / "two-moe.csv")
CLOS = ["fleet.servers=2048", "fleet.fabric.leaf_servers=32", "fleet.fabric.oversubscription=8"]


def jobs(*arguments):
    return subprocess.run([MUIR, "jobs", *arguments], capture_output=True, text=True, timeout=120, check=False)


class Jobs(unittest.TestCase):
    def rows(self, *arguments):
        process = jobs(*arguments, "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        return json.loads(process.stdout)

    def test_packed_is_the_best_place(self):
        rows = self.rows(TWO, *CLOS)
        self.assertEqual(len(rows), 8)
        step = {placement: sum(row["step_time_s"] for row in rows if row["placement"] == placement)
                for placement in ("packed", "by_leaf", "scattered", "random")}
        self.assertEqual(min(step, key=step.get), "packed")
        self.assertTrue(all(row["slowdown"] > 0.999 and row["chips"] == 8192 for row in rows))

    def test_degraded_parts_hit_who_uses_them(self):
        whole = self.rows(TWO, *CLOS, "--placement", "packed")
        hurt = self.rows(TWO, *CLOS, "--placement", "packed", "--server", "2000=0.1")
        self.assertAlmostEqual(hurt[0]["step_time_s"], whole[0]["step_time_s"], places=6)
        self.assertGreater(hurt[1]["step_time_s"], whole[1]["step_time_s"] * 1.05)
        leaf = self.rows(TWO, *CLOS, "--placement", "packed", "--leaf", "0=0.01")
        self.assertGreater(leaf[0]["step_time_s"], whole[0]["step_time_s"] * 1.01)
        self.assertAlmostEqual(leaf[1]["step_time_s"], whole[1]["step_time_s"], places=6)

    def test_a_hundred_jobs_on_a_million_chips(self):
        rows = self.rows(str(DATA / "hundred.csv"), "fleet.fabric.leaf_servers=32", "fleet.fabric.oversubscription=8")
        self.assertEqual(len(rows), 400)
        mean = {placement: sum(row["slowdown"] for row in rows if row["placement"] == placement) / 100 for placement in ("packed", "random")}
        self.assertLess(mean["packed"], mean["random"])

    def test_wrong_calls_end_with_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            table = pathlib.Path(folder) / "table.csv"
            for text, expected in (("name\nx\n", "no column 'scenario'"), ("name,scenario\n", "has no jobs"),
                                   ("name,scenario,count\nx,tiny,many\n", "line 2: count is 'many'"),
                                   ("name,scenario\nx,nothing-like-it\n", "nothing-like-it")):
                table.write_text(text)
                process = jobs(str(table))
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertIn(expected, process.stderr)
        for arguments, expected in (([], "which table"), ([TWO, "--placement", "heaped"], "packed, by_leaf, scattered or random"),
                                    ([TWO, "--leaf", "5"], "--leaf is '5'"), ([TWO, "--leaf", "0=0"], "above 0"),
                                    ([TWO, "fleet.servers=1500"], "more servers than the fleet's 1500")):
            process = jobs(*arguments)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(expected, process.stderr)


HEAD = """fleet: dgx-h100
steps: 12
host: {every: 0}
overrides: fleet.servers=520 fleet.fabric.leaf_servers=16 fleet.fabric.oversubscription=8 fleet.variation.step_sigma=0
jobs:
"""
MOE = """  - {name: NAME, scenario: llama3-16k, placement: PLACE, model: deepseek-v3-671b, seq_len: 4096, global_batch_size: 4096,
     micro_batch_size: 1, stack.dispatch: once, parallel: {tp: 1, ep: 64, pp: 16, vpp: 1, schedule: 1f1b, dp: 128, cp: 1,
     order: tp-cp-dp-pp}MORE}
"""


def moe(name, place, more=""):
    return MOE.replace("NAME", name).replace("PLACE", place).replace("MORE", f", {more}" if more else "")


class Shared(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.telemetry = pathlib.Path(self.folder.name) / "out.h5"

    def run_jobs(self, text, *arguments):
        path = pathlib.Path(self.folder.name) / "jobs.yaml"
        path.write_text(text)
        return subprocess.run([MUIR, "run", str(path), "-o", str(self.telemetry), *arguments], capture_output=True, text=True, timeout=120,
                              check=False)

    def rows(self, text, *arguments):
        process = self.run_jobs(text, *arguments, "--json", "-")
        self.assertEqual(process.returncode, 0, process.stderr)
        return json.loads(process.stdout)

    def test_jobs_slow_each_other_where_they_share_uplinks(self):
        packed = self.rows(HEAD + moe("a", "packed") + moe("b", "packed"))
        random = self.rows(HEAD + moe("a", "random") + moe("b", "random"))
        self.assertEqual([row["servers"] for row in packed], [256, 256])
        for row in packed:
            self.assertAlmostEqual(row["slowdown"], 1.0, places=9)
            self.assertEqual(row["leaves_shared"], 0)
        for row in random:
            self.assertGreater(row["slowdown"], 1.01)
            self.assertAlmostEqual(row["slowdown"], row["step_time_s"] / row["alone_s"], places=9)

    def test_one_alone_is_as_a_single_run(self):
        row = self.rows(HEAD + moe("a", "packed"))[0]
        self.assertAlmostEqual(row["slowdown"], 1.0, places=12)
        self.assertEqual(row["steps"], 12)

    def test_uplink_bytes_are_a_part_of_what_ports_send(self):
        for row in self.rows(HEAD + moe("a", "random") + moe("b", "scattered")):
            self.assertGreater(row["port_bytes"], row["uplink_bytes"])
            self.assertGreater(row["uplink_bytes"], 0)

    def test_shares_and_lists_give_servers(self):
        rows = self.rows(HEAD + moe("a", '"0-100 110,111-264"') + moe("b", "packed", "share: 0.2462"))
        self.assertEqual([row["servers"] for row in rows], [256, 128])
        self.assertEqual([row["leaves"] for row in rows], [17, 9])  # b has 101 to 109 and what follows 265

    def test_degraded_parts_hit_who_uses_them(self):
        jobs = moe("a", "packed") + moe("b", "packed")
        whole, server, leaf = (self.rows(HEAD.replace("jobs:", part + "jobs:") + jobs) for part in (
            "", "degraded: [{server: 300, left: 0.25}]\n", "degraded: [{leaf: 2, left: 0.02}, {server: all, left: 1}]\n"))
        steps = [[row["step_time_s"] for row in rows] for rows in (whole, server, leaf)]
        self.assertAlmostEqual(steps[1][0] / steps[0][0], 1.0, places=3)
        self.assertGreater(steps[1][1], 1.05 * steps[0][1])
        self.assertGreater(steps[2][0], 1.05 * steps[0][0])
        self.assertAlmostEqual(steps[2][1] / steps[0][1], 1.0, places=3)
        for part, expected in (("[{leaf: 99, left: 0.5}]", "jobs.yaml:5: leaf 99"), ("[{leaf: 1}]", "left: SHARE"),
                               ("[{spine: 1, left: 0.5}]", "not 'spine'")):
            process = self.run_jobs(HEAD.replace("jobs:", f"degraded: {part}\njobs:") + jobs)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(expected, process.stderr)

    @unittest.skipUnless(h5py, "h5py")
    def test_faults_hit_the_job_whose_servers_they_are(self):
        text = HEAD.replace("steps: 12", "steps: 1500") + "\n".join(moe(name, "random", "servers: 128") for name in "abcd")
        rows = self.rows(text, "faults=llama3")
        with h5py.File(self.telemetry) as file:
            job, server = file["job_events/job"][:], file["job_events/server"][:]
            owner = file["places/job"][:]
            steps = file["job/job"][:]
            self.assertEqual(list(file["job/link_name"].asstr()[:]), ["local", "port", "uplink", "site"])
        self.assertGreater(len(job), 3)
        for j, s in zip(job, server):
            if s >= 0:
                self.assertIn(owner[s], (j, -1))  # its own, or a spare that it took
        self.assertEqual([row["events"] for row in rows], [int((job == j).sum()) for j in range(4)])
        self.assertEqual([row["steps"] for row in rows], [int((steps == j).sum()) for j in range(4)])
        self.assertGreater(sum(row["still_s"] for row in rows), 0)

    @unittest.skipUnless(h5py, "h5py")
    def test_one_or_three_ranks_write_the_same(self):
        text, files = HEAD + moe("a", "random") + moe("b", "random", "start_s: 1.5"), []
        for ranks in (1, 3):
            path = pathlib.Path(self.folder.name) / "jobs.yaml"
            path.write_text(text)
            process = subprocess.run([*LAUNCH, str(ranks), MUIR, "run", str(path), "-q", "-o", str(self.telemetry)],
                                     capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(process.returncode, 0, process.stderr)
            with h5py.File(self.telemetry) as file:
                files.append({name: file["job"][name][:].tobytes() for name in ("job", "end_s", "slowdown", "bytes")})
        self.assertEqual(files[0], files[1])

    def test_files_that_cannot_be_read_say_where(self):
        for more, expected in ((moe("a", "heaped"), "jobs.yaml:6: placement is 'heaped'"), (moe("a", "0-9"), "the list has 10 servers"),
                               (moe("a", "packed", "count: 3"), "more servers than the fleet's 520"),
                               ("  - {count: none}\n", "count is 'none'"),
                               (moe("a", "packed", "servers: 1"), "a replica takes 16"), 
                               (moe("a", "packed") + moe("b", "packed", "fleet.servers: 300"), "has a fleet of its own"),
                               (moe("a", "packed", "colour: red"), "colour")):
            process = self.run_jobs(HEAD + more)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(expected, process.stderr)
        process = self.run_jobs(HEAD + moe("a", "packed"), "--resume")
        self.assertEqual(process.returncode, 2)
        self.assertIn("for one job", process.stderr)


class Together(unittest.TestCase):
    def launch(self, folder, ranks, *arguments):
        return subprocess.run([*LAUNCH, str(ranks), MUIR, "run", *arguments], capture_output=True, text=True, timeout=120, check=False,
                              cwd=folder)

    def test_two_jobs_run_at_once_and_say_what_it_costs(self):
        with tempfile.TemporaryDirectory() as folder:
            process = self.launch(folder, 3, "tiny", "tiny", "parallel.pp=1", "parallel.dp=2", "steps=8", "host.budget=0.005",
                                  "host.tuning=off", "--json", "out.json")
            self.assertEqual(process.returncode, 0, process.stderr)
            jobs = json.loads((pathlib.Path(folder) / "out.json").read_text())
            self.assertEqual([job["telemetry"] for job in jobs], ["muir-tiny.h5", "muir-tiny-2.h5"])
            for job in jobs:
                self.assertTrue((pathlib.Path(folder) / job["telemetry"]).exists())
                self.assertEqual(job["steps_alone"], 4)
                self.assertAlmostEqual(job["slowdown"], job["together_s"] / job["alone_s"], places=9)
                self.assertTrue(1.0 <= job["modelled_slowdown"] <= 2.0, job)

    def test_what_cannot_run_at_once_is_refused_by_all(self):
        with tempfile.TemporaryDirectory() as folder:
            for ranks, arguments, expected in ((1, ["tiny", "tiny"], "mpirun -n 2 or more"), (2, ["tiny", "tiny", "-o", "x.h5"], "no -o"),
                                               (2, ["tiny", "tiny", "host.every=0"], "host.every=1"),
                                               (2, ["tiny", "nothing-like-it"], "nothing-like-it"), (2, ["tiny", "tiny", "steps=2"], "steps=4")):
                process = self.launch(folder, ranks, *arguments)
                self.assertEqual(process.returncode, 2, process.stderr)
                self.assertIn(expected, process.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
