#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Kills a telemetry writer at random instants and lets the next one go on: no flushed row may be lost.

usage: kill_telemetry.py KILLS PATH COMMAND...    COMMAND PATH STEPS is telemetry_writer, maybe under mpirun
"""
import os
import random
import signal
import subprocess
import sys
import time


def start(command, path, steps):
    return subprocess.Popen(command + [path, str(steps)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def numbers(lines, word):
    """The numbers on the whole lines `word N`."""
    return [int(line.split()[1]) for line in lines if line.endswith("\n") and line.split()[0] == word]


def write_and_kill(command, path, longest_s):
    """Returns the lines that the writer had said when it was killed."""
    writer = start(command, path, 1 << 40)
    first = writer.stdout.readline()
    if not first.startswith("pid "):
        sys.exit(f"the writer did not start: {first}{writer.communicate()[1]}")
    time.sleep(longest_s * random.random())
    os.kill(int(first.split()[1]), signal.SIGKILL)
    said, errors = writer.communicate()
    if ".h5" in errors:
        sys.exit(f"the writer failed before it was killed: {errors}")
    return said.splitlines(keepends=True)


def main():
    kills, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    random.seed(1)
    if os.path.exists(path):
        os.unlink(path)
    kept = 0  # steps that were flushed for certain
    for i in range(kills):
        lines = write_and_kill(command, path, random.choice((0.01, 0.1)))
        for found in numbers(lines, "found"):
            if found < kept:
                sys.exit(f"kill {i}: {kept} steps were flushed and {found} are left")
        kept = max([kept] + numbers(lines, "found") + numbers(lines, "flushed"))
    writer = start(command, path, kept + 200)
    said, errors = writer.communicate()
    if writer.returncode != 0 or numbers(said.splitlines(keepends=True), "wrong") != [0]:
        sys.exit(f"after {kills} kills and {kept} steps: {said[-300:]}{errors}")
    print(f"{kills} kills, {kept} steps, none lost")


if __name__ == "__main__":
    main()
