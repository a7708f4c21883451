#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a run, finished or live: plot_run.py FILE.h5 [-o PLACE]

Writes FILE-step-time.png, FILE-throughput.png, FILE-servers.png and FILE-host.png, as far as the file has their data.
Triangles mark events that stop the job; one recovery does not set the axis: what is higher says so.
"""
import argparse
import pathlib
import sys
import warnings

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from open_run import open_run
import run_file

# Dataset, legend, colour: Okabe and Ito's, which people with colour blindness tell apart, then a wine red and greys.
PARTS = [("compute_s", "compute", "#0072B2"), ("tp_s", "tensor parallel", "#56B4E9"),
         ("cp_s", "context parallel", "#009E73"), ("ep_s", "expert parallel", "#8FD6BF"),
         ("pp_s", "pipeline transfers", "#F0E442"), ("bubble_s", "pipeline bubble", "#E69F00"),
         ("dp_s", "data parallel", "#D55E00"), ("optimizer_s", "optimizer", "#CC79A7"),
         ("variation_s", "variation", "#DDCC77"), ("straggler_s", "straggler wait", "#882255"),
         ("checkpoint_s", "checkpoint", "#777777"), ("recovery_s", "recovery", "#BBBBBB"),
         ("evaluation_s", "evaluation", "#000000")]
BLUE, LIGHT_BLUE, RED = "#0072B2", "#56B4E9", "#D55E00"
MARKS = ["#D55E00", "#F0E442", "#56B4E9", "#CC79A7"]  # of events, the costliest kind first
PREFIXES = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (0, "")]
warnings.filterwarnings("ignore", message="All-NaN")  # a step without a host part, which leaves a gap
MOST = 1000  # places along an axis; more than these are joined


def title(file, what):
    model, fleet = run_file.text_of(file, "model"), run_file.text_of(file, "fleet")
    return f"{what}\n{model} on {fleet}" if model and fleet else what


def read(file, name):
    """A dataset's whole rows; None, with a word about it, if there are none."""
    values = run_file.rows(file, name)
    if values is None:
        print(f"no /{name}: left out")
    return values


def joined(function, values, axis=0):
    """VALUES with neighbours along an axis joined by a ufunc such that at most MOST are left, and how many each joins."""
    each = -(-values.shape[axis] // MOST)
    return function.reduceat(values, np.arange(0, values.shape[axis], each), axis=axis), each


def mean(values):
    """At most MOST means of neighbours, and how many each joins."""
    sums, each = joined(np.add, values)
    return sums / joined(np.add, np.ones(len(values)))[0], each


def scaled(values, units):
    """Values and units with the largest prefix that keeps them above 1."""
    top = np.nanmax(np.abs(values), initial=0)
    factor, prefix = next(p for p in PREFIXES if top >= p[0])
    return values / (factor or 1), prefix + units


def save(figure, args, name):
    path = run_file.picture(args.output, args.file, name)
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)
    print(path)


def stops_of(file):
    """Rows of /fleet in which an event stopped the job, and which kind it was; most costly kinds first."""
    events = run_file.events_of(file)
    if events is None:
        return []
    lost_s = np.nan_to_num(events["stall_s"]) + np.nan_to_num(events["trained_s"])
    kinds = sorted(set(events["kind"][lost_s > 0]), key=lambda kind: -lost_s[events["kind"] == kind].sum())
    return [(kind, events["step"][(events["kind"] == kind) & (lost_s > 0)]) for kind in kinds]


def mark_stops(axes, file, y=0.985):
    """A triangle at the top edge for each event that stopped the job; the costliest kinds have colours of their own."""
    stops = stops_of(file)
    for number, (kind, steps) in enumerate(stops[:len(MARKS)]):
        axes.plot(steps, np.full(len(steps), y), "v", transform=axes.get_xaxis_transform(), markersize=6,
                  color=MARKS[number], markeredgecolor="black", markeredgewidth=0.4, clip_on=False,
                  label=f"{kind}: {len(steps)}", zorder=5)
    if len(stops) > len(MARKS):
        rest = np.concatenate([steps for _, steps in stops[len(MARKS):]])
        axes.plot(rest, np.full(len(rest), y), "|", transform=axes.get_xaxis_transform(), color="black",
                  label=f"other events: {len(rest)}", zorder=5)


