#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a run's power trace: plot_power.py FILE.h5 [FILE.h5 ...] [-w WINDOW] [-o PICTURE.png]

Above: the power at the meter over time, its first minute large. Below: its spectral density, with the step's frequency and
the bands that grids watch. More files are laid over the first, in other colours: the same scenario with a remedy each.
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

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]  # Okabe and Ito
BANDS = [(0.1, 1, "between areas"), (1, 2.5, "plants, sources"), (2.5, 7, ""), (7, 20, "turbine shafts")]
SHORT_S = 60


def attribute(file, key):
    value = file["scenario"].attrs[key]
    return value.decode().rstrip("\0") if isinstance(value, bytes) else str(value)


REMEDIES = [("power.floor", "floor"), ("power.storage_j_per_chip", "storage [J/chip]"), ("power.stagger_s", "stagger [s]"),
            ("power.ramp_up_w_per_s", "ramp up [W/s/chip]"), ("power.ramp_down_w_per_s", "ramp down [W/s/chip]")]


def label_of(file):
    """What makes a file's trace differ from one without remedy."""
    parts = [f"{name} {attribute(file, key)}" for key, name in REMEDIES if float(attribute(file, key)) > 0]
    return ", ".join(parts) or "no remedy"


def read(path, window):
    """A window's samples, density and figures; the last one whose row is there if WINDOW is None."""
    with open_run(path) as file:
        if "power_window" not in file or not len(file["power_window/window"]):
            sys.exit(f"{path}: no whole power trace (power.window_s=600 asks for one)")
        rows = file["power_window/window"][:]
        window = rows[-1] if window is None else window
        if window not in rows:
            sys.exit(f"{path}: no window {window}; there are {', '.join(map(str, rows))}")
        row = int(np.flatnonzero(rows == window)[0])
        mine = file["power/window"][:len(file["power/sample"])] == window
        figures = {name: file[f"power_window/{name}"][row] for name in ("step_hz", "line_w", "mean_w", "max_w")}
        return {"time_s": file["power/time_s"][:len(mine)][mine], "w": file["power/power_w"][:len(mine)][mine],
                "hz": file["power_window/frequency"][:], "psd": file["power_window/psd"][row], **figures,
                "label": label_of(file), "title": f"{attribute(file, 'model')} on {attribute(file, 'fleet')}"}


def unit_of(traces):
    """The largest unit of which the first trace's mean has at least ten."""
    return next((size, name) for size, name in ((1e6, "MW"), (1e3, "kW"), (1, "W"))
                if traces[0]["mean_w"] >= 10 * size or size == 1)


def plot_time(axes, traces, end_s):
    size, unit = unit_of(traces)
    for trace, colour in zip(traces, COLOURS):
        shown = trace["time_s"] <= end_s
        axes.plot(trace["time_s"][shown], trace["w"][shown] / size, color=colour, linewidth=0.9, label=trace["label"])
    axes.set(xlabel="time [s]", ylabel=f"power at the meter [{unit}]", xlim=(0, min(end_s, traces[0]["time_s"][-1])))
    axes.grid(alpha=0.3)


def plot_density(axes, traces):
    size, unit = unit_of(traces)
    for low, high, name in BANDS:
        axes.axvspan(low, high, color="#888888", alpha=0.08 if low in (0.1, 2.5) else 0.16, linewidth=0)
        axes.text(np.sqrt(low * high), 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  fontsize=8, clip_on=high > traces[0]["hz"][-1])
    for trace, colour in zip(traces, COLOURS):
        kept = trace["hz"] > 0
        axes.loglog(trace["hz"][kept], trace["psd"][kept] / size**2, color=colour, linewidth=0.9)
    axes.axvline(traces[0]["step_hz"], color="black", linewidth=0.8, linestyle=":")
    axes.annotate(f"step {traces[0]['step_hz']:.3g} Hz", (traces[0]["step_hz"], 0.02), rotation=90, fontsize=8,
                  xycoords=("data", "axes fraction"), ha="right", va="bottom")
    axes.set(xlabel="frequency [Hz]", ylabel=f"spectral density [{unit}²/Hz]",
             xlim=(traces[0]["hz"][1], traces[0]["hz"][-1]))
    axes.grid(alpha=0.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("-w", "--window", type=int, help="number of the window; without it each file's last one")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="PICTURE.png")
    args = parser.parse_args()
    if len(args.files) > len(COLOURS):
        parser.error(f"{len(args.files)} files are more than the {len(COLOURS)} colours")
    traces = [read(path, args.window) for path in args.files]
    figure, (whole, short, density) = plt.subplots(3, 1, figsize=(10, 11), layout="constrained")
    plot_time(whole, traces, np.inf)
    plot_time(short, traces, SHORT_S)
    plot_density(density, traces)
    size, unit = unit_of(traces)
    figure.suptitle(f"Power of {traces[0]['title']} (modelled)\n{traces[0]['mean_w'] / size:.4g} {unit} mean, "
                    f"{traces[0]['max_w'] / size:.4g} {unit} peak, {traces[0]['line_w'] / size:.3g} {unit} peak to peak at "
                    "the step")
    whole.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, frameon=False)
    path = args.output or pathlib.Path(f"{args.files[0].stem}-power.png")
    figure.savefig(path, dpi=110)
    print(path)


if __name__ == "__main__":
    main()
