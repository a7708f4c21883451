#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a study: plot_study.py FILE.h5 [-o FOLDER|NAME.png]

FILE.h5 is what `muir study NAME -o FILE.h5` writes. Five pictures, those for which the study has something to show: time
against money with the cases that no other one beats (pareto), what decides the price of a token (tornado), draws of every
case (fan), what a fleet must earn per year by part (costs), throughput over chips (scaling). All is modelled.
"""
import argparse
import pathlib
import sys
import textwrap

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from report_data import si
from run_file import picture
from study_data import COSTS, NotAStudy, Study, pareto, quantiles

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"
MARKS = ["o", "s", "^", "D", "v", "P", "X", "*"]
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#882255", "#000000"]


def wrapped(label, width=30):
    return textwrap.fill(label, width)


def finish(figure, path, study, says):
    seeds = f"{study.seeds} draw{'s' if study.seeds > 1 else ''} per case"
    figure.get_layout_engine().set(rect=(0, 0.3 / figure.get_figheight(), 1, 1 - 0.3 / figure.get_figheight()))
    figure.text(0.01, 0.05 / figure.get_figheight(), f"muir study {study.title}; {seeds}; modelled. {says}", fontsize=7.5, color="#555555")
    figure.savefig(path, dpi=140)
    plt.close(figure)
    return path


def tidy(axes, grid="both"):
    axes.grid(axis=grid, color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def from_zero(set_limits, values):
    """Limits from 0 to a little above the largest value."""
    set_limits(0, 1.1 * float(max(values)))


def outside(axes, is_reversed=False):
    """Legend to the right; reversed, as stacked bars are."""
    handles, labels = axes.get_legend_handles_labels()
    step = -1 if is_reversed else 1
    axes.legend(handles[::step], labels[::step], loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8, frameon=False)


def plot_pareto(study, path):
    cells, best = study.cells, set(pareto(study.cells))
    figure, axes = plt.subplots(figsize=(9, 5.6), layout="constrained")
    for number, cell in enumerate(cells):
        low, middle, high = quantiles(cell["tokens_per_s"]) / 1e6
        price = float(cell["required_usd_per_mtoken"])
        axes.errorbar(middle, price, xerr=[[middle - low], [high - middle]], color=COLOURS[number % 8], marker=MARKS[number // 8 % 8],
                      markersize=8, capsize=3, markerfacecolor=COLOURS[number % 8] if number in best else "white", linestyle="none",
                      label=wrapped(cell["label"], 40))
    line = sorted((float(np.median(cells[i]["tokens_per_s"])) / 1e6, float(cells[i]["required_usd_per_mtoken"])) for i in best)
    axes.plot(*zip(*line), color=GREY, linewidth=1, linestyle="--", zorder=0)
    axes.set_xlabel("throughput: million tokens kept per second (P50, P10 to P90)")
    axes.set_ylabel("what a million tokens must earn [USD]")
    from_zero(axes.set_xlim, [max(cell["tokens_per_s"]) / 1e6 for cell in cells])
    from_zero(axes.set_ylim, [cell["required_usd_per_mtoken"] for cell in cells])
    tidy(axes)
    outside(axes)
    axes.set_title("Time against money: filled marks are beaten by no other case", fontsize=11, loc="left")
    return finish(figure, path, study, "Prices hold the cost of capital.")


def plot_tornado(study, path):
    rows = [row for row in study.bars[::-1] if max(abs(row[2]), abs(row[3])) > 5e-4]  # a rent decides no price
    figure, axes = plt.subplots(figsize=(9, 2 + 0.42 * len(rows)), layout="constrained")
    for place, (key, values, low, high) in enumerate(rows):
        for end, colour, hatch, word in ((low, BLUE, "", values[0]), (high, ORANGE, "//", values[1])):
            axes.barh(place, 100 * end, color=colour, hatch=hatch, edgecolor="white", height=0.62)
            if abs(end) > 5e-4:
                axes.annotate(word, (100 * end, place), xytext=(4 if end >= 0 else -4, 0), textcoords="offset points", va="center",
                              ha="left" if end >= 0 else "right", fontsize=8)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=8.5)
    axes.set_xlabel("change of what a million tokens must earn [%]")
    axes.margins(x=0.16)
    tidy(axes, "x")
    base = study.cells[0]
    handles = [matplotlib.patches.Patch(facecolor=BLUE, label="at the low value"),
               matplotlib.patches.Patch(facecolor=ORANGE, hatch="//", edgecolor="white", label="at the high value")]
    axes.legend(handles=handles, fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.6 / figure.get_figheight() * 1.6), ncols=2)
    axes.set_title(f"What decides the price: {base['label']}, {si(float(base['required_usd_per_mtoken']), 'USD')} per million tokens",
                   fontsize=11, loc="left")
    return finish(figure, path, study, "One key at a time.")


def plot_fan(study, path):
    cells = study.cells[::-1]
    figure, axes = plt.subplots(1, 2, figsize=(10, 1.9 + 0.5 * len(cells)), layout="constrained", sharey=True)
    for panel, (name, words, scale) in zip(axes, (("tokens_per_s", "million tokens kept per second", 1e-6),
                                                  ("goodput", "goodput: productive share of the time [%]", 100))):
        for place, cell in enumerate(cells):
            draws = np.asarray(cell[name]) * scale
            low, middle, high = quantiles(draws)
            panel.barh(place, high - low, left=low, height=0.5, color=BLUE, alpha=0.25)
            spread = (np.arange(len(draws)) % 7 - min(len(draws) - 1, 6) / 2) * 0.05
            panel.plot(draws, place + spread, "o", markersize=3, color=BLUE, alpha=0.6)
            panel.plot([middle, middle], [place - 0.3, place + 0.3], color=ORANGE, linewidth=2.2)
        panel.set_xlabel(words)
        tidy(panel, "x")
    axes[0].set_yticks(range(len(cells)), [wrapped(cell["label"], 26) for cell in cells], fontsize=8)
    from_zero(axes[0].set_xlim, [max(cell["tokens_per_s"]) / 1e6 for cell in cells])
    goodput = 100 * np.array([cell["goodput"] for cell in cells])
    axes[1].set_xlim(max(0, goodput.min() - 2), min(100, goodput.max() + 2) + 0.3)
    figure.suptitle("Draws of every case: a dot each, P10 to P90 shaded, P50 as a line", fontsize=11, x=0.01, ha="left")
    return finish(figure, path, study, "The error of the model itself is not in it.")


def plot_costs(study, path):
    cells = study.cells
    figure, axes = plt.subplots(figsize=(max(7, 3 + 1.05 * len(cells)), 5.6), layout="constrained")
    bottom = np.zeros(len(cells))
    per_hour = np.array([float(cell["chip_hours_per_year"]) for cell in cells])
    for name, words, colour in COSTS:
        values = np.array([float(cell[name]) for cell in cells]) / per_hour
        axes.bar(range(len(cells)), values, bottom=bottom, color=colour, edgecolor="white", linewidth=0.6, label=words, width=0.66)
        bottom += values
    rents = np.array([float(cell["rent_usd_per_chip_hour"]) for cell in cells])
    known = np.isfinite(rents)
    if known.any():
        axes.plot(np.flatnonzero(known), rents[known], marker="_", markersize=26, markeredgewidth=2.4, linestyle="none", color="black",
                  label="what it rents for")
    for place, cell in enumerate(cells):
        axes.annotate(f"{bottom[place]:.3g}\n({float(cell['required_usd_per_mtoken']):.3g}/Mtoken)", (place, bottom[place]), xytext=(0, 3),
                      textcoords="offset points", ha="center", fontsize=7.5)
    axes.set_xticks(range(len(cells)), [wrapped(cell["label"], 13) for cell in cells], fontsize=8)
    axes.set_ylabel("USD per sold chip-hour")
    from_zero(axes.set_ylim, [1.04 * max(bottom), *rents[known]])
    tidy(axes, "y")
    outside(axes, True)
    axes.set_title("What a chip-hour must earn, by part", fontsize=11, loc="left")
    return finish(figure, path, study, "Capital with its cost (fleet.site.wacc).")


def plot_scaling(study, path):
    figure, axes = plt.subplots(figsize=(9, 5.6), layout="constrained")
    most_tokens = sorted({float(cell["tokens_per_step"]) for cell in study.cells})
    for number, tokens in enumerate(most_tokens):
        mine = sorted((cell for cell in study.cells if float(cell["tokens_per_step"]) == tokens), key=lambda cell: cell["chips"])
        chips = [int(cell["chips"]) for cell in mine]
        low, middle, high = (np.array(row) / 1e6 for row in zip(*(quantiles(cell["tokens_per_s"]) for cell in mine)))
        axes.errorbar(chips, middle, yerr=[middle - low, high - middle], color=COLOURS[number % 8], marker=MARKS[number % 8], capsize=3,
                      label=f"{si(tokens, 'token')} per step")
    first = min(study.cells, key=lambda cell: cell["chips"])
    chips = np.array([min(cell["chips"] for cell in study.cells), max(cell["chips"] for cell in study.cells)], float)
    best = max(float(np.median(cell["tokens_per_s"])) for cell in study.cells if cell["chips"] == first["chips"]) / 1e6
    axes.plot(chips, best * chips / chips[0], color=GREY, linestyle="--", linewidth=1, label="in proportion to chips")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("chips of the fleet")
    axes.set_ylabel("million tokens kept per second (P50, P10 to P90)")
    tidy(axes)
    axes.legend(fontsize=8, frameon=False)
    axes.set_title("What more chips are worth", fontsize=11, loc="left")
    return finish(figure, path, study, "Each point at its own layout.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="PLACE")
    args = parser.parse_args()
    try:
        study = Study(args.file)
    except NotAStudy as error:
        print(f"plot_study.py: {error}", file=sys.stderr)
        sys.exit(2)
    wanted = [("pareto", plot_pareto, True), ("tornado", plot_tornado, bool(study.bars)), ("fan", plot_fan, True),
              ("costs", plot_costs, True), ("scaling", plot_scaling, study.is_curve())]
    for name, plot, is_there in wanted:
        if is_there:
            print(plot(study, picture(args.output, args.file, name)))


if __name__ == "__main__":
    main()