def legend(axes):
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def usual_top(total):
    """Where an axis ends that shows usual steps: the largest value, unless few are far above the others."""
    most, usual = np.nanmax(total), np.nanpercentile(total, 98)
    return None if most < 2 * usual else 1.5 * usual


def plot_step_time(file, args):
    step, total = read(file, "fleet/step"), read(file, "fleet/step_time_s")
    if step is None or total is None:
        return
    total, each = mean(total)
    edges = np.append(step[::each], step[-1] + 1)
    below = np.zeros(len(total))
    figure, axes = plt.subplots(figsize=(10, 5))
    for name, label, colour in PARTS:
        seconds = run_file.rows(file, f"fleet/{name}")
        if seconds is not None and np.any(seconds > 0):
            above = below + mean(seconds)[0]
            axes.stairs(above, edges, baseline=below, fill=True, color=colour, label=label)
            below = above
    axes.stairs(total, edges, baseline=None, color="black", linewidth=0.5, label="step")
    axes.set(title=title(file, "Step time of the fleet and its parts"), ylabel="time [s]", ylim=(0, usual_top(total)),
             xlabel="step" if each == 1 else f"step (mean of each {each})", xlim=(edges[0], edges[-1]))
    if usual_top(total):
        higher = np.sum(total > usual_top(total))
        axes.text(0.005, 1.005, f"{higher} of {len(total)} values are higher, up to {np.nanmax(total):.3g} s",
                  transform=axes.transAxes, fontsize=8, ha="left", va="bottom")
    mark_stops(axes, file)
    legend(axes)
    save(figure, args, "step-time")


def plot_rate(axes, step, values, label, units, colour):
    """Values as they are, or, if there are many, their means and the range that the means hide."""
    means, each = mean(values)
    places = step[::each]
    if each > 1:
        low, high = joined(np.fmin, values)[0], joined(np.fmax, values)[0]
        axes.fill_between(places, low, high, step="post", color=colour, alpha=0.2, linewidth=0,
                          label=f"range of each {each} steps")
    axes.step(places, means, where="post", color=colour, linewidth=1.2, label=label if each == 1 else "mean")
    axes.set(ylabel=f"{label} [{units}]", ylim=(0, None))
    axes.grid(alpha=0.3)
    return each


def plot_throughput(file, args):
    step, tokens, mfu = (read(file, f"fleet/{name}") for name in ("step", "tokens_per_s", "mfu"))
    columns = [] if tokens is None else [("tokens", *scaled(tokens, "token/s"), BLUE)]
    columns += [] if mfu is None else [("MFU", 100 * mfu, "% of dense peak", RED)]
    if step is None or not columns:
        return
    figure, grid = plt.subplots(len(columns), 1, sharex=True, squeeze=False, figsize=(10, 3 * len(columns)))
    for axes, (label, values, units, colour) in zip(grid[:, 0], columns):
        plot_rate(axes, step, values, label, units, colour)
    mark_stops(grid[0, 0], file)
    legend(grid[0, 0])
    grid[0, 0].set_title(title(file, "Throughput and model FLOP/s utilisation"))
    grid[-1, 0].set_xlabel("step")
    save(figure, args, "throughput")


def mark_servers(axes, file, servers):
    """A ring where an event hit a server; the kinds with most events have colours of their own."""
    events = run_file.events_of(file)
    if events is None:
        return
    hit = (events["server"] >= 0) & (events["server"] < servers)
    kinds = sorted(set(events["kind"][hit]), key=lambda kind: -np.sum(events["kind"][hit] == kind))
    for number, kind in enumerate(kinds[:len(MARKS)]):
        chosen = hit & (events["kind"] == kind)
        axes.plot(events["step"][chosen], events["server"][chosen] + 0.5, "o", color="none", markersize=5,
                  markeredgecolor=MARKS[number], markeredgewidth=1.2, label=f"{kind}: {np.sum(chosen)}")
    if kinds:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=len(MARKS), frameon=False)


