#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plants one violation of each kind in a small tree and sees arrows.py name it, and only it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ARROWS = pathlib.Path(__file__).with_name("arrows.py")
HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* What this file is for. */\n"

# A tree with everything that is allowed.
CLEAN = {
    "src/base/status.h": HEAD + "#include <mpi.h>\n",
    "src/fleet/link.c": HEAD + '#include "fleet/link.h"\n#include "base/status.h"\n',
    "src/io/file.c": HEAD + '#include <hdf5.h>\n#include "base/status.h"\nsnprintf(s, 3, "x"); fprintf(file, "x");\n',
    "src/kernels/gemm.c": HEAD + "#include <cblas.h>\n#include <fftw3.h>\n",
    "src/scenario/load.c": HEAD + '#include "models/model.h"\n',
    "src/fleet_clock/step.c": HEAD + '#include "scenario/load.h"\n#include "schedule/list.h"\n',
    "src/host_clock/step.c": HEAD + '#include "collectives/coll.h"\n#include "kernels/gemm.h"\n',
    "src/run/run.c": HEAD + '#include "host_clock/step.h"\n#include "fleet_clock/step.h"\n#include "io/file.h"\n',
    "src/cmd/run.c": HEAD + '#include "run/run.h"\nvoid f(void) { printf("x"); fputs("y", stderr); }\n',
    "src/main.c": HEAD + '#include "cmd/cmd.h"\nint main(void) { MPI_Init(0, 0); puts(""); exit(0); }\n',
    "collectives/coll.c": HEAD + '#include "collectives/collectives.def"\n',
    "collectives/collectives.def": "COLL(ring)\n",
    "models/dense.c": HEAD + '#include "base/status.h"\n',
    "src/schedule/list.c": HEAD + """#include "base/status.h"
/* printf(MPI_COMM_WORLD); #include "run/run.h" */
static const char *const names[] = {"exit(1)", "static int x;"};
static const double table[2] = {1.0, 2.0};
static int (*const calls[])(int) = {one};
static double once(double x);
static inline const int *find(int n)
{
    static int inner = 0;
    return &inner + n;
}
static __attribute__((target("avx2"))) void add(const float *x, float *y) { *y += *x; }
_Static_assert(sizeof(int) == 4, "int");
""",
    "tests/check.c": HEAD + '#include <hdf5.h>\n#include "check.h"\nstatic int *counter;\nMPI_Init(0, 0);\n',
    "tests/unit/test_run.c": HEAD + '#include "run/run.h"\n#include "cmd/cmd.h"\nprintf("MPI_COMM_WORLD");\n',
    "build/dev/generated.c": "int x;\n",
}

