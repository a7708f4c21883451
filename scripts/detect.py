#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Scores detectors of slow servers, slow networks and flipped bits against the truth in telemetry files: detect.py RUN.h5 ...

Servers: each detector sees /server/slowdown, as an operator sees his servers' step times, and reports episodes; an episode of
slow_compute in /events counts as planted as in find_straggler.py.
  threshold       a server is slower than the fleet's median by more than --least
  peers           robust z of a server among its peers of the same row (scipy.stats.median_abs_deviation) above --z
  ewma            its moving average (--memory rows) of the excess over its own usual place leaves --z usual spreads
  cusum           cumulative sum of that excess, less half of --least a row, passes --least times --rows
  find_straggler  scripts/find_straggler.py with its defaults
Network: the same tests on the step time of the whole job, against rows that a slow_network or flap episode covers.
  threshold, ewma, cusum as above; median: a step over the median of the --memory steps before by --least
Flips: /host_flips says which planted bit flips the checks caught.
A false alarm costs --alarm-s of the whole job, the stall of draining one server. --json FILE writes the table.
--generate FOLDER makes the small data set of docs/detectors.md with the muir on PATH (or --muir) and scores it.
"""
import argparse
import json
import os
import subprocess
import sys

from python_with import python_with

python_with("h5py", "numpy", "scipy")
import numpy as np
from scipy import stats

import find_straggler
from open_run import open_run

COMMON = ["host.every=0", "telemetry.level=server", "telemetry.server_every=2", "faults.rate=0", "faults.planned=0", "-q"]
DATA_SET = {  # name: what is drawn; two seeds each
    "slow-servers": ["llama3-16k", "faults=llama3", "faults.slow.compute=60", "faults.slow.compute_median_s=200",
                     "faults.slow.network=0", "faults.slow.flap=0", "steps=400"],
    "faint-servers": ["llama3-16k", "faults=llama3", "faults.slow.compute=60", "faults.slow.compute_least=1.02",
                      "faults.slow.compute_most=1.08", "faults.slow.compute_median_s=200", "faults.slow.network=0",
                      "faults.slow.flap=0", "steps=400"],
    "slow-networks": ["llama3-16k", "faults=llama3", "faults.slow.compute=0", "faults.slow.network=10", "faults.slow.flap=0.1",
                      "faults.slow.network_median_s=60", "faults.slow.network_sigma=0.5", "steps=800"],
}
FLIPS = ["tiny", "steps=60", "host.flips=0.5", "-q"]


def runs_of(is_on):
    """First and last index of each stretch in which a vector is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_on.astype(np.int8), [0]])))
    return list(zip(edges[::2], edges[1::2] - 1))


def ewma(x, memory):
    out, weight = np.zeros_like(x), 1.0 / memory
    for row in range(len(x)):
        out[row] = x[row] if row == 0 else (1.0 - weight) * out[row - 1] + weight * x[row]
    return out


def cusum(x, slack):
    out = np.zeros_like(x)
    for row in range(len(x)):
        out[row] = np.maximum(0.0, (out[row - 1] if row else 0.0) + x[row] - slack)
    return out


def server_alarms(name, slowdown, options):
    """[row, server] where a detector is on."""
    ratio, difference, spread = find_straggler.excess(slowdown)
    difference = np.nan_to_num(difference, nan=0.0)
    if name == "threshold":
        return np.nan_to_num(ratio, nan=1.0) - 1.0 > options.least
    if name == "peers":
        scale = stats.median_abs_deviation(slowdown, axis=1, scale="normal", nan_policy="omit")[:, None]
        middle = np.nanmedian(slowdown, axis=1, keepdims=True)
        return np.nan_to_num((slowdown - middle) / np.maximum(scale, 1e-12), nan=0.0) > options.z
    if name == "ewma":
        return ewma(difference, options.memory) > options.z * spread / np.sqrt(2.0 * options.memory - 1.0)
    return cusum(difference, 0.5 * options.least) > options.least * options.rows


def server_episodes(name, slowdown, options):
    if name == "find_straggler":
        return find_straggler.find(slowdown, 8.0, 0.05, 2)
    alarms = server_alarms(name, slowdown, options)
    return [{"server": int(server), "first": int(first), "last": int(last)} for server in np.flatnonzero(alarms.any(axis=0))
            for first, last in runs_of(alarms[:, server]) if last - first + 1 >= options.rows or name == "cusum"]


def job_alarms(name, step_s, options):
    x = step_s / np.median(step_s) - 1.0
    spread = stats.median_abs_deviation(x, scale="normal")
    if name == "threshold":
        return x > options.least
    if name == "ewma":
        return ewma(x, options.memory) > options.z * spread / np.sqrt(2.0 * options.memory - 1.0)
    if name == "cusum":
        return cusum(x, 0.5 * options.least) > options.least * options.rows
    before = np.array([np.median(step_s[max(0, i - options.memory):i]) if i else step_s[0] for i in range(len(step_s))])
    return step_s > (1.0 + options.least) * before


def job_episodes(file):
    """Rows of /fleet that an episode covers which slowed the job."""
    events = file["events"]
    kinds, consequences = (events[column].attrs["flag_meanings"].decode().split() for column in ("kind", "consequence"))
    end_s = file["fleet/fleet_time_s"][:]
    start_s = np.concatenate([[0.0], end_s[:-1]])
    chosen = np.isin(events["kind"][:], [kinds.index("slow_network"), kinds.index("flap")])
    chosen &= events["consequence"][:] == consequences.index("slower")
    covered = np.zeros(len(end_s), bool)
    for first, last in zip(events["start_s"][:][chosen], events["end_s"][:][chosen]):
        covered |= (start_s < last) & (end_s > first)
    return [{"server": 0, "first": int(first), "last": int(last)} for first, last in runs_of(covered)]


