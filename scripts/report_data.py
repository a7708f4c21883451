# SPDX-License-Identifier: BSD-3-Clause
"""What a report says in numbers: the figures of muir's own summary, computed again from the file, and columns reduced
so that no extreme is lost."""
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np

import run_file

MOST = 600  # places along an axis; neighbours are joined beyond
# Parts of a step in the order in which they are stored: column, legend, colour. Okabe and Ito's colours, which people
# with colour blindness tell apart, then a wine red, sand and greys.
PARTS = [("compute_s", "compute", "#0072B2"), ("tp_s", "tensor parallel", "#56B4E9"),
         ("cp_s", "context parallel", "#009E73"), ("ep_s", "expert parallel", "#8FD6BF"),
         ("pp_s", "pipeline transfers", "#F0E442"), ("bubble_s", "pipeline bubble", "#E69F00"),
         ("dp_s", "data parallel", "#D55E00"), ("optimizer_s", "optimizer", "#CC79A7"),
         ("variation_s", "variation", "#DDCC77"), ("straggler_s", "straggler wait", "#882255"),
         ("checkpoint_s", "checkpoint", "#777777"), ("recovery_s", "recovery", "#BBBBBB"),
         ("evaluation_s", "evaluation", "#000000")]
PREFIXES = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")]


def si(value, unit, digits=3):
    """A number with prefix and unit: "13.3 s", "9.60 Mtoken/s"."""
    if not np.isfinite(value):
        return "not measured"
    factor, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), (1, ""))
    if unit == "s" and factor >= 1e3:
        return duration(value)
    if unit == "USD" and factor < 1:
        return f"{value:.{digits}g} USD"
    return f"{value / factor:#.{digits}g}".rstrip(".") + f" {prefix}{unit}"


def duration(seconds):
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds:#.3g} s"


