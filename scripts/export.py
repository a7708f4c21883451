#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A telemetry file as CSV, Parquet or OpenMetrics text: export.py csv|parquet|openmetrics FILE.h5 -o FILE [options]

csv, parquet: the columns of one group (--group, default fleet); numbers of kinds become names, a column with a value for
each server or rank becomes one column for each. openmetrics: figures of the last rows, for node_exporter's textfile
collector; --every S writes them again every S seconds until it is interrupted. `muir export` runs this script.
"""
import argparse
import csv
import importlib.util
import os
import pathlib
import signal
import sys
import time

from python_with import python_with

python_with("h5py", "numpy")
import numpy as np

import run_file
from open_run import open_run

MOST_COLUMNS = 4096  # of a table; more are no table that anybody opens
BLOCK = 4096         # rows that are held at a time


class Wrong(Exception):
    """Wrong input, in one sentence."""


def open_file(path):
    try:
        file = open_run(path)
    except OSError as error:
        raise Wrong(f"{path}: {error}") from error
    if "muir_version" not in file.attrs:
        raise Wrong(f"{path} is not a telemetry file of muir run")
    return file


def table_of(file, group):
    """Columns of a group: (header, dataset, place in the second dimension or None, names behind numbers), and how many rows."""
    groups = sorted(name for name in file if run_file.rows_of(file, name))
    if group not in groups:
        raise Wrong(f"--group {group}: the file has rows in {', '.join(groups) or 'no group'}")
    n = run_file.rows_of(file, group)
    columns = []
    for name, dataset in sorted(file[group].items(), key=lambda item: item[0] != run_file.COUNTED_BY.get(group, "step")):
        if dataset.ndim == 0 or len(dataset) < n or dataset.dtype.kind not in "if" or dataset.maxshape[0] is not None:
            continue
        names = run_file.names_of(file, f"{group}/{name}") if dataset.dtype.kind == "i" else {}
        places = [None] if dataset.ndim == 1 else range(dataset.shape[1])
        columns += [(name if place is None else f"{name}_{place}", dataset, place, names) for place in places]
    if len(columns) > MOST_COLUMNS:
        raise Wrong(f"--group {group} has {len(columns):,} columns, at most {MOST_COLUMNS:,} fit a table: read it with h5py or xarray")
    return columns, n


def block_of(columns, start, end):
    """Columns of some rows; each dataset is read once."""
    read, values = {}, []
    for _, dataset, place, names in columns:
        if dataset.name not in read:
            read[dataset.name] = dataset[start:end]
        column = read[dataset.name] if place is None else read[dataset.name][:, place]
        values.append([names.get(int(number), int(number)) for number in column] if names else column)
    return values


def write_csv(file, group, output):
    columns, n = table_of(file, group)
    stream = sys.stdout if str(output) == "-" else open(output, "w", encoding="utf-8", newline="")
    try:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([header for header, *_ in columns])
        for start in range(0, n, BLOCK):
            values = [column if isinstance(column, list) else column.tolist() for column in block_of(columns, start, min(start + BLOCK, n))]
            writer.writerows(zip(*values))
        stream.flush()
    finally:
        if stream is not sys.stdout:
            stream.close()
    return f"{n:,} rows, {len(columns):,} columns of /{group}"


def write_parquet(file, group, output):
    engine = next((name for name in ("pyarrow", "fastparquet") if importlib.util.find_spec(name)), None)
    if not engine or not importlib.util.find_spec("pandas"):
        raise Wrong("parquet needs Python with pandas and pyarrow or fastparquet, which Debian 12 does not package: pip install pandas pyarrow, or export csv")
    import pandas
    columns, n = table_of(file, group)
    frame = pandas.DataFrame(dict(zip([header for header, *_ in columns], block_of(columns, 0, n))))
    frame.to_parquet(output, engine=engine, index=False)
    return f"{n:,} rows, {len(columns):,} columns of /{group}"


# Metric, its unit in OpenMetrics, type, column of /fleet, what it is. A counter is the sum over all rows.
METRICS = [("step", "", "gauge", "step", "number of the last step"),
           ("training_step", "", "gauge", "training_step", "steps of progress"),
           ("step_time", "seconds", "gauge", "step_time_s", "time of the last step (modelled)"),
           ("fleet_time", "seconds", "gauge", "fleet_time_s", "fleet time so far (modelled)"),
           ("throughput_tokens_per_second", "", "gauge", "tokens_per_s", "tokens trained on per second in the last step (modelled)"),
           ("mfu", "ratio", "gauge", "mfu", "model FLOP over the peak in the last step (modelled)"),
           ("goodput", "ratio", "gauge", "goodput", "productive share of fleet time so far (modelled)"),
           ("replicas", "", "gauge", "replicas", "replicas that trained the last step"),
           ("power", "watts", "gauge", "power_w", "power at the meter in the last step (modelled)"),
           ("energy", "joules", "counter", "energy_j", "energy at the meter (modelled)"),
           ("cost_usd", "", "counter", "cost_usd", "what the fleet has cost (modelled)")]


def quote(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def family(name, unit, kind, about, samples):
    """One metric with its samples: (labels, value)."""
    full = f"muir_{name}" + (f"_{unit}" if unit else "")
    lines = [f"# TYPE {full} {kind}"] + ([f"# UNIT {full} {unit}"] if unit else []) + [f"# HELP {full} {about}"]
    suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
    for labels, value in samples:
        inside = ",".join(f'{key}="{quote(str(text))}"' for key, text in labels.items())
        lines.append(f"{full}{suffix}{{{inside}}} {value if isinstance(value, int) else format(value, '.9g')}")
    return lines


def metrics_of(path, file):
    run = {"run": path.stem}
    about = {key: run_file.text_of(file, key, "") for key in ("model", "fleet", "faults", "seed", "muir_version")}
    lines = family("run", "", "info", "what is rehearsed", [({**run, **about}, 1)])
    for name, unit, kind, column, text in METRICS:
        values = run_file.rows(file, f"fleet/{column}") if kind == "counter" else run_file.tail(file, f"fleet/{column}", 1)
        if values is not None:
            value = float(np.sum(values)) if kind == "counter" else float(values[-1])
            lines += family(name, unit, kind, text, [(run, value)])
    events = run_file.events_of(file)
    if events is not None:
        kinds, counts = np.unique(events["kind"], return_counts=True)
        lines += family("events", "", "counter", "events met so far (injected)", [({**run, "kind": kind}, int(n)) for kind, n in zip(kinds, counts)])
    seconds, moved = run_file.tail(file, "host/coll_s", 1), run_file.tail(file, "host/coll_bytes", 1)
    if seconds is not None and moved is not None and np.any(seconds > 0):
        rate = float(np.nanmedian(moved[-1][seconds[-1] > 0] / seconds[-1][seconds[-1] > 0]))
        lines += family("host_collectives_bytes_per_second", "", "gauge", "rate of executed collectives, median over ranks", [(run, rate)])
    return "\n".join([*lines, "# EOF", ""])


def write_openmetrics(path, output):
    """At once or not at all: a collector never sees half a file."""
    with open_file(path) as file:
        text = metrics_of(path, file)
    if str(output) == "-":
        print(text, end="")
        return
    part = output.with_name(f"{output.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, output)


def follow(path, output, every):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    while True:
        write_openmetrics(path, output)
        time.sleep(every)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"muir: export: {message}", file=sys.stderr)
        sys.exit(2)


def main():
    parser = Parser(prog="muir export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=("csv", "parquet", "openmetrics"))
    parser.add_argument("file", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--group", default="fleet")
    parser.add_argument("--every", type=float, default=0.0, metavar="S")
    args = parser.parse_args()
    if args.every < 0 or (args.every and args.format != "openmetrics"):
        parser.error("--every is seconds above 0, for openmetrics")
    try:
        if args.format == "openmetrics":
            if args.every:
                follow(args.file, args.output, args.every)
            write_openmetrics(args.file, args.output)
            said = "metrics of the last row"
        else:
            with open_file(args.file) as file:
                said = (write_csv if args.format == "csv" else write_parquet)(file, args.group, args.output)
    except Wrong as error:
        print(f"muir: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"muir: -o {args.output}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    if str(args.output) != "-":
        print(f"{args.output}: {said}")


if __name__ == "__main__":
    main()
