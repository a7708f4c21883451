#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Layouts that nobody thought of: random models, fleets, parallel sizes, schedules and faults, the same ones in each test.

Usage: test_layouts.py MUIR SOURCE_DIR"""
import json
import math
import os
import pathlib
import random
import sys
import tempfile
import unittest

import patience

MUIR, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
SEED, TRIES, LEAST_ACCEPTED = 20261123, 60, 25


def names(kind):
    return sorted(path.stem for path in (SOURCE / "data" / kind).glob("*.yaml"))


def layout(rng, kinds):
    """Arguments of a run; not all of them are legal."""
    model, schedule = rng.choice(kinds["models"]), rng.choice(("1f1b", "gpipe", "interleaved", "zb-h1", "zb-v", "dualpipe"))
    has_experts = "topk:" in (SOURCE / "data" / "models" / f"{model}.yaml").read_text()
    sizes = {"tp": (1, 2, 4, 8, 16), "pp": (1, 2, 4, 8), "cp": (1, 1, 1, 2), "dp": ("auto", "auto", 1, 2, 3, 12, 64),
             "zero_stage": (0, 1, 2, 3), "recompute": ("none", "selective", "full"), "sequence_parallel": ("true", "false"),
             "order": ("tp-cp-dp-pp", "tp-cp-pp-dp"), "ep": (1, 2, 4, 8, 16, 64) if has_experts else (1,)}
    return [f"model={model}", f"fleet={rng.choice(kinds['fleets'])}", f"faults={rng.choice(kinds['faults'])}",
            f"precision={rng.choice(('bf16', 'bf16', 'fp16', 'fp8'))}", f"micro_batch_size={rng.choice((1, 2))}",
            f"steps={rng.choice((1, 3, 40))}", f"power.window_s={rng.choice((0, 0, 20))}",
            f"parallel.schedule={schedule}", f"parallel.vpp={2 if schedule in ('interleaved', 'zb-v') else 1}",
            *(f"parallel.{key}={rng.choice(values)}" for key, values in sizes.items())]


def numbers(tree, path=""):
    """Every number of a JSON tree with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(tree, (int, float)) and not isinstance(tree, bool):
        yield path, tree


class Layouts(unittest.TestCase):
    def check_figures(self, fleet, is_without_faults):
        rounding = 1e-9
        for path, value in numbers(fleet):
            least = -math.inf if path.endswith(".variation") else -rounding # chips faster than nominal
            self.assertTrue(math.isfinite(value) and value >= least, f"{path} is {value}")
        self.assertLessEqual(fleet["mfu"], 1.0)
        self.assertLessEqual(fleet["hfu"], 1.0)
        self.assertGreater(fleet["energy_j"], 0.0)
        if is_without_faults: # with them a short run may keep no step
            self.assertGreater(fleet["tokens_per_s"], 0.0)

    def test_what_is_accepted_has_sensible_figures_and_what_is_not_one_sentence(self):
        rng, accepted = random.Random(SEED), 0
        kinds = {kind: names(kind) for kind in ("models", "fleets", "faults")}
        with tempfile.TemporaryDirectory() as folder:
            for i in range(TRIES):
                arguments, file = layout(rng, kinds), os.path.join(folder, str(i))
                process = patience.run([MUIR, "run", "tiny", "global_batch_size=auto", "seq_len=auto", "host.every=0", *arguments,
                                        "-q", "-o", file + ".h5", "--json", file + ".json"],
                                       capture_output=True, text=True)
                with self.subTest(arguments=" ".join(arguments)):
                    self.assertIn(process.returncode, (0, 2), process.stderr)
                    if process.returncode == 2:
                        self.assertEqual(process.stderr.count("\n"), 1, process.stderr)
                        continue
                    accepted += 1
                    with open(file + ".json") as result:
                        self.check_figures(json.load(result)["fleet"], "faults=none" in arguments)
        self.assertGreater(accepted, LEAST_ACCEPTED)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
