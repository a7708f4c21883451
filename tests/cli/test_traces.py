#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traces out and in: Chakra's, read back by the protobuf library, and Kineto's; replayed on a fleet and on real ranks.

Usage: test_traces.py MUIR MPIRUN SOURCE_DIR. Without python3-protobuf the files that muir writes are not read by others here."""
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

MUIR, MPIRUN = os.path.abspath(sys.argv[1]), sys.argv[2]
FUZZ = 30
COLLECTIVES = {0: "all_reduce", 2: "all_gather", 5: "broadcast", 6: "all_to_all", 7: "reduce_scatter"}


def messages():
    """Node and GlobalMetadata of et_def.proto (mlcommons/chakra, 0.0.4), as far as traces here use them; None without protobuf."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        return None
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="et_def.proto", package="ChakraProtoMsg", syntax="proto3")

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for number, field, kind, *more in fields:
            one = added.field.add(name=field, number=number, type=kinds.TYPE_MESSAGE if isinstance(kind, str) else kind,
                                  label=kinds.LABEL_REPEATED if more else kinds.LABEL_OPTIONAL)
            if isinstance(kind, str):
                one.type_name = ".ChakraProtoMsg." + kind
        return added

    attribute = message("AttributeProto", (1, "name", kinds.TYPE_STRING), (3, "double_val", kinds.TYPE_DOUBLE), (7, "int32_val", kinds.TYPE_INT32),
                        (9, "int64_val", kinds.TYPE_INT64), (13, "uint64_val", kinds.TYPE_UINT64), (27, "bool_val", kinds.TYPE_BOOL),
                        (29, "string_val", kinds.TYPE_STRING))
    attribute.oneof_decl.add(name="value")
    for field in attribute.field[1:]:
        field.oneof_index = 0
    message("GlobalMetadata", (1, "version", kinds.TYPE_STRING), (2, "attr", "AttributeProto", True))
    message("Node", (1, "id", kinds.TYPE_UINT64), (2, "name", kinds.TYPE_STRING), (3, "type", kinds.TYPE_INT32), (4, "ctrl_deps", kinds.TYPE_UINT64, True),
            (5, "data_deps", kinds.TYPE_UINT64, True), (6, "start_time_micros", kinds.TYPE_UINT64), (7, "duration_micros", kinds.TYPE_UINT64),
            (10, "attr", "AttributeProto", True))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    return [make(pool.FindMessageTypeByName("ChakraProtoMsg." + name)) for name in ("GlobalMetadata", "Node")]


def varint(number):
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def pieces(data):
    """Messages of a file, each behind its length."""
    at = 0
    while at < len(data):
        size, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield data[at:at + size]
        at += size


def node(number, kind, duration_us=0, waits=(), start_us=0, **attributes):
    """A node of Chakra, written by hand: what another writer would make, attributes as int64, packed dependencies."""
    def field(tag, value):
        if isinstance(value, int):
            return varint(tag << 3) + varint(value & (1 << 64) - 1)
        return varint(tag << 3 | 2) + varint(len(value)) + value
    out = field(1, number) + field(2, f"node{number}".encode()) + field(3, kind)
    if waits:
        out += field(5, b"".join(map(varint, waits)))
    out += field(6, start_us) + field(7, duration_us)
    for name, value in attributes.items():
        out += field(10, field(1, name.encode()) + (field(29, value.encode()) if isinstance(value, str) else field(9, value)))
    return out


