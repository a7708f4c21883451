#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The table of rooms, and the rules that go with it: prints one line per violation, exit status 1 if there is any.

usage: arrows.py [ROOT]      (ROOT: the project's folder; default: two folders above this file)
"""
import pathlib
import re
import sys

# What each room may include besides itself and the system. A folder that is not in the table is a violation.
SIDE_BY_SIDE = ["fleet", "io", "kernels", "collectives", "models", "schedule"]
WORLD = ["base", "fleet", "models", "schedule"]  # what is emulated, whatever this machine is
UP_TO_SCENARIO = [*WORLD, "network", "scenario"]
UP_TO_STEP_TIME = [*UP_TO_SCENARIO, "step_time"]
UP_TO_PARTS = [*UP_TO_STEP_TIME, "memory", "power", "reliability", "estimate"]
UP_TO_CLOCKS = ["base", *SIDE_BY_SIDE, *UP_TO_PARTS[len(WORLD):], "import", "plan", "fleet_clock", "tuning", "host_clock", "validation"]
ROOMS = {
    "base": [],
    **{room: ["base"] for room in SIDE_BY_SIDE},
    "network": ["base", "fleet"],
    "scenario": [*WORLD, "network"],
    "memory": UP_TO_SCENARIO,
    "step_time": UP_TO_SCENARIO,
    "power": UP_TO_STEP_TIME,
    "reliability": UP_TO_SCENARIO,
    "estimate": UP_TO_STEP_TIME,
    "import": UP_TO_SCENARIO,
    "plan": [*UP_TO_PARTS, "import"],
    "fleet_clock": UP_TO_PARTS,
    "validation": [*UP_TO_PARTS, "fleet_clock"],
    "tuning": ["base", "collectives", "scenario"],
    "host_clock": ["base", "kernels", "collectives", "models", "schedule", "scenario", "tuning"],
    "replay": [*UP_TO_SCENARIO, "collectives"],
    "run": UP_TO_CLOCKS,
    "api": [*UP_TO_CLOCKS, "run"],
    "bench": [*UP_TO_CLOCKS, "run", "text"],
    "study": [*UP_TO_CLOCKS, "run"],
    "text": ["base"],
    "summary": [*UP_TO_CLOCKS, "run", "text"],
    "cmd": [*UP_TO_CLOCKS, "run", "bench", "study", "replay", "text", "summary"],
    # The commands of these two are rows of cmd's table.
    "help": [*UP_TO_CLOCKS, "run", "bench", "text", "cmd"],
    "export": [*UP_TO_STEP_TIME, "io", "text", "cmd"],
    "main": ["cmd"],
}
OUTSIDE_SRC = ["collectives", "models"]  # rooms that users extend stand at the top, the others in src/

# Libraries that one room alone knows.
ONE_ROOM_HEADERS = {"hdf5.h": "io", "hdf5_hl.h": "io", "cblas.h": "kernels", "fftw3.h": "kernels",
                    "fftw3-mpi.h": "kernels", "hwloc.h": "host_clock", "yaml.h": "base"}

# Words that only some rooms may use: pattern, rooms, and whether tests may, too.
WORDS = [
    (r"\b(MPI_Init(_thread)?\s*\(|MPI_COMM_WORLD\b|MPI_Abort\s*\()", ["main", "api"], True),
    (r"\b(v?printf|puts|putchar|perror)\s*\(|\b(stdout|stderr)\b", ["main", "text", "summary", "cmd", "help", "bench", "export"], True),
    (r"\bexit\s*\(", ["main"], False),
    (r"\b(exec[lv][a-z]*|v?fork|popen|system|posix_spawnp?)\s*\(", ["export", "import"], True),
    (r"\b(socket|connect|listen|accept|getaddrinfo|gethostbyname)\s*\(", [], True),
]
SPDX = "/* SPDX-License-Identifier: BSD-3-Clause */"
MOST_LINES, MOST_COLUMNS = 400, 110

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)


def blank(match):
    """The matched text with everything but line ends turned into spaces, so that places stay."""
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    return TOKEN.sub(lambda m: blank(m) if m.group().startswith("/") else m.group(), text)


def without_comments_and_strings(text):
    return TOKEN.sub(blank, text)


def room_of(path):
    """The room of a file, by its path below the root; "tests"; or None for a place that the table does not have."""
    parts = path.parts
    if parts[0] == "tests":
        return "tests"
    if path.as_posix() == "src/main.c":
        return "main"
    if parts[0] == "src" and len(parts) > 2 and parts[1] in ROOMS and parts[1] not in OUTSIDE_SRC:
        return parts[1]
    return parts[0] if parts[0] in OUTSIDE_SRC else None


def bad_includes(room, text):
    for match in INCLUDE.finditer(without_comments(text)):
        kind, header = match.groups()
        if room == "tests":
            continue
        if kind == "<":
            owner = ONE_ROOM_HEADERS.get(header, room)
            if owner != room:
                yield match.start(1), f"<{header}> belongs to {owner} alone"
            continue
        target = header.split("/")[0] if "/" in header else None
        if target not in ROOMS:
            yield match.start(1), f'"{header}" does not name a room'
        elif target != room and target not in ROOMS[room]:
            yield match.start(1), f'{room} may not include {target} ("{header}")'


def bad_words(room, text):
    code = without_comments_and_strings(text)
    for pattern, rooms, is_for_tests in WORDS:
        if room in rooms or (room == "tests" and is_for_tests):
            continue
        where = " and ".join([*rooms, "tests"] if is_for_tests else rooms)
        for match in re.finditer(pattern, code):
            word = match.group().rstrip("( \t\n")
            yield match.start(), f"{word} is for {where} only"


def is_mutable(declaration, end):
    """Whether `static DECLARATION END` declares an object that is not const; END is one of = ; { or the file's end."""
    text = re.sub(r"\[[^]]*\]|\b_?[Aa]lignas\s*\([^)]*\)|\b__attribute__\s*\(\(.*?\)\)", " ", declaration)
    first = text.partition("(")[2].lstrip()
    if end != "=" and first and not first.startswith("*"):
        return False  # a function or its prototype
    if "sig_atomic_t" in declaration:
        return False  # a signal handler reaches nothing else
    function_pointer = re.search(r"\(\s*\*([^)]*)\)", text)
    part = function_pointer.group(1) if function_pointer else text.rpartition("*")[2]  # what stands after the last *
    return re.search(r"\bconst\b", part) is None


def mutable_statics(text):
    """Places of mutable objects with `static` at file scope. A heuristic, not a parser."""
    code = DIRECTIVE.sub(blank, without_comments_and_strings(text))
    depth = 0
    for match in re.finditer(r"[{}]|\bstatic\b", code):
        if match.group() != "static":
            depth += 1 if match.group() == "{" else -1
        elif depth == 0:
            declaration, end = re.match(r"([^=;{]*)([=;{]?)", code[match.end():]).groups()
            if is_mutable(declaration, end):
                yield match.start(), "mutable static at file scope: state lives in muir_ctx or the object"


def bad_shape(text):
    lines = text.splitlines()
    if not lines or lines[0] != SPDX:
        yield 1, f"the first line is not {SPDX}"
    elif len(lines) < 2 or not lines[1].startswith("/*"):
        yield 2, "no comment after the SPDX line says what the file is for"
    if len(lines) > MOST_LINES:
        yield len(lines), f"{len(lines)} lines; at most {MOST_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > MOST_COLUMNS:
            yield number, f"{len(line)} columns; at most {MOST_COLUMNS}"


def violations(path, text):
    """(line, what) for each rule that the file at `path` (below the root) breaks."""
    room = room_of(path)
    if path.suffix in (".c", ".h"):
        yield from bad_shape(text)
    if room is None:
        yield 1, f"{path.parent} is not in the table of rooms"
        return
    places = [*bad_includes(room, text), *bad_words(room, text)]
    if path.as_posix() not in ("tests/check.c", "tests/faults/fail.c", "tests/fuzz/lib_fuzzer.c"):
        places += mutable_statics(text)
    for offset, what in places:
        yield text.count("\n", 0, offset) + 1, what


def sources(root):
    for path in sorted(root.rglob("*")):
        below = path.relative_to(root)
        is_output = below.parts[0].startswith((".", "build"))
        if path.suffix in (".c", ".h", ".def") and path.is_file() and not is_output:
            yield below


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2])
    files = list(sources(root))
    found = 0
    for path in files:
        for line, what in sorted(violations(path, (root / path).read_text(encoding="utf-8"))):
            print(f"{path}:{line}: {what}")
            found += 1
    if not files:
        print(f"{root}: no C files")
        return 1
    print(f"{len(files)} files, {found} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
