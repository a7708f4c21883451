# SPDX-License-Identifier: BSD-3-Clause
"""A study's file, read once: cells with their labels and draws, sensitivities, costs by part."""
import pathlib

from python_with import python_with

python_with("h5py", "numpy")
import h5py
import numpy as np

from run_file import as_text

# Parts of what a fleet must earn per year, bottom up: variable, words, colour (Okabe and Ito).
COSTS = [("servers_usd_per_year", "chips and servers", "#0072B2"), ("network_usd_per_year", "network", "#56B4E9"),
         ("site_usd_per_year", "building, supply, cooling", "#009E73"), ("energy_usd_per_year", "energy", "#E69F00"),
         ("staff_usd_per_year", "operations", "#CC79A7"), ("repairs_usd_per_year", "repairs", "#D55E00")]
MOST_IN_COLOUR = 8


class NotAStudy(Exception):
    """The file is none of muir study, or nothing of it is done; one sentence."""


def texts(dataset):
    return [as_text(value) for value in dataset[:]]


def quantiles(draws):
    """P10, P50 and P90 over the last axis, as muir computes them; NaN where nothing was drawn."""
    draws = np.asarray(draws, float)
    return np.quantile(draws, [0.1, 0.5, 0.9], axis=-1) if np.isfinite(draws).all() else np.full((3, *draws.shape[:-1]), np.nan)


class Study:
    def __init__(self, path):
        self.path, self.name = pathlib.Path(path), pathlib.Path(path).stem
        try:
            with h5py.File(path, "r") as file:
                self.read(file)
        except OSError as error:
            raise NotAStudy(f"{path}: {error}") from error
        if not self.cells:
            raise NotAStudy(f"{path}: no case of the study is done yet")

    def read(self, file):
        if "study_identity" not in file.attrs:
            raise NotAStudy(f"{self.path} is not a file of muir study")
        self.attributes = {key: as_text(value) for key, value in file.attrs.items()}
        self.title = self.attributes["title"]
        self.axes = [dimension.label or as_text(h5py.h5i.get_name(dimension[0].id)).strip("/") for dimension in file["goodput"].dims][:-1]
        self.labels = [texts(file[axis]) for axis in self.axes]
        self.seeds = file["goodput"].shape[-1]
        self.cells = [self.case(file, "", place) for place in np.ndindex(*file["is_done"].shape) if file["is_done"][place]]
        self.bars = self.sensitivities(file) if "key" in file and file["is_done"][(0,) * len(self.axes)] else []

    def case(self, file, prefix, place):
        case = {"place": place, "label": ", ".join(self.labels[axis][number] for axis, number in enumerate(place)) if not prefix else ""}
        shape = file[f"{prefix}is_done"].shape
        for name, dataset in file.items():
            plain = name[len(prefix):]
            if not name.startswith(prefix) or (not prefix and name.startswith("sensitivity_")) or dataset.shape[:len(shape)] != shape:
                continue
            value = dataset[place]
            case[plain] = value if np.ndim(value) or isinstance(value, np.number) else as_text(value)
        return case

    def sensitivities(self, file):
        """(key, (low value, high value), required price at low, at high), the widest first."""
        base = self.cells[0]["required_usd_per_mtoken"]
        rows = []
        values = {}
        for line in self.attributes["study_identity"].splitlines():
            if line.startswith("sensitivity: "):
                key, _, ends = line.removeprefix("sensitivity: ").partition(": ")
                values[key] = ends.split()
        for number, key in enumerate(texts(file["key"])):
            if file["sensitivity_is_done"][number].all():
                low, high = (float(value) for value in file["sensitivity_required_usd_per_mtoken"][number])
                rows.append((key, values.get(key, ["low", "high"]), low / base - 1, high / base - 1))
        return sorted(rows, key=lambda row: -abs(row[3] - row[2]))

    def is_curve(self):
        """Whether chips differ between cells, so that there is something to scale over."""
        return len({cell["chips"] for cell in self.cells}) > 2


def pareto(cells):
    """Numbers of the cells that no other one beats in both throughput and price per token."""
    points = [(float(np.median(cell["tokens_per_s"])), float(cell["required_usd_per_mtoken"])) for cell in cells]
    return [i for i, (speed, price) in enumerate(points)
            if not any(s >= speed and p <= price and (s, p) != (speed, price) for s, p in points)]
