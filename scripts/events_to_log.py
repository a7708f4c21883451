#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the events of a telemetry file as a log that `faults.log` replays and `muir faults fit` fits.

usage: events_to_log.py RUN.h5 [-o LOG.csv]

Columns: time_s, kind, server, until_s, consequence, severity. Spikes and evictions are the job's own and are left out.
"""
import argparse
import csv
import sys

from python_with import python_with

python_with("h5py")
from open_run import open_run

OWN = {"spike", "eviction"}


def meanings(column):
    """Names of a column's numbers, by number."""
    words = column.attrs["flag_meanings"]
    return (words.decode() if isinstance(words, bytes) else words).split()


def rows(path):
    with open_run(path) as file:
        events = file["events"]
        kinds, outcomes = (meanings(events[name]) for name in ("kind", "consequence"))
        columns = [events[name][:] for name in ("start_s", "kind", "server", "end_s", "consequence", "severity")]
    for start, kind, server, end, outcome, severity in sorted(zip(*columns), key=lambda row: row[0]):
        if kinds[kind] in OWN:
            continue
        said = outcomes[outcome] if outcomes[outcome] in ("in_place", "drained") else ""
        is_slow = kinds[kind] in ("slow_compute", "slow_network", "flap")
        yield [f"{start:.9f}", kinds[kind], "" if server < 0 else int(server), f"{end:.9f}" if end > start else "", said,
               f"{severity:.9g}" if is_slow else ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    out = open(options.output, "w", newline="") if options.output else sys.stdout
    writer = csv.writer(out)
    writer.writerow(["time_s", "kind", "server", "until_s", "consequence", "severity"])
    writer.writerows(rows(options.file))
    if options.output:
        out.close()


if __name__ == "__main__":
    main()
