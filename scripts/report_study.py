# SPDX-License-Identifier: BSD-3-Clause
"""Pages of a study and of an ensemble: the same figures as scripts/plot_study.py draws, and tables with every number."""
import numpy as np

import run_file
from report_data import si
from report_figures import BLUE, ORANGE, axis, figure, numbers
from report_page import cards, table
from study_data import COSTS, pareto, quantiles

MOST_DOTS = 2000  # of a figure of draws
COLOURS = [BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#882255", "#000000"]
SYMBOLS = ["circle", "square", "triangle-up", "diamond", "cross", "x", "star", "hexagon"]
NAMES = {"step_time_s": "step time", "tokens_per_s": "throughput", "throughput_share": "throughput, of a fleet on which nothing fails",
         "mfu": "MFU", "interruptions": "unplanned stops", "power_w": "power at the meter", "energy_j": "energy", "cost_usd": "cost",
         "usd_per_mtoken": "cost per million tokens"}
LEGEND_RIGHT = {"orientation": "v"}


def usd(value):
    return si(float(value), "USD") if np.isfinite(value) else ("never" if np.isinf(value) else "no rent")


def years(value):
    return f"{value:.3g} years" if np.isfinite(value) else ("never" if np.isinf(value) else "no rent")


def pareto_figure(study):
    best, data = pareto(study.cells), []
    for number, cell in enumerate(study.cells):
        low, middle, high = quantiles(cell["tokens_per_s"]) / 1e6
        data.append({"x": numbers([middle]), "y": numbers([cell["required_usd_per_mtoken"]]), "mode": "markers", "name": cell["label"],
                     "error_x": {"type": "data", "symmetric": False, "array": numbers([high - middle]), "arrayminus": numbers([middle - low])},
                     "marker": {"size": 11, "color": COLOURS[number % 8], "symbol": SYMBOLS[number // 8 % 8] + ("" if number in best else "-open")}})
    names = ", ".join(study.cells[i]["label"] for i in best)
    return figure("pareto", "Time against money", f"Filled marks are beaten by no other case in both: {names}.",
                  "tokens_per_s, required_usd_per_mtoken: modelled", data,
                  {"xaxis": axis("million tokens kept per second (P50, P10 to P90)", rangemode="tozero"),
                   "yaxis": axis("what a million tokens must earn [USD]", rangemode="tozero"), "legend": LEGEND_RIGHT}, 460)


def tornado_figure(study):
    if not study.bars:
        return None
    keys = [row[0] for row in study.bars]
    data = [{"type": "bar", "orientation": "h", "y": keys, "x": numbers([100 * row[2 + end] for row in study.bars]), "name": name,
             "text": [row[1][end] for row in study.bars], "textposition": "outside", "cliponaxis": False,
             "marker": {"color": colour, "pattern": {"shape": shape}}}
            for end, (name, colour, shape) in enumerate((("at the low value", BLUE, ""), ("at the high value", ORANGE, "/")))]
    rows = [[key, *values, f"{100 * low:+.1f} %", f"{100 * high:+.1f} %"] for key, values, low, high in study.bars]
    first = ", ".join(keys[:3])
    return figure("tornado", "What decides the price of a token", f"Of {study.cells[0]['label']}, one key at a time; the widest: {first}.",
                  "sensitivity_required_usd_per_mtoken: modelled", data,
                  {"barmode": "overlay", "xaxis": axis("change of what a million tokens must earn [%]"),
                   "yaxis": {"automargin": True, "autorange": "reversed"}}, max(260, 90 + 44 * len(keys)),
                  (["key", "low", "high", "at low", "at high"], rows))


def draws_figure(key, title, name, words, scale, cells, provenance):
    each = max(1, sum(len(cell[name]) for cell in cells) // MOST_DOTS)
    data = [{"type": "box", "x": numbers(np.asarray(cell[name])[::each] * scale), "name": cell["label"], "boxpoints": "all", "jitter": 0.5,
             "pointpos": 0, "marker": {"size": 4, "color": BLUE}, "line": {"color": ORANGE}, "fillcolor": "rgba(0,114,178,.15)",
             "showlegend": False} for cell in cells]
    rows = [[cell["label"], *(f"{value * scale:.5g}" for value in quantiles(cell[name]))] for cell in cells]
    dots = "one dot per draw" if each == 1 else f"one dot per {each} draws"
    return figure(key, title, f"{words}; {dots}; the box is from the first to the third quarter.", provenance, data,
                  {"xaxis": axis(words), "yaxis": {"automargin": True, "autorange": "reversed"}}, max(260, 110 + 44 * len(cells)),
                  (["case", "P10", "P50", "P90"], rows))


def costs_figure(study):
    hours = np.array([float(cell["chip_hours_per_year"]) for cell in study.cells])
    labels = [cell["label"] for cell in study.cells]
    parts = [(words, colour, np.array([float(cell[name]) for cell in study.cells]) / hours) for name, words, colour in COSTS]
    data = [{"type": "bar", "name": words, "x": labels, "y": numbers(values), "marker": {"color": colour}} for words, colour, values in parts]
    rents = np.array([float(cell["rent_usd_per_chip_hour"]) for cell in study.cells])
    if np.isfinite(rents).any():
        data.append({"mode": "markers", "name": "what it rents for", "x": labels, "y": numbers(rents),
                     "marker": {"symbol": "line-ew-open", "size": 34, "color": "#000", "line": {"width": 3}}})
    rows = [[label, *(f"{values[number]:.3g}" for _, _, values in parts), f"{sum(values[number] for _, _, values in parts):.3g}",
             f"{rents[number]:.3g}" if np.isfinite(rents[number]) else "not published"] for number, label in enumerate(labels)]
    return figure("costs", "What a sold chip-hour must earn, by part", "Capital with its cost (fleet.site.wacc), over the chip-hours that are sold.",
                  "inputs of the fleets' files, energy modelled", data,
                  {"barmode": "stack", "yaxis": axis("USD per sold chip-hour"), "xaxis": {"automargin": True}}, 460,
                  (["case", *(words for words, _, _ in parts), "together", "rents for"], rows))


def scaling_figure(study):
    if not study.is_curve():
        return None
    data = []
    for number, tokens in enumerate(sorted({float(cell["tokens_per_step"]) for cell in study.cells})):
        mine = sorted((cell for cell in study.cells if float(cell["tokens_per_step"]) == tokens), key=lambda cell: cell["chips"])
        data.append({"x": [int(cell["chips"]) for cell in mine], "y": numbers([np.median(cell["tokens_per_s"]) / 1e6 for cell in mine]),
                     "mode": "lines+markers", "name": f"{si(tokens, 'token')} per step",
                     "marker": {"color": COLOURS[number % 8], "symbol": SYMBOLS[number % 8], "size": 9}, "line": {"color": COLOURS[number % 8]}})
    return figure("scaling", "What more chips are worth", "Tokens per second over chips, a line for each batch; both axes are logarithmic.",
                  "tokens_per_s: modelled", data, {"xaxis": axis("chips of the fleet", type="log"),
                                                   "yaxis": axis("million tokens kept per second (P50)", type="log")}, 420)


def study_rows(study):
    rows = []
    for cell in study.cells:
        low, middle, high = quantiles(cell["tokens_per_s"]) / 1e6
        layout = f"{cell['tp']}/{cell['cp']}/{cell['pp']}/{cell['dp']} z{cell['zero_stage']}"
        rows.append([cell["label"], f"{int(cell['chips']):,}", layout, f"{middle:.3g} ({low:.3g} to {high:.3g})",
                     f"{100 * np.median(cell['goodput']):.1f} %", f"{100 * np.median(cell['throughput_share']):.1f} %",
                     si(float(np.median(cell["power_w"])), "W"), usd(cell["capital_usd"]), f"{cell['required_usd_per_mtoken']:.3g}",
                     f"{cell['required_usd_per_chip_hour']:.3g}", years(float(cell["payback_years"])), usd(float(cell["npv_usd"]))])
    return (["case", "chips", "tp/cp/pp/dp zero", "million token/s, P50 (P10 to P90)", "goodput", "of a fleet on which nothing fails", "power",
             "capital", "must earn, USD/Mtoken", "must earn, USD/chip-hour", "payback", "net present value"], rows)


def study_page(study, provenance):
    fastest = max(study.cells, key=lambda cell: np.median(cell["tokens_per_s"]))
    cheapest = min(study.cells, key=lambda cell: cell["required_usd_per_mtoken"])
    top = cards([("most tokens per second", f"{fastest['label']}: {si(float(np.median(fastest['tokens_per_s'])), 'token/s')}", "modelled"),
                 ("cheapest tokens", f"{cheapest['label']}: {cheapest['required_usd_per_mtoken']:.3g} USD/Mtoken", "modelled"),
                 ("draws per case", f"{study.seeds:,}", "input")] +
                [("decides most", study.bars[0][0], "modelled")] * bool(study.bars))
    figures = [pareto_figure(study), tornado_figure(study),
               draws_figure("draws", "Throughput, draw by draw", "tokens_per_s", "million tokens kept per second", 1e-6, study.cells, "tokens_per_s: modelled"),
               draws_figure("goodput", "Goodput, draw by draw", "goodput", "productive share of the time [%]", 100, study.cells, "goodput: modelled"),
               costs_figure(study), scaling_figure(study)]
    overrides = [[cell["label"], f"muir run {study.attributes['scenario']} {cell['overrides']}"] for cell in study.cells]
    sections = [("table", "All cases", table(*study_rows(study))), ("commands", "Each case as a run", table(["case", "command"], overrides)),
                ("origin", "How the file was made", table(["", ""], [[key, study.attributes.get(key, "")] for key in ("history", "muir_version", "build")])),
                ("provenance", "What the words under the figures mean", table(["word", "meaning"], provenance))]
    return f"{study.title}: a study of muir", study.attributes.get("description", ""), top, [one for one in figures if one], sections


class Ensemble:
    """/ensemble of muir run --seeds N -o FILE.h5."""

    def __init__(self, path, file):
        self.path, self.scenario, self.file = path, run_file.scenario_of(file), file
        group = file["ensemble"]
        self.seeds = group["seed"][:]
        self.columns = {name: dataset for name, dataset in group.items() if name != "seed"}
        self.steps, self.fleet_time_s = int(group.attrs["steps"]), float(group.attrs["fleet_time_s"])


def ensemble_page(ensemble, provenance, scenario_sections):
    rows, figures = [], []
    for name, dataset in ensemble.columns.items():
        unit, values = run_file.as_text(dataset.attrs["units"]), dataset[:]
        is_share = unit == "1" and name != "interruptions"
        said = [100 * float(dataset.attrs[key]) if is_share else float(dataset.attrs[key]) for key in ("p10", "p50", "p90", "mean", "standard_error")]
        show = (lambda x: f"{x:.2f} %") if is_share else (lambda x, u=unit: si(x, u if u != "1" else "").strip())
        rows.append([NAMES.get(name, name), run_file.as_text(dataset.attrs["long_name"]), *(show(value) if np.isfinite(value) else "unknown" for value in said)])
        if np.isfinite(values).all():
            counts, edges = np.histogram(values * (100 if is_share else 1), bins=min(40, max(5, len(values) // 4)))
            centres = (edges[:-1] + edges[1:]) / 2
            figures.append(figure(f"draws-{name}", NAMES.get(name, name), f"P10 {show(said[0])}, P50 {show(said[1])}, P90 {show(said[2])}.",
                                  f"/ensemble/{name}: modelled", [{"type": "bar", "x": numbers(centres), "y": numbers(counts), "width": float(np.diff(edges)[0]),
                                                                  "marker": {"color": BLUE, "line": {"color": "#fff", "width": 1}}}],
                                  {"xaxis": axis("%" if is_share else unit if unit != "1" else "number"), "yaxis": axis("draws"),
                                   "shapes": [{"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": value, "x1": value,
                                               "line": {"color": ORANGE, "dash": dash}} for value, dash in zip(said[:3], ("dot", "solid", "dot"))]}, 280))
    wanted = ("goodput", "tokens_per_s", "cost_usd", "power_w")
    top = cards([(f"{NAMES.get(name, name)}, P50 (P10 to P90)", next(f"{row[3]} ({row[2]} to {row[4]})" for row in rows if row[0] == NAMES.get(name, name)), "modelled")
                 for name in wanted if name in ensemble.columns])
    sections = [("table", "What the draws come to", table(["measure", "what it is", "P10", "P50", "P90", "mean", "standard error"], rows)), *scenario_sections,
                ("provenance", "What the words under the figures mean", table(["word", "meaning"], provenance))]
    title = f"{ensemble.scenario.get('model', '?')} on {ensemble.scenario.get('fleet', '?')}: an ensemble of muir"
    intro = (f"{ensemble.path.name}; {len(ensemble.seeds):,} seeds from {ensemble.seeds[0]:,}; {ensemble.steps:,} steps, "
             f"{si(ensemble.fleet_time_s, 's')} of fleet time in the first draw. What the model itself does not know is not in these intervals.")
    return title, intro, top, figures, sections
