#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the file that test_telemetry leaves as its users would: with h5py and with xarray.

usage: read_telemetry.py FILE RANKS    exits 77 where no python3 has h5py, xarray and h5netcdf
"""
import importlib.util
import os
import sys

STEPS, SERVERS = 30, 5
NEEDED = ("h5py", "xarray", "h5netcdf")


def use_python_that_has(modules):
    """Goes on in the system's python3 where the first on PATH lacks the modules."""
    if all(importlib.util.find_spec(name) for name in modules):
        return
    if os.environ.get("MUIR_SECOND_PYTHON") or not os.path.exists("/usr/bin/python3"):
        print("skipped: install python3-h5py python3-xarray python3-h5netcdf (Debian)")
        sys.exit(77)
    os.execve("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv, dict(os.environ, MUIR_SECOND_PYTHON="1"))


def value(table, column, coordinate, place=0):
    """As value_of in telemetry_sample.c."""
    return ((coordinate * 8 + place) * 4 + column) * 4 + table


def check_h5py(path, ranks):
    import h5py
    import numpy as np

    for swmr in (False, True):
        with h5py.File(path, "r", swmr=swmr) as f:
            assert f.attrs["Conventions"] == b"CF-1.8" and f.attrs["format_version"] == b"2" and f.attrs["ranks"] == 2
            assert h5py.h5ds.is_scale(f["fleet/step"].id) and f["fleet/step"].maxshape == (None,)
            assert f["rank/gemm_time"].shape == (STEPS, ranks)
            assert f["rank/gemm_time"].dims[1][0].name == "/rank/rank"
            assert f["fleet/step_time"].attrs["units"] == b"s"
            assert list(f["server/server_name"][:]) == [b"rack-a1", b"rack-a2", b"rack-a3", b"b1", b"b2"]
            assert f["scenario/resolved"][()].decode() == "fleet: sample\nsteps: 30 # with an umlaut: ü\n"
            assert np.isnan(f["fleet/step_time"].attrs["_FillValue"]).all() and "_FillValue" not in f["fleet/tokens"].attrs
            assert f["fleet/step_time"].attrs["coordinates"] == b"tokens" and "coordinates" not in f["fleet/tokens"].attrs
            assert list(f["events/kind"].attrs["flag_values"]) == [1, 2, 3] and f["events/kind"].attrs["flag_values"].dtype == "<i4"
            assert f["events/kind"].attrs["flag_meanings"] == b"chip link host"
            assert f["fleet/tokens"].dtype == "<i8" and f["server/slowdown"].dtype == "<f4"


def check_xarray(path, ranks):
    import xarray

    def read(group):
        return xarray.open_dataset(path, group=group, engine="h5netcdf")

    with read("fleet") as fleet:
        assert dict(fleet.sizes) == {"step": STEPS}, fleet.sizes
        assert fleet["step"].values.tolist() == list(range(STEPS))
        assert fleet["step_time"].attrs["units"] == "s" and fleet["step_time"].attrs["provenance"] == "modelled"
        assert fleet["tokens"].values.tolist() == [value(0, 2, step) for step in range(STEPS)]
        assert float(fleet["site_power"]) == 12.5e6 and "step" not in fleet["site_power"].dims
        assert set(fleet.coords) == {"step", "tokens"}
    with read("rank") as rank:
        assert dict(rank.sizes) == {"step": STEPS, "rank": ranks}, rank.sizes
        assert rank["retries"].dims == ("step", "rank") and rank["empty_step"].dims == ("step",)
        assert int(rank["retries"].sel(step=7, rank=ranks - 1)) == value(1, 1, 7, ranks - 1)
    with read("server") as server:
        assert dict(server.sizes) == {"step": STEPS // 3, "server": SERVERS}, server.sizes
        assert server["step"].values.tolist() == list(range(0, STEPS, 3))
        assert float(server["slowdown"].sel(step=9, server=201)) == value(2, 0, 9, 4)
        assert server["server_name"].sel(server=200).item() == "b1"
    with read("events") as events:
        assert dict(events.sizes) == {"event": 10} and bool(events["start"].isnull().all())
        assert events.attrs["description"] == "faults injected"


def main():
    use_python_that_has(NEEDED)
    path, ranks = sys.argv[1], int(sys.argv[2])
    check_h5py(path, ranks)
    check_xarray(path, ranks)
    print(f"{path}: h5py and xarray agree")


if __name__ == "__main__":
    main()
