#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a run, finished or live: plot_run.py FILE.h5 [-o DIR]

Writes FILE-step-time.png, FILE-throughput.png, FILE-servers.png and FILE-host.png, as far as the file has their data.
"""
import argparse
import pathlib
import sys
import warnings

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import h5py
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from open_run import open_run

# Dataset, legend, colour: Okabe and Ito's, which people with colour blindness tell apart, then a wine red and greys.
PARTS = [("compute_s", "compute", "#0072B2"), ("tp_s", "tensor parallel", "#56B4E9"),
         ("cp_s", "context parallel", "#009E73"), ("ep_s", "expert parallel", "#8FD6BF"),
         ("pp_s", "pipeline transfers", "#F0E442"), ("bubble_s", "pipeline bubble", "#E69F00"),
         ("dp_s", "data parallel", "#D55E00"), ("optimizer_s", "optimizer", "#CC79A7"),
         ("variation_s", "variation", "#DDCC77"), ("straggler_s", "straggler wait", "#882255"),
         ("checkpoint_s", "checkpoint", "#777777"), ("recovery_s", "recovery", "#BBBBBB"),
         ("evaluation_s", "evaluation", "#000000")]
BLUE, LIGHT_BLUE, RED = "#0072B2", "#56B4E9", "#D55E00"
PREFIXES = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (0, "")]
warnings.filterwarnings("ignore", message="All-NaN")  # a step without a host part, which leaves a gap
MOST = 1000  # places along an axis; more than these are joined


def text_of(file, key):
    """An attribute or a single text of /scenario, or an attribute of the file; None if there is no such thing."""
    place = file.get("scenario", file)
    value = place.attrs.get(key, file.attrs.get(key))
    if value is None and isinstance(place.get(key), h5py.Dataset):
        value = place[key][()]
    return value.decode().rstrip("\0") if isinstance(value, bytes) else value


def title(file, what):
    model, fleet = text_of(file, "model"), text_of(file, "fleet")
    return f"{what}\n{model} on {fleet}" if model and fleet else what


def read(file, name):
    """A dataset's whole rows; None, with a word about it, if there are none. In a live file a group's coordinate is
    written last, so its length counts."""
    dataset = file.get(name)
    rows = 0 if dataset is None else len(dataset.parent.get("step", dataset))
    if not rows:
        print(f"no /{name}: left out")
        return None
    return dataset[:rows]


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
    path = args.output / f"{args.file.stem}-{name}.png"
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)
    print(path)


def legend(axes):
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def plot_step_time(file, args):
    step, total = read(file, "fleet/step"), read(file, "fleet/step_time_s")
    if step is None or total is None:
        return
    total, each = mean(total)
    edges = np.append(step[::each], step[-1] + 1)
    below = np.zeros(len(total))
    figure, axes = plt.subplots(figsize=(10, 5))
    for name, label, colour in PARTS:
        seconds = read(file, f"fleet/{name}")
        if seconds is not None and np.any(seconds > 0):
            above = below + mean(seconds)[0]
            axes.stairs(above, edges, baseline=below, fill=True, color=colour, label=label)
            below = above
    axes.stairs(total, edges, baseline=None, color="black", linewidth=0.8, label="step")
    axes.set(title=title(file, "Step time of the fleet and its parts"), ylabel="time [s]", ylim=(0, None),
             xlabel="step" if each == 1 else f"step (mean of each {each})", xlim=(edges[0], edges[-1]))
    legend(axes)
    save(figure, args, "step-time")


def plot_throughput(file, args):
    step, tokens, mfu = (read(file, f"fleet/{name}") for name in ("step", "tokens_per_s", "mfu"))
    rows = [] if tokens is None else [("tokens", *scaled(tokens, "token/s"), BLUE)]
    rows += [] if mfu is None else [("MFU", 100 * mfu, "% of dense peak", RED)]
    if step is None or not rows:
        return
    figure, grid = plt.subplots(len(rows), 1, sharex=True, squeeze=False, figsize=(10, 3 * len(rows)))
    for axes, (label, values, units, colour) in zip(grid[:, 0], rows):
        axes.plot(step, values, color=colour, linewidth=1)
        axes.set(ylabel=f"{label} [{units}]", ylim=(0, None))
        axes.grid(alpha=0.3)
    grid[0, 0].set_title(title(file, "Throughput and model FLOP/s utilisation"))
    grid[-1, 0].set_xlabel("step")
    save(figure, args, "throughput")


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
        seconds = read(file, f"host/{name}")
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
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."), help="folder for the pictures")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    try:
        file = open_run(args.file)
    except OSError as error:
        sys.exit(f"{args.file}: {error}")
    with file:
        for plot in (plot_step_time, plot_throughput, plot_servers, plot_host):
            plot(file, args)


if __name__ == "__main__":
    main()
