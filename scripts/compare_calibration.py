#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How much a few measured runs of one's own are worth: muir calibrate on rows of a source that nothing was fitted to.

usage: compare_calibration.py MUIR SOURCE [--picks N] [--rows 1,2,3,5]

MUIR    the program, build/release/muir
SOURCE  first word of the ids of data/published_runs.csv: titan, bloom, nanotron, rosetta, ...

All stacks are refitted without the source's rows. Then N times, for each number of rows: that many of its rows are
picked at random, `muir calibrate` makes a stack of them, and `muir validate --stack` predicts the others.
"""
import argparse
import csv
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


class Bench:
    """A copy of data/ in a folder of its own, and the program."""

    def __init__(self, program, folder):
        self.program, self.folder = os.path.abspath(program), pathlib.Path(folder)
        self.data = self.folder / "data"
        shutil.copytree(DATA, self.data)

    def muir(self, *args):
        return subprocess.run([self.program, *map(str, args)], capture_output=True, text=True, check=True,
                              env={**os.environ, "MUIR_DATA": str(self.data)}).stdout

    def table(self, name, rows):
        path = self.folder / name
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return path

    def validate(self, path, *args):
        return json.loads(self.muir("validate", path, "--json", "-", *args))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("source")
    parser.add_argument("--picks", type=int, default=20)
    parser.add_argument("--rows", default="1,2,3,5")
    args = parser.parse_args()
    with open(DATA / "published_runs.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    mine = [row for row in table if row["id"].split("-")[0] == args.source]
    if not mine:
        parser.error(f"no row of {DATA / 'published_runs.csv'} is of source '{args.source}'")
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.program, folder)
        rest = bench.table("rest.csv", [row for row in table if row not in mine])
        bench.muir("calibrate", rest, "--pool", "-o", bench.data / "stacks")
        before = bench.validate(bench.table("mine.csv", mine))
        stack_of = {row["id"]: row["stack"] for row in before["rows"]}
        print(f"{args.source}: {len(before['rows'])} rows, unseen: error {100 * before['mean_abs_error']:.1f} %, "
              f"{100 * before['interval_coverage']:.0f} % inside")
        for stack in sorted(set(stack_of.values())):
            rows = [row for row in mine if stack_of.get(row["id"]) == stack]
            for k in map(int, args.rows.split(",")):
                if k < len(rows):
                    report(bench, stack, rows, k, args.picks)


def report(bench, stack, rows, k, picks):
    """Error of the other rows after a calibration with k of them, over picks."""
    errors, inside = [], []
    for _ in range(picks):
        picked = random.sample(rows, k)
        made = bench.folder / "made.yaml"
        bench.muir("calibrate", bench.table("picked.csv", picked), "-o", made)
        after = bench.validate(bench.table("others.csv", [row for row in rows if row not in picked]), "--stack", made)
        errors.append(100 * after["mean_abs_error"])
        inside.append(100 * after["interval_coverage"])
    print(f"  {stack}, {k} of {len(rows)} rows: error of the others {statistics.mean(errors):.1f} % in the mean of "
          f"{picks} picks ({min(errors):.1f} to {max(errors):.1f}), {statistics.mean(inside):.0f} % inside")


if __name__ == "__main__":
    main()