# name of the test: file, what is appended to it (or replaces it), the line that reports it
PLANTED = {
    "base includes nothing": ("src/base/status.h", '#include "fleet/link.h"\n', 4, "base may not include fleet"),
    "side by side": ("collectives/coll.c", '#include "models/dense.h"\n', 4, "collectives may not include models"),
    "upwards": ("src/fleet/link.c", '#include "scenario/load.h"\n', 5, "fleet may not include scenario"),
    "scenario and io": ("src/scenario/load.c", '#include "io/file.h"\n', 4, "scenario may not include io"),
    "the clocks": ("src/fleet_clock/step.c", '#include "host_clock/step.h"\n', 5, "may not include host_clock"),
    "fleet clock and kernels": ("src/fleet_clock/step.c", '  #  include "kernels/gemm.h"\n', 5, "include kernels"),
    "host clock and fleet": ("src/host_clock/step.c", '#include "fleet/link.h"\n', 5, "may not include fleet"),
    "run and cmd": ("src/run/run.c", '#include "cmd/run.h"\n', 6, "run may not include cmd"),
    "main and run": ("src/main.c", '#include "run/run.h"\n', 5, "main may not include run"),
    "in a table": ("collectives/collectives.def", '#include "io/file.h"\n', 2, "may not include io"),
    "no room named": ("src/base/status.h", '#include "mem.h"\n', 4, '"mem.h" does not name a room'),
    "no such room": ("src/base/status.h", '#include "common/mem.h"\n', 4, "does not name a room"),
    "a folder without a room": ("src/utils/list.c", HEAD, 1, "src/utils is not in the table"),
    "a folder at the top": ("tools/list.c", HEAD, 1, "tools is not in the table"),
    "a file in src": ("src/list.c", HEAD, 1, "src is not in the table"),
    "a room in the wrong place": ("src/models/dense.c", HEAD, 1, "src/models is not in the table"),
    "HDF5": ("src/run/run.c", "#include <hdf5.h>\n", 6, "<hdf5.h> belongs to io alone"),
    "BLAS": ("src/host_clock/step.c", "#include <cblas.h>\n", 5, "<cblas.h> belongs to kernels alone"),
    "FFTW": ("src/fleet_clock/step.c", "#include <fftw3.h>\n", 5, "<fftw3.h> belongs to kernels alone"),
    "YAML": ("src/fleet/link.c", "#include <yaml.h>\n", 5, "belongs to base alone"),
    "MPI_Init": ("src/run/run.c", "void f(void) { MPI_Init(0, 0); }\n", 6, "MPI_Init is for main and api and tests only"),
    "MPI_Init_thread": ("src/cmd/run.c", "void g(void) { MPI_Init_thread (0); }\n", 5, "MPI_Init_thread is for"),
    "MPI_COMM_WORLD": ("src/base/status.h", "#define C MPI_COMM_WORLD\n", 4, "MPI_COMM_WORLD is for"),
    "MPI_Abort": ("src/run/run.c", "void f(void) { MPI_Abort(c, 1); }\n", 6, "MPI_Abort is for"),
    "printf": ("src/run/run.c", 'void f(void) { printf("x"); }\n', 6, "printf is for main and text and summary"),
    "puts": ("models/dense.c", 'void f(void) { puts("x"); }\n', 4, "puts is for"),
    "fprintf": ("src/io/file.c", 'void f(void) { fprintf(stderr, "x"); }\n', 6, "stderr is for"),
    "exit": ("src/cmd/run.c", "void g(void) { exit(1); }\n", 5, "exit is for main only"),
    "exit in a test": ("tests/unit/test_run.c", "void g(void) { exit(1); }\n", 6, "exit is for main only"),
    "another program": ("src/run/run.c", 'void f(void) { execvp("sh", 0); }\n', 6, "execvp is for export and import"),
    "a socket": ("src/io/file.c", "void f(void) { socket(1, 1, 0); }\n", 6, "socket is for tests only"),
    "a counter": ("src/run/run.c", "static int counter;\n", 6, "mutable static"),
    "a list": ("src/run/run.c", "static double list[4] = {0};\n", 6, "mutable static"),
    "a pointer to const": ("src/run/run.c", "static const char *name = 0;\n", 6, "mutable static"),
    "a function pointer": ("src/run/run.c", "static void (*hook)(const int *const);\n", 6, "mutable static"),
    "a thread's own": ("src/run/run.c", "static _Thread_local int x;\n", 6, "mutable static"),
    "after a function": ("src/run/run.c", "void f(void)\n{\n}\nstatic int x;\n", 9, "mutable static"),
    "in a test": ("tests/unit/test_run.c", "static int x;\n", 6, "mutable static"),
    "SPDX": ("src/run/clock.h", "/* What this file is for. */\n", 1, "the first line is not"),
    "empty": ("src/run/clock.h", "", 1, "the first line is not"),
    "no comment": ("src/run/clock.h", HEAD.split("\n")[0] + "\n#include <time.h>\n", 2, "says what the file is for"),
    "too long": ("src/run/clock.h", HEAD + "\n" * 399, 401, "401 lines; at most 400"),
    "too wide": ("src/run/clock.h", HEAD + "/*" + "x" * 109 + "\n*/", 3, "111 columns; at most 110"),
}


def lint(tree):
    with tempfile.TemporaryDirectory() as root:
        for name, text in tree.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        run = subprocess.run([sys.executable, ARROWS, root], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout.splitlines()


class Arrows(unittest.TestCase):
    def test_a_clean_tree_passes(self):
        self.assertEqual(lint(CLEAN), (0, [f"{len(CLEAN) - 1} files, 0 violations"]))

    def test_a_tree_without_files_fails(self):
        self.assertEqual(lint({})[0], 1)

    def test_every_planted_violation_is_found_where_it_is(self):
        for name, (file, planted, line, message) in PLANTED.items():
            with self.subTest(name):
                status, lines = lint({**CLEAN, file: CLEAN.get(file, "") + planted})
                self.assertEqual(status, 1)
                self.assertEqual(len(lines), 2, lines)
                self.assertTrue(lines[0].startswith(f"{file}:{line}: "), lines[0])
                self.assertIn(message, lines[0])


if __name__ == "__main__":
    unittest.main()
