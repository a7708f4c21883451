#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Events as users meet them: the same on any number of ranks and after kills, what the file and the summary say about them.

Usage: test_faults.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py is missing."""
import json
import os
import random
import subprocess
import sys
import time
import unittest

import patience
from test_muir import MUIR, SOURCE, Case, muir

# Rates so high that all kinds of events fall into some hundred steps of 0.2 s on four chips and a spare server of two.
FAULTS = ["faults=elastic", "parallel.dp=2", "fleet.servers=3", "global_batch_size=1024", "faults.rate=1.8e6", "faults.planned=1500",
          "faults.slow.compute=3e6", "faults.slow.network=3e6", "faults.slow.flap=9e4", "faults.slow.compute_median_s=2",
          "faults.slow.network_median_s=2", "faults.slow.alert_s=0.3", "faults.repair_median_s=10", "faults.long_repair_share=0",
          "faults.detection.explicit_median_s=0.3", "faults.detection.hang_s=2", "faults.reaction.reschedule_s=0.5",
          "faults.reaction.no_spare_s=3", "faults.checkpoint.memory_every=3", "faults.checkpoint.memory_load_s=0.2",
          "faults.checkpoint.disk_every=7", "faults.checkpoint.disk_block_s=0.1", "faults.checkpoint.storage_every=20",
          "faults.jitter.length_forward=0.21", "faults.jitter.length_backward=0.37", "faults.jitter.period_size=0.02",
          # so warm that some chips throttle, all but while a stall lasts and after it
          "fleet.site.inlet_c=60", "fleet.site.inlet_swing_c=10", "chip.heat_lag_s=2"]


class Faults(Case):
    def test_events_are_the_same_on_any_number_of_ranks_and_after_a_resume(self):
        for scope, all_ranks in (("sync", (2, 3)), ("replica", (2, 1)), ("elastic", (2, 1, 3, 5))):
            names = [f"{scope}{ranks}.h5" for ranks in all_ranks]
            job = ["run", "tiny", "host.every=0", *FAULTS, f"faults.reaction.scope={scope}", "-q"]
            for name, ranks in zip(names, all_ranks):
                process = muir(*job, "steps=400", "-o", self.path(name), ranks=ranks)
                self.assertEqual(process.returncode, 0, process.stderr)
            for steps, resume in (("steps=37", []), ("steps=211", ["--resume"]), ("steps=400", ["--resume"])):
                process = muir(*job, steps, *resume, "-o", self.path("part.h5"), ranks=2)
                self.assertEqual(process.returncode, 0, process.stderr)
            self.same(*names)
            self.same(names[0], "part.h5")
            os.remove(self.path("part.h5"))

    def test_killed_runs_with_events_go_on(self):
        command = [MUIR, "run", "tiny", "host.every=0", *FAULTS, "steps=20000", "telemetry.flush=0.02", "-q", "-o"]
        whole = patience.run(command + [self.path("whole.h5")], capture_output=True, text=True)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        random.seed(2)
        for _ in range(5):
            resume = ["--resume"] if os.path.exists(self.path("killed.h5")) else []
            process = subprocess.Popen(command + [self.path("killed.h5")] + resume, stderr=subprocess.DEVNULL)
            while not os.path.exists(self.path("killed.h5")):
                time.sleep(0.01)
            time.sleep(random.uniform(0.1, 0.5))
            process.kill()
            patience.wait(process)
        finished = patience.run(command + [self.path("killed.h5"), "--resume"], capture_output=True, text=True)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.same("whole.h5", "killed.h5")

    def test_events_tell_what_happened(self):
        process = muir("run", "tiny", "host.every=0", *FAULTS, "steps=3000", "-q", "--json", self.path("x.json"), "-o",
                       self.path("x.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        with open(self.path("x.json")) as file:
            summary = json.load(file)
        account = summary["fleet"]["account"]
        self.assertAlmostEqual(sum(account["time_s"].values()), account["total_elapsed_time_s"], delta=1e-9)
        with h5py.File(self.path("x.h5")) as file:
            fleet = {name: file["fleet"][name][:] for name in file["fleet"]}
            events = {name: file["events"][name][:] for name in file["events"]}
            kinds = [name.decode() for name in file["names/kind_name"][:]]
        parts = sum(fleet[name] for name in ("compute_s", "tp_s", "cp_s", "ep_s", "pp_s", "bubble_s", "dp_s", "optimizer_s",
                                             "variation_s", "straggler_s", "checkpoint_s", "recovery_s"))
        self.assertLess(abs(parts - fleet["step_time_s"]).max(), 1e-12)
        self.assertLess(abs(fleet["step_time_s"].cumsum() - fleet["fleet_time_s"]).max(), 1e-5)
        self.assertAlmostEqual(fleet["fleet_time_s"][-1], account["total_elapsed_time_s"], places=9)
        self.assertEqual(fleet["training_step"][-1], account["kept_steps"])
        self.assertEqual(fleet["lost_steps"].sum(), account["lost_steps"])
        progress = (fleet["replicas"] > 0).astype(int) - fleet["lost_steps"]
        self.assertEqual(list(progress.cumsum()), list(fleet["training_step"]))
        for number, kind in enumerate(kinds):
            self.assertEqual((events["kind"] == number).sum(), account["events"][kind], kind)
        for kind in ("chip", "hbm", "software", "slow_compute", "slow_network", "flap", "planned", "spike", "eviction"):
            self.assertGreater(account["events"][kind], 0, kind)
        self.assertEqual(events["lost_steps"].sum(), account["lost_steps"])
        self.assertTrue(((fleet["throttled"] >= 0) & (fleet["throttled"] <= 1)).all())
        self.assertTrue((fleet["chip_hottest_c"] > fleet["chip_mean_c"]).all())
        self.assertTrue(((fleet["throttled"] > 0) <= (fleet["chip_hottest_c"] > 87)).all())
        self.assertGreater(len(set(fleet["throttled"])), 1)
        chips = summary["fleet"]["chip_c"]
        self.assertEqual(chips["hottest"], fleet["chip_hottest_c"].max())
        self.assertAlmostEqual(chips["throttled"] * fleet["step_time_s"].sum(),
                               (fleet["throttled"] * fleet["step_time_s"]).sum(), places=6)
        failures = summary["cost"]["failures"]
        for number, kind in enumerate(kinds):  # what the rows say, and missing replicas
            mine = events["kind"] == number
            lost_s = events["stall_s"][mine].sum() + events["trained_s"][mine].sum()
            self.assertLessEqual(events["cost_usd"][mine].sum(), failures["usd_by_kind"][kind] * (1 + 1e-9), kind)
            if lost_s > 0:
                self.assertGreater(events["cost_usd"][mine].sum(), 0.0, kind)
        self.assertAlmostEqual(failures["usd_per_failure"] * account["interruptions"],
                               sum(failures["usd_by_kind"][kind] for kind in kinds[:kinds.index("planned")]), places=9)
        day = summary["cost"]["usd_per_day"] / 86400.0
        lost_s = (events["stall_s"] + events["trained_s"]).sum()
        self.assertLess(abs(events["cost_usd"].sum() / (day * lost_s) - 1.0), 0.2)  # energy aside, time is money
        self.assertAlmostEqual(events["trained_s"].sum() + 1e-12, account["time_s"]["wasted_progress"], places=6)
        broken = fleet["replicas"][events["step"][events["stall_s"] > 0]] == 0
        self.assertGreater(broken.mean(), 0.5)  # the others are planned interruptions and evictions, between two steps

    def log_of(self, name):
        """The events of a telemetry file as a log, through the script that users have."""
        script = os.path.join(SOURCE, "scripts", "events_to_log.py")
        done = subprocess.run([sys.executable, script, self.path(name), "-o", self.path("log.csv")], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.path("log.csv")

    def test_a_replayed_log_is_the_same_on_any_ranks_and_after_a_resume(self):
        job = ["run", "tiny", "stack=standard", "host.every=0", *FAULTS, "-q"]
        self.assertEqual(muir(*job, "steps=400", "-o", self.path("drawn.h5")).returncode, 0)
        replay = [*job, "faults.log=" + self.log_of("drawn.h5")]
        for name, ranks in (("one.h5", 1), ("two.h5", 2), ("three.h5", 3)):
            process = muir(*replay, "steps=400", "-o", self.path(name), ranks=ranks)
            self.assertEqual(process.returncode, 0, process.stderr)
        for steps, resume in (("steps=150", []), ("steps=400", ["--resume"])):
            process = muir(*replay, steps, *resume, "-o", self.path("part.h5"), ranks=2)
            self.assertEqual(process.returncode, 0, process.stderr)
        self.same("one.h5", "two.h5", "three.h5")
        self.same("one.h5", "part.h5")
        with h5py.File(self.path("drawn.h5")) as drawn, h5py.File(self.path("one.h5")) as replayed:
            kinds = drawn["events/kind"].attrs["flag_meanings"].decode().split()
            first = min(drawn["fleet/fleet_time_s"][-1], replayed["fleet/fleet_time_s"][-1])
            for kind in ("chip", "hbm", "software", "planned", "slow_compute"):
                number = kinds.index(kind)
                starts = [file["events/start_s"][file["events/kind"][:] == number] for file in (drawn, replayed)]
                before, after = (set(times[times < 0.5 * first].round(6)) for times in starts)
                self.assertLess(len(before ^ after), 0.4 * len(before) + 2, kind)  # but for servers that are out already
        with open(self.path("log.csv"), "a") as file:
            file.write("399.0,crash,,,,\n")
        process = muir(*replay, "steps=500", "--resume", "-o", self.path("part.h5"))
        self.assertEqual(process.returncode, 2)
        self.assertIn("faults.log", process.stderr)

    def test_a_log_is_fitted_and_the_preset_runs(self):
        process = muir("run", "llama3-16k", "faults=llama3", "fleet.servers=2072", "faults.rate=80", "faults.job.crash=60",
                       "steps=600", "host.every=0", "telemetry.level=fleet", "-q", "-o", self.path("x.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        log = self.log_of("x.h5")
        process = muir("faults", "fit", log, "--servers", "2072", "-o", self.path("fitted.yaml"))
        self.assertEqual(process.returncode, 0, process.stderr)
        for word in ("80 % interval", "rate", "job.crash", "cannot tell", "weibull"):
            self.assertIn(word, process.stdout)
        process = muir("check", "llama3-16k", "fleet.servers=2072", "faults=" + self.path("fitted.yaml"))
        self.assertEqual(process.returncode, 0, process.stderr)
        for arguments, word in ((["fit"], "needs a CSV file"), (["draw", log], "needs a task"),
                                (["fit", log, "--servers", "3"], "--servers says 3"),
                                (["fit", log, "--days", "0.001"], "--days says 0.001")):
            process = muir("faults", *arguments)
            self.assertEqual(process.returncode, 2, process.stdout)
            self.assertIn(word, process.stderr)

    def test_slurm_records_become_a_log(self):
        with open(self.path("nodes"), "w") as file:
            file.write("|2026-01-01T00:00:00|2026-01-01T00:10:00||the cluster\n"
                       "node2|2026-01-02T03:00:00|2026-01-02T09:00:00|DRAIN|GPU Xid 79 fallen off the bus\n"
                       "node1|2026-01-03T03:00:00|Unknown|DOWN*|Not responding\n")
        with open(self.path("jobs"), "w") as file:
            file.write("1|COMPLETED|2026-01-01T00:00:00|2026-01-02T00:00:00|node[1-2]|0:0\n"
                       "2|FAILED|2026-01-02T00:00:00|2026-01-02T05:00:00|node[1-2]|1:0\n")
        script = os.path.join(SOURCE, "scripts", "slurm_to_log.py")
        done = subprocess.run([sys.executable, script, "--nodes", self.path("nodes"), "--jobs", self.path("jobs"), "-o",
                               self.path("log.csv")], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("log.csv")) as file:
            self.assertEqual(file.read().split(), ["time_s,kind,server,until_s,consequence", "0,chip,node2,21600,drained",
                                                   "7200,crash,,,", "86400,hang,node1,,drained"])
        process = muir("faults", "fit", self.path("log.csv"), "--servers", "10", "--days", "3")
        self.assertEqual(process.returncode, 0, process.stderr)

    def test_detectors_are_scored(self):
        process = muir("run", "llama3-16k", "faults=llama3", "faults.rate=0", "faults.slow.compute=60",
                       "faults.slow.compute_median_s=200", "steps=200", "telemetry.server_every=5", "host.every=0",
                       "telemetry.level=server", "-q", "-o", self.path("x.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        script = os.path.join(SOURCE, "scripts", "detect.py")
        done = subprocess.run([sys.executable, script, self.path("x.h5"), "--json", self.path("x.json")], capture_output=True,
                              text=True, timeout=120)
        if "scipy" in done.stderr:
            self.skipTest("scipy is missing")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("x.json")) as file:
            rows = {(r["what"], r["detector"]): r for r in json.load(file)[""]}
        for detector in ("threshold", "peers", "ewma", "cusum", "find_straggler"):
            self.assertGreater(rows["slow server", detector]["planted"], 0)
            self.assertGreater(rows["slow server", detector]["recall"], 0.5, detector)
        self.assertGreaterEqual(rows["slow server", "find_straggler"]["precision"], 0.9)

    def stragglers(self, *arguments):
        """What scripts/find_straggler.py makes of a run."""
        process = muir("run", *arguments, "host.every=0", "telemetry.level=server", "-q", "-o", self.path("x.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        script = os.path.join(SOURCE, "scripts", "find_straggler.py")
        found = patience.run([sys.executable, script, self.path("x.h5"), "--json", self.path("x.json")], capture_output=True,
                             text=True)
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)
        os.remove(self.path("x.h5"))
        with open(self.path("x.json")) as file:
            return json.load(file)

    def test_planted_stragglers_are_found_from_telemetry_alone(self):
        for seed in ("seed=1", "seed=2"):
            score = self.stragglers("llama3-16k", "faults=llama3", "faults.rate=0", "faults.slow.compute=60",
                                    "faults.slow.compute_median_s=200", "steps=300", "telemetry.server_every=5", seed)["score"]
            self.assertGreaterEqual(score["planted"], 5)
            self.assertGreaterEqual(score["precision"], 0.9)
            self.assertGreaterEqual(score["recall"], 0.9)

    def test_of_two_servers_the_slow_one_is_found(self):
        result = self.stragglers("tiny", "stack=standard", "faults.slow.compute=3e6", "faults.slow.compute_median_s=2", "steps=3000",
                                 "telemetry.server_every=1")
        self.assertEqual([result["score"][key] for key in ("found", "planted", "precision", "recall")], [2, 2, 1.0, 1.0])

    def test_a_server_that_was_evicted_is_slow_no_longer(self):
        score = self.stragglers("llama3-16k", "faults.slow.compute=20", "days=0.5", "steps=auto")["score"]
        self.assertGreaterEqual(score["planted"], 20)
        self.assertEqual([score["precision"], score["recall"]], [1.0, 1.0])

    def test_a_mix_of_jobs_says_who_straggles(self):
        script = os.path.join(SOURCE, "scripts", "job_mix.py")
        done = patience.run([sys.executable, script, "--jobs", "16", "--muir", MUIR, "--json", self.path("mix.json")],
                            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("mix.json")) as file:
            mix = json.load(file)
        self.assertEqual(mix["figures"]["all"]["jobs"], 16)
        for job in mix["jobs"]:  # one stage of alike chips loses little, and nobody is faster than the ideal
            self.assertGreater(job["slowdown"], 1.0)
            if job["causes"] == ["none"]:
                self.assertLess(job["slowdown"], 1.05)
        self.assertGreater(mix["figures"]["with lengths"]["slowdown"], mix["figures"]["all"]["slowdown"])

    def test_days_are_fleet_time(self):
        process = muir("run", "tiny", "host.every=0", *FAULTS, "steps=auto", "days=0.001", "-q", "-o", self.path("x.h5"))
        self.assertEqual(process.returncode, 0, process.stderr)
        with h5py.File(self.path("x.h5")) as file:
            times = file["fleet/fleet_time_s"][:]
        self.assertGreaterEqual(times[-1], 86.4)
        self.assertLess(times[-2], 86.4)


if __name__ == "__main__":
    try:
        import h5py
    except ImportError:
        print("h5py is missing: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
