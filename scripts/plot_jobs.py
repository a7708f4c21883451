#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Several jobs on one fleet: plot_jobs.py FILE.h5 [-o DIR]

Takes the file of a run whose scenario has `jobs:`. Writes FILE-jobs.png: how much slower than alone each step of each job is,
over the time of the run, and what each job sends over links of each class in a step.
"""
import argparse
import pathlib
import sys

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import h5py
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

MOST_JOBS = 40


def read(path):
    """Rows of /job, names of jobs and of classes of links."""
    with h5py.File(path, "r", swmr=True) as file:
        if "job" not in file or "jobs" not in file:
            sys.exit(f"plot_jobs.py: {path} has no /job: run a scenario with `jobs:`")
        rows = {name: file["job"][name][:] for name in ("job", "end_s", "slowdown", "bytes")}
        return rows, file["jobs/name"].asstr()[:], file["job/link_name"].asstr()[:]


def mean_bytes(rows, n_jobs):
    """[job, class of links]: mean over a job's steps, NaN for one without a step."""
    sums, steps = np.zeros((n_jobs, rows["bytes"].shape[1])), np.bincount(rows["job"], minlength=n_jobs)
    np.add.at(sums, rows["job"], rows["bytes"])
    return sums / np.where(steps > 0, steps, np.nan)[:, None]


def plot(path, folder):
    rows, names, links = read(path)
    shown = range(min(len(names), MOST_JOBS))
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, max(4, 0.28 * len(shown) + 1.5)))
    for job in shown:
        mine = rows["job"] == job
        left.plot(rows["end_s"][mine], rows["slowdown"][mine], lw=0.9, marker=".", ms=3, label=names[job])
    left.set(xlabel="time of the run [s]", ylabel="step over the same step alone", title="Slow-down, step by step (modelled)")
    if len(shown) <= 12:
        left.legend(fontsize=8)
    matrix = mean_bytes(rows, len(names))[:len(shown)]
    image = right.imshow(np.log10(np.where(matrix > 0, matrix, np.nan)), aspect="auto", cmap="viridis")
    right.set_xticks(range(len(links)), links)
    right.set_yticks(range(len(shown)), [names[job] for job in shown], fontsize=7)
    right.set_title("Bytes per step by class of links (modelled)")
    figure.colorbar(image, ax=right, label="log10 of bytes, all chips of the job")
    figure.tight_layout()
    out = folder / f"{path.stem}-jobs.png"
    figure.savefig(out, dpi=110)
    print(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("-o", dest="folder", type=pathlib.Path, help="folder of the picture; default: that of the file")
    arguments = parser.parse_args()
    plot(arguments.file, arguments.folder or arguments.file.parent)


if __name__ == "__main__":
    main()
