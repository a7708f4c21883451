# SPDX-License-Identifier: BSD-3-Clause
"""Builds of muir that benchmarks find, and launching them."""
import collections
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0))
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}

Build = collections.namedtuple("Build", "preset mpirun name")


def build_of(preset):
    """The build of a preset, with the mpirun beside its compiler wrapper; None without it."""
    cache = ROOT / "build" / preset / "CMakeCache.txt"
    if not cache.exists() or not (ROOT / "build" / preset / "muir").exists():
        return None
    wrapper = re.search(r"^MPI_C_COMPILER:\w+=(.*)$", cache.read_text(), re.MULTILINE).group(1)
    mpirun = wrapper.replace("mpicc", "mpirun")
    return Build(preset, mpirun, "mpich" if "mpich" in mpirun else "openmpi")


def run_muir(build, ranks, arguments, environment=None, is_checked=True):
    """The finished launch; ends the script where it failed, unless told not to."""
    command = [build.mpirun, "-n", str(ranks)]
    if build.name == "mpich":
        command += ["-bind-to", "core"] if ranks <= CORES else []
    else:
        command += ["--bind-to", "core"] if ranks <= CORES else ["--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    command += [str(ROOT / "build" / build.preset / "muir"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT, **(environment or {})}, check=False)
    if done.returncode and is_checked:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done


def size_text(size):
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.0f} GiB"
