# SPDX-License-Identifier: BSD-3-Clause
"""More figures of a report: memory, collectives, host, power, cost, events, ensembles, and comparisons of two runs."""
import numpy as np

import run_file
from report_data import PARTS, si
from report_figures import BLUE, GREEN, LEGEND_BELOW, ORANGE, PINK, RUNS, SKY, YELLOW, axis, figure, numbers

MEMORY_COLOURS = [BLUE, SKY, GREEN, "#8FD6BF", "#F0E442", YELLOW, ORANGE, PINK, "#882255", "#777777", "#BBBBBB", "#DDCC77"]
TOTALS = ("allocated_bytes", "reserved_bytes", "total_bytes", "room_bytes")
MOST_SAMPLES = 3000  # of a power trace; each pair keeps a smallest and a largest one
BANDS = [(0.1, 1, "between areas"), (1, 2.5, "plants, sources"), (2.5, 7, ""), (7, 20, "turbine shafts")]
GIB = 2.0**30


def memory_parts(group):
    """Columns in bytes of a group of /memory that are parts, the largest first."""
    names = [name for name, dataset in group.items() if run_file.as_text(dataset.attrs.get("units", "")) == "byte"
             and name not in TOTALS and dataset.ndim == 1 and np.any(dataset[:] > 0)]
    return sorted(names, key=lambda name: -np.max(group[name][:]))


def memory(run):
    """Peak of each stage, by part; nothing where the file has no /memory."""
    group = run.file.get("memory")
    if group is None:
        return []
    names = memory_parts(group)
    data = [{"type": "bar", "name": name.removesuffix("_bytes").replace("_", " "), "y": numbers(group[name][:] / GIB),
             "marker": {"color": MEMORY_COLOURS[number % len(MEMORY_COLOURS)]}} for number, name in enumerate(names)]
    shapes, says = [], "What a chip of each stage holds at its peak, by part."
    if "room_bytes" in group:
        room = float(group["room_bytes"][()]) / GIB
        shapes = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": room, "y1": room, "line": {"color": "#000", "dash": "dash"}}]
        says += f" The dashed line is the room on a chip, {room:.1f} GiB."
    figures = [figure("memory", "Memory at the peak of each stage", says, "/memory: modelled", data,
                      {"barmode": "stack", "xaxis": axis("stage"), "yaxis": axis("memory [GiB]"), "shapes": shapes}, 380)]
    for key, which in (("memory_first_stage", "first"), ("memory_last_stage", "last")):
        if key in run.file:
            figures.append(memory_timeline(run.file[key], key, which))
    return figures


def memory_timeline(group, key, which):
    data = [{"name": name.removesuffix("_bytes").replace("_", " "), "y": numbers(group[name][:] / GIB), "mode": "lines",
             "stackgroup": "parts", "line": {"width": 0, "shape": "hv"}, "fillcolor": MEMORY_COLOURS[number % len(MEMORY_COLOURS)]}
            for number, name in enumerate(memory_parts(group))]
    return figure(key.replace("_", "-"), f"Memory of the {which} stage through a step", "Tensors by part, slot after slot of the schedule.",
                  f"/{key}: modelled", data, {"xaxis": axis("slot of the schedule"), "yaxis": axis("memory [GiB]")}, 340)


def texts(group, name):
    return [run_file.as_text(value) for value in group[name][:]]


def collectives(run):
    """What the host's ranks executed against the MPI library's own; nothing without a host clock."""
    group = run.file.get("collectives")
    if group is None or "chosen_median_s" not in group:
        return None
    ours, mpi, size = group["chosen_median_s"][:], group["mpi_median_s"][:], group["bytes"][:]
    labels = [f"{op} over {over}, {si(float(b), 'B')} ({number})" for number, (op, over, b) in
              enumerate(zip(texts(group, "op"), texts(group, "axis"), size))]
    algorithms = texts(group, "algorithm")
    data = [{"type": "bar", "orientation": "h", "y": labels, "x": numbers(values * 1e6), "name": name, "marker": {"color": colour, "pattern": {"shape": shape}}}
            for values, name, colour, shape in ((mpi, "MPI's own", YELLOW, "/"), (ours, "muir's choice", BLUE, ""))]
    rows = [[label, algorithm, si(float(a), "s"), si(float(b), "s"), f"{b / a:.2f}" if a > 0 and np.isfinite(b) else "not measured"]
            for label, algorithm, a, b in zip(labels, algorithms, ours, mpi)]
    measured = [b / a for a, b in zip(ours, mpi) if a > 0 and np.isfinite(b)]
    says = f"{len(labels)} collectives of this machine's ranks"
    says += f"; the choice is {np.exp(np.mean(np.log(measured))):.2f} times as fast as MPI's own in the geometric mean." if measured else "; MPI's own was not measured."
    return figure("collectives", "Collectives executed, against MPI's own", says, "/collectives: measured on this machine, executed", data,
                  {"xaxis": axis("median time of a call [µs]", type="log"), "yaxis": {"automargin": True, "autorange": "reversed"}, "barmode": "group"},
                  max(300, 46 * len(labels)), (["collective", "algorithm", "muir's choice", "MPI's own", "times as fast"], rows))


