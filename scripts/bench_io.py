# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints of muir against other ways to the same disk: scripts/bench io [options]

Rounds in which each way writes the same bytes from the same number of processes until the disk has them, and reads them back
from the disk, in an order that turns from round to round:
  checkpoint  muir: one HDF5 file through MPI-IO, a checksum for every MiB, read with every block verified
  plain       muir's ranks, a file each
  dd          dd if=/dev/zero conv=fsync, a file each
  h5py        a file each, flush and fsync
Prints medians over rounds and, from the pairs within a round, ratios; then flips one byte of a checkpoint and shows what a run
that goes on with it says. Others that use the disk meanwhile show in the range.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_builds import build_of, run_muir, size_text
from python_with import python_with

WAYS = ("checkpoint", "plain", "dd", "h5py")
H5PY = """
import os, sys, time
import h5py, numpy
path, what, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = numpy.frombuffer(os.urandom(1 << 20), dtype="u1")
data = numpy.tile(data, -(-size // data.size))[:size] if what == "write" else numpy.zeros(size, dtype="u1")
print("ready", flush=True)
sys.stdin.readline()
start = time.monotonic()
if what == "write":
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data)
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
else:
    with h5py.File(path) as file:
        file["data"].read_direct(data)
print(time.monotonic() - start)
"""


def forget(paths):
    """Drops from memory what the disk has, so that a read comes from the disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def time_muir(build, options):
    """Seconds of (write, read) of checkpoint and of plain."""
    done = run_muir(build, options.ranks, ["bench", "io", "-b", str(options.size), "-e", str(options.size), "-n", "1", "--folder",
                                           options.folder, "--json", "-"])
    row = json.loads(done.stdout)["rows"][0]
    return {way: (row["bytes"] / row[f"{prefix}write_byte_per_s"], row["bytes"] / row[f"{prefix}read_byte_per_s"])
            for way, prefix in (("checkpoint", ""), ("plain", "posix_"))}


def time_dd(paths, size):
    def slowest(commands):
        running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}) for command in commands]
        ends = [process.communicate()[1] for process in running]
        return max(float(re.search(r"copied, ([0-9.e+-]+) s", end).group(1)) for end in ends)

    block = 4 << 20
    count = size // len(paths) // block
    write_s = slowest([["dd", "if=/dev/zero", f"of={path}", f"bs={block}", f"count={count}", "conv=fsync"] for path in paths])
    forget(paths)
    return write_s, slowest([["dd", f"if={path}", "of=/dev/null", f"bs={block}"] for path in paths])


def time_h5py(paths, size):
    def slowest(what):
        running = [subprocess.Popen([sys.executable, "-c", H5PY, path, what, str(size // len(paths))], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True) for path in paths]
        for process in running:
            process.stdout.readline()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        return max(float(process.communicate()[0]) for process in running)

    write_s = slowest("write")
    forget(paths)
    return write_s, slowest("read")


def run_round(build, options, number, times):
    """Each way once, beginning with another one each round; its files are gone before the next begins."""
    ways = [("muir", None), ("dd", time_dd), ("h5py", time_h5py)]
    for name, way in ways[number % 3:] + ways[:number % 3]:
        print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            if way:
                found = {name: way([os.path.join(folder, f"{name}.{i}") for i in range(options.ranks)], options.size)}
            else:
                found = time_muir(build, options)
        for key, pair in found.items():
            times[key].append(pair)


def print_table(times, options):
    print(f"\n### {size_text(options.size)} from {options.ranks} processes in {options.folder}, {len(times['dd'])} rounds\n")
    print("| way | write GB/s | range | checkpoint's over it | read GB/s | range | checkpoint's over it |")
    print("|---|---:|---|---:|---:|---|---:|")
    for way in WAYS:
        cells = []
        for i in range(2):
            rates = [options.size / pair[i] / 1e9 for pair in times[way]]
            ratio = statistics.median(pair[i] / own[i] for pair, own in zip(times[way], times["checkpoint"]))
            cells += [f"{statistics.median(rates):.2f}", f"{min(rates):.2f} to {max(rates):.2f}", f"{ratio:.2f}"]
        print(f"| {way} | {' | '.join(cells)} |")


def show_flip(build, options):
    """A run keeps its checkpoints; one byte of one is flipped; the run goes on."""
    import h5py
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = os.path.join(folder, "x.h5")
        job = ["run", "tiny", "host.budget=0.002", "faults.checkpoint.storage=async", "faults.checkpoint.storage_every=10",
               "host.checkpoint_keep=true", "host.checkpoint_bytes=20000000", "-o", path]
        run_muir(build, options.ranks, [*job, "steps=20"])
        target = os.path.join(folder, "x.checkpoint-1.h5")
        with h5py.File(target) as file:
            at = file["optimizer/data"].size * 3 // 4
            place = file["optimizer/data"].id.get_offset() + at
        with open(target, "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1]))
        done = run_muir(build, options.ranks, [*job, "steps=30", "--resume"], is_checked=False)
    said = [line for line in done.stderr.splitlines() if line.startswith("muir: ") and "damaged" in line]
    print(f"\nOne bit of byte {at:,} of /optimizer/data flipped, then `muir run --resume` (exit code {done.returncode}):\n")
    print("\n".join(f"    {line}" for line in said) or "    nothing was said: this is a defect")
    return done.returncode == 1 and bool(said)


def fit(options):
    """Halves the size until disk and memory have room."""
    wanted = options.size
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = 1024 * int(re.search(r"MemAvailable:\s+(\d+)", file.read()).group(1))
    room = min(shutil.disk_usage(options.folder).free / 2.2, memory / 1.5)
    while options.size > room:
        options.size //= 2
    options.size -= options.size % (4 * options.ranks << 20)
    if options.size != wanted:
        print(f"{size_text(wanted)} find no room here: {size_text(options.size)} instead", file=sys.stderr)


def main(arguments):
    python_with("h5py")
    parser = argparse.ArgumentParser(prog="scripts/bench io", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4 << 30, help="bytes of all processes (4 GiB)")
    parser.add_argument("--ranks", type=int, default=2, help="processes (2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--folder", default=".", help="on the file system that is measured (.)")
    parser.add_argument("--preset", default="release", help="build to take (release)")
    parser.add_argument("--json", help="file for the times of all rounds")
    options = parser.parse_args(arguments)
    build = build_of(options.preset)
    if not build:
        sys.exit("no build: run scripts/build")
    fit(options)
    times, started = {way: [] for way in WAYS}, time.monotonic()
    for number in range(options.rounds):
        run_round(build, options, number, times)
    print_table(times, options)
    is_caught = show_flip(build, options)
    print(f"\n{options.rounds} rounds in {time.monotonic() - started:.0f} s")
    if options.json:
        rows = {"bytes": options.size, "ranks": options.ranks, "seconds": times}
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.exit(0 if is_caught else 1)
