#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Periodic interference on this cluster's nodes: noise_lines.py FILE.h5 [-n LINES] [--least SIGNIFICANCE]

Takes the executed step times of /host, rank by rank, puts them on the wall clock of the host's steps, and looks for lines
in their spectrum: Welch's estimate (Hann, half overlapping), each bin against the median of its neighbours. A line that
chance makes once in SIGNIFICANCE runs (default 100) is named, with its period, the ranks that have it, and the share of the
variance in it and its multiples. Daemons, timer ticks and monitoring show as lines; congestion and noise without a period do not.
"""
import argparse
import pathlib
import sys

from python_with import python_with

python_with("h5py", "numpy")
import numpy as np

from open_run import open_run

SEGMENTS = 8      # of half overlapping ones about 15 are averaged
LEAST_STEPS = 64  # below, there is nothing to average


def on_a_grid(seconds):
    """Step times at even times of the ranks' own clock, and the rate: a step lies at the sum of those before it."""
    times = np.concatenate([[0.0], np.cumsum(seconds)[:-1]])
    rate = len(seconds) / np.sum(seconds)
    grid = np.arange(0.0, times[-1], 1 / rate)
    return np.interp(grid, times, seconds), rate


def welch(values, rate):
    """One-sided density and frequencies; the number of segments."""
    segment = max(2 * len(values) // (SEGMENTS + 1), 16)
    window = np.hanning(segment + 1)[:-1]
    starts = range(0, len(values) - segment + 1, segment // 2)
    parts = [values[start:start + segment] for start in starts]
    squares = [np.abs(np.fft.rfft((part - part.mean()) * window))**2 for part in parts]
    psd = np.mean(squares, axis=0) * 2 / (rate * np.sum(window**2))
    return np.fft.rfftfreq(segment, 1 / rate), psd, len(parts)


def floor_of(psd):
    """Median of each bin's neighbourhood."""
    half = max(len(psd) // 20, 4)
    padded = np.pad(psd[1:], half, mode="reflect")
    return np.concatenate([[np.inf], np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)])


def lines_of(seconds, least):
    """(frequency, times the floor, share of the variance) of each line of one rank."""
    values, rate = on_a_grid(seconds)
    hz, psd, segments = welch(values, rate)
    # Mean of so many exponential draws, overlap counted as in Welch's paper: the level that noise passes once.
    freedom = max(segments * 0.53, 1.0)
    draws = np.random.default_rng(1).gamma(freedom, 1 / freedom, 200000)
    level = np.quantile(draws, 1 - 1 / (least * len(psd))) / np.median(draws) if least * len(psd) < 2e5 else \
        draws.max() / np.median(draws)
    ratio = psd / floor_of(psd)
    is_peak = np.r_[False, (ratio[1:-1] >= ratio[:-2]) & (ratio[1:-1] > ratio[2:]), False]
    share = psd * (hz[1] - hz[0]) / max(np.var(values), 1e-300)
    return [(hz[k], ratio[k], share[max(k - 1, 1):k + 2].sum()) for k in np.flatnonzero(is_peak & (ratio > level))]


def joined(found, width_hz):
    """Lines of all ranks, those within a bin of each other as one: (frequency, ranks, ratio, share), strongest first."""
    lines = []
    for hz, rank, ratio, share in sorted(found):
        if lines and hz - lines[-1][0][-1] <= width_hz:
            for values, value in zip(lines[-1], (hz, rank, ratio, share)):
                values.append(value)
        else:
            lines.append(([hz], [rank], [ratio], [share]))
    return [(np.mean(hz), sorted(set(ranks)), max(ratio), np.mean(share)) for hz, ranks, ratio, share in lines]


def with_harmonics(lines, width_hz):
    """Lines that are multiples of a lower one go to its account: (frequency, ranks, ratio, share, multiples), the
    strongest first."""
    bases = []
    for hz, ranks, ratio, share in lines:
        base = next((b for b in bases if round(hz / b[0]) > 1 and abs(hz - round(hz / b[0]) * b[0]) <= width_hz), None)
        if base is None:
            bases.append([hz, ranks, ratio, share, 0])
        else:
            base[3] += share
            base[4] += 1
    return sorted(bases, key=lambda line: -line[3] * len(line[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("-n", "--lines", type=int, default=10, help="most lines to print")
    parser.add_argument("--least", type=float, default=100.0, metavar="SIGNIFICANCE")
    args = parser.parse_args()
    with open_run(args.file) as file:
        if "host/step_time_s" not in file:
            sys.exit(f"{args.file}: no /host/step_time_s: the host clock did not run")
        seconds = file["host/step_time_s"][:len(file["host/step"])]
    if len(seconds) < LEAST_STEPS:
        sys.exit(f"{args.file}: {len(seconds)} executed steps are too few: at least {LEAST_STEPS}")
    ranks = [rank for rank in range(seconds.shape[1]) if np.isfinite(seconds[:, rank]).all()]
    found = [(hz, rank, ratio, share) for rank in ranks for hz, ratio, share in lines_of(seconds[:, rank], args.least)]
    mean = seconds[:, ranks].mean()
    rate = 1 / mean
    print(f"{len(seconds)} executed steps on {len(ranks)} ranks, {1e3 * mean:.4g} ms each, standard deviation "
          f"{100 * seconds[:, ranks].std(axis=0).mean() / mean:.3g} %; lines from {rate * SEGMENTS / len(seconds):.3g} to "
          f"{rate / 2:.3g} Hz")
    width_hz = rate * SEGMENTS / len(seconds)
    lines = with_harmonics(joined(found, 2 * width_hz), 2 * width_hz)[:args.lines]
    if not lines:
        print("no line: what varies has no period")
    for hz, where, ratio, share, multiples in lines:
        names = "all ranks" if len(where) == len(ranks) else f"rank{'s' * (len(where) > 1)} {', '.join(map(str, where))}"
        print(f"{hz:10.4g} Hz  period {1 / hz:9.4g} s  {100 * share:5.1f} % of the variance with {multiples} multiples  "
              f"{ratio:6.1f} x its neighbours  {names}")


if __name__ == "__main__":
    main()