def host(run):
    """Where the executed steps of this machine went."""
    if run_file.rows(run.file, "host/step") is None:
        return None
    names = [("gemm_s", "matrix products", BLUE), ("fft_s", "Fourier transforms", SKY), ("mem_s", "memory streams", GREEN),
             ("coll_s", "collectives", ORANGE), ("p2p_s", "messages between stages", "#F0E442"), ("check_s", "checks", "#BBBBBB"),
             ("wait_s", "ahead of the timetable", "#777777")]
    seconds = [(label, colour, float(np.nanmean(run_file.rows(run.file, f"host/{name}")))) for name, label, colour in names
               if run_file.rows(run.file, f"host/{name}") is not None]
    seconds = [row for row in seconds if row[2] > 0]
    step_s = float(np.nanmean(run_file.rows(run.file, "host/step_time_s")))
    data = [{"type": "bar", "orientation": "h", "name": label, "y": ["step"], "x": [value * 1e3], "marker": {"color": colour}}
            for label, colour, value in seconds]
    return figure("host", "What this machine executed", f"An executed step takes {si(step_s, 's')} on average over ranks; it is a shrunk one, not the fleet's.",
                  "/host: executed", data, {"barmode": "stack", "xaxis": axis("mean over ranks and steps [ms]"), "yaxis": {"visible": False}, "legend": LEGEND_BELOW}, 280,
                  (["part", "mean"], [[label, si(value, "s")] for label, _, value in seconds] + [["step", si(step_s, "s")]]))