class Reduced:
    """Rows joined into at most MOST groups of neighbours; a group has a mean, a smallest and a largest value."""

    def __init__(self, step):
        self.each = max(1, -(-len(step) // MOST))
        self.starts = np.arange(0, len(step), self.each)
        self.step = step[self.starts]
        self.counts = np.diff(np.append(self.starts, len(step)))

    def mean(self, values):
        return np.add.reduceat(np.asarray(values, float), self.starts) / self.counts

    def low(self, values):
        return np.fmin.reduceat(np.asarray(values, float), self.starts)

    def high(self, values):
        return np.fmax.reduceat(np.asarray(values, float), self.starts)

    def text(self):
        return "each step" if self.each == 1 else f"mean and range of each {self.each:,} steps"


def kept_tokens(fleet):
    """Tokens of the steps that were kept, as muir's summary counts them: lost steps at the rate of the last kept one."""
    trained = fleet["replicas"] > 0
    tokens = np.where(trained, fleet["tokens_per_s"] * fleet["step_time_s"], np.nan)
    flop = np.where(trained, fleet["mfu"] * fleet["step_time_s"], np.nan)
    last = np.maximum.accumulate(np.where(trained, np.arange(len(trained)), -1))
    kept = trained.astype(float) - fleet["lost_steps"]
    known = last >= 0
    return (float(np.sum(kept[known] * tokens[last[known]])), float(np.sum(kept[known] * flop[last[known]])))


class Run:
    """A telemetry file, read once."""

    def __init__(self, path, file):
        self.path, self.file = pathlib.Path(path), file
        self.name = self.path.stem
        self.fleet = {name: run_file.rows(file, f"fleet/{name}") for name in file["fleet"]} if "fleet" in file else {}
        self.fleet = {name: values for name, values in self.fleet.items() if values is not None and values.ndim == 1}
        self.events = run_file.events_of(file)
        self.scenario = run_file.scenario_of(file)
        self.reduced = Reduced(self.fleet["step"]) if "step" in self.fleet else None

    def title(self):
        return f"{self.scenario.get('model', '?')} on {self.scenario.get('fleet', '?')}"

    def has_steps(self):
        return self.reduced is not None and len(self.fleet["step"]) > 0

    def total_s(self):
        return float(np.sum(self.fleet["step_time_s"]))

    def interval(self):
        """80 % interval of modelled step times as factors, and what it rests on; None where the file has none."""
        attributes = self.file["fleet"].attrs
        if "interval_low" not in attributes:
            return None
        low, high = (float(run_file.as_text(attributes[f"interval_{end}"])) for end in ("low", "high"))
        return (low, high, run_file.as_text(attributes.get("interval_basis", ""))) if low > 0 and high > 0 else None

    def headline(self):
        """(label, value, unit, text, provenance) of what a reader wants first."""
        fleet, total_s = self.fleet, self.total_s()
        tokens, flop = kept_tokens(fleet)
        step_s, cost_usd = float(np.mean(fleet["step_time_s"])), float(np.sum(fleet["cost_usd"]))
        energy_j = float(np.sum(fleet["energy_j"]))
        interval = self.interval()
        step = si(step_s, "s")
        if interval:
            step += f" ({si(step_s * interval[0], 's')} to {si(step_s * interval[1], 's')} at 80 %, {interval[2]})"
        rows = [("step time, mean", step_s, "s", step), ("throughput", tokens / total_s, "token/s", None),
                ("MFU", max(0.0, flop / total_s), "1", f"{100 * max(0.0, flop / total_s):.1f} %"),
                ("goodput", float(fleet["goodput"][-1]), "1", f"{100 * fleet['goodput'][-1]:.2f} %"),
                ("fleet time", total_s, "s", None), ("power at the meter, mean", energy_j / total_s, "W", None),
                ("energy", energy_j, "J", None), ("cost", cost_usd, "USD", None),
                ("cost per million tokens", cost_usd / tokens * 1e6 if tokens > 0 else np.inf, "USD",
                 None if tokens > 0 else "no step was kept")]
        return [(label, value, unit, text or si(value, unit), "modelled") for label, value, unit, text in rows]

    def parts(self):
        """(column, label, colour, mean seconds per step) of the parts that there are."""
        return [(name, label, colour, float(np.mean(self.fleet[name]))) for name, label, colour in PARTS
                if name in self.fleet and np.any(self.fleet[name] != 0)]

    def waterfall(self):
        """Where the fleet's time went, in seconds: (label, lost), the rest to goodput last. Adds up to total_s."""
        fleet, total_s = self.fleet, self.total_s()
        sums = {name: float(np.sum(fleet[name])) for name in ("checkpoint_s", "recovery_s", "broken_s", "evaluation_s")
                if name in fleet}
        productive_s = float(fleet["goodput"][-1]) * total_s
        rows = []
        if self.events is not None and sums.get("recovery_s", 0) > 0:
            stall = np.nan_to_num(self.events["stall_s"])
            kinds = sorted(set(self.events["kind"]), key=lambda kind: -stall[self.events["kind"] == kind].sum())
            rows = [(f"standing still: {kind}", float(stall[self.events["kind"] == kind].sum())) for kind in kinds[:5]]
            rows = [(label, seconds) for label, seconds in rows if seconds > 0]
            others = sums["recovery_s"] - sums.get("broken_s", 0) - sum(seconds for _, seconds in rows)
            rows.append(("standing still: other", others))
        rows.append(("broken off", sums.get("broken_s", 0)))
        rows.append(("checkpoints", sums.get("checkpoint_s", 0)))
        rest_s = total_s - productive_s - sum(seconds for _, seconds in rows)
        rows.append(("lost steps, missing replicas", rest_s))
        return [(label, seconds) for label, seconds in rows if abs(seconds) > 1e-6 * total_s], productive_s

    def schedule(self):
        """Slices of the modelled schedule, from muir export perfetto; None with the reason where that is not possible."""
        program = os.environ.get("MUIR")
        if not program:
            return None, "made by muir report only, which works out the schedule again"
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "trace.json")
            done = subprocess.run([program, "export", "perfetto", str(self.path), "-o", str(path), "--steps",
                                   str(int(self.fleet["step"][0]))], capture_output=True, text=True, check=False)
            if done.returncode:
                return None, done.stderr.strip().removeprefix("muir: ")
            events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        return [event for event in events if event["ph"] == "X" and event["pid"] == 1], ""