def trace(*nodes):
    return b"".join(varint(len(one)) + one for one in (b"\x0a\x050.0.4", *nodes))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def process(self, *arguments, launch=()):
        return subprocess.run([*launch, MUIR, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, timeout=100)

    def out(self, *arguments, launch=()):
        done = self.process(*arguments, launch=launch)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def fails(self, expected, *arguments):
        done = self.process(*arguments)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn(expected, done.stderr)

    def replay(self, *arguments, launch=()):
        return json.loads(self.out("replay", *arguments, "--json", "-", launch=launch))

    def survives(self, kind, data, seed, *more):
        """Damaged traces are read, or refused in one sentence."""
        draw = random.Random(seed)
        for _ in range(FUZZ):
            damaged = bytearray(data)
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(len(damaged))
                if draw.random() < 0.6:
                    damaged[at] = draw.randrange(256)
                else:
                    del damaged[at:at + draw.randint(1, 20)]
            (self.folder / "damaged").write_bytes(bytes(damaged))
            done = subprocess.run([MUIR, "import", kind, "damaged", *more, "-o", "steps.yaml"], capture_output=True, cwd=self.folder, timeout=60)
            self.assertIn(done.returncode, (0, 2), (bytes(damaged), done.stderr))
            if done.returncode == 2:
                self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)


class Exported(Case):
    def export(self, scenario, *keys, chips):
        self.out("run", scenario, "steps=1", "host.every=0", *keys, "-o", "run.h5", "-q")
        self.out("export", "chakra", "run.h5", "-o", "trace", "--chips", ",".join(map(str, chips)))
        return json.loads(self.out("check", scenario, "host.every=0", *keys, "--json", "-"))

    def totals(self, chip):
        """Calls and bytes by axis, as nccl-tests counts them, and all nodes by number; read by the protobuf library."""
        metadata, made = messages()
        first, *others = pieces((self.folder / f"trace.{chip}.et").read_bytes())
        read = metadata()
        read.ParseFromString(first)
        self.assertEqual(read.version, "0.0.4")
        calls, sizes, nodes = collections.Counter(), collections.Counter(), {}
        for piece in others:
            one = made()
            one.ParseFromString(piece)
            values = {a.name: getattr(a, a.WhichOneof("value")) for a in one.attr}
            self.assertTrue(all(number in nodes for number in one.data_deps), "a node waits for what comes after it")
            nodes[one.id] = one
            if one.type == 7:
                self.assertIn(values["comm_type"], COLLECTIVES)
                calls[values["pg_desc"]] += 1
                sizes[values["pg_desc"]] += values["comm_size"] * (values["group_size"] if values["comm_type"] == 2 else 1)
                members = json.loads((self.folder / "trace.groups.json").read_text())[values["pg_name"]]
                self.assertEqual((len(members), chip in members), (values["group_size"], True))
            if one.type == 5:
                calls["pp"] += 1
                sizes["pp"] += values["comm_size"]
                self.assertEqual(values["comm_src"], chip)
        return calls, sizes, nodes

    @unittest.skipUnless(messages(), "python3-protobuf is missing")
    def test_calls_and_bytes_are_those_of_check(self):
        jobs = [("tiny", [], 0), ("tiny", ["parallel.schedule=zb-h1", "parallel.overlap_grad_reduce=true"], 0),
                ("tiny", ["fleet=dgx-h100", "model=mixtral-8x7b", "parallel.tp=2", "parallel.pp=4", "parallel.ep=4", "parallel.dp=8", "parallel.zero_stage=2",
                          "parallel.recompute=full", "global_batch_size=64", "seq_len=4096"], 0)]
        for scenario, keys, chip in jobs:
            with self.subTest(keys=keys):
                check = self.export(scenario, *keys, chips=[chip])
                calls, sizes, nodes = self.totals(chip)
                self.assertGreater(len(nodes), 100)
                for group in check["groups"]:
                    self.assertEqual(calls[group["axis"]], group["calls"], group)
                    self.assertAlmostEqual(sizes[group["axis"]] / max(1, group["bytes"]), 1.0, delta=1e-6, msg=str(group))

    @unittest.skipUnless(messages(), "python3-protobuf is missing")
    def test_messages_of_stages_meet(self):
        self.export("tiny", chips=[0, 2])
        ends = []
        for chip in (0, 2):
            _, _, nodes = self.totals(chip)
            for one in nodes.values():
                values = {a.name: getattr(a, a.WhichOneof("value")) for a in one.attr}
                if one.type in (5, 6):
                    ends.append((values["comm_src"], values["comm_dst"], values["comm_tag"], one.type))
        sent, received = ({end[:3] for end in ends if end[3] == kind} for kind in (5, 6))
        self.assertEqual(len(sent) + len(received), len(ends))
        self.assertEqual(sent, received)

    def test_an_exported_step_replays_in_its_own_time(self):
        check = self.export("tiny", chips=[0, 2])
        for chip in (0, 2):
            self.out("import", "chakra", f"trace.{chip}.et", "-o", "steps.yaml")
            report = self.replay("steps.yaml", "fleet=tiny")
            self.assertAlmostEqual(report["as_traced_s"] / report["trace_step_s"], 1.0, delta=1e-4)
            self.assertLess(report["trace_step_s"], check["ideal_step_s"])  # the host's time per step is no operation
            self.assertGreater(report["trace_step_s"], 0.75 * check["ideal_step_s"])
            sizes = {row["collective"]: row["bytes"] for row in report["collectives"]}
            dp = next(group for group in check["groups"] if group["axis"] == "dp")
            if chip == 0:
                self.assertAlmostEqual((sizes["reduce_scatter"] + sizes["all_gather"]) / dp["bytes"], 1.0, delta=1e-6)

    def test_wrong_arguments(self):
        self.out("run", "tiny", "steps=1", "host.every=0", "-o", "run.h5", "-q")
        for chips in ("4", "-1", "1:0", "x", "0,,", "0:9999999"):
            self.fails("--chips", "export", "chakra", "run.h5", "-o", "x", "--chips", chips)
        self.fails("where to?", "export", "chakra", "run.h5")


