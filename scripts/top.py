#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Follows a running job from another process: top.py FILE.h5 [--once] [--every S]

Shows how far it is, where the last steps' time went, the slowest servers, the latest events, goodput, and how fast the
host's collectives are. Reads only the last rows. `muir top` runs this script.
"""
import argparse
import pathlib
import shutil
import sys
import time

from python_with import python_with

python_with("h5py", "numpy")
import numpy as np

import run_file
from open_run import open_run
from report_data import PARTS, duration, si

ROWS = 100  # last ones, over which means are taken
BAR = 40


def bar(share, width=BAR):
    return ("#" * int(round(share * width))).ljust(width, ".")


def progress_lines(path, file, now_s):
    last = {name: run_file.tail(file, f"fleet/{name}", ROWS) for name in
            ("step", "step_time_s", "training_step", "fleet_time_s", "goodput", "mfu", "tokens_per_s", "replicas", "power_w")}
    n, step = run_file.rows_of(file, "fleet"), last["step"]
    spent = [run_file.tail(file, f"emulation/{name}", ROWS) for name in ("fleet_clock_s", "host_s", "telemetry_s")]
    rate = [np.mean(sum(spent))] if all(values is not None for values in spent) else []
    lines = [f"step      {step[-1]:,} ({n:,} rows), {last['training_step'][-1]:,} of progress; last row written "
             f"{max(0.0, now_s - path.stat().st_mtime):.1f} s ago"
             + (f"; {1 / rate[0]:.3g} steps per second of muir's time" if rate and rate[0] > 0 else ""),
             f"fleet     {duration(float(last['fleet_time_s'][-1]))} of fleet time; goodput {100 * last['goodput'][-1]:.2f} %; "
             f"{last['replicas'][-1]:,} replicas; {si(float(last['power_w'][-1]), 'W')}",
             f"step time {si(float(np.mean(last['step_time_s'])), 's')} (mean of {len(step)}), {si(float(np.max(last['step_time_s'])), 's')} "
             f"largest; MFU {100 * np.mean(last['mfu']):.1f} %; {si(float(np.mean(last['tokens_per_s'])), 'token/s')}"]
    for name, label, _ in PARTS:
        seconds = run_file.tail(file, f"fleet/{name}", ROWS)
        if seconds is not None and np.any(seconds != 0):
            share = float(np.mean(seconds) / np.mean(last["step_time_s"]))
            lines.append(f"  {label:<20}{si(float(np.mean(seconds)), 's'):>10} {100 * share:5.1f} % {bar(max(0.0, share))}")
    return lines


def server_lines(file, most=5):
    slowdown = run_file.tail(file, "server/slowdown", 1)
    if slowdown is None:
        return []
    known = np.where(np.isfinite(slowdown[-1]), slowdown[-1], -np.inf)
    slowest = [number for number in np.argsort(-known)[:most] if np.isfinite(known[number])]
    return ["servers   slowest: " + ", ".join(f"{number} ({known[number]:.3f})" for number in slowest)]


def event_lines(file, most=5):
    columns = {name: run_file.tail(file, f"events/{name}", most) for name in ("kind", "step", "server", "stall_s")}
    if any(values is None for values in columns.values()):
        return []
    names = run_file.names_of(file, "events/kind")
    lines = [f"events    {run_file.rows_of(file, 'events'):,}; the latest:"]
    for kind, step, server, stall_s in list(zip(*columns.values()))[::-1]:
        lines.append(f"  step {step:,}: {names.get(int(kind), kind)}" + (f", server {server}" if server >= 0 else "")
                     + (f", the job stood still for {duration(float(stall_s))}" if stall_s > 0 else ""))
    return lines


def host_lines(file):
    seconds, moved, flop = (run_file.tail(file, f"host/{name}", ROWS) for name in ("coll_s", "coll_bytes", "gemm_flop_per_s"))
    if seconds is None or moved is None:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(seconds > 0, moved / seconds, np.nan)
    text = f"host      {si(float(np.nanmedian(rates)), 'B/s')} in collectives, waiting included" if np.any(np.isfinite(rates)) else "host      no collectives"
    if flop is not None and np.any(np.isfinite(flop)):
        text += f"; products {si(float(np.nanmedian(flop)), 'FLOP/s')} per rank"
    return [text + f" (median of {len(seconds)} executed steps)"]


def screen(path):
    """The lines of one screen; reopens the file, so that all of it is of one moment."""
    with open_run(path) as file:
        if "muir_version" not in file.attrs:
            raise OSError("is not a telemetry file of muir run")
        head = f"muir top  {path.name}: {run_file.text_of(file, 'model')} on {run_file.text_of(file, 'fleet')}"
        if not run_file.rows_of(file, "fleet"):
            return [head, "no step yet"]
        return [head, *progress_lines(path, file, time.time()), *server_lines(file), *event_lines(file), *host_lines(file)]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"muir: top: {message}", file=sys.stderr)
        sys.exit(2)


def main():
    parser = Parser(prog="muir top", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--every", type=float, default=2.0, metavar="S")
    args = parser.parse_args()
    if args.every <= 0:
        parser.error("--every is seconds above 0")
    try:
        while True:
            lines = screen(args.file)
            if args.once:
                print("\n".join(lines))
                return
            width = shutil.get_terminal_size().columns
            print("\033[H\033[2J" + "\n".join(line[:width] for line in lines), flush=True)
            time.sleep(args.every)
    except OSError as error:
        print(f"muir: {args.file}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
