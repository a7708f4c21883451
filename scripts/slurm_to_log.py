#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes what Slurm recorded as a log that `faults.log` replays and `muir faults fit` fits.

usage: slurm_to_log.py [--nodes FILE] [--jobs FILE] [--node-list FILE] [-o LOG.csv]

--nodes FILE   sacctmgr -nP show event format=NodeName,Start,End,State,Reason > FILE
               each line is a node that was taken out: kind by the words of its reason, drained until its end
--jobs FILE    sacct -nPX -o JobID,State,Start,End,NodeList,ExitCode > FILE
               NODE_FAIL is left to --nodes; FAILED and OUT_OF_MEMORY are crashes of the job, TIMEOUT a hang only with
               --timeouts-are-hangs, since most jobs end so on purpose
--node-list    one node name a line: their order numbers the servers; without it, the order of appearance

Times are counted from the first event. Reasons are matched by words (--words KIND=REGEX adds more, looked at first).
"""
import argparse
import csv
import datetime
import re
import sys

WORDS = [("sdc", r"silent|sdc|corrupt|numeric"), ("hbm", r"ecc|row.?remap|hbm|xid.?(48|63|64|92|94|95)\b|dram|memory err"),
         ("leaf_switch", r"switch"), ("nic", r"\bnic\b|hca|mlx|efa"), ("link", r"link|cable|optic|transceiver|infiniband|\bib\b|nvlink|flap"),
         ("chip", r"gpu|xid|accelerator|neuron|tpu|cuda"), ("rack", r"rack|pdu|breaker|coolant|leak"),
         ("hang", r"hang|hung|stuck|watchdog|timeout|not responding"), ("maintenance", r"maint|upgrade|firmware|patch|reboot|health"),
         ("software", r"software|driver|kernel|oom|mount|filesystem|lustre|nfs"), ("host", r".")]


def seconds(text):
    return None if text in ("", "Unknown", "None", "N/A") else datetime.datetime.fromisoformat(text).timestamp()


def kind_of(reason, words):
    return next(kind for kind, pattern in words if re.search(pattern, reason or "unknown", re.IGNORECASE))


def node_events(path, words):
    with open(path, newline="") as file:
        for number, line in enumerate(csv.reader(file, delimiter="|"), 1):
            if len(line) < 5:
                raise SystemExit(f"slurm_to_log.py: {path}:{number}: {len(line)} fields, but 5 are needed: "
                                 "NodeName|Start|End|State|Reason")
            node, start, end, _, reason = line[:5]
            if node and seconds(start) is not None:  # lines without a node are about the cluster
                yield {"time": seconds(start), "kind": kind_of(reason, words), "server": node, "until": seconds(end),
                       "consequence": "drained"}


def job_events(path, timeouts_are_hangs):
    kinds = {"FAILED": "crash", "OUT_OF_MEMORY": "crash", **({"TIMEOUT": "job_hang"} if timeouts_are_hangs else {})}
    with open(path, newline="") as file:
        for number, line in enumerate(csv.reader(file, delimiter="|"), 1):
            if len(line) < 4:
                raise SystemExit(f"slurm_to_log.py: {path}:{number}: {len(line)} fields, but 4 are needed: "
                                 "JobID|State|Start|End|NodeList|ExitCode")
            state, end = line[1].split()[0] if line[1] else "", seconds(line[3])
            if state in kinds and end is not None:
                yield {"time": end, "kind": kinds[state], "server": "", "until": None, "consequence": ""}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes")
    parser.add_argument("--jobs")
    parser.add_argument("--node-list")
    parser.add_argument("--timeouts-are-hangs", action="store_true")
    parser.add_argument("--words", action="append", default=[], metavar="KIND=REGEX")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    if not options.nodes and not options.jobs:
        parser.error("needs --nodes, --jobs or both")
    words = [tuple(word.split("=", 1)) for word in options.words] + WORDS
    events = [*(node_events(options.nodes, words) if options.nodes else ()),
              *(job_events(options.jobs, options.timeouts_are_hangs) if options.jobs else ())]
    events.sort(key=lambda event: event["time"])
    if options.node_list:
        with open(options.node_list) as file:
            numbers = {name.strip(): i for i, name in enumerate(file) if name.strip()}
        unknown = {event["server"] for event in events if event["server"]} - numbers.keys()
        if unknown:
            raise SystemExit(f"slurm_to_log.py: {options.node_list} lacks {', '.join(sorted(unknown)[:5])}")
        for event in events:
            event["server"] = numbers[event["server"]] if event["server"] else ""
    first = events[0]["time"] if events else 0.0
    out = open(options.output, "w", newline="") if options.output else sys.stdout
    writer = csv.writer(out)
    writer.writerow(["time_s", "kind", "server", "until_s", "consequence"])
    for event in events:
        until = "" if event["until"] is None else f"{event['until'] - first:.0f}"
        writer.writerow([f"{event['time'] - first:.0f}", event["kind"], event["server"], until, event["consequence"]])
    if options.output:
        out.close()


if __name__ == "__main__":
    main()
