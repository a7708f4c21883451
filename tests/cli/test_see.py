#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What people look at, made from files of real runs: pictures, the report, exports, the live view.

Usage: test_see.py MUIR MPIRUN SOURCE_DIR. Exit code 77: h5py or matplotlib is missing."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import patience

MUIR, MPIRUN, SOURCE = os.path.abspath(sys.argv[1]), *sys.argv[2:4]
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
    def telemetry(cls, name, *overrides, ranks=1):
        path = pathlib.Path(cls.shared.name, name)
        if not path.exists():
            launch = [MPIRUN, "-n", ranks] if ranks > 1 else []
            done = run(*launch, MUIR, *JOB, *overrides, "-o", path)
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


def perfetto_messages():
    """Trace of Perfetto's schema (protos/perfetto/trace, as far as muir writes it), or None without python3-protobuf."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        return None
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="trace.proto", package="perfetto", syntax="proto2")
    fields = {"Trace": [("packet", 1, "TracePacket*")],
              "TracePacket": [("timestamp", 8, "uint64"), ("trusted_packet_sequence_id", 10, "uint32"), ("track_event", 11, "TrackEvent"),
                              ("sequence_flags", 13, "uint32"), ("track_descriptor", 60, "TrackDescriptor")],
              "TrackDescriptor": [("uuid", 1, "uint64"), ("name", 2, "string"), ("process", 3, "ProcessDescriptor"), ("thread", 4, "ThreadDescriptor"),
                                  ("parent_uuid", 5, "uint64"), ("counter", 8, "CounterDescriptor")],
              "ProcessDescriptor": [("pid", 1, "int32"), ("process_name", 6, "string")],
              "ThreadDescriptor": [("pid", 1, "int32"), ("tid", 2, "int32"), ("thread_name", 5, "string")], "CounterDescriptor": [],
              "TrackEvent": [("debug_annotations", 4, "DebugAnnotation*"), ("type", 9, "int32"), ("track_uuid", 11, "uint64"), ("categories", 22, "string*"),
                             ("name", 23, "string"), ("double_counter_value", 44, "double"), ("flow_ids", 47, "fixed64*"), ("terminating_flow_ids", 48, "fixed64*")],
              "DebugAnnotation": [("int_value", 4, "int64"), ("double_value", 5, "double"), ("string_value", 6, "string"), ("name", 10, "string")]}
    for message, parts in fields.items():
        made = file.message_type.add(name=message)
        for name, number, kind in parts:
            field = made.field.add(name=name, number=number, label=kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL)
            kind = kind.rstrip("*")
            if kind in fields:
                field.type, field.type_name = kinds.TYPE_MESSAGE, ".perfetto." + kind
            else:
                field.type = getattr(kinds, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    return make(pool.FindMessageTypeByName("perfetto.Trace"))


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
        last = {event["name"]: event["args"]["value"] for event in events if event["ph"] == "C" and "held" in event["name"]}
        self.assertTrue(last)
        self.assertEqual(set(last.values()), {0})

    def test_memory_is_that_of_the_file_slot_by_slot(self):
        import h5py
        file = self.telemetry("plain.h5")
        counted = [event["args"]["value"] for event in self.trace(file) if event["ph"] == "C" and event["name"] == "stage 0: GiB of tensors"]
        with h5py.File(file) as opened:
            stored = opened["memory_first_stage/allocated_bytes"][:] / 2**30
        self.assertEqual(len(counted), len(stored))
        self.assertLess(max(abs(a - b) for a, b in zip(counted, stored)), 1e-9)

    @unittest.skipUnless(perfetto_messages(), "python3-protobuf is missing")
    def test_perfettos_own_format_says_what_the_json_says(self):
        """Read by the protobuf library as the published schema has it: the same slices, counters, instants and messages."""
        file = self.telemetry("traced.h5", "host.every=1", "host.budget=0.002", "telemetry.trace_steps=2", "steps=3")
        path = self.folder / "trace.pftrace"
        self.check(run(MUIR, "export", "perfetto", file, "-o", path))
        trace = perfetto_messages()()
        trace.ParseFromString(path.read_bytes())
        for message in [trace, *trace.packet]:
            self.assertFalse(list(getattr(message, "UnknownFields", lambda: [])()))
        tracks = {packet.track_descriptor.uuid: packet.track_descriptor for packet in trace.packet if packet.HasField("track_descriptor")}
        events = sorted((packet for packet in trace.packet if packet.HasField("track_event")), key=lambda packet: packet.timestamp)
        slices, counts, opened, flows, instants = [], [], {}, [set(), set()], 0
        for packet in events:
            event = packet.track_event
            track = tracks[event.track_uuid]
            self.assertTrue(track.HasField("process") or track.parent_uuid in tracks)
            if event.type == 1:
                opened.setdefault(event.track_uuid, []).append((event.name, packet.timestamp))
            if event.type == 2:
                name, start = opened[event.track_uuid].pop()  # a slice that ends has begun
                slices.append((name, start, packet.timestamp))
            if event.type == 4:
                counts.append((track.name, packet.timestamp, event.double_counter_value))
            flows[0].update(event.flow_ids)
            flows[1].update(event.terminating_flow_ids)
            instants += event.type == 3
        self.assertFalse(any(opened.values()))
        self.assertEqual(flows[0], flows[1])
        json_events = self.trace(file)
        wanted = [event for event in json_events if event["ph"] == "X"]
        messages = [event for event in json_events if event["ph"] == "b"]
        self.assertEqual(len(slices), len(wanted) + len(messages))
        self.assertEqual(len(flows[0]), len(messages))
        self.assertEqual(instants, 2 * len(messages) + sum(event["ph"] == "i" for event in json_events))
        self.assertEqual(sorted(name for name, *_ in slices), sorted(event["name"] for event in [*wanted, *messages]))
        self.assertAlmostEqual(sum(end - start for _, start, end in slices) * 1e-3, sum(event["dur"] for event in wanted) +
                               sum(end["ts"] - start["ts"] for start, end in zip(messages, [e for e in json_events if e["ph"] == "e"])), delta=1e-3 * len(slices))
        self.assertEqual(sorted((name, round(value, 12)) for name, _, value in counts),
                         sorted((event["name"], round(event["args"]["value"], 12)) for event in json_events if event["ph"] == "C"))

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
        wrong = {("export",): "which format?", ("export", "perfetto"): "which file?", ("export", "perfetto", file): "which output?",
                 ("export", "perfetto", file, "-o", out, "--steps", "5:2"): "--steps 5:2: write a step",
                 ("export", "perfetto", file, "-o", out, "--steps", "999"): "--steps: the file has no step from 999",
                 ("export", "perfetto", __file__, "-o", out): __file__}
        for arguments, begin in wrong.items():
            with self.subTest(arguments=arguments):
                done = run(MUIR, *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertTrue(done.stderr.startswith("muir: " + begin), done.stderr)
                self.assertFalse(out.exists())


class Page(html.parser.HTMLParser):
    """Collects what a page asks a network for, its ids and links, and the text of its cards."""

    def __init__(self, text):
        super().__init__()
        self.outside, self.ids, self.links, self.figures, self.inside = [], set(), [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs["id"]} if "id" in attrs else set()
        self.links += [attrs["href"][1:]] if attrs.get("href", "").startswith("#") else []
        self.outside += [value for key, value in attrs.items() if key in ("src", "href") and not value.startswith(("#", "data:"))]
        self.inside = attrs.get("id") if tag == "script" else None

    def handle_data(self, data):
        if self.inside == "figures":
            self.figures += json.loads(data)


@unittest.skipIf(subprocess.run([sys.executable, "-c", "import plotly"], capture_output=True, check=False).returncode, "plotly is missing")
class Report(Case):
    def report(self, *files):
        path = self.folder / "report.html"
        self.check(run(MUIR, "report", *files, "-o", path))
        text = path.read_text(encoding="utf-8")
        return Page(text), text

    def faulty(self):
        return self.telemetry("faulty.h5", "host.every=1", "host.budget=0.002", "faults=llama3", "faults.rate=1e6", "steps=1500", "telemetry.trace_steps=1", ranks=2)

    def test_a_page_is_whole_and_asks_for_nothing(self):
        page, text = self.report(self.faulty())
        self.assertEqual(page.outside, [])
        self.assertLessEqual(set(page.links), page.ids)
        drawn = {figure["key"] for figure in page.figures if figure["data"]}
        self.assertLessEqual({"parts", "over-time", "tokens-per-s", "mfu", "goodput", "servers", "schedule", "collectives", "host",
                              "power", "spectrum", "cost", "memory", "memory-first-stage", "memory-last-stage"}, drawn)
        self.assertNotIn("NaN", json.dumps(page.figures))
        self.assertIn("modelled", text)

    def test_its_headline_is_that_of_the_summary(self):
        summary = self.folder / "summary.json"
        file = self.folder / "run.h5"
        self.check(run(MUIR, *JOB, "faults=llama3", "faults.rate=1e6", "steps=1500", "-o", file, "--json", summary))
        fleet = json.loads(summary.read_text(encoding="utf-8"))["fleet"]
        program = ("import sys, json; sys.argv[0] = 'report.py'; import report\n"
                   "print(json.dumps({label: value for label, value, *_ in report.open_all([sys.argv[1]])[0].headline()}))")
        shown = json.loads(self.check(run(sys.executable, "-c", program, file, cwd=SCRIPTS)))
        for label, value in (("step time, mean", fleet["step_time_s"]["mean"]), ("throughput", fleet["tokens_per_s"]), ("MFU", fleet["mfu"]),
                             ("goodput", fleet["goodput"]), ("energy", fleet["energy_j"]), ("cost", fleet["cost_usd"]),
                             ("cost per million tokens", fleet["usd_per_mtoken"]), ("power at the meter, mean", fleet["power_w"]["mean"])):
            self.assertAlmostEqual(shown[label] / value, 1, places=6, msg=label)

    def test_parts_of_memory_add_up_to_what_the_file_says(self):
        import h5py
        page, _ = self.report(self.faulty())
        bars = {figure["key"]: figure["data"] for figure in page.figures}["memory"]
        with h5py.File(self.faulty()) as opened:
            total = opened["memory/total_bytes"][:] / 2**30
        for stage, gib in enumerate(total):
            self.assertAlmostEqual(sum(bar["y"][stage] for bar in bars) / gib, 1, places=4)

    def test_goodput_closes_and_no_extreme_is_lost(self):
        import h5py
        page, _ = self.report(self.faulty())
        bars = {figure["key"]: figure["data"][0] for figure in page.figures if figure["data"]}["goodput"]
        self.assertAlmostEqual(sum(bars["y"][:-1]), bars["y"][-1], places=2)
        self.assertGreater(len(bars["y"]), 2)
        with h5py.File(self.faulty()) as opened:
            mfu, step = 100 * opened["fleet/mfu"][:], opened["fleet/step_time_s"][:]
        drawn = {figure["key"]: figure["data"] for figure in page.figures}
        self.assertLess(len(drawn["mfu"][0]["x"]), len(mfu))
        self.assertAlmostEqual(min(drawn["mfu"][0]["y"]), mfu.min(), places=2)
        self.assertAlmostEqual(max(drawn["mfu"][1]["y"]), mfu.max(), places=2)
        slowest = [trace for trace in drawn["over-time"] if trace["name"] == "slowest step"][0]
        self.assertAlmostEqual(max(slowest["y"]) / step.max(), 1, places=4)

    def test_two_files_are_compared(self):
        page, text = self.report(self.telemetry("plain.h5"), self.telemetry("capped.h5", "power.cap=0.75"))
        self.assertIn("<td>power.cap</td><td>0</td><td>0.75</td>", text)
        self.assertEqual([len(figure["data"]) for figure in page.figures if figure["key"] in ("parts", "power", "cost")], [2, 2, 2])

    def test_wrong_input_is_one_sentence(self):
        for arguments in (["/no/such.h5"], [__file__], [], [self.telemetry("plain.h5"), "-o", "/no/such/x.html"]):
            done = run(MUIR, "report", *arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr.startswith("muir: ") and done.stderr.count("\n") == 1, done.stderr)

    @unittest.skipUnless(shutil.which("chromium"), "chromium is missing")
    def test_a_browser_draws_every_figure_without_an_error(self):
        page, _ = self.report(self.faulty())
        done = run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={self.folder}/profile",
                   "--virtual-time-budget=60000", "--dump-dom", f"file://{self.folder}/report.html")
        self.assertEqual([line for line in done.stderr.splitlines() if "CONSOLE" in line], [])
        self.assertTrue(re.search(r'data-ready="\d+"', done.stdout))
        self.assertEqual(len(re.findall(r'class="[^"]*js-plotly-plot', done.stdout)), len([figure for figure in page.figures if figure["data"]]))


class Export(Case):
    def test_csv_has_every_row_and_names_for_numbers(self):
        import csv
        import h5py
        file, out = self.telemetry("events.h5", "faults=llama3", "faults.rate=1e6", "steps=1500"), self.folder / "out.csv"
        for group in ("fleet", "events", "server"):
            self.check(run(MUIR, "export", "csv", file, "--group", group, "-o", out))
            with open(out, encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
            with h5py.File(file) as opened:
                length = len(opened[f"{group}/{'event' if group == 'events' else 'step'}"])
                self.assertEqual(len(rows), length)
                if group == "fleet":
                    self.assertEqual([float(row["mfu"]) for row in rows], list(opened["fleet/mfu"]))
                if group == "server":
                    self.assertEqual(len(rows[0]), 1 + opened["server/slowdown"].shape[1])
                if group == "events":
                    meanings = opened["events/kind"].attrs["flag_meanings"].decode().split()
                    self.assertEqual([row["kind"] for row in rows], [meanings[number] for number in opened["events/kind"]])
        self.assertEqual(self.check(run(MUIR, "export", "csv", file, "-o", "-")).count("\n"), 1501)

    def test_openmetrics_is_text_that_a_parser_reads(self):
        import h5py
        file, out = self.telemetry("events.h5", "faults=llama3", "faults.rate=1e6", "steps=1500"), self.folder / "muir.prom"
        self.check(run(MUIR, "export", "openmetrics", file, "-o", out))
        text = out.read_text(encoding="utf-8")
        self.assertTrue(text.endswith("# EOF\n"))
        lines = text.splitlines()
        for line in lines:
            self.assertRegex(line, r'^(# (TYPE|UNIT|HELP|EOF).*|muir_[a-z_]+\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\} -?[0-9.e+-]+)$')
        values = {line.split("{")[0]: float(line.split()[-1]) for line in lines if not line.startswith("#")}
        with h5py.File(file) as opened:
            self.assertAlmostEqual(values["muir_goodput_ratio"], opened["fleet/goodput"][-1], places=7)
            self.assertAlmostEqual(values["muir_energy_joules_total"] / opened["fleet/energy_j"][:].sum(), 1, places=7)
        try:
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
        except ImportError:
            return
        self.assertGreater(len(list(text_string_to_metric_families(text))), 10)

    def test_parquet_is_written_or_says_what_is_missing(self):
        out = self.folder / "out.parquet"
        done = run(MUIR, "export", "parquet", self.telemetry("plain.h5"), "-o", out)
        has = not subprocess.run([sys.executable, "-c", "import pandas, pyarrow"], capture_output=True, check=False).returncode
        if has:
            import pandas
            self.check(done)
            self.assertEqual(len(pandas.read_parquet(out)), 60)
        else:
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr, "muir: parquet needs Python with pandas and pyarrow or fastparquet, which Debian 12 does not package: "
                                          "pip install pandas pyarrow, or export csv\n")
            self.assertFalse(out.exists())

    def test_wrong_input_is_one_sentence(self):
        plain = self.telemetry("plain.h5")
        for arguments in (["csv", plain, "-o", "/no/such/x"], ["csv", plain, "--group", "nix", "-o", "x"], ["csv", "/no/such", "-o", "x"], ["csv", plain]):
            done = run(MUIR, "export", *arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr.startswith("muir: ") and done.stderr.count("\n") == 1, done.stderr)


class Top(Case):
    def test_a_running_job_is_followed_from_another_process(self):
        file = self.folder / "live.h5"
        job = subprocess.Popen([MUIR, "run", "tiny", "steps=2000000000", "host.every=0", "-o", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            seen = []
            for _ in range(600):
                done = run(MUIR, "top", file, "--once")
                seen += re.findall(r"^step +([0-9,]+) ", done.stdout, re.MULTILINE)
                if len(set(seen)) > 1:
                    break
                time.sleep(0.1)
            self.assertIsNone(job.poll())
        finally:
            job.kill()
            job.wait()
        numbers = [int(text.replace(",", "")) for text in seen]
        self.assertEqual(numbers, sorted(numbers))
        self.assertGreater(len(set(numbers)), 1)
        self.assertIn("goodput", self.check(run(MUIR, "top", file, "--once")))

    def test_it_shows_servers_and_events(self):
        shown = self.check(run(MUIR, "top", self.telemetry("events.h5", "faults=llama3", "faults.rate=1e6", "steps=1500"), "--once"))
        for word in ("slowest:", "events ", "MFU", "recovery"):
            self.assertIn(word, shown)
        self.assertIn("compute", self.check(run(MUIR, "top", self.telemetry("plain.h5"), "--once")))

    def test_no_file_is_one_sentence(self):
        done = run(MUIR, "top", "/no/such.h5", "--once")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))


@unittest.skipIf(subprocess.run([sys.executable, "-c", "import xarray, pandas, netCDF4"], capture_output=True, check=False).returncode,
                 "xarray is missing")
class Cells(Case):
    def test_every_script_in_cells_runs(self):
        file = self.telemetry("events.h5", "faults=llama3", "faults.rate=1e6", "steps=1500")
        scripts = sorted(pathlib.Path(SCRIPTS, "cells").glob("*.py"))
        self.assertGreaterEqual(len(scripts), 4)
        for path in scripts:
            with self.subTest(script=path.name):
                self.assertIn("\n# %%", path.read_text(encoding="utf-8"))
                self.assertGreater(self.check(run(sys.executable, path, file)).count("\n"), 2)


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-c", "import h5py, matplotlib"], capture_output=True, check=False).returncode:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