def thin(time_s, values):
    """At most MOST_SAMPLES samples: the smallest and the largest of each group of neighbours, in their order."""
    each = -(-2 * len(values) // MOST_SAMPLES)
    if each <= 2:
        return time_s, values
    starts = range(0, len(values), each)
    kept = sorted({start + int(pick(values[start:start + each])) for start in starts for pick in (np.argmin, np.argmax)})
    return time_s[kept], values[kept]


def power_of(run):
    """Time and power of the first stored window; None without one."""
    window = run_file.rows(run.file, "power/window")
    if window is None:
        return None
    mine = window == window[0]
    return run_file.rows(run.file, "power/time_s")[mine], run_file.rows(run.file, "power/power_w")[mine]


def power(runs):
    traces = [(run, power_of(run), look) for run, look in zip(runs, RUNS) if power_of(run)]
    if not traces:
        return []
    top = max(np.max(trace[1]) for _, trace, _ in traces)
    size, unit = next(((s, u) for s, u in ((1e6, "MW"), (1e3, "kW")) if top >= 10 * s), (1, "W"))
    data, says = [], []
    for run, (time_s, watts), (colour, dash) in traces:
        x, y = thin(time_s, watts)
        data.append({"x": numbers(x, 7), "y": numbers(y / size), "mode": "lines", "name": run.name, "line": {"color": colour, "width": 1.2, "dash": dash}})
        says.append(f"{run.name}: {np.mean(watts) / size:.4g} {unit} mean, {np.min(watts) / size:.4g} to {np.max(watts) / size:.4g} over {time_s[-1]:.3g} s")
    figures = [figure("power", "Power at the meter", "; ".join(says) + ".", "/power: modelled", data,
                      {"xaxis": axis("time in the window [s]"), "yaxis": axis(f"power [{unit}]"), "showlegend": len(data) > 1}, 340)]
    return figures + [one for one in [spectrum([run for run, _, _ in traces], size, unit)] if one]


def spectrum(runs, size, unit):
    data, says = [], []
    for run, (colour, dash) in zip(runs, RUNS):
        group = run.file["power_window"]
        hz = group["frequency_hz" if "frequency_hz" in group else "frequency"][:]
        psd, step_hz = group["psd"][0], float(group["step_hz"][0])
        kept = (hz > 0) & np.isfinite(psd) & (psd > 0)
        if np.any(kept):
            x, y = thin(hz[kept], psd[kept])
            data.append({"x": numbers(x), "y": numbers(y / size**2), "mode": "lines", "name": run.name, "line": {"color": colour, "width": 1.2, "dash": dash}})
            says.append(f"{run.name}: step at {step_hz:.3g} Hz")
    if not data:
        return None
    shapes = [{"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": low, "x1": high, "line": {"width": 0}, "layer": "below",
               "fillcolor": "rgba(120,120,120,0.12)" if number % 2 else "rgba(120,120,120,0.2)"} for number, (low, high, _) in enumerate(BANDS)]
    notes = [{"x": float(np.log10(np.sqrt(low * high))), "y": 1.02, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False}
             for low, high, name in BANDS if name]
    return figure("spectrum", "Spectral density of the power", "; ".join(says) + ". Grey: bands that grids watch.", "/power_window/psd: modelled", data,
                  {"xaxis": axis("frequency [Hz]", type="log"), "yaxis": axis(f"density [{unit}²/Hz]", type="log", exponentformat="power"),
                   "shapes": shapes, "annotations": notes, "showlegend": len(data) > 1}, 360)


def cost(runs):
    data, says = [], []
    for run, (colour, dash) in zip(runs, RUNS):
        total = np.cumsum(run.fleet["cost_usd"])[np.minimum(run.reduced.starts + run.reduced.counts - 1, len(run.fleet["step"]) - 1)]
        data.append({"x": numbers(run.reduced.step, 9), "y": numbers(total), "mode": "lines", "name": run.name, "line": {"color": colour, "dash": dash, "width": 2}})
        says.append(f"{run.name}: {si(float(total[-1]), 'USD')}, {si(float(total[-1]) / len(run.fleet['step']), 'USD')} per step")
    return figure("cost", "Cost so far", "; ".join(says) + ".", "/fleet/cost_usd: modelled (capital written off, staff, energy)", data,
                  {"xaxis": axis("step"), "yaxis": axis("cost [USD]", rangemode="tozero"), "showlegend": len(data) > 1}, 300)


def events_table(run):
    if run.events is None:
        return None
    rows = []
    for kind in sorted(set(run.events["kind"])):
        mine = run.events["kind"] == kind
        stall, trained, usd = (float(np.nansum(run.events[name][mine])) for name in ("stall_s", "trained_s", "cost_usd"))
        rows.append([kind, f"{int(mine.sum()):,}", si(stall, "s"), si(trained, "s"), si(usd, "USD")])
    return ["kind", "events", "job stood still", "trained for nothing", "cost"], rows


def ensemble(run):
    """Draws of muir run --seeds: each measure's P10, P50 and P90."""
    group = run.file.get("ensemble")
    if group is None:
        return None
    rows = []
    for name, dataset in group.items():
        if dataset.ndim == 1 and dataset.dtype.kind == "f" and len(dataset) > 1:
            p10, p50, p90 = np.nanpercentile(dataset[:], [10, 50, 90])
            unit = run_file.as_text(dataset.attrs.get("units", ""))
            rows.append([name, *(si(float(value), unit if unit != "1" else "") for value in (p10, p50, p90))])
    return (["measure", "P10", "P50", "P90"], rows) if rows else None


def compared_parts(runs):
    names = [part for part in PARTS if any(part[0] in run.fleet and np.any(run.fleet[part[0]] != 0) for run in runs)]
    values = [[float(np.mean(run.fleet[name])) if name in run.fleet else 0.0 for name, _, _ in names] for run in runs]
    labels = [label for _, label, _ in names]
    data = [{"type": "bar", "name": run.name, "x": labels, "y": numbers(row), "marker": {"color": colour, "pattern": {"shape": "/" if number else ""}}}
            for number, (run, row, (colour, _)) in enumerate(zip(runs, values, RUNS))]
    changes = [(abs(b - a), label, b - a) for label, a, b in zip(labels, *values)]
    _, label, change = max(changes)
    rows = [[name, si(a, "s"), si(b, "s"), f"{'+' if b >= a else '-'}{si(abs(b - a), 's')}"] for name, a, b in zip(labels, *values)]
    return figure("parts", "Parts of a mean step", f"The part that changed most is {label}, by {'+' if change >= 0 else '-'}{si(abs(change), 's')}.",
                  "/fleet: modelled", data, {"barmode": "group", "yaxis": axis("time per step [s]")}, 380,
                  (["part", *(run.name for run in runs), "change"], rows))