class Chakra(Case):
    def write(self, *nodes, name="step.et"):
        (self.folder / name).write_bytes(trace(*nodes))
        return name

    def step(self, ranks=8):
        """Two layers forward, an all_reduce beside the second's backward, and one that waits for everything."""
        return [node(1, 4, 100), node(2, 4, 200, [1]), node(3, 7, 150, [1], comm_type=0, comm_size=1 << 20, pg_name="0", group_size=ranks),
                node(4, 4, 300, [2]), node(5, 7, 50, [3, 4], comm_type=2, comm_size=1 << 16, pg_name="0", group_size=ranks), node(6, 4, 10, [5])]

    def test_durations_and_dependencies_are_kept(self):
        self.out("import", "chakra", self.write(*self.step()), "-o", "steps.yaml")
        report = self.replay("steps.yaml", "fleet=dgx-h100")
        self.assertAlmostEqual(report["as_traced_s"], 660e-6, delta=1e-9)  # 100 + 200 + 300 + 50 + 10; the first all_reduce hides
        rows = {row["collective"]: row for row in report["collectives"]}
        self.assertEqual(rows["all_reduce"]["bytes"], 1 << 20)
        self.assertEqual(rows["all_gather"]["bytes"], 8 << 16)  # the trace counts what a rank puts in

    def test_collectives_cost_what_the_fleet_says(self):
        self.out("import", "chakra", self.write(*self.step()), "-o", "steps.yaml")
        report = self.replay("steps.yaml", "fleet=dgx-h100")
        listed = self.out("list", "collectives", "dgx-h100", "8")
        ways = [line.split() for line in listed.splitlines() if line.split()[:1] == ["all_reduce"] and "*" in line]
        times = [float(words[i - 1]) for words in ways for i in range(len(words)) if words[i] == "us*" and i in (5,)]
        row = next(row for row in report["collectives"] if row["collective"] == "all_reduce")
        self.assertAlmostEqual(row["priced_s"] * 1e6, times[0], delta=0.006 * times[0])  # 1 MiB is the second column
        self.assertAlmostEqual(report["step_s"], 610e-6 + next(row for row in report["collectives"] if row["collective"] == "all_gather")["priced_s"],
                               delta=1e-9)

    def test_more_ranks(self):
        self.out("import", "chakra", self.write(*self.step()), "-o", "steps.yaml")
        times = [self.replay("steps.yaml", "fleet=dgx-h100", f"ranks={ranks}")["exposed_s"] for ranks in (8, 64, 512)]
        self.assertEqual(times, sorted(times))
        self.assertLess(times[0], times[2])
        text = (self.folder / "steps.yaml").read_text()
        (self.folder / "kept.yaml").write_text(text.replace("scales: true", "scales: false"))
        self.assertEqual(self.replay("kept.yaml", "fleet=dgx-h100", "ranks=512")["exposed_s"], times[0])
        (self.folder / "wide.yaml").write_text(text.replace("do: all_gather", "do: all_to_all"))
        self.fails("exchanges by all_to_all", "replay", "wide.yaml", "fleet=dgx-h100", "ranks=64")
        self.fails("does not come out whole", "replay", self.halves(text), "fleet=dgx-h100", "ranks=9")

    def halves(self, text):
        (self.folder / "halves.yaml").write_text(text.replace("members: 8", "members: 4"))
        return "halves.yaml"

    def test_collectives_are_executed_over_ranks(self):
        self.out("import", "chakra", self.write(*self.step()), "-o", "steps.yaml")
        report = self.replay("steps.yaml", "fleet=dgx-h100", "--execute", "--steps", "2", "--shrink", "16", launch=[*MPIRUN.split(), "-n", "4"])
        self.assertEqual(report["host_ranks"], 4)
        done = {row["collective"]: row for row in report["executed"]}
        self.assertEqual({name: (row["calls"], row["wrong"], row["bytes"]) for name, row in done.items()},
                         {"all_reduce": (2, 0, 1 << 16), "all_gather": (2, 0, 1 << 15)})
        self.assertTrue(all(row["time_s"] > 0 for row in done.values()))

    def test_what_is_missing_or_wrong_is_said(self):
        bare = node(1, 7, 5, comm_type=0, comm_size=1024)
        self.fails("among how many ranks", "import", "chakra", self.write(bare))
        self.out("import", "chakra", self.write(bare), "ranks=4", "-o", "steps.yaml")
        self.fails("waits for itself", "import", "chakra", self.write(node(1, 4, 1, [2]), node(2, 4, 1, [1])))
        self.fails("two nodes have the number 1", "import", "chakra", self.write(node(1, 4, 1), node(1, 4, 1)))
        self.fails("no operation", "import", "chakra", self.write())
        self.fails("does not end", "import", "chakra", self.cut())
        report = self.out("import", "chakra", self.write(node(1, 4, 1), node(2, 7, 5, [1], comm_type=9)))
        self.assertIn("1 collectives without a size", report)

    def cut(self):
        (self.folder / "cut.et").write_bytes(trace(*self.step())[:-5])
        return "cut.et"

    def test_wrong_step_programs(self):
        self.out("import", "chakra", self.write(*self.step()), "-o", "steps.yaml")
        text = (self.folder / "steps.yaml").read_text()
        for old, new, expected in [("do: compute", "do: computing", "do is 'computing'"), ("s: 0.0001", "s: -1", "s is '-1'"), ("after: [0]", "after: [9]", "waits for '9'"),
                                   ("group: 0", "group: 7", "no group '7'"), ("nodes:", "knots:", "unknown key"), ("members: 8", "members: 0", "members is 0"),
                                   ("scales: true", "scales: maybe", "true or false"), (", on: 0", "", "on is missing")]:
            with self.subTest(expected=expected):
                (self.folder / "wrong.yaml").write_text(text.replace(old, new, 1))
                self.fails(expected, "replay", "wrong.yaml", "fleet=dgx-h100")
        self.fails("fleet=NAME", "replay", "steps.yaml")
        self.fails("but the fleet has", "replay", "steps.yaml", "fleet=tiny", "ranks=80")
        self.fails("would change nothing", "replay", "steps.yaml", "fleet=tiny", "seed=1")
        self.fails("about --execute", "replay", "steps.yaml", "fleet=dgx-h100", "--steps", "2")

    def test_damaged_traces(self):
        self.survives("chakra", trace(*self.step()), 12, "ranks=4")