def add(totals, found, truth, time_s):
    """Counts of one file, and its delays, onto those of others."""
    same = find_straggler.is_same
    totals["found"] += len(found)
    totals["planted"] += len(truth)
    totals["true"] += sum(any(same(f, t) for t in truth) for f in found)
    for t in truth:
        hits = [f["first"] for f in found if same(f, t)]
        totals["caught"] += bool(hits)
        if hits:
            totals["delays"].append(max(0.0, float(time_s[min(hits)] - time_s[t["first"]])))
    totals["days"] += float(time_s[-1] - time_s[0]) / 86400.0


def row_of(what, name, totals, alarm_s):
    false_per_day = (totals["found"] - totals["true"]) / max(totals["days"], 1e-12)
    return {"what": what, "detector": name, "planted": totals["planted"], "found": totals["found"],
            "precision": totals["true"] / totals["found"] if totals["found"] else None,
            "recall": totals["caught"] / totals["planted"] if totals["planted"] else None,
            "median_delay_s": float(np.median(totals["delays"])) if totals["delays"] else None,
            "false_alarms_per_day": false_per_day, "false_alarms_cost": min(1.0, false_per_day * alarm_s / 86400.0)}


def new_totals():
    return {"found": 0, "planted": 0, "true": 0, "caught": 0, "days": 0.0, "delays": []}


def score(paths, options):
    servers, job, flips = {}, {}, [0, 0]
    for path in paths:
        with open_run(path) as file:
            times = np.concatenate([[0.0], file["fleet/fleet_time_s"][:]])
            if "server" in file and len(file["server/step"]) > options.rows:
                steps, slowdown = file["server/step"][:], file["server/slowdown"][:].astype(float)
                truth = find_straggler.planted(file, times[steps], options.rows)
                for name in ("threshold", "peers", "ewma", "cusum", "find_straggler") if truth else ():
                    found = server_episodes(name, slowdown, options)
                    add(servers.setdefault(name, new_totals()), found, truth, times[steps])
            truth = job_episodes(file)
            for name in ("threshold", "median", "ewma", "cusum") if truth else ():
                found = [{"server": 0, "first": int(a), "last": int(b)}
                         for a, b in runs_of(job_alarms(name, file["fleet/attempt_s"][:], options))]
                add(job.setdefault(name, new_totals()), found, truth, times)
            if "host_flips" in file:
                is_planted = file["host_flips/planted"][:] != 0
                caught = int((file["host_flips/caught"][:][is_planted] != 0).sum())
                flips = [flips[0] + int(is_planted.sum()), flips[1] + caught]
    table = [row_of("slow server", name, totals, options.alarm_s) for name, totals in servers.items()]
    table += [row_of("slow network", name, totals, options.alarm_s) for name, totals in job.items()]
    if flips[0]:
        table.append({"what": "flipped bit", "detector": "checks", "planted": flips[0], "found": flips[1], "precision": 1.0,
                      "recall": flips[1] / flips[0], "median_delay_s": 0.0, "false_alarms_per_day": 0.0,
                      "false_alarms_cost": 0.0})
    return table


def generate(folder, muir):
    os.makedirs(folder, exist_ok=True)
    jobs = {f"{name}-{seed}.h5": [*arguments, *COMMON, f"seed={seed}"] for name, arguments in DATA_SET.items() for seed in (1, 2)}
    jobs["flips.h5"] = FLIPS
    for name, arguments in jobs.items():
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            subprocess.run([muir, "run", *arguments, "-o", path], check=True, stdout=subprocess.DEVNULL)
    return {name: os.path.join(folder, name) for name in jobs}


def text(value, form):
    return "-" if value is None else format(value, form)


def show(table):
    print("| what | detector | planted | found | precision | recall | median delay | false alarms | cost |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in table:
        print(f"| {r['what']} | {r['detector']} | {r['planted']} | {r['found']} | {text(r['precision'], '.2f')} | "
              f"{text(r['recall'], '.2f')} | {text(r['median_delay_s'], '.0f')} s | {r['false_alarms_per_day']:.3g} per day | "
              f"{100 * r['false_alarms_cost']:.2g} % |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="RUN.h5")
    parser.add_argument("--generate", metavar="FOLDER", help="make the data set there first")
    parser.add_argument("--muir", default="muir", help="the program [%(default)s]")
    parser.add_argument("--least", type=float, default=0.05, help="smallest slowdown that matters [%(default)s]")
    parser.add_argument("--z", type=float, default=8.0, help="robust z of an alarm [%(default)s]")
    parser.add_argument("--memory", type=int, default=5, help="rows of moving averages and medians [%(default)s]")
    parser.add_argument("--rows", type=int, default=2, help="rows in a row of an episode [%(default)s]")
    parser.add_argument("--alarm-s", type=float, default=60.0, help="stall of the job for a false alarm [%(default)s]")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    groups = {"": options.files} if options.files else {}
    if options.generate:
        for name, path in generate(options.generate, options.muir).items():
            groups.setdefault(name.rsplit("-", 1)[0].removesuffix(".h5"), []).append(path)
    if not groups:
        parser.error("needs RUN.h5 files or --generate FOLDER")
    tables = {name: score(paths, options) for name, paths in groups.items()}
    for name, table in tables.items():
        if name:
            print(f"\n{name}")
        show(table)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(tables, out, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
