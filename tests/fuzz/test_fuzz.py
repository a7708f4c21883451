#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every input of the corpus, and a few damaged copies of each, are answered: exit code 0, or one line that says what is wrong.

Usage: test_fuzz.py REPLAY MUIR FOLDER"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPLAY, MUIR, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
SEED, COPIES, COPIES_OF_HDF5 = 2026, 12, 6


class Fuzz(unittest.TestCase):
    def seeds(self, target, folder):
        files = sorted((FOLDER / "corpus" / target).glob("*"))
        if files:
            return files
        made = pathlib.Path(folder) / f"{target}.h5"
        command = [REPLAY, "--checkpoint", made] if target == "checkpoint" else \
            [MUIR, "run", "tiny", "steps=12", "faults=llama3", "host.every=0", "-q", "-o", made]
        code = subprocess.run(command, capture_output=True, timeout=300).returncode
        return [made] if code == 0 else self.assertEqual(code, 77) or []

    def test_every_target_answers(self):
        targets = [line.split() for line in subprocess.run([REPLAY, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()][:-1]  # but the one that is planted
        self.assertGreater(len(targets), 25)
        for target, ending in targets:
            with self.subTest(target=target), tempfile.TemporaryDirectory() as folder:
                files = self.seeds(target, folder)
                if not files:
                    continue  # this HDF5 writes no checkpoints
                number = COPIES_OF_HDF5 if ending == ".h5" else COPIES
                done = subprocess.run([REPLAY, target, str(number), str(SEED), "", *files], capture_output=True, text=True, timeout=600)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(f"{number + len(files)} executions, 0 findings", done.stdout)

    def test_crashes_and_wrong_answers_are_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            for text, expected in (("crash", "Aborted"), ("blame", "exit code 1"), ("silence", "does not say why"), ("refuse", None), ("read", None)):
                file = pathlib.Path(folder) / f"{text}.txt"
                file.write_text(text)
                done = subprocess.run([REPLAY, "planted", "0", "1", "", file], capture_output=True, text=True, timeout=600)
                self.assertEqual(done.returncode, int(expected is not None), done.stdout)
                self.assertIn(expected or "0 findings", done.stdout)

    def test_what_a_damaged_copy_was_can_be_made_again(self):
        """The same number and seed damage the same bytes: a finding of CI can be looked at elsewhere."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "a.yaml"
            file.write_text("nonsense: 1\n")
            said = [subprocess.run([REPLAY, "tuning", "20", "7", folder, file], capture_output=True, text=True, timeout=600).stdout
                    for _ in range(2)]
            self.assertEqual(said[0], said[1])


if __name__ == "__main__":
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
    unittest.main(argv=sys.argv[:1])
