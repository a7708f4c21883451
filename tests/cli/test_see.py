#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What people look at, made from files of real runs: pictures, the report, exports, the live view.

Usage: test_see.py MUIR SOURCE_DIR. Exit code 77: h5py or matplotlib is missing."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import patience

MUIR, SOURCE = sys.argv[1:3]
SCRIPTS = os.path.join(SOURCE, "scripts")
# Windows longer than a segment, so that there is a spectrum; no products, so that runs are short.
JOB = ["run", "tiny", "steps=60", "host.every=0", "power.window_s=0.6", "power.segment_s=0.1"]


def run(*command, **options):
    return patience.run([*map(str, command)], capture_output=True, text=True, **options)


def script(name, *arguments, **options):
    return run(sys.executable, os.path.join(SCRIPTS, name), *arguments, **options)


class Case(unittest.TestCase):
    """A test with files of runs that all tests share, and a folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared.cleanup)

    @classmethod
    def telemetry(cls, name, *overrides):
        path = pathlib.Path(cls.shared.name, name)
        if not path.exists():
            done = run(MUIR, *JOB, *overrides, "-o", path)
            if done.returncode:
                raise AssertionError(done.stderr)
        return path

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


class Pictures(Case):
    def test_a_cap_is_a_remedy_and_no_two_traces_share_a_name(self):
        plain, capped = self.telemetry("plain.h5"), self.telemetry("capped.h5", "power.cap=0.75")
        other = self.telemetry("other.h5", "seed=2")
        program = ("import sys, pathlib; sys.argv[0] = 'plot_power.py'; import plot_power\n"
                   "for trace in plot_power.read_all([pathlib.Path(name) for name in sys.argv[1:]], None):\n"
                   "    print(trace['label'])")
        done = run(sys.executable, "-c", program, plain, capped, other, plain, cwd=SCRIPTS)
        labels = self.check(done).splitlines()
        self.assertIn("cap 0.75 of TDP", labels[1])
        self.assertIn("seed=2", labels[2])
        self.assertEqual(len(set(labels[:3])), 3, labels)
        self.assertIn("plain.h5", labels[3])

    def test_o_is_a_folder_or_a_name_for_both_scripts(self):
        plain = self.telemetry("plain.h5")
        self.check(script("plot_power.py", plain, "-o", self.folder / "new"))
        self.check(script("plot_run.py", plain, "-o", self.folder / "new"))
        self.check(script("plot_power.py", plain, "-o", self.folder / "a.png"))
        self.check(script("plot_run.py", plain, "-o", self.folder / "a.png"))
        names = {path.name for path in (self.folder / "new").iterdir()}
        self.assertEqual(names, {"plain-power.png", "plain-step-time.png", "plain-throughput.png", "plain-servers.png"})
        self.assertTrue((self.folder / "a.png").is_file())
        self.assertTrue((self.folder / "a-step-time.png").is_file())

    def test_a_window_shorter_than_a_segment_draws_no_axis(self):
        short = self.telemetry("short.h5", "power.segment_s=64")
        self.check(script("plot_power.py", short, "-o", self.folder / "short.png"))


class Perfetto(Case):
    """The trace is read as the format's description has it, and against what the file and the schedule say."""

    def trace(self, file, *options):
        path = self.folder / "trace.json"
        self.check(run(MUIR, "export", "perfetto", file, "-o", path, *options))
        return json.loads(path.read_text(encoding="utf-8"))["traceEvents"]

    def test_every_event_has_what_the_format_asks_for(self):
        needed = {"X": {"name", "cat", "ts", "dur", "pid", "tid"}, "M": {"name", "pid", "args"}, "C": {"name", "ts", "pid", "args"},
                  "i": {"name", "cat", "ts", "pid", "tid", "s"}, **{phase: {"name", "cat", "ts", "pid", "id"} for phase in "besf"}}
        events = self.trace(self.telemetry("plain.h5"), "--steps", "0:9")
        for event in events:
            self.assertLessEqual(needed[event["ph"]], set(event), event)
            self.assertGreaterEqual(event.get("dur", 0), 0, event)
        begun = sorted(event["id"] for event in events if event["ph"] == "b")
        self.assertTrue(begun)
        for phase in "esf":
            self.assertEqual(sorted(event["id"] for event in events if event["ph"] == phase), begun)
        self.assertEqual(len([event for event in events if event.get("cat") == "step"]), 10)

    def test_slices_of_a_thread_lie_in_each_other_or_apart(self):
        threads = {}
        for event in self.trace(self.telemetry("plain.h5")):
            if event["ph"] == "X":
                threads.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
        self.assertGreaterEqual(len(threads), 3)
        for slices in threads.values():
            open_until = []
            for start, end in sorted(slices, key=lambda slice_: (slice_[0], -slice_[1])):
                while open_until and open_until[-1] <= start + 1e-6:
                    open_until.pop()
                self.assertTrue(not open_until or end <= open_until[-1] + 1e-6, (start, end))
                open_until.append(end)

    def test_the_schedule_ends_with_the_step_of_equal_chips(self):
        import h5py
        equal = [f"fleet.variation.{key}=0" for key in ("chip_sigma", "drift_sigma", "step_sigma", "heat_sigma", "inlet_sigma_c")]
        shapes = ([], ["parallel.pp=4", "parallel.dp=1"], ["parallel.schedule=interleaved", "parallel.vpp=2"],
                  ["parallel.schedule=zb-h1"], ["parallel.schedule=dualpipe"])
        for number, shape in enumerate(shapes):
            with self.subTest(shape=shape):
                file = self.telemetry(f"equal-{number}.h5", *equal, *shape)
                events = self.trace(file)
                ends = [event["ts"] + event["dur"] for event in events if event["ph"] == "X" and event["pid"] == 1]
                with h5py.File(file) as opened:
                    step_s = opened["fleet/step_time_s"][0]
                self.assertAlmostEqual(max(ends) * 1e-6, step_s, delta=2e-9 + 1e-6 * step_s)
                self.check_causes(events)
                self.check_held(events)

    def check_causes(self, events):
        """A slot that waits for a message starts when it is there, or later: arrows point forwards into slots."""
        starts = {event["id"]: event for event in events if event["ph"] == "s"}
        slots = [event for event in events if event["ph"] == "X" and event["pid"] == 1 and "microbatch" in event.get("args", {})]
        for event in events:
            if event["ph"] == "f":
                self.assertGreaterEqual(event["ts"], starts[event["id"]]["ts"])
                self.assertNotEqual(event["tid"], starts[event["id"]]["tid"])
        self.assertEqual(min(slot["ts"] for slot in slots), 0)

    def check_held(self, events):
        """What is taken is given back."""
        last = {event["name"]: event["args"]["value"] for event in events if event["ph"] == "C"}
        self.assertTrue(last)
        self.assertEqual(set(last.values()), {0})

    def test_executed_ops_are_those_of_the_file(self):
        import h5py
        file = self.telemetry("traced.h5", "host.every=1", "host.budget=0.002", "telemetry.trace_steps=2", "steps=3")
        ops = [event for event in self.trace(file) if event["ph"] == "X" and event["pid"] == 3]
        with h5py.File(file) as opened:
            known = opened["host_trace/op"][:]
            lengths = (opened["host_trace/end_s"][:] - opened["host_trace/start_s"][:])[known >= 0]
        self.assertEqual(len(ops), (known >= 0).sum())
        self.assertAlmostEqual(sum(op["dur"] for op in ops) * 1e-6, lengths.sum(), places=9)

    def test_wrong_input_is_one_sentence(self):
        file, out = self.telemetry("plain.h5"), self.folder / "x.json"
        wrong = {("export",): "muir export to what?", ("export", "perfetto"): "which file?", ("export", "perfetto", file): "where to?",
                 ("export", "perfetto", file, "-o", out, "--steps", "5:2"): "--steps 5:2: write a step",
                 ("export", "perfetto", file, "-o", out, "--steps", "999"): "--steps: the file has no step from 999",
                 ("export", "perfetto", __file__, "-o", out): __file__}
        for arguments, begin in wrong.items():
            with self.subTest(arguments=arguments):
                done = run(MUIR, *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertTrue(done.stderr.startswith("muir: " + begin), done.stderr)
                self.assertFalse(out.exists())


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-c", "import h5py, matplotlib"], capture_output=True, check=False).returncode:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
