#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Picture of runs' power traces: plot_power.py FILE.h5 [FILE.h5 ...] [-w WINDOW] [-o PLACE]

Above: the power at the meter over time, its first minute large. Below: its spectral density, with the step's frequency and
the bands that grids watch. More files are laid over the first, in other colours, each with what its scenario has of its own.
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
import run_file

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]  # Okabe and Ito
BANDS = [(0.1, 1, "between areas"), (1, 2.5, "plants, sources"), (2.5, 7, ""), (7, 20, "turbine shafts")]
SHORT_S = 60


# Keys that make a trace smoother, with what to write for a value; 0 of any of them is no remedy.
REMEDIES = [("power.cap", "cap {} of TDP"), ("power.floor", "floor {} of TDP"),
            ("power.storage_j_per_chip", "storage {} J/chip"), ("power.stagger_s", "stagger {} s"),
            ("power.ramp_up_w_per_s", "ramp up {} W/s/chip"), ("power.ramp_down_w_per_s", "ramp down {} W/s/chip")]
MOST_KEYS = 4  # in a name; more would not fit


def remedies_of(scenario):
    return [text.format(scenario[key]) for key, text in REMEDIES if float(scenario.get(key) or 0) > 0]


def label_traces(traces):
    """Names each trace by its remedies and by whatever else its scenario has that others have not; no two are alike."""
    for trace in traces:
        others = {key: row[trace["number"]] for key, row in trace["differs"].items()
                  if key not in dict(REMEDIES) and key not in ("model", "fleet")}
        parts = remedies_of(trace["scenario"]) or ["no remedy"]
        parts += [f"{key}={value}" for key, value in list(others.items())[:MOST_KEYS]]
        if len({other["title"] for other in traces}) > 1:
            parts.insert(0, trace["title"])
        trace["label"] = ", ".join(parts)
    labels = [trace["label"] for trace in traces]
    for trace in traces:
        if labels.count(trace["label"]) > 1:
            trace["label"] += f" ({trace['name']})"


def frequencies(file):
    """[Hz]; in files of format 1 the dimension counts and frequency_hz has the values."""
    return file["power_window/frequency_hz" if "frequency_hz" in file["power_window"] else "power_window/frequency"][:]


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
                "hz": frequencies(file), "psd": file["power_window/psd"][row], **figures,
                "scenario": run_file.scenario_of(file), "name": path.name,
                "title": f"{run_file.text_of(file, 'model')} on {run_file.text_of(file, 'fleet')}"}


def read_all(paths, window):
    traces = [read(path, window) for path in paths]
    differs = run_file.differences_of([trace["scenario"] for trace in traces])
    for number, trace in enumerate(traces):
        trace.update(number=number, differs=differs)
    label_traces(traces)
    return traces


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


def has_density(trace):
    return np.any(np.isfinite(trace["psd"]) & (trace["psd"] > 0))


def say_why_no_density(axes, traces):
    segment_s = traces[0]["scenario"].get("power.segment_s", "?")
    axes.text(0.5, 0.5, f"no spectrum: the window of {traces[0]['time_s'][-1]:.3g} s is shorter than a segment "
              f"of {segment_s} s\n(power.segment_s, power.window_s, or more steps)", ha="center", va="center")
    axes.set_axis_off()


def plot_density(axes, traces):
    traces = [trace for trace in traces if has_density(trace)]
    size, unit = unit_of(traces)
    for low, high, name in BANDS:
        axes.axvspan(low, high, color="#888888", alpha=0.08 if low in (0.1, 2.5) else 0.16, linewidth=0)
        axes.text(np.sqrt(low * high), 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  fontsize=8, clip_on=high > traces[0]["hz"][-1])
    for trace in traces:
        kept = trace["hz"] > 0
        axes.loglog(trace["hz"][kept], trace["psd"][kept] / size**2, color=COLOURS[trace["number"]], linewidth=0.9)
    if traces[0]["step_hz"] <= traces[0]["hz"][-1]:
        axes.axvline(traces[0]["step_hz"], color="black", linewidth=0.8, linestyle=":")
        axes.annotate(f"step {traces[0]['step_hz']:.3g} Hz", (traces[0]["step_hz"], 0.02), rotation=90, fontsize=8,
                      xycoords=("data", "axes fraction"), ha="right", va="bottom")
    axes.set(xlabel="frequency [Hz]", ylabel=f"spectral density [{unit}²/Hz]",
             xlim=(traces[0]["hz"][1], traces[0]["hz"][-1]))
    axes.grid(alpha=0.3)


def heading(traces):
    """Of one trace its figures; of several what they have in common."""
    size, unit = unit_of(traces)
    titles = dict.fromkeys(trace["title"] for trace in traces)
    if len(traces) > 1:
        peaks = ", ".join(f"{trace['max_w'] / size:.4g}" for trace in traces)
        return f"Power of {', '.join(titles)} (modelled)\npeaks {peaks} {unit}, in the order of the names"
    return (f"Power of {traces[0]['title']} (modelled)\n{traces[0]['mean_w'] / size:.4g} {unit} mean, "
            f"{traces[0]['max_w'] / size:.4g} {unit} peak, {traces[0]['line_w'] / size:.3g} {unit} peak to peak at the step")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("-w", "--window", type=int, help="number of the window; without it each file's last one")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="PLACE",
                        help="folder for the picture, or its name, which ends in .png")
    args = parser.parse_args()
    if len(args.files) > len(COLOURS):
        parser.error(f"{len(args.files)} files are more than the {len(COLOURS)} colours")
    traces = read_all(args.files, args.window)
    is_long = max(trace["time_s"][-1] for trace in traces) > SHORT_S
    figure, grid = plt.subplots(2 + is_long, 1, figsize=(10, 4 + 3.5 * (1 + is_long)), layout="constrained")
    plot_time(grid[0], traces, np.inf)
    if is_long:
        plot_time(grid[1], traces, SHORT_S)
    if any(map(has_density, traces)):
        plot_density(grid[-1], traces)
    else:
        say_why_no_density(grid[-1], traces)
    figure.suptitle(heading(traces))
    grid[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1 if len(traces) > 1 else 3, fontsize=8,
                   frameon=False)
    path = run_file.picture(args.output, args.files[0], "" if args.output and args.output.suffix == ".png" else "power")
    figure.savefig(path, dpi=110)
    print(path)


if __name__ == "__main__":
    main()