def plot_servers(file, args):
    step, slowdown = read(file, "server/step"), file.get("server/slowdown")
    if step is None or slowdown is None:
        print("no /server/slowdown: left out")
        return
    # fmax: a spare server has no slowdown (NaN), but its neighbours have
    lines = [joined(np.fmax, slowdown[row:row + 1], axis=1) for row in range(len(step))]
    image, steps_each = joined(np.fmax, np.concatenate([line for line, _ in lines]))
    servers_each = lines[0][1]
    end = step[-1] + (step[-1] - step[-2] if len(step) > 1 else 1)
    figure, axes = plt.subplots(figsize=(10, 5))
    picture = axes.imshow(image.T, aspect="auto", origin="lower", cmap="cividis", interpolation="nearest",
                          extent=(step[0], end, 0, slowdown.shape[1]))
    axes.set(title=title(file, "Slowdown of every server"),
             xlabel="step" if steps_each == 1 else f"step (slowest of each {steps_each})",
             ylabel="server" if servers_each == 1 else f"server (slowest of each {servers_each})")
    axes.yaxis.get_major_locator().set_params(integer=True)
    mark_servers(axes, file, slowdown.shape[1])
    axes.set(xlim=(step[0], end), ylim=(0, slowdown.shape[1]))
    figure.colorbar(picture, label="time relative to nominal [1]")
    save(figure, args, "servers")


HOST_PARTS = [("gemm_s", "matrix products", "#0072B2"), ("mem_s", "memory streams", "#009E73"),
              ("coll_s", "collectives", "#D55E00"), ("p2p_s", "messages between stages", "#F0E442"),
              ("check_s", "checks", "#BBBBBB")]


def plot_host_rate(axes, step, rate, name, units):
    """The median over ranks and their range, in each step that was executed."""
    values, units = scaled(rate, units)
    axes.fill_between(step, np.nanmin(values, 1), np.nanmax(values, 1), color=LIGHT_BLUE, alpha=0.5,
                      label=f"range of {values.shape[1]} rank(s)")
    axes.plot(step, np.nanmedian(values, 1), color=BLUE, linewidth=1, label="median")
    axes.set(ylabel=f"{name} [{units}]", ylim=(0, None))
    axes.grid(alpha=0.3)
    legend(axes)


def plot_host(file, args):
    """What the host clock executed: rates of products and collectives, and where its time went."""
    names = ["step", "gemm_flop_per_s", "coll_s", "coll_bytes"]
    step, gemm, coll_s, coll_bytes = (read(file, f"host/{name}") if "host" in file else None for name in names)
    if any(values is None for values in (step, gemm, coll_s, coll_bytes)):
        return
    figure, (rates, buses, parts) = plt.subplots(3, 1, sharex=True, figsize=(10, 9))
    plot_host_rate(rates, step, gemm, "products", "FLOP/s")
    with np.errstate(divide="ignore", invalid="ignore"):
        plot_host_rate(buses, step, coll_bytes / coll_s, "collectives, waiting included", "B/s")
    below = np.zeros(len(step))
    for name, label, colour in HOST_PARTS:
        seconds = run_file.rows(file, f"host/{name}")
        if seconds is not None:
            above = below + 1e3 * seconds.mean(axis=1)
            parts.fill_between(step, below, above, step="mid", color=colour, label=label, linewidth=0)
            below = above
    total = read(file, "host/step_time_s")
    if total is not None:
        parts.plot(step, 1e3 * total.mean(axis=1), color="black", linewidth=0.8, label="step")
    parts.set(ylabel="mean over ranks [ms]", xlabel="step", ylim=(0, None))
    legend(parts)
    rates.set_title(title(file, "What this host executed"))
    save(figure, args, "host")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path, help="telemetry of muir run")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="PLACE",
                        help="folder for the pictures, or NAME.png: then they are NAME-step-time.png and so on")
    args = parser.parse_args()
    try:
        file = open_run(args.file)
    except OSError as error:
        sys.exit(f"{args.file}: {error}")
    with file:
        for plot in (plot_step_time, plot_throughput, plot_servers, plot_host):
            plot(file, args)


if __name__ == "__main__":
    main()
