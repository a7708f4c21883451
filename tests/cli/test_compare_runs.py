#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""compare_runs.py on small files that differ in one known thing each. Exit status 77 without h5py: skipped."""
import pathlib
import sys
import tempfile
import unittest

import patience

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from python_with import python_with

python_with("h5py", "numpy", status_if_missing=77)
import h5py
import numpy as np

STEPS, RANKS = 5, 2


def write(path, ranks=RANKS, change=None):
    """A small run; change(file) alters it."""
    with h5py.File(path, "w", libver="latest") as file:
        def put(name, data, provenance, dims=()):
            dataset = file.create_dataset(name, data=data)
            dataset.attrs["units"] = np.bytes_("s")
            dataset.attrs["provenance"] = np.bytes_(provenance)
            for axis, scale in enumerate(dims):
                dataset.dims[axis].attach_scale(file[scale])

        def scale(name, size, provenance="input"):
            put(name, np.arange(size), provenance)
            file[name].make_scale(name.rsplit("/", maxsplit=1)[-1])

        scale("fleet/step", STEPS)
        scale("rank/rank", ranks)
        put("fleet/step_time_s", np.linspace(1, 2, STEPS), "modelled", ["fleet/step"])
        put("fleet/table", np.arange(STEPS * 3.0).reshape(STEPS, 3), "modelled", ["fleet/step"])
        put("fleet/seed", 7, "input")
        put("scenario/resolved", "steps: 5", "input")
        put("scenario/name", np.bytes_("tiny"), "input")
        put("scenario/nothing", np.zeros((0, 3)), "input")
        put("host/step_s", np.random.default_rng().random(STEPS), "executed", ["fleet/step"])
        put("host/empty_step_s", np.random.default_rng().random(), "measured")
        put("rank/chips", np.full(ranks, 12 // ranks), "modelled", ["rank/rank"])
        put("rank/load", np.ones((STEPS, ranks)), "modelled", ["fleet/step", "rank/rank"])
        if change:
            change(file)


def put_nan(file, payload):
    file["fleet/table"][1, 1] = np.frombuffer(np.uint64(0x7FF8000000000000 + payload).tobytes(), "f8")[0]


def replace(name, data, provenance="modelled"):
    def change(file):
        del file[name]
        file[name] = data
        file[name].attrs["units"] = np.bytes_("s")
        file[name].attrs["provenance"] = np.bytes_(provenance)
    return change


class CompareRuns(unittest.TestCase):
    def compare(self, *runs):
        """Exit status and lines for files made by write(**run)."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, f"{i}.h5") for i in range(len(runs))]
            for path, run in zip(paths, runs):
                write(path, **run)
            done = patience.run([sys.executable, SCRIPTS / "compare_runs.py", *paths], capture_output=True, text=True,
                                check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.replace(folder + "/", "").splitlines()

    def assert_one_difference(self, change, line, equal=9, base=None):
        status, lines = self.compare({"change": base}, {"change": change})
        self.assertEqual(lines, [line, f"{equal} datasets equal, 1 differ, 2 skipped (executed or measured)"])
        self.assertEqual(status, 1)

    def test_equal_runs_are_equal_whatever_the_host_clock_says(self):
        self.assertEqual(self.compare({}, {}), (0, ["10 datasets equal, 0 differ, 2 skipped (executed or measured)"]))

    def test_a_changed_value_is_shown_with_its_index(self):
        self.assert_one_difference(lambda f: f["fleet/table"].write_direct(np.full((5, 3), 9.5), np.s_[2, 1], np.s_[2, 1]),
                                   "/fleet/table[2, 1]: 7.0 and 9.5")

    def test_the_first_of_several_changes_is_shown(self):
        self.assert_one_difference(lambda f: f["fleet/step_time_s"].write_direct(np.zeros(5), np.s_[3:], np.s_[3:]),
                                   "/fleet/step_time_s[3]: 1.75 and 0.0")

    def test_bytes_count_not_values(self):
        def zero(sign):
            return lambda f: f["fleet/table"].__setitem__((0, 2), sign * 0.0)
        self.assert_one_difference(zero(-1), "/fleet/table[0, 2]: 0.0 and -0.0", base=zero(1))
        same = {"change": lambda f: put_nan(f, 1)}
        self.assertEqual(self.compare(same, same)[0], 0)
        self.assert_one_difference(lambda f: put_nan(f, 2), "/fleet/table[1, 1]: nan and nan", base=same["change"])

    def test_single_values_and_texts_are_compared(self):
        self.assert_one_difference(lambda f: f["fleet/seed"].__setitem__((), 8), "/fleet/seed: 7 and 8")
        self.assert_one_difference(lambda f: f["scenario/resolved"].__setitem__((), "steps: 6"),
                                   "/scenario/resolved: b'steps: 5' and b'steps: 6'")
        self.assert_one_difference(lambda f: f["scenario/name"].__setitem__((), np.bytes_("tinY")),
                                   "/scenario/name: b'tiny' and b'tinY'")

    def test_shape_and_type_are_compared(self):
        self.assert_one_difference(replace("scenario/nothing", np.zeros((1, 3)), "input"),
                                   "/scenario/nothing: shape (0, 3) and (1, 3)")
        self.assert_one_difference(replace("fleet/seed", np.int32(7), "input"), "/fleet/seed: type int64 and int32")

    def test_attributes_and_dimensions_are_compared(self):
        self.assert_one_difference(lambda f: f["fleet/seed"].attrs.__setitem__("units", np.bytes_("m")),
                                   "/fleet/seed: attribute units: b's' and b'm'")
        self.assert_one_difference(lambda f: f["fleet/seed"].attrs.__delitem__("units"),
                                   "/fleet/seed: attribute units only in the first file")
        self.assert_one_difference(replace("fleet/step_time_s", np.linspace(1, 2, STEPS)),
                                   "/fleet/step_time_s: dimensions [['step', '']] and [['']]")

    def test_a_dataset_in_one_file_only_differs_unless_it_is_the_host_clocks(self):
        self.assert_one_difference(lambda f: f.__delitem__("fleet/table"), "/fleet/table: only in 0.h5")
        status, lines = self.compare({}, {"change": lambda f: f.__delitem__("host/step_s")})
        self.assertEqual((status, lines), (0, ["10 datasets equal, 0 differ, 2 skipped (executed or measured)"]))

    def test_what_depends_on_the_ranks_is_skipped_when_their_number_differs(self):
        status, lines = self.compare({}, {"ranks": 3})
        self.assertEqual(lines, [f"/rank/{name}: skipped: depends on the number of ranks" for name in
                                 ("chips", "load", "rank")] +
                         ["7 datasets equal, 0 differ, 2 skipped (executed or measured), "
                          "3 skipped (depends on the number of ranks)"])
        self.assertEqual(status, 0)

    def test_what_depends_on_the_ranks_is_compared_when_their_number_agrees(self):
        self.assert_one_difference(lambda f: f["rank/chips"].__setitem__(1, 5), "/rank/chips[1]: 6 and 5")

    def test_another_number_of_steps_is_no_matter_of_ranks(self):
        status, lines = self.compare({}, {"ranks": 3, "change": replace("rank/load", np.ones((STEPS + 1, 3)))})
        self.assertEqual(status, 1)
        self.assertIn("/rank/load: shape (5, 2) and (6, 3)", lines)

    def test_each_file_is_compared_with_the_first(self):
        status, lines = self.compare({}, {}, {"change": lambda f: f["fleet/seed"].__setitem__((), 8)})
        self.assertEqual(status, 1)
        self.assertEqual([line for line in lines if "differ," not in line],
                         ["0.h5 and 1.h5:", "0.h5 and 2.h5:", "/fleet/seed: 7 and 8"])

    def test_nothing_to_compare_is_not_equal(self):
        empty = {"change": lambda f: [f.__delitem__(name) for name in list(f) if name != "host"]}
        self.assertEqual(self.compare(empty, empty)[0], 1)

    def test_a_missing_file_is_status_2(self):
        done = patience.run([sys.executable, SCRIPTS / "compare_runs.py", "/nowhere/a.h5", "/nowhere/b.h5"],
                            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere/a.h5", done.stderr)


if __name__ == "__main__":
    unittest.main()
