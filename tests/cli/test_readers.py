#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Telemetry files in the hands of other tools: each reader opens every group and finds the values that h5py finds.

Usage: test_readers.py MUIR. Needs h5py (exit code 77 without); xarray with h5netcdf, netCDF4, ncdump and h5dump are tried
where they are installed."""
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MUIR = sys.argv[1]
JOB = ["run", "tiny", "faults=elastic", "fleet.servers=3", "parallel.dp=2", "faults.rate=1.8e6", "faults.slow.flap=9e5",
       "faults.detection.explicit_median_s=0.3", "faults.reaction.no_spare_s=3", "faults.repair_median_s=10", "host.budget=0.005",
       "host.flips=2", "telemetry.trace_steps=3", "power.window_s=0.2", "-q"]
# What UDUNITS does not know; docs/telemetry.md says what they mean.
OWN_UNITS = ("USD", "FLOP", "FLOP/s", "token/s")
UDUNITS = ("1", "s", "W", "W/s", "W^2/Hz", "J", "Hz", "degC", "byte")


def has(*modules):
    return all(importlib.util.find_spec(name) for name in modules)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Readers(unittest.TestCase):
    """A whole file and a packed one with every group; the same readers on both."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        for name in ("plain.h5", "packed.h5"):
            done = cls.muir(*JOB, "steps=60", "-o", name)
            if done.returncode:
                raise AssertionError(done.stderr)
        done = cls.muir("repair", "packed.h5")
        if done.returncode:
            raise AssertionError(done.stderr)
        cls.files = [cls.path("plain.h5"), cls.path("packed.h5")]

    @classmethod
    def muir(cls, *arguments):
        return subprocess.run([MUIR, *arguments], capture_output=True, text=True, timeout=170, cwd=cls.folder.name)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def truth(self, path):
        """Every dataset by its group and name, as h5py reads it."""
        found = {}
        with h5py.File(path, "r") as file:
            for group in file:
                found[group] = {name: (item[()], item.attrs["units"]) for name, item in file[group].items()}
        return found

    def same(self, truth, value, where):
        truth, value = np.asarray(truth), np.asarray(value)
        if truth.dtype.kind in "OS":
            self.assertEqual([text(x) for x in truth.ravel()], [text(x) for x in value.ravel()], where)
        else:
            self.assertEqual(truth.shape, value.shape, where)
            self.assertTrue(np.array_equal(truth, value, equal_nan=truth.dtype.kind == "f"), where)

    def test_the_file_has_every_group_and_only_known_units(self):
        for path in self.files:
            truth = self.truth(path)
            groups = {"scenario", "fleet", "emulation", "events", "rank", "server", "host", "host_flips", "host_trace", "program",
                      "power", "power_window", "names"}
            self.assertLessEqual(groups, set(truth))
            self.assertGreater(len(truth["events"]["event"][0]), 5)
            for group, datasets in truth.items():
                for name, (_, units) in datasets.items():
                    self.assertIn(text(units), UDUNITS + OWN_UNITS, f"{group}/{name}")

    def test_a_packed_file_is_smaller_and_equal(self):
        self.assertLess(os.path.getsize(self.files[1]), os.path.getsize(self.files[0]))
        with h5py.File(self.files[1], "r") as file:
            self.assertEqual(file["fleet/evaluation_s"].compression, "gzip")
        a, b = (self.truth(path) for path in self.files)
        for name in ("fleet", "events", "power", "power_window", "server", "names"):
            for key, (value, _) in a[name].items():
                self.same(value, b[name][key][0], f"{name}/{key}")

    def test_scenario_keys_are_numbers_and_the_file_says_how_it_was_made(self):
        with h5py.File(self.files[0], "r") as file:
            keys = file["scenario"].attrs
            self.assertEqual((keys["parallel.pp"], keys["parallel.pp"].dtype.kind), (2, "i"))
            self.assertEqual((keys["power.window_s"], keys["host.budget"], keys["host.budget"].dtype.kind), (0.2, 0.005, "f"))
            self.assertEqual(keys["parallel.schedule"], b"1f1b")
            self.assertEqual(file.attrs["Conventions"], b"CF-1.8")
            self.assertRegex(text(file.attrs["history"]), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ muir run tiny faults=elastic .* -o plain.h5$")
            self.assertRegex(text(file.attrs["build"]), r"revision, |^revision [0-9a-f]{7,}\+?, ")
            self.assertEqual((file.attrs["seed"], file.attrs["ranks"]), (1, 1))

    def test_numbers_have_meanings(self):
        with h5py.File(self.files[0], "r") as file:
            for name in ("events/kind", "events/noticed", "events/consequence", "events/tier", "host_flips/kind",
                         "power_window/range_is_met"):
                column = file[name]
                values, meanings = column.attrs["flag_values"], text(column.attrs["flag_meanings"]).split()
                self.assertEqual(len(values), len(meanings))
                self.assertEqual(values.dtype, column.dtype)
                self.assertTrue(np.isin(column[:], values).all(), name)
            kinds = [text(name) for name in file["names/kind_name"]]
            self.assertEqual(kinds, text(file["events/kind"].attrs["flag_meanings"]).split())

    @unittest.skipUnless(has("xarray", "h5netcdf"), "xarray or h5netcdf is missing")
    def test_xarray_by_h5netcdf(self):
        self.check_xarray("h5netcdf")

    @unittest.skipUnless(has("xarray", "netCDF4"), "xarray or netCDF4 is missing")
    def test_xarray_by_netcdf4(self):
        self.check_xarray("netcdf4")

    def check_xarray(self, engine):
        import xarray

        for path in self.files:
            truth = self.truth(path)
            for group, datasets in truth.items():
                with xarray.open_dataset(path, group=group, engine=engine) as data:
                    self.assertEqual(set(data.variables), set(datasets), group)
                    for name, (value, units) in datasets.items():
                        self.same(value, data[name].values, f"{engine}: {group}/{name}")
                        self.assertEqual(data[name].attrs["units"], text(units))
                    self.check_coordinates(group, data)

    def check_coordinates(self, group, data):
        if group == "events": # one row per event, not a product over tables of names
            frame = data.to_dataframe()
            self.assertEqual(len(frame), data.sizes["event"])
            self.assertIn("start_s", data.coords)
        if group == "fleet":
            self.assertEqual(set(data.coords), {"step", "fleet_time_s"})
        if group == "power":
            self.assertEqual(set(data.coords), {"sample", "window", "time_s"})
        if group == "power_window":
            self.assertEqual(data["frequency"].attrs["units"], "Hz")
            half = float(data["frequency"][-1]) / 2
            nearest = float(data["psd"].sel(frequency=half, method="nearest")["frequency"])
            self.assertLess(abs(nearest - half), float(data["frequency"][1]))

    @unittest.skipUnless(has("netCDF4"), "netCDF4 is missing")
    def test_netcdf4(self):
        import netCDF4

        for path in self.files:
            truth = self.truth(path)
            for _ in range(5): # texts without their zero were read rightly now and then
                with netCDF4.Dataset(path) as data:
                    self.assertEqual(set(data.groups), set(truth))
                    for group, datasets in truth.items():
                        for name, (value, _) in datasets.items():
                            read = data[group].variables[name]
                            read.set_auto_mask(False)
                            self.same(value, read[...], f"{group}/{name}")

    def test_ncdump_and_h5dump(self):
        for command in (["ncdump", "-h"], ["h5dump", "-H"]):
            if not shutil.which(command[0]):
                continue
            for path in self.files:
                done = subprocess.run([*command, path], capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("fleet_time_s", done.stdout)

    def test_a_live_and_a_killed_file(self):
        path = self.path("live.h5")
        process = subprocess.Popen([MUIR, *JOB, "steps=1000000", "telemetry.flush=0.05", "-o", path], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        rows = 0
        while rows < 20 and process.poll() is None: # grows under the eyes of the reader
            time.sleep(0.05)
            if os.path.exists(path):
                try:
                    rows = self.rows(path)
                except BlockingIOError: # the writer has just made it and opens it again: HDF5 locks it for a moment
                    continue
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertGreaterEqual(self.rows(path), rows)
        with self.assertRaises(OSError): # what docs/telemetry.md says of them
            h5py.File(path, "r")
        rows = self.rows(path)
        self.assertEqual(self.muir("repair", path).returncode, 0)
        with h5py.File(path, "r") as file:
            self.assertEqual(len(file["fleet/step"]), rows)
        if has("xarray", "netCDF4"):
            import xarray

            with xarray.open_dataset(path, group="fleet", engine="netcdf4") as data:
                self.assertEqual(data.sizes["step"], rows)

    @staticmethod
    def rows(path):
        """Whole rows of /fleet; in a live file the coordinate is written last."""
        with h5py.File(path, "r", swmr=True) as file:
            n = len(file["fleet/step"])
            return len(file["fleet/step_time_s"][:n])


if __name__ == "__main__":
    if not has("h5py"):
        print("h5py is missing: skipped")
        sys.exit(77)
    import h5py
    import numpy as np

    unittest.main(argv=sys.argv[:1], verbosity=1)
