#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What each policy is worth on a scenario: policies.py [SCENARIO] [--muir MUIR] [--days X] [--json FILE]

Runs the scenario (rainier-1m) on the fleet clock alone with faults=elastic for --days of fleet time, once as it is and once with
each policy, and prints goodput, its change, and what it costs. Goodput of few days is a draw: --seeds N takes the mean of several.
"""
import argparse
import json
import subprocess
import sys
import tempfile

SPARES = ["parallel.dp=1920", "global_batch_size=30720"]  # of rainier-1m's 1,952 replicas of 8 servers
POLICIES = [  # name, keys, what it costs
    ("as it is", [], ""),
    ("crashes of the job, 1 per day", ["faults.job.crash=1"], "no policy: Llama 3's software failures"),
    ("restarts that fail, half of them", ["faults.policy.restart_success=0.5"], "no policy: rejoining takes longer"),
    ("the same, checked before", ["faults.policy.restart_success=0.5", "faults.policy.preflight_s=30",
                                  "faults.policy.preflight_catch=0.8"], "30 s before each start of a replica"),
    ("wrong diagnosis, 1 in 5", ["faults.policy.misdiagnosis=0.2"], "no policy: the bad server fails again"),
    ("the same, groups evicted", ["faults.policy.misdiagnosis=0.2", "faults.policy.evict=group"],
     "15 healthy servers out for an hour each time"),
    ("detection in 5 s", ["faults.detection.explicit_median_s=5"], "agents that watch processes (Unicron: 0.3 to 5.6 s)"),
    ("reconnection in 1 s", ["faults.reaction.reconnect_s=1"], "groups kept ready (torchft: below 1 s)"),
    ("detection and reconnection", ["faults.detection.explicit_median_s=5", "faults.reaction.reconnect_s=1"], "both"),
    ("256 more spare servers", SPARES, "1.6 % of the chips wait"),
    ("the same, 1 in 3 failures foreseen", [*SPARES, "faults.policy.foreseen=0.33", "faults.policy.migrate_s=5"],
     "predictors; 5 s of the whole job for each"),
    ("the same, 32 of them hot", [*SPARES, "faults.reaction.hot_spares=32"], "their power"),
    ("retirement after 3 failures", ["faults.policy.retire_after=3"], "new servers"),
    ("spares by fewest failures", ["faults.policy.selection=fewest_failures"], "nothing"),
    ("copies under another leaf", ["faults.checkpoint.memory_remote=true"], "traffic across leaves, not priced"),
    ("no copies in memory", ["faults.checkpoint.memory=false"], "frees the memory of peers"),
    ("hot updates in 30 s", ["faults.policy.hot_update_s=30"], "program that can be exchanged in place"),
    ("all that help", [*SPARES, "faults.detection.explicit_median_s=5", "faults.reaction.reconnect_s=1", "faults.policy.foreseen=0.33",
                       "faults.policy.migrate_s=5", "faults.policy.hot_update_s=30", "faults.reaction.hot_spares=32",
                       "faults.checkpoint.memory_remote=true"], "all of these"),
]


def run(muir, scenario, keys, days, seed):
    with tempfile.TemporaryDirectory() as folder:
        name = f"{folder}/x.json"
        command = [muir, "run", scenario, "faults=elastic", f"days={days}", "steps=auto", "host.every=0", "telemetry.level=fleet",
                   "fleet.variation.draw_steps=64",
                   f"seed={seed}", *keys, "-q", "-o", f"{folder}/x.h5", "--json", name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"policies.py: {' '.join(command)}: {done.stderr.strip()}")
        with open(name) as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="rainier-1m")
    parser.add_argument("--muir", default="muir")
    parser.add_argument("--days", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    rows, base = [], None
    print("| policy | goodput | change | USD per million tokens | what it costs |\n|---|---|---|---|---|")
    for name, keys, costs in POLICIES:
        results = [run(options.muir, options.scenario, keys, options.days, seed) for seed in range(1, options.seeds + 1)]
        goodput = sum(r["fleet"]["goodput"] for r in results) / len(results)
        usd = sum(r["fleet"]["usd_per_mtoken"] for r in results) / len(results)
        base = goodput if base is None else base
        rows.append({"policy": name, "keys": keys, "goodput": goodput, "usd_per_mtoken": usd})
        print(f"| {name} | {100 * goodput:.1f} % | {100 * (goodput - base):+.1f} | {usd:.2f} | {costs} |", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
