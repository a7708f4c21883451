# SPDX-License-Identifier: BSD-3-Clause
"""What scripts read from a telemetry file: texts, whole rows, names behind numbers, events, what a scenario changes."""
from python_with import python_with

python_with("h5py", "numpy")
import h5py
import numpy as np

# Keys of /scenario that say where or how long a run was, not what it rehearses.
NOT_COMPARED = ("description", "steps", "days", "telemetry.", "host.")

# Coordinate of a group's rows where it is not the step.
COUNTED_BY = {"events": "event", "power": "sample", "power_window": "window", "collectives": "sample",
              "host_flips": "flip", "host_trace": "event", "ensemble": "seed"}


def as_text(value):
    """An attribute or scalar as text, whether the file stores bytes, texts or numbers."""
    if isinstance(value, bytes):
        return value.decode(errors="replace").rstrip("\0")
    if isinstance(value, (float, np.floating)):
        return f"{value:.10g}"
    return str(value)


def text_of(file, key, default=None):
    """An attribute or a single text of /scenario, or an attribute of the file; DEFAULT if there is no such thing."""
    place = file.get("scenario", file)
    value = place.attrs.get(key, file.attrs.get(key))
    if value is None and isinstance(place.get(key), h5py.Dataset):
        value = place[key][()]
    return default if value is None else as_text(value)


def number_of(file, key, default=0.0):
    """A number of /scenario; DEFAULT where it is absent or a word such as `auto`."""
    try:
        return float(text_of(file, key, default))
    except ValueError:
        return default


def scenario_of(file):
    """Every key of /scenario as text."""
    return {key: as_text(value) for key, value in file["scenario"].attrs.items()} if "scenario" in file else {}


def differences_of(scenarios):
    """Keys in which scenarios (of scenario_of) differ: key -> one text for each ("" where one lacks it)."""
    keys = sorted({key for scenario in scenarios for key in scenario})
    rows = {key: [scenario.get(key, "") for scenario in scenarios] for key in keys}
    return {key: row for key, row in rows.items()
            if len(set(row)) > 1 and not any(key == word or (word[-1] == "." and key.startswith(word))
                                             for word in NOT_COMPARED)}


def rows_of(file, group):
    """Whole rows of a table. In a live file a group's coordinate is written last, so its length counts."""
    dataset = file.get(f"{group}/{COUNTED_BY.get(group, 'step')}")
    return 0 if dataset is None else len(dataset)


def rows(file, name):
    """A column's whole rows; None if there are none."""
    dataset = file.get(name)
    n = 0 if dataset is None else rows_of(file, name.partition("/")[0])
    return dataset[:n] if n and len(dataset) >= n else None


def names_of(file, column):
    """Names behind the numbers of a column such as events/kind: number -> name."""
    dataset = file[column]
    if "flag_meanings" in dataset.attrs:
        names = as_text(dataset.attrs["flag_meanings"]).split()
        return dict(zip((int(value) for value in np.atleast_1d(dataset.attrs["flag_values"])), names))
    names = file.get(f"{column}_name")  # files of format 1
    return {} if names is None else dict(enumerate(as_text(name) for name in names[:]))


def events_of(file):
    """The events as one dictionary of arrays, kind, noticed, consequence and tier as names; None without events."""
    n = rows_of(file, "events") if "events" in file else 0
    if not n:
        return None
    events = {}
    for name, dataset in file["events"].items():
        if dataset.ndim == 1 and len(dataset) >= n and not name.endswith(("_name", "_number")):
            events[name] = dataset[:n]
    for name in ("kind", "noticed", "consequence", "tier"):
        known = names_of(file, f"events/{name}") if name in events else {}
        if known:
            events[name] = np.array([known.get(int(number), str(number)) for number in events[name]])
    return events


def picture(output, stem, name):
    """Where a picture goes: into the folder OUTPUT, or, if that is a .png, to OUTPUT itself (NAME "") or next to it."""
    if output is not None and output.suffix == ".png":
        output.parent.mkdir(parents=True, exist_ok=True)
        return output.with_name(f"{output.stem}-{name}.png") if name else output
    folder = output or type(stem)(".")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{stem.stem}-{name}.png"


def tail(file, name, n):
    """The last N whole rows of a column, or fewer; None if there are none. Reads no others."""
    dataset = file.get(name)
    count = 0 if dataset is None else min(rows_of(file, name.partition("/")[0]), len(dataset))
    return dataset[max(0, count - n):count] if count else None
