# SPDX-License-Identifier: BSD-3-Clause
"""muir from Python: runs a scenario, and returns what happened in every step as numpy arrays.

    import muir
    with muir.Session() as session:
        run = session.run("tiny", "host.every=0", steps=100, parallel__tp=2)
        print(run["step_time_s"].mean(), run["mfu"])

Under mpirun or srun all ranks run the same program; the arrays are there on rank 0. The library is libmuir.so: the one
that MUIR_LIBRARY names, or the one that was installed with this file."""
import ctypes
import os
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


class Error(RuntimeError):
    """What muir had to say; `code` is the exit code that the program would have: 2 wrong input, 75 stopped, 1 else."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def _find_library():
    given = os.environ.get("MUIR_LIBRARY")
    if given:
        return given
    prefix = HERE.parents[2]  # PREFIX/share/muir/python
    for folder in sorted(prefix.glob("lib*")) + sorted(prefix.glob("lib/*")):
        if (folder / "libmuir.so").exists():
            return str(folder / "libmuir.so")
    return "libmuir.so"


def _load():
    data = HERE.parent / "data"
    if data.is_dir():
        os.environ.setdefault("MUIR_DATA", str(data))
    # MPI libraries load parts of themselves, which look for the rest among what everybody can see
    library = ctypes.CDLL(_find_library(), mode=ctypes.RTLD_GLOBAL)
    session, text, floats = ctypes.c_void_p, ctypes.c_char_p, np.ctypeslib.ndpointer
    signatures = {
        "open": (ctypes.c_int, [ctypes.POINTER(session)]),
        "close": (None, [ctypes.POINTER(session)]),
        "rank": (ctypes.c_int, [session]),
        "size": (ctypes.c_int, [session]),
        "message": (text, [session]),
        "version": (text, []),
        "run": (ctypes.c_int, [session, text, ctypes.POINTER(text), text]),
        "steps": (ctypes.c_int64, [session]),
        "column_name": (text, [ctypes.c_int]),
        "column": (ctypes.c_int, [session, text, floats(np.float64, flags="C")]),
        "all_reduce": (ctypes.c_int, [session, floats(np.float32, flags="C,W"), ctypes.c_size_t]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"muir_session_{name}")
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()
__version__ = _library.muir_session_version().decode()


def columns():
    """Names of the columns that a run has."""
    names, i = [], 0
    while (name := _library.muir_session_column_name(i)) is not None:
        names.append(name.decode())
        i += 1
    return names


class Session:
    """Starts MPI unless somebody has (mpi4py, for one); ends it on close if it was started here."""

    def __init__(self):
        self._session = ctypes.c_void_p()
        if _library.muir_session_open(ctypes.byref(self._session)):
            raise Error("MPI does not start", 1)
        self.rank = _library.muir_session_rank(self._session)
        self.size = _library.muir_session_size(self._session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the session; every rank does."""
        if self._session:
            _library.muir_session_close(ctypes.byref(self._session))

    def _check(self, code):
        if code:
            raise Error(_library.muir_session_message(self._session).decode(), code)

    def run(self, scenario, *keys, file=None, **more):
        """Runs a scenario; a dict of arrays, one value per step, on rank 0, and of empty ones elsewhere.

        keys   "steps=100", "fleet.servers=64"; as keyword arguments with __ for each dot: parallel__tp=8
        file   of the telemetry, None: none is written"""
        texts = [*keys, *(f"{key.replace('__', '.')}={value}" for key, value in more.items())]
        array = (ctypes.c_char_p * (len(texts) + 1))(*(text.encode() for text in texts), None)
        self._check(_library.muir_session_run(self._session, str(scenario).encode(), array,
                                              None if file is None else os.fsencode(file)))
        steps, result = _library.muir_session_steps(self._session), {}
        for name in columns():
            result[name] = np.empty(steps)
            self._check(_library.muir_session_column(self._session, name.encode(), result[name]))
        return result

    def all_reduce(self, x):
        """Sums a float32 array over all ranks, in place, by the fastest algorithm that muir finds."""
        self._check(_library.muir_session_all_reduce(self._session, x, x.size))
        return x
