# SPDX-License-Identifier: BSD-3-Clause
"""Figures of a report, as plotly's own JSON: each is a title, what it shows, where it comes from, data and layout."""
import numpy as np

import run_file
from report_data import PARTS, Reduced, si

MOST_CELLS = (240, 400)  # of a heat map: servers, steps
MOST_SLICES = 20000      # of a schedule
BLUE, ORANGE, GREEN, PINK, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
RUNS = [(BLUE, "solid"), (ORANGE, "dash")]  # colour and dash tell runs apart
LEGEND_BELOW = {"orientation": "h", "y": -0.6, "traceorder": "normal"}
MARKS = ["triangle-down", "circle", "square", "diamond", "cross", "x"]
MARK_COLOURS = [ORANGE, YELLOW, PINK, SKY, GREEN, "#FFFFFF"]


def numbers(values, digits=5):
    """A list for JSON, short; what is no number becomes a gap."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)]


def figure(key, title, says, source, data, layout=None, height=360, table=None):
    """One figure. says: a sentence for those who cannot see it. source: datasets and provenance. table: header and rows."""
    return {"key": key, "title": title, "says": says, "source": source, "height": height, "table": table,
            "data": data, "layout": layout or {}}


def axis(title, **rest):
    return {"title": {"text": title}, **rest}


def band(x, low, high, name, colour):
    """The range that means hide: two lines with the area between them filled."""
    line = {"x": x, "mode": "lines", "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "legendgroup": name}
    return [{**line, "y": numbers(low), "showlegend": False},
            {**line, "y": numbers(high), "fill": "tonexty", "fillcolor": colour + "33", "name": f"{name}: range"}]


def where_time_went(run):
    parts, step_s = run.parts(), float(np.mean(run.fleet["step_time_s"]))
    data = [{"type": "bar", "orientation": "h", "name": label, "y": ["step"], "x": [seconds], "marker": {"color": colour},
             "text": [f"{100 * seconds / step_s:.1f} %"], "textposition": "inside", "insidetextanchor": "middle",
             "hovertemplate": f"{label}: {si(seconds, 's')}, {100 * seconds / step_s:.1f} %<extra></extra>"}
            for _, label, colour, seconds in parts]
    table = (["part", "mean per step", "share"],
             [[label, si(seconds, "s"), f"{100 * seconds / step_s:.1f} %"] for _, label, _, seconds in parts])
    most = max(parts, key=lambda part: part[3])
    says = f"A mean step takes {si(step_s, 's')}; {most[1]} is the largest part with {100 * most[3] / step_s:.0f} %."
    return figure("parts", "Where the time of a step went", says, "/fleet, parts of step_time_s: modelled", data,
                  {"barmode": "relative", "xaxis": axis("time per step [s]"), "yaxis": {"visible": False},
                   "legend": LEGEND_BELOW}, 280, table)


def stops(run):
    """Marks at the top edge for events that stopped the job, costliest kinds first."""
    if run.events is None:
        return []
    lost_s = np.nan_to_num(run.events["stall_s"]) + np.nan_to_num(run.events["trained_s"])
    kinds = sorted(set(run.events["kind"][lost_s > 0]), key=lambda kind: -lost_s[run.events["kind"] == kind].sum())
    data = []
    for number, kind in enumerate(kinds[:len(MARKS)]):
        chosen = np.flatnonzero((run.events["kind"] == kind) & (lost_s > 0))
        shown = chosen[np.argsort(-lost_s[chosen])[:200]]
        name = f"{kind}: {len(chosen):,}" + (f", costliest {len(shown)} shown" if len(shown) < len(chosen) else "")
        data.append({"mode": "markers", "x": numbers(run.events["step"][shown]), "y": [0.97] * len(shown), "yaxis": "y2",
                     "name": name, "marker": {"symbol": MARKS[number], "size": 9, "color": MARK_COLOURS[number],
                                              "line": {"width": 1, "color": "#000"}}, "cliponaxis": False,
                     "text": [si(seconds, "s") for seconds in lost_s[shown]],
                     "hovertemplate": f"{kind} in step %{{x}}: %{{text}} lost<extra></extra>"})
    return data


TOP_AXIS = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}


def parts_over_time(run):
    reduced, x = run.reduced, numbers(run.reduced.step, 9)
    data = [{"x": x, "y": numbers(reduced.mean(run.fleet[name])), "name": label, "mode": "lines", "stackgroup": "parts",
             "line": {"width": 0, "shape": "hv"}, "fillcolor": colour} for name, label, colour, _ in run.parts()]
    high = reduced.high(run.fleet["step_time_s"])
    if reduced.each > 1:
        data.append({"x": x, "y": numbers(high), "name": "slowest step", "mode": "lines",
                     "line": {"width": 1, "color": "#000", "dash": "dot", "shape": "hv"}})
    means = reduced.mean(run.fleet["step_time_s"])
    usual = np.percentile(means, 98)
    top = 1.5 * usual if np.max(high) > 2 * usual else None
    says = f"Step times, {reduced.text()}; the slowest step took {si(float(np.max(high)), 's')}."
    if top:
        says += " The axis shows usual steps; higher ones leave it."
    return figure("over-time", "Parts of the step over time", says, "/fleet: modelled; marks from /events: injected",
                  data + stops(run), {"xaxis": axis("step"), "yaxis": axis("time per step [s]", range=[0, top] if top else None,
                                                                            rangemode="tozero"), "yaxis2": TOP_AXIS}, 420)


def over_time(runs, name, title, unit, scale=1.0):
    data = []
    for run, (colour, dash) in zip(runs, RUNS):
        values, reduced = run.fleet[name] * scale, run.reduced
        x, label = numbers(reduced.step, 9), run.name if len(runs) > 1 else "mean" if reduced.each > 1 else title
        if reduced.each > 1:
            data += band(x, reduced.low(values), reduced.high(values), label, colour)
        data.append({"x": x, "y": numbers(reduced.mean(values)), "name": label, "mode": "lines", "legendgroup": label,
                     "line": {"width": 2, "color": colour, "dash": dash, "shape": "hv"}})
    says = "; ".join(f"{run.name}: {np.mean(run.fleet[name] * scale):.4g} {unit} mean, {np.min(run.fleet[name] * scale):.4g} to "
                     f"{np.max(run.fleet[name] * scale):.4g}" for run in runs)
    marks = stops(runs[0]) if len(runs) == 1 else []
    return figure(name.replace("_", "-"), f"{title[0].upper()}{title[1:]} over time", f"{says}; {runs[0].reduced.text()}.",
                  f"/fleet/{name}: modelled", data + marks,
                  {"xaxis": axis("step"), "yaxis": axis(f"{title} [{unit}]", rangemode="tozero"), "yaxis2": TOP_AXIS}, 340)


def throughput(runs):
    top = max(np.max(run.fleet["tokens_per_s"]) for run in runs)
    factor, prefix = next((p for p in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if top >= p[0]), (1, ""))
    return over_time(runs, "tokens_per_s", "throughput", f"{prefix}token/s", 1 / factor)


def waterfall(run):
    lost, productive_s = run.waterfall()
    total_s = run.total_s()
    labels = ["fleet time", *(label for label, _ in lost), "goodput"]
    shares = [100.0, *(-100 * seconds / total_s for _, seconds in lost), 100 * productive_s / total_s]
    texts = [si(total_s, "s"), *(si(seconds, "s") for _, seconds in lost), f"{100 * productive_s / total_s:.2f} %"]
    data = [{"type": "waterfall", "x": labels, "y": numbers(shares), "measure": ["absolute", *["relative"] * len(lost), "total"],
             "text": texts, "textposition": "outside", "decreasing": {"marker": {"color": ORANGE}}, "increasing": {"marker": {"color": YELLOW}},
             "totals": {"marker": {"color": BLUE}}, "connector": {"line": {"color": "#777", "width": 1}}}]
    floor = max(0.0, 100 * productive_s / total_s - 0.35 * (100 - 100 * productive_s / total_s) - 0.05)
    says = f"Of {si(total_s, 's')} of fleet time {100 * productive_s / total_s:.2f} % were productive"
    says += f"; {max(lost, key=lambda row: row[1])[0]} cost most." if lost else "; nothing was lost."
    says += f" The axis begins at {floor:.4g} %."
    table = (["what", "time", "share"], [[label, text, f"{share:.3f} %"] for label, text, share in zip(labels, texts, shares)])
    return figure("goodput", "Goodput: what became of the fleet's time", says,
                  "/fleet goodput, recovery_s, broken_s, checkpoint_s and /events stall_s: modelled", data,
                  {"yaxis": axis("share of fleet time [%]", range=[floor, 100 + 0.12 * (100 - floor)]), "showlegend": False,
                   "xaxis": {"automargin": True}}, 400, table)


def slowest_servers(run):
    """Slowdown [servers, rows] reduced by the slowest of neighbours, read row by row; where rows and columns begin."""
    step, slowdown = run_file.rows(run.file, "server/step"), run.file["server/slowdown"]
    servers = slowdown.shape[1]
    per_server, per_row = -(-servers // MOST_CELLS[0]), -(-len(step) // MOST_CELLS[1])
    starts = np.arange(0, servers, per_server)
    lines = []
    for row in range(0, len(step), per_row):
        block = np.fmax.reduce(slowdown[row:min(row + per_row, len(step))], axis=0)
        lines.append(np.fmax.reduceat(block, starts))
    return np.array(lines).T, step[::per_row], starts, per_server, per_row


def servers(run):
    if run.file.get("server/slowdown") is None or run_file.rows(run.file, "server/step") is None:
        return None
    image, step, starts, per_server, per_row = slowest_servers(run)
    count = run.file["server/slowdown"].shape[1]
    data = [{"type": "heatmap", "z": [numbers(line, 4) for line in image], "x": numbers(step, 9), "y": numbers(starts, 9),
             "colorscale": "Cividis", "colorbar": {"title": {"text": "time relative<br>to nominal [1]"}}, "name": "slowdown",
             "hovertemplate": "step %{x}, server %{y}: %{z}<extra></extra>"}]
    if run.events is not None:
        data += marks_on_servers(run, count)
    worst = np.unravel_index(np.nanargmax(image), image.shape) if np.any(np.isfinite(image)) else None
    says = f"Slowest chip of each of {count:,} servers"
    says += f", the slowest of each {per_server}" if per_server > 1 else ""
    says += f" and of each {per_row} stored rows" if per_row > 1 else ""
    says += f". The largest slowdown is {image[worst]:.3f}, near server {starts[worst[0]]:,} and step {step[worst[1]]:,}." if worst else "."
    return figure("servers", "Servers over time, and what hit them", says, "/server/slowdown: modelled; rings from /events: injected", data,
                  {"xaxis": axis("step"), "yaxis": axis("server", range=[-0.5, count - 0.5], **({"dtick": 1} if count < 20 else {})),
                   "legend": {"orientation": "h", "y": -0.25}}, 460)


def marks_on_servers(run, count):
    hit = (run.events["server"] >= 0) & (run.events["server"] < count)
    kinds = sorted(set(run.events["kind"][hit]), key=lambda kind: -np.sum(run.events["kind"][hit] == kind))
    data = []
    for number, kind in enumerate(kinds[:len(MARKS)]):
        chosen = np.flatnonzero(hit & (run.events["kind"] == kind))
        shown = chosen[np.argsort(-np.nan_to_num(run.events["end_s"] - run.events["start_s"])[chosen])[:300]]
        name = f"{kind}: {len(chosen):,}" + (f", longest {len(shown)} shown" if len(shown) < len(chosen) else "")
        data.append({"mode": "markers", "x": numbers(run.events["step"][shown], 9), "y": numbers(run.events["server"][shown], 9), "name": name,
                     "marker": {"symbol": MARKS[number] + "-open", "size": 9, "color": MARK_COLOURS[number], "line": {"width": 2}},
                     "hovertemplate": f"{kind}: step %{{x}}, server %{{y}}<extra></extra>"})
    return data


# Category of a slice, legend, colour.
SLOTS = [("forward", "forward", BLUE), ("backward with weight", "backward", YELLOW), ("backward", "gradient of inputs", YELLOW),
         ("weight", "gradient of weights", GREEN), ("forward and backward", "forward and backward in one", SKY),
         ("dp", "gradient sync, norm, gather", ORANGE), ("optimizer", "optimizer", PINK)]


def schedule(run):
    slices, why = run.schedule()
    if slices is None:
        return figure("schedule", "Pipeline of one replica", f"Not drawn: {why}.", "the schedule, worked out again: modelled", [])
    stages = max(event["tid"] for event in slices)
    whole = [event for event in slices if event["cat"] not in ("compute", "tp", "cp", "ep") and
             (event["cat"] != "dp" or event["name"] != "dp")]
    end_s = max(event["ts"] + event["dur"] for event in whole) * 1e-6
    shown = [event for event in whole if event["cat"] != "bubble"]
    cut = sorted(shown, key=lambda event: event["ts"])[:MOST_SLICES]
    unit, factor = ("ms", 1e-3) if end_s < 2 else ("s", 1e-6)
    height = max(240, min(440, 120 + 60 * stages))
    width = max(2, min(40, int(0.75 * (height - 110) / stages)))
    data = []
    for category, label, colour in SLOTS:
        mine = [event for event in cut if event["cat"] == category]
        x = [value for event in mine for value in (event["ts"] * factor, (event["ts"] + event["dur"]) * factor, None)]
        y = [value for event in mine for value in (event["tid"] - 1, event["tid"] - 1, None)]
        if mine:
            data.append({"mode": "lines", "x": [value if value is None else float(f"{value:.7g}") for value in x], "y": y, "name": label,
                         "line": {"width": width, "color": colour}, "hovertemplate": f"{label}, stage %{{y}}, %{{x}} {unit}<extra></extra>"})
    idle_s = sum(event["dur"] for event in whole if event["cat"] == "bubble") * 1e-6 / stages
    says = f"{stages} stages of a replica in an ideal step of {si(end_s, 's')}; a stage is idle {si(idle_s, 's')} of it on average."
    says += f" The first {MOST_SLICES:,} of {len(shown):,} slots are drawn." if len(cut) < len(shown) else ""
    return figure("schedule", "Pipeline of one replica", says, "the schedule, worked out again from /scenario: modelled", data,
                  {"xaxis": axis(f"time [{unit}]"), "yaxis": axis("stage", range=[stages - 0.5, -0.5], dtick=max(1, stages // 16), showgrid=False, zeroline=False),
                   "hovermode": "closest"}, height)
