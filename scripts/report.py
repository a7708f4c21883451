#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One page with everything about a run, an ensemble or a study, or a comparison of two runs: report.py FILE.h5 [OTHER.h5] [-o FILE.html]

The page holds its data and the plotly library and needs no network. `muir report` runs this script; run by itself it has
no picture of the pipeline's schedule, which muir works out again.
"""
import argparse
import html
import pathlib
import sys

from python_with import python_with

python_with("h5py", "numpy", "plotly")
from plotly.offline import get_plotlyjs

import report_figures
import report_more
import report_study
import run_file
from open_run import open_run
from report_data import Run, si
from report_page import cards, escape, page, table
from study_data import NotAStudy, Study


def fail(message):
    sys.exit(f"muir: {message}")


def figures_of(run):
    wanted = [report_figures.where_time_went(run), report_figures.parts_over_time(run), report_figures.throughput([run]),
              report_figures.over_time([run], "mfu", "MFU", "% of dense peak", 100), report_figures.waterfall(run),
              report_figures.servers(run), report_figures.schedule(run), *report_more.memory(run), report_more.collectives(run),
              report_more.host(run), *report_more.power([run]), report_more.cost([run])]
    return [one for one in wanted if one]


def origin(run):
    """How and by which build the file was made."""
    rows = [[key, run_file.text_of(run.file, key)] for key in ("history", "muir_version", "build", "format_version", "seed", "ranks")]
    return table(["", ""], [row for row in rows if row[1]])


def scenario_sections(run):
    resolved = run_file.text_of(run.file, "resolved", "")
    return [("scenario", "Scenario, every default filled in", f"<pre tabindex=0>{html.escape(resolved)}</pre>"),
            ("origin", "How the file was made", origin(run))]


PROVENANCE = [["modelled", "computed by muir's models of fleet, network and job"], ["injected", "the truth about a failure that was planted"],
              ["executed", "timed on this machine while it ran"], ["measured", "found out once on this machine"],
              ["input", "from the scenario and its data files"]]


def report(run):
    sections = []
    events = report_more.events_table(run)
    if events:
        sections.append(("events", "Events by kind", table(*events)))
    ensemble = report_more.ensemble(run)
    if ensemble:
        sections.append(("ensemble", "Ensemble: draws of the same scenario", table(*ensemble)))
    sections += scenario_sections(run)
    sections.append(("provenance", "What the words under the figures mean", table(["word", "meaning"], PROVENANCE)))
    top = cards([(label, text, source) for label, _, _, text, source in run.headline()])
    intro = f"{run.path.name}; {run.scenario.get('description', '')}; {len(run.fleet['step']):,} steps from {run.fleet['step'][0]:,}"
    return f"{run.title()}: a run of muir", intro, top, figures_of(run), sections


def comparison(runs):
    differs = run_file.differences_of([run.scenario for run in runs])
    names = [run.name for run in runs]
    rows = []
    for (label, a, unit, text_a, _), (_, b, _, text_b, _) in zip(*(run.headline() for run in runs)):
        ratio = f"{b / a:.4g}" if a and a == a and b == b and abs(a) != float("inf") else "not defined"
        rows.append([label, text_a, text_b, ratio])
    keys = table(["key", *names], [[key, *row] for key, row in differs.items()]) if differs else "<p>The scenarios are the same.</p>"
    top = (f"<h2>What differs in the scenario</h2>{keys}<h2>What it did</h2>"
           + table(["figure", *names, f"{escape(names[1])} over {escape(names[0])}"], rows))
    figures = [report_more.compared_parts(runs), report_figures.throughput(runs),
               report_figures.over_time(runs, "step_time_s", "step time", "s"), *report_more.power(runs), report_more.cost(runs)]
    sections = []
    for run in runs:
        events = report_more.events_table(run)
        if events:
            sections.append((f"events-{runs.index(run)}", f"Events of {run.name}", table(*events)))
    sections.append(("provenance", "What the words under the figures mean", table(["word", "meaning"], PROVENANCE)))
    return f"{names[0]} against {names[1]}", f"{runs[0].title()}; {runs[1].title()}", top, [one for one in figures if one], sections


def open_one(path):
    try:
        return open_run(path)
    except OSError as error:
        fail(f"{path}: {error}")


def open_all(paths):
    runs = []
    for path in paths:
        file = open_one(path)
        if "muir_version" not in file.attrs:
            fail(f"{path} is not a telemetry file of muir run")
        if "study_identity" in file.attrs or "fleet" not in file and "ensemble" in file:
            fail(f"{path} is of a study or an ensemble; only runs are compared")
        run = Run(path, file)
        if not run.has_steps():
            fail(f"{path} has no steps of a fleet to report (telemetry.level, or a file of another command)")
        runs.append(run)
    if len(runs) == 2 and runs[0].name == runs[1].name:
        for run in runs:
            run.name = str(run.path)
    return runs


def content_of(paths):
    """What the page shows: of a study, an ensemble, a run, or two runs."""
    if len(paths) == 1:
        file = open_one(paths[0])
        if "study_identity" in file.attrs:
            file.close()
            try:
                return report_study.study_page(Study(paths[0]), PROVENANCE)
            except NotAStudy as error:
                fail(error)
        if "ensemble" in file and "fleet" not in file and len(file["ensemble/seed"]) > 0:
            ensemble = report_study.Ensemble(paths[0], file)
            return report_study.ensemble_page(ensemble, PROVENANCE, scenario_sections(ensemble))
    runs = open_all(paths)
    return report(runs[0]) if len(runs) == 1 else comparison(runs)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"muir: report: {message}", file=sys.stderr)
        sys.exit(2)


def main():
    parser = Parser(prog="muir report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.h5")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="FILE.html")
    args = parser.parse_args()
    if len(args.files) > 2:
        parser.error("one file, or two to compare")
    try:
        content = content_of(args.files)
    except SystemExit as error:
        print(error.code, file=sys.stderr)
        sys.exit(2)
    output = args.output or pathlib.Path(f"{args.files[0].stem}.html")
    text = page(*content, get_plotlyjs())
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"muir: -o {output}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    print(f"{output}: {si(len(text.encode()), 'B')}")


if __name__ == "__main__":
    main()
