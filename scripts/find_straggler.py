#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Servers that turn slow, found from the telemetry alone, and scored against the truth: find_straggler.py RUN.h5

Looks only at /server/slowdown, as an operator would at his servers' step times: in each row a server's slowdown over the median
of all servers, less what it is in its better rows; a server whose excess stays above --least, and in units of the usual spread
above --threshold, for --rows rows is reported. Then it opens /events and compares: an episode of slow_compute counts as planted
if it covers --rows rows of a server of the job before that is evicted. Prints what was found, what was missed, precision, recall
and delay; --json FILE writes them.
Exit status 0, also if something was missed; 2 if the file has no rows of servers.
"""
import argparse
import json
import sys

from python_with import python_with

python_with("h5py", "numpy")
import numpy as np

from open_run import open_run


def excess(slowdown):
    """How much slower each server is than the median server (of two in the middle the faster one: of two servers one may be slow);
    how much of that is above its better quarter of the rows, both [row, server]; and the usual spread of that."""
    ratio = slowdown / np.nanpercentile(slowdown, 50, axis=1, keepdims=True, method="lower")
    is_seen = ~np.isnan(ratio).all(axis=0)
    usual = np.ones(ratio.shape[1])  # chips differ for good; a slow episode may fill most of a short run
    usual[is_seen] = np.nanpercentile(ratio[:, is_seen], 25, axis=0)
    difference = ratio - usual
    spread = 1.4826 * np.nanmedian(np.abs(difference))
    return ratio, difference, spread


def find(slowdown, threshold, least, rows):
    """Episodes: server, first and last row, and mean slowdown over the median server."""
    ratio, difference, spread = excess(slowdown)
    is_slow = np.nan_to_num(difference, nan=0.0) > max(threshold * spread, least)
    found = []
    for server in np.flatnonzero(is_slow.any(axis=0)):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], is_slow[:, server].astype(np.int8), [0]])))
        for first, end in zip(edges[::2], edges[1::2]):
            if end - first >= rows:
                found.append({"server": int(server), "first": int(first), "last": int(end - 1),
                              "slowdown": float(ratio[first:end, server].mean())})
    return found


def planted(file, row_time_s, rows):
    """Episodes of slow_compute that cover enough rows of servers; one that is evicted is slow no longer."""
    events = file["events"]
    kinds = events["kind"].attrs["flag_meanings"].decode().split()
    consequences = events["consequence"].attrs["flag_meanings"].decode().split()
    kind, consequence = events["kind"][:], events["consequence"][:]
    chosen = np.flatnonzero((kind == kinds.index("slow_compute")) & (consequence == consequences.index("slower")))
    server, start_s, end_s = events["server"][:], events["start_s"][:], events["end_s"][:]
    is_eviction = kind == kinds.index("eviction")
    truth = []
    for i in chosen:
        start = start_s[i]
        end = min([end_s[i], *start_s[is_eviction & (server == server[i]) & (start_s > start)]])
        covered = np.flatnonzero((row_time_s >= start) & (row_time_s < end))
        if len(covered) >= rows:
            truth.append({"server": int(server[i]), "first": int(covered[0]), "last": int(covered[-1]),
                          "slowdown": float(events["severity"][i])})
    return truth


def is_same(a, b):
    return a["server"] == b["server"] and a["first"] <= b["last"] and b["first"] <= a["last"]


def score(found, truth, row_time_s):
    hits = [f for f in found if any(is_same(f, t) for t in truth)]
    caught = [t for t in truth if any(is_same(f, t) for f in found)]
    delays = [max(0.0, float(row_time_s[min(f["first"] for f in found if is_same(f, t))] - row_time_s[t["first"]]))
              for t in caught]
    return {"found": len(found), "planted": len(truth), "precision": len(hits) / len(found) if found else None,
            "recall": len(caught) / len(truth) if truth else None,
            "mean_delay_s": float(np.mean(delays)) if delays else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="RUN.h5", help="of a run with telemetry.level=server")
    parser.add_argument("--threshold", type=float, default=8.0, help="usual spreads above the median server [%(default)s]")
    parser.add_argument("--least", type=float, default=0.05, help="smallest share by which it is slower than usual [%(default)s]")
    parser.add_argument("--rows", type=int, default=2, help="rows in a row that must be above it [%(default)s]")
    parser.add_argument("--json", metavar="FILE", help="the score, and what it is about")
    options = parser.parse_args()
    with open_run(options.file) as file:
        if "server" not in file or len(file["server/step"]) < options.rows:
            print(f"{parser.prog}: {options.file} has no rows of servers: run with telemetry.level=server", file=sys.stderr)
            return 2
        steps, slowdown = file["server/step"][:], file["server/slowdown"][:].astype(float)
        row_time_s = np.concatenate([[0.0], file["fleet/fleet_time_s"][:]])[steps]  # start of the row: it meets what is there
        found = find(slowdown, options.threshold, options.least, options.rows)
        truth = planted(file, row_time_s, options.rows)
    for f in found:
        is_true = any(is_same(f, t) for t in truth)
        print(f"server {f['server']:6d}  steps {steps[f['first']]} to {steps[f['last']]}  slowdown {f['slowdown']:.2f}  "
              f"{'planted' if is_true else 'NOT planted'}")
    for t in truth:
        if not any(is_same(f, t) for f in found):
            print(f"server {t['server']:6d}  steps {steps[t['first']]} to {steps[t['last']]}  slowdown {t['slowdown']:.2f}  MISSED")
    result = score(found, truth, row_time_s)
    print(", ".join(f"{key} {value if value is None or isinstance(value, int) else f'{value:.3g}'}" for key, value in result.items()))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"score": result, "found": found, "planted": truth}, out, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