class Kineto(Case):
    """Two streams: compute on 7, an all_reduce on 20 that hides under the second kernel, one that the third waits for."""
    @staticmethod
    def document(extra=()):
        def kernel(name, start, length, stream, **args):
            return {"ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": stream, "ts": 1000 + start, "dur": length, "args": {"stream": stream, **args}}
        size = {"Collective name": "allreduce", "In msg nelems": 262144, "Out msg nelems": 262144, "dtype": "BFloat16", "Group size": 16,
                "Process Group Name": "3", "Process Group Ranks": "[0, 8, 16]", "Process Group Description": "DATA_PARALLEL_GROUP"}
        return {"distributedInfo": {"rank": 0, "world_size": 128}, "traceEvents": [
            {"ph": "X", "cat": "user_annotation", "name": f"ProfilerStep#{number}", "ts": start, "dur": length}
            for number, start, length in ((4, 0, 900), (5, 900, 5000), (6, 6000, 100))] + [
            kernel("warm_up", -500, 10, 7), kernel("gemm", 0, 100, 7), kernel("ncclDevKernel_AllReduce", 110, 150, 20, **size), kernel("gemm", 105, 400, 7),
            kernel("ncclDevKernel_AllReduce", 510, 300, 20, **size), kernel("adam", 815, 50, 7),
            {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "ts": 1000, "dur": 5000}, *extra]}

    def test_a_step_is_kept_to_the_microsecond(self):
        (self.folder / "trace.json").write_text(json.dumps(self.document()))
        report = self.out("import", "kineto", "trace.json", "-o", "steps.yaml")
        self.assertIn("last but one", report)
        replayed = self.replay("steps.yaml", "fleet=dgx-h100")
        self.assertEqual(replayed["nodes"], 5)
        self.assertAlmostEqual(replayed["trace_step_s"], 865e-6, delta=1e-9)
        self.assertAlmostEqual(replayed["as_traced_s"], 865e-6, delta=1e-9)
        (row,) = replayed["collectives"]
        self.assertEqual((row["members"], row["calls"], row["bytes"]), (16, 2, 2 * 524288))
        # the second all_reduce alone is exposed: the step becomes shorter or longer by what its time does
        self.assertAlmostEqual(replayed["step_s"], 865e-6 + (row["priced_s"] - 600e-6) / 2, delta=2e-9)

    def test_steps_are_chosen(self):
        (self.folder / "trace.json").write_text(json.dumps(self.document()))
        self.out("import", "kineto", "trace.json", "step=4", "-o", "steps.yaml")
        self.assertEqual(self.replay("steps.yaml", "fleet=dgx-h100")["nodes"], 1)
        self.fails("no ProfilerStep#9", "import", "kineto", "trace.json", "step=9")

    def test_collectives_without_a_size_take_their_traced_time(self):
        document = self.document()
        for event in document["traceEvents"]:
            for key in ("Collective name", "Group size"):
                event.get("args", {}).pop(key, None)
        (self.folder / "trace.json").write_text(json.dumps(document))
        self.assertIn("2 collectives and messages whose size", self.out("import", "kineto", "trace.json", "-o", "steps.yaml"))
        self.assertAlmostEqual(self.replay("steps.yaml", "fleet=dgx-h100")["step_s"], 865e-6, delta=1e-9)

    def test_wrong_and_damaged_traces(self):
        (self.folder / "trace.json").write_text("{}")
        self.fails("no traceEvents", "import", "kineto", "trace.json")
        (self.folder / "trace.json").write_text('{"traceEvents": []}')
        self.fails("no operation", "import", "kineto", "trace.json")
        self.fails("missing.json", "import", "kineto", "missing.json")
        self.survives("kineto", json.dumps(self.document()).encode(), 13)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
