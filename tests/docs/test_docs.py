#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every command that the documents show is run, and what they print is held against what it prints.

Usage: test_docs.py MUIR MPIRUN SOURCE_DIR [DOCUMENT ...]

A block fenced with ```sh is a session: lines that start with `$ ` are commands, which run one after the other in one
empty folder per document; the lines after a command are lines of its output, in order, where `...` stands for any number
of them. Numbers, their units and times may differ: the words may not. A comment before a block changes what is run:
    <!-- test: days=90 -> days=1; steps=200 -> steps=5 -->     in the commands of the next block
    <!-- test: not run: needs a Slurm cluster -->              the next block is only checked for its form
A command that ends with `  # exit 2` must end with that exit status.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import patience  # noqa: E402

MUIR, MPIRUN, SOURCE = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
DOCUMENTS = [pathlib.Path(name) for name in sys.argv[4:]]
FENCE = re.compile(r"^```(\w*)\s*$")
HINT = re.compile(r"^<!-- test: (.*) -->\s*$")
EXIT = re.compile(r"\s+# exit (\d+)$")
UNIT = r"(?:[kMGTPEmun]?(?:s|B|W|J|USD|token|FLOP|FLOP/s|token/s|B/s)|[KMGT]iB|min|h|d|days|%|C)"
NUMBER = re.compile(rf"-?\d[\d,.]*(?:e[-+]?\d+)?(?:\s?{UNIT}(?![\w]))?")


@dataclasses.dataclass
class Command:
    document: pathlib.Path
    line: int
    text: str
    expected: list
    status: int = 0
    why_not: str = ""


def skeleton(line):
    """A line without its numbers and with single blanks."""
    return re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip()


def commands_of(path):
    commands, fence, hint, changes, why_not = [], None, "", [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = FENCE.match(line)
        if found and fence is None:
            fence = found.group(1) or "text"
            why_not = hint.partition(": ")[2] if hint.startswith("not run") else ""
            changes = [] if why_not or not hint else [part.split(" -> ") for part in hint.split("; ")]
            hint = ""
        elif found:
            fence = None
        elif fence == "sh" and line.startswith("$ "):
            text = line[2:]
            status = EXIT.search(text)
            text = EXIT.sub("", text)
            for old, new in changes:
                text = text.replace(old, new)
            commands.append(Command(path, number, text, [], int(status.group(1)) if status else 0, why_not))
        elif fence == "sh" and commands and line.strip():
            commands[-1].expected.append(line)
        elif fence is None and (found := HINT.match(line)):
            hint = found.group(1)
    return commands


def missing_line(expected, printed):
    """The first expected line that is not among the printed ones, in order; None if all are."""
    at = 0
    for line in expected:
        if line.strip() in ("...", "[...]"):
            continue
        wanted = skeleton(line)
        while at < len(printed) and skeleton(printed[at]) != wanted:
            at += 1
        if at == len(printed):
            return line
        at += 1
    return None


def environment():
    folder = str(pathlib.Path(tempfile.mkdtemp()))
    os.symlink(MUIR, os.path.join(folder, "muir"))
    os.symlink(MPIRUN, os.path.join(folder, "mpirun"))
    return folder, {**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"], "COLUMNS": "110"}


class Documents(unittest.TestCase):
    def session(self, path):
        tools, env = environment()
        self.addCleanup(shutil.rmtree, tools)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("scripts", "data", "tests"):
                os.symlink(SOURCE / name, os.path.join(folder, name))
            for command in commands_of(path):
                if command.why_not:
                    continue
                where = f"{path}:{command.line}: $ {command.text}"
                done = patience.run(["bash", "-c", command.text], cwd=folder, env=env, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, command.status, f"{where}\n{done.stdout[-2000:]}")
                line = missing_line(command.expected, done.stdout.splitlines())
                self.assertIsNone(line, f"{where}\ndoes not print\n{line}\nbut\n{done.stdout[-4000:]}")

    def test_links_between_documents_lead_somewhere(self):
        for path in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
                self.assertTrue((path.parent / target).exists(), f"{path}: there is no {target}")


class Self(unittest.TestCase):
    def test_numbers_may_differ_but_words_may_not(self):
        self.assertIsNone(missing_line(["step  13.3 s mean", "...", "done"], ["step 9.71 ms mean", "x", "done"]))
        self.assertEqual(missing_line(["step  13.3 s mean"], ["step 13.3 s median"]), "step  13.3 s mean")


def add_session(path):
    name = "test_" + re.sub(r"\W", "_", path.stem)
    setattr(Documents, name, lambda self: self.session(path))


if __name__ == "__main__":
    DOCUMENTS = DOCUMENTS or [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]
    for document in DOCUMENTS:
        add_session(document)
    unittest.main(argv=sys.argv[:1], verbosity=2)
