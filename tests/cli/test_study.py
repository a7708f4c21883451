#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Studies: each case is the ensemble of its scenario at the planner's layout; money by its own formulas.

Usage: test_study.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py, matplotlib or plotly is missing."""
import csv
import io
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
from python_with import python_with

python_with("h5py", "matplotlib", "plotly", status_if_missing=77)
import h5py

MUIR, MPIRUN, SOURCE = sys.argv[1:4]


def muir(*arguments, ranks=1, **options):
    return subprocess.run([MPIRUN, "-n", str(ranks), MUIR, *arguments], capture_output=True, text=True, timeout=280, **options)


def cases(name, ranks=1):
    done = muir("study", name, "-q", "--json", "-", ranks=ranks)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)["cases"]


class Studies(unittest.TestCase):
    def test_the_number_of_ranks_changes_nothing(self):
        self.assertEqual(cases("tiny"), cases("tiny", ranks=3))

    def test_cells_are_the_product_of_the_axes_then_sensitivities(self):
        rows = cases("tiny")
        self.assertEqual([row["label"] for row in rows[:4]],
                         ["64 sequences, as built", "64 sequences, four times", "128 sequences, as built",
                          "128 sequences, four times"])
        self.assertEqual([(row["sensitivity_key"], row["sensitivity_end"]) for row in rows[4:]],
                         [(key, end) for key in ("fleet.site.usd_per_mwh", "fleet.site.wacc") for end in ("low", "high")])

    def test_a_cell_is_its_ensemble(self):
        with tempfile.TemporaryDirectory() as folder:
            study = pathlib.Path(folder, "s.yaml")
            study.write_text("scenario: tiny\noverrides: steps=20\nlayout: given\nseeds: 3\naxes: {x: {one: seed=7}}\n")
            row = cases(str(study))[0]
            done = muir("run", "tiny", "steps=20", "seed=7", "--seeds", "3", "-q", "--json", "-")
        ensemble = json.loads(done.stdout)["ensemble"]
        for name in ("tokens_per_s", "goodput", "power_w", "usd_per_mtoken"):
            for key in ("p10", "p50", "p90", "mean"):
                self.assertEqual(row[name][key], ensemble[name][key], name)

    def test_money_follows_its_formulas(self):
        low, high = cases("tiny")[6:8]  # wacc 0.07 and 0.12
        for row, wacc in ((low, 0.07), (high, 0.12)):
            hours = row["chips"] * 8766
            running = row["energy_usd_per_year"] + row["staff_usd_per_year"] + row["repairs_usd_per_year"]
            self.assertAlmostEqual(row["required_usd_per_chip_hour"], (row["annuity_usd_per_year"] + running) / hours, delta=1e-9)
            per_token = row["required_usd_per_chip_hour"] * row["chips"] / 3600 / row["tokens_per_s"]["mean"] * 1e6
            self.assertAlmostEqual(row["required_usd_per_mtoken"] / per_token, 1, delta=1e-9)
            self.assertGreater(row["annuity_usd_per_year"], wacc * row["capital_usd"])
        self.assertGreater(high["annuity_usd_per_year"], low["annuity_usd_per_year"])
        self.assertIsNone(low["payback_years"])  # no rent is known

    def test_csv_has_the_same_rows(self):
        rows = list(csv.DictReader(io.StringIO(muir("study", "tiny", "--csv", "-").stdout)))
        for row, case in zip(rows, cases("tiny"), strict=True):
            self.assertEqual(float(row["tokens_per_s_p50"]), case["tokens_per_s"]["p50"])

    def test_a_study_that_was_killed_goes_on_to_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            once, killed = (os.path.join(folder, name) for name in ("once.h5", "killed.h5"))
            self.assertEqual(muir("study", "tiny", "-q", "-o", once, ranks=2).returncode, 0)
            with subprocess.Popen([MUIR, "study", "tiny", "-q", "-o", killed]) as process:
                while not os.path.exists(killed) and process.poll() is None:
                    time.sleep(0.005)
                process.kill()
            done = muir("study", "tiny", "-q", "-o", killed, "--resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(pathlib.Path(once).read_bytes(), pathlib.Path(killed).read_bytes())
            changed = pathlib.Path(folder, "t.yaml")
            changed.write_text(pathlib.Path(SOURCE, "data", "studies", "tiny.yaml").read_text().replace("64 seq", "sixty-four seq"))
            for wrong in ([str(changed)], ["tiny", "--seeds", "3"]):
                done = muir("study", *wrong, "-o", killed, "--resume")
                self.assertEqual((done.returncode, "not one of this study" in done.stderr), (2, True), done.stderr)

    def test_the_file_has_every_draw_over_named_axes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s.h5")
            self.assertEqual(muir("study", "tiny", "-q", "-o", path).returncode, 0)
            rows = cases("tiny")
            with h5py.File(path) as file:
                draws = file["tokens_per_s"]
                self.assertEqual([dimension[0].name for dimension in draws.dims], ["/batch", "/network", "/draw"])
                self.assertEqual([text.decode() for text in file["network"][:]], ["as built", "four times"])
                for i in range(4):
                    self.assertAlmostEqual(draws[i // 2, i % 2].mean(), rows[i]["tokens_per_s"]["mean"], delta=1e-6)
                    self.assertEqual(file["required_usd_per_mtoken"][i // 2, i % 2], rows[i]["required_usd_per_mtoken"])
                    self.assertEqual(file["sensitivity_required_usd_per_mtoken"][i // 2, i % 2], rows[4 + i]["required_usd_per_mtoken"])
                overrides = file["overrides"][1, 0].decode().split()
            drawn = subprocess.run([sys.executable, f"{SOURCE}/scripts/plot_study.py", path, "-o", folder], capture_output=True, text=True, timeout=120)
            self.assertEqual(drawn.returncode, 0, drawn.stderr)
            names = [pathlib.Path(line) for line in drawn.stdout.splitlines()]
            self.assertEqual([name.stem for name in names], ["s-pareto", "s-tornado", "s-fan", "s-costs"])  # no scaling: four chips in each
            self.assertTrue(all(name.stat().st_size > 10000 for name in names))
            report = subprocess.run([sys.executable, f"{SOURCE}/scripts/report.py", path, "-o", f"{folder}/s.html"], capture_output=True, text=True, timeout=120)
            self.assertEqual(report.returncode, 0, report.stderr)
            page = pathlib.Path(folder, "s.html").read_text()
            for row in rows[:4]:
                self.assertIn(f"<td>{row['required_usd_per_mtoken']:.3g}</td>", page)
                self.assertIn(row["overrides"], page)
            single = json.loads(muir("run", "tiny", *overrides, "-q", "--seeds", "2", "--json", "-").stdout)["ensemble"]
            self.assertEqual(single["tokens_per_s"]["mean"], rows[2]["tokens_per_s"]["mean"])

    def test_wrong_files_are_one_sentence_and_exit_code_2(self):
        wrong = {"scenario: tiny\n": "'axes' is missing", "axes: {a: {b: steps=2}}\n": "'scenario' is missing",
                 "scenario: tiny\naxes: {a: {b: steps=2}}\njoy: 1\n": "joy is unknown",
                 "scenario: tiny\naxes: {a: {b: steps=-2}}\n": "b: ", "scenario: tiny\nseeds: 0\naxes: {a: {b: steps=2}}\n": "1 to",
                 "scenario: tiny\naxes: {a: 3}\n": "mapping", "scenario: tiny\nlayout: good\naxes: {a: {b: steps=2}}\n": "best",
                 "scenario: tiny\nlayout: best\nbounds: pp<=x\naxes: {a: {b: steps=2}}\n": "must be a number",
                 "scenario: tiny\naxes: {a: {b: steps=2}}\nsensitivity: {fleet.site.wacc: 0.1}\n": "a low and a high value"}
        with tempfile.TemporaryDirectory() as folder:
            for text, said in wrong.items():
                path = os.path.join(folder, "w.yaml")
                pathlib.Path(path).write_text(text)
                done = muir("study", path)
                self.assertEqual(done.returncode, 2, text)
                lines = [line for line in done.stderr.splitlines() if line.startswith("muir: ")]
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn(said, lines[0])

    def test_shipped_studies_load_every_case(self):
        """As the study does before it searches: searches and draws would take minutes."""
        for path in sorted(pathlib.Path(SOURCE, "data", "studies").glob("[!t]*.yaml")):  # tiny is run above
            text = path.read_text()
            scenario = re.search(r"^scenario: (\S+)", text, re.M).group(1)
            base = re.search(r"^overrides: (.*)", text, re.M).group(1).split()
            axes = re.findall(r"^  \S.*:\n((?:    .*\n)+)", text, re.M)
            values = [[line.split(": ", 1)[1].split() for line in axis.splitlines()] for axis in axes]
            self.assertTrue(values and all(values))
            self.assertIn("--seeds is 0", muir("study", path.stem, "--seeds", "0").stderr)  # the file is read before
            for words in itertools.product(*values):
                done = subprocess.run([MUIR, "check", scenario, *base, *itertools.chain(*words), "--json", "-"], capture_output=True,
                                      text=True, timeout=120)
                self.assertEqual(done.returncode, 0, f"{path.name} {words}: {done.stderr}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
