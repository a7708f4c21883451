# SPDX-License-Identifier: BSD-3-Clause
"""Opens a telemetry file to read it, also while its run is at work."""
from python_with import python_with

python_with("h5py")
import h5py


def open_run(path):
    """A live file, or one whose run was killed, opens only as SWMR; another tool's copy perhaps only without."""
    try:
        return h5py.File(path, "r", swmr=True, libver="latest")
    except OSError:
        return h5py.File(path, "r")
