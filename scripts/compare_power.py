#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A power trace beside the one that 64 servers' meters took: compare_power.py [--muir PROGRAM] [--meters FOLDER] [key=value ...]

Runs the scenario gpt3-512-h100 (key=value pairs override it), reads its trace as the meters did, and prints each quantity
of data/published_power.csv beside the emulated one. Nothing is fitted, the step's time included.

A meter's reading is the mean over its 2 s. 64 meters that do not read at the same time make a sample of their sum the
mean over two such windows, one after the other. Both are printed.

--meters reads the meters' own logs instead of the CSV, whose figures it made: a folder with node_*.txt, such as
smc-ac-power/results/64xSMC-H100-SXM-80GB/gpt3/power/result_* of mlcommons/training_results_v4.0.
"""
import argparse
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from python_with import python_with

python_with("h5py", "numpy")
import numpy as np

from open_run import open_run

ROOT = pathlib.Path(__file__).resolve().parents[1]
METER_S = 2.0
READING = re.compile(r'"time_ms": (\d+).*"power_reading", "value": (\d+)')
WIDTH = 0.05  # of a line on either side, as a share of its frequency, as in muir's own figures


def run(program, folder, overrides):
    """The summary of a run, whose file is FOLDER/run.h5."""
    paths = [str(pathlib.Path(folder, name)) for name in ("run.h5", "run.json")]
    pathlib.Path(paths[0]).unlink(missing_ok=True)
    done = subprocess.run([program, "run", "gpt3-512-h100", "-q", "-o", paths[0], "--json", paths[1], *overrides],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {done.stderr.strip()}")
    return json.loads(pathlib.Path(paths[1]).read_text(encoding="utf-8"))


def shares(watts, hz, lines_hz):
    """Shares of the swing's energy in lines, from one periodogram (Hann) of the whole series."""
    n = len(watts)
    squares = np.abs(np.fft.rfft((watts - watts.mean()) * np.hanning(n + 1)[:-1]))**2
    f = np.fft.rfftfreq(n, 1 / hz)
    half = [max(2.5 * hz / n, WIDTH * line) for line in lines_hz]
    return [squares[(f >= line - h) & (f < line + h) & (f > 0)].sum() / squares[1:].sum()
            for line, h in zip(lines_hz, half)]


def quantities(watts, step_hz, cycle_hz):
    """The published quantities of readings of METER_S per server."""
    plateau = np.percentile(watts, 75)
    lines = shares(watts, 1 / METER_S, [step_hz, 2 * step_hz, cycle_hz])
    return {"mean": watts.mean(), "plateau": plateau, "step": step_hz, "step share": lines[0],
            "second harmonic": lines[1], "evaluation": cycle_hz, "evaluation share": lines[2],
            "rms over mean": watts.std() / watts.mean(), "lowest over plateau": watts.min() / plateau,
            "missing": (plateau - watts.mean()) / plateau}


def read_by_meters(watts, hz, windows, servers, step_hz, cycle_hz):
    """The quantities of a trace that is read through so many windows of METER_S."""
    window = np.ones(round(METER_S * hz)) / round(METER_S * hz)
    for _ in range(windows):
        watts = np.convolve(watts, window, "valid")
    return quantities(watts[::len(window)] / servers, step_hz, cycle_hz)


def meters(folder, step_hz, cycle_hz):
    """The quantities of the meters' logs: each METER_S the sum of their last readings."""
    logs = [np.array(READING.findall(path.read_text(encoding="utf-8")), float).T
            for path in sorted(pathlib.Path(folder).glob("node_*.txt"))]
    if not logs:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {folder} holds no node_*.txt")
    times_s = np.arange(max(log[0][0] for log in logs), min(log[0][-1] for log in logs), 1e3 * METER_S)
    watts = np.mean([log[1][np.searchsorted(log[0], times_s, "right") - 1] for log in logs], axis=0)
    return quantities(watts, step_hz, cycle_hz)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--muir", default=str(ROOT / "build/release/muir"), help="the program")
    parser.add_argument("--meters", metavar="FOLDER", help="the meters' logs")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args()
    with open(ROOT / "data/published_power.csv", newline="", encoding="utf-8") as file:
        published = {row["quantity"]: row for row in csv.DictReader(file)}
    values = {name: float(row["value"]) for name, row in published.items()}
    if args.meters:
        values |= meters(args.meters, values["step"], values["evaluation"])
    with tempfile.TemporaryDirectory() as folder:
        run(args.muir, folder, args.overrides)
        with open_run(pathlib.Path(folder, "run.h5")) as file:
            watts = file["power/power_w"][:]
            hz = 1 / np.diff(file["power/time_s"][:2])[0]
            found = [file[f"power_window/{name}"][0] for name in ("step_hz", "cycle_hz")]
    at_once, as_read = (read_by_meters(watts, hz, windows, values["servers"], *found) for windows in (1, 2))
    print(f"{'quantity':24} {'published':>10} {'meters at once':>15} {'as read':>10}  unit")
    for name, row in published.items():
        if name in as_read:
            print(f"{name:24} {values[name]:10.4g} {at_once[name]:15.4g} {as_read[name]:10.4g}  {row['units']}")


if __name__ == "__main__":
    main()
