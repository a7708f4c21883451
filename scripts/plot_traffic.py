#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What ranks executed in a step of the host clock, and the bytes they moved: plot_traffic.py FILE.h5 [-s STEP] [-o DIR]

Takes a run with telemetry.trace_steps=N. Writes FILE-traffic.png: a lane of ops for each rank, and below it the traffic over
time, each message and collective spread over the time that it took.
"""
import argparse
import pathlib
import sys

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from open_run import open_run

# Kind, legend, colour: as in plot_run.py. What is none of the named kinds is a collective.
PRODUCT, MEMORY, RECEIVE, SEND, COLLECTIVE = ("#0072B2", "#56B4E9", "#E69F00", "#000000", "#D55E00")
LANES = [("product", "products", PRODUCT), ("memory", "memory streams", MEMORY), ("receive", "awaiting a message", RECEIVE),
         ("send", "sending a message", SEND), ("collective", "collectives", COLLECTIVE)]
BINS, MOST_RANKS = 400, 32


def read_step(file, wanted):
    """Kinds, starts, ends and bytes of a step's ops, [event, rank], and the step; the first one that was traced by default."""
    if "host_trace" not in file or not len(file["host_trace/event"]):
        sys.exit("plot_traffic.py: the file has no executed ops; run with telemetry.trace_steps=1 or more")
    trace = file["host_trace"]
    n = len(trace["event"])
    steps = trace["step"][:n]
    step = steps[0] if wanted is None else wanted
    if step not in steps:
        sys.exit(f"plot_traffic.py: step {step} was not traced; traced: {steps[0]} to {steps[-1]}")
    rows = steps == step
    names = [text.decode() for text in file["program/kind"][:]]
    known = {kind for kind, _, _ in LANES}
    kinds = np.array([name if name in known else "collective" for name in names] + [""])  # -1: no op
    return kinds[trace["op"][:n][rows]], *(trace[name][:n][rows] for name in ("start_s", "end_s", "bytes")), int(step)


def spread(start, end, size, edges):
    """Bytes in each bin; an op that touches several counts in each by its share."""
    moved = np.zeros(len(edges) - 1)
    for first, last, amount in zip(start, end, size):
        last = max(last, first + 1e-9)
        overlap = np.clip(np.minimum(edges[1:], last) - np.maximum(edges[:-1], first), 0, None)
        moved += amount * overlap / (last - first)
    return moved


def draw_lanes(axes, kinds, start, end, ranks):
    for kind, label, colour in LANES:
        for rank in range(ranks):
            chosen = kinds[:, rank] == kind
            spans = np.column_stack([start[chosen, rank], end[chosen, rank] - start[chosen, rank]]) * 1e3
            height = (rank - 0.4, 0.8) if kind != "collective" else (rank - 0.4, 0.3)  # beside the products that hide it
            axes.broken_barh(spans, height, facecolors=colour, label=None if rank else label, zorder=3 if kind == "collective" else 2)
    axes.set(ylabel="rank", yticks=range(ranks), ylim=(ranks - 0.4, -0.6))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def draw_traffic(axes, kinds, start, end, size, edges):
    """Of all ranks together; a message counts where it is sent. Logarithmic, for messages are small beside collectives."""
    below = np.zeros(len(edges) - 1)
    for label, colour, chosen in (("messages", SEND, kinds == "send"),
                                  ("collectives", COLLECTIVE, (kinds == "collective") & (size > 0))):
        moved = spread(start[chosen], end[chosen], size[chosen], edges) / 1024
        axes.stairs(below + moved, edges * 1e3, baseline=below, fill=True, color=colour, label=label)
        below = below + moved
    axes.set(xlabel="time after the start of the step [ms]", ylabel=f"moved in {1e3 * (edges[1] - edges[0]):.3g} ms [KiB]",
             yscale="symlog")
    axes.set_ylim(0, None)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__.split("\n\n", 1)[1])
    parser.add_argument("file", type=pathlib.Path, help="telemetry file of a run with telemetry.trace_steps=N")
    parser.add_argument("-s", "--step", type=int, help="step to draw (default: the first that was traced)")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."), help="folder for the picture")
    args = parser.parse_args()
    if not args.file.is_file():
        sys.exit(f"plot_traffic.py: there is no {args.file}")
    with open_run(args.file) as file:
        kinds, start, end, size, step = read_step(file, args.step)
        pace = file["scenario"].attrs.get("host.pace", b"")
        pace = pace.decode().rstrip("\0") if isinstance(pace, bytes) else pace
    ranks = min(kinds.shape[1], MOST_RANKS)
    edges = np.linspace(0, np.nanmax(end), BINS + 1)
    figure, (lanes, traffic) = plt.subplots(2, 1, sharex=True, figsize=(12, 7), gridspec_kw={"height_ratios": [2, 1]})
    draw_lanes(lanes, kinds, start, end, ranks)
    draw_traffic(traffic, kinds[:, :ranks], start[:, :ranks], end[:, :ranks], size[:, :ranks], edges)
    lanes.set_title(f"Executed ops and MPI traffic of step {step}, {pace}")
    path = args.output / f"{args.file.stem}-traffic.png"
    figure.savefig(path, dpi=150, bbox_inches="tight")
    print(path)


if __name__ == "__main__":
    main()
