#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What muir import makes of what people have already; what it refuses, in one sentence.

Usage: test_import.py MUIR MPIRUN SOURCE_DIR"""
import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

MUIR, MPIRUN, SOURCE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ROUNDED = 0.02  # of numbers of weights that are published with two digits
FUZZ = 60


class Case(unittest.TestCase):
    """A test with a folder of its own, in which muir runs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def process(self, *arguments, launcher=()):
        return subprocess.run([*launcher, MUIR, *arguments], capture_output=True, timeout=100, cwd=self.folder)

    def out(self, *arguments, **options):
        process = self.process(*arguments, **options)
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout.decode()

    def fails(self, expected, *arguments):
        process = self.process(*arguments)
        self.assertEqual((process.returncode, process.stdout), (2, b""), process.stderr)
        self.assertEqual(process.stderr.count(b"\n"), 1, process.stderr)
        self.assertIn(expected, process.stderr.decode())

    def write(self, name, text):
        (self.folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
        return name

    def report(self, kind, name, *more):
        return json.loads(self.out("import", kind, name, *more, "--json", "-"))

    def keys(self, report):
        return {note["key"]: note["value"] for note in report["notes"] if note["key"]}

    def survives(self, kind, name, text, seed, *more):
        """Damaged copies of a source are read, or refused in one sentence; nothing else."""
        draw = random.Random(seed)
        data = text.encode()
        for _ in range(FUZZ):
            damaged = bytearray(data)
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(len(damaged))
                how = draw.randrange(4)
                if how == 0:
                    damaged[at] = draw.randrange(256)
                elif how == 1:
                    del damaged[at:at + draw.randint(1, 40)]
                elif how == 2:
                    damaged[at:at] = draw.choice([b"-1", b"9" * 30, b"nan", b"\x00", b"{", b"\"", b"\n", b"1e400", b"  "])
                else:
                    damaged = damaged[:at + 1]
                damaged = damaged or bytearray(b"x")
            (self.folder / name).write_bytes(bytes(damaged))
            process = self.process("import", kind, name, *more)
            self.assertIn(process.returncode, (0, 2), (bytes(damaged)[:2000], process.stderr))
            self.assertLessEqual(process.stderr.count(b"\n"), 1, (bytes(damaged)[:2000], process.stderr))


def sizes_of(row):
    config = {"model_type": row["model_type"]}
    for pair in row["sizes"].split():
        (*path, key), value = pair.split("=")[0].split("."), json.loads(pair.split("=")[1])
        place = config
        for part in path:
            place = place.setdefault(part, {})
        place[key] = value
    return config


class HuggingFace(Case):
    LLAMA = {"model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32,
             "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False}

    def test_weights_of_public_configurations_are_the_published_ones(self):
        with (SOURCE / "data" / "configurations.csv").open() as table:
            rows = list(csv.DictReader(table))
        self.assertGreaterEqual(sum(row["rounded"] == "no" for row in rows), 100)
        for row in rows:
            with self.subTest(model=row["name"]):
                report = self.report("hf", self.write("config.json", sizes_of(row)))
                published = int(row["weights"])
                self.assertEqual(report["trouble"], "")
                self.assertLessEqual(abs(report["weights"] - published), ROUNDED * published if row["rounded"] == "yes" else 0)
                self.assertTrue(row["source"])
                self.assertFalse([note for note in report["notes"] if note["kind"] == "not understood"])

    def test_the_file_is_a_model_that_runs(self):
        self.write("config.json", self.LLAMA)
        self.out("import", "hf", "config.json", "-o", "my.yaml")
        shown = json.loads(self.out("show", "model", "./my.yaml", "--json", "-"))["keys"]
        self.assertEqual([shown[key]["value"] for key in ("layers", "hidden", "kv_heads", "ffn", "mlp")], [32, 4096, 8, 14336, "swiglu"])
        self.out("check", "tiny", "model=./my.yaml", "parallel.tp=1", "parallel.pp=1", "parallel.dp=1", "global_batch_size=4")

    def test_every_word_is_taken_or_named(self):
        report = self.report("hf", self.write("config.json", {**self.LLAMA, "frobnicate": 3, "torch_dtype": "bfloat16"}))
        self.assertEqual([note["why"] for note in report["notes"] if note["kind"] == "not understood"], ["frobnicate"])

    def test_what_is_not_modelled_is_refused_by_name(self):
        for kind, what in {"mamba": "state-space", "jamba": "hybrid", "minimax": "lightning", "qwen3_next": "gated delta",
                           "rwkv": "linear attention", "t5": "encoder"}.items():
            self.fails(what, "import", "hf", self.write("config.json", {**self.LLAMA, "model_type": kind}))
        self.fails("did you mean llama?", "import", "hf", self.write("config.json", {**self.LLAMA, "model_type": "lama"}))
        self.fails("linear_num_key_heads", "import", "hf", self.write("config.json", {**self.LLAMA, "linear_num_key_heads": 16}))
        self.fails("linear attention", "import", "hf", self.write("config.json", {**self.LLAMA, "layer_types": ["linear_attention"]}))

    def test_wrong_configurations_are_answered_in_one_sentence(self):
        for wrong, expected in {"": "config.json:1", "[]": "top level", "{": "config.json:1", "{}": "model_type is missing"}.items():
            self.fails(expected, "import", "hf", self.write("config.json", wrong))
        for key, value, expected in [("hidden_size", "big", "not a whole number"), ("num_hidden_layers", -1, "not between"),
                                     ("num_key_value_heads", 5, "does not divide"), ("vocab_size", 0, "vocab_size is missing")]:
            self.fails(expected, "import", "hf", self.write("config.json", {**self.LLAMA, key: value}))
        self.fails("is the file that is imported", "import", "hf", self.write("config.json", self.LLAMA), "-o", "config.json")
        self.fails("cannot be imported", "import", "fh", "config.json")

    def test_damaged_configurations(self):
        self.survives("hf", "config.json", json.dumps(self.LLAMA, indent=1), 1)


class Launch(Case):
    MEGATRON = """#!/bin/bash
GPUS=8
TP=${TP:-4}  # a comment
MODEL_ARGS=(
    --num-layers 48
    --hidden-size 8192 --num-attention-heads 64
    --group-query-attention --num-query-groups 8
    --swiglu --untie-embeddings-and-output-weights
    --vocab-size 128256
)
OPTIONS=" --sequence-parallel --use-distributed-optimizer --bf16 \\
  --recompute-granularity selective --overlap-grad-reduce"
torchrun --nproc_per_node $GPUS --nnodes=16 pretrain_gpt.py ${MODEL_ARGS[@]} $OPTIONS \\
  --tensor-model-parallel-size $TP --pipeline-model-parallel-size 4 --num-layers-per-virtual-pipeline-stage 3 \\
  --micro-batch-size 2 --global-batch-size $((2 * GPUS * 16)) --seq-length 4096 --lr 1e-4 --frobnicate 3
"""

    def test_megatron_arguments(self):
        report = self.report("megatron", self.write("run.sh", self.MEGATRON), "fleet=dgx-h100")
        expected = {"parallel.tp": "4", "parallel.pp": "4", "parallel.vpp": "4", "parallel.dp": "8", "parallel.schedule": "interleaved",
                    "parallel.zero_stage": "1", "parallel.recompute": "selective", "parallel.sequence_parallel": "true",
                    "parallel.overlap_grad_reduce": "true", "parallel.overlap_param_gather": "false", "parallel.grad_bytes": "4",
                    "micro_batch_size": "2", "global_batch_size": "256", "seq_len": "4096", "precision": "bf16",
                    "model.layers": "48", "model.kv_heads": "8", "model.mlp": "swiglu", "model.tied_embedding": "false",
                    "model.ffn": "21824"}
        self.assertEqual({key: self.keys(report).get(key) for key in expected}, expected)
        self.assertEqual([note["why"] for note in report["notes"] if note["kind"] == "not understood"], ["frobnicate 3"])
        self.assertEqual(report["trouble"], "")

    def test_variables_of_a_script_are_arguments(self):
        self.write("run.sh", self.MEGATRON)
        self.assertEqual(self.keys(self.report("megatron", "run.sh", "fleet=dgx-h100", "TP=8"))["parallel.tp"], "8")

    def test_the_scenario_runs_with_its_model(self):
        self.write("run.sh", self.MEGATRON)
        self.out("import", "megatron", "run.sh", "fleet=dgx-h100", "-o", "job.yaml")
        checked = json.loads(self.out("check", "./job.yaml", "--json", "-"))["keys"]
        self.assertEqual((checked["parallel.vpp"], checked["model"]), (4, "job-model.yaml"))

    def test_other_frameworks(self):
        titan = "[model]\nname = 'llama3'\nflavor = '8B'\n[training]\nlocal_batch_size = 2\nseq_len = 8192\n[parallelism]\n" \
                "data_parallel_shard_degree = 16\ndata_parallel_replicate_degree = 4\ntensor_parallel_degree = 2\n" \
                "[activation_checkpoint]\nmode = 'full'\n"
        maxtext = "model_name: llama3-8b\nici_fsdp_parallelism: 16\ndcn_data_parallelism: 2\nper_device_batch_size: 2\n" \
                  "max_target_length: 4096\nremat_policy: full\n"
        speed = {"train_batch_size": 256, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2,
                 "zero_optimization": {"stage": 2}, "bf16": {"enabled": True}}
        recipe = "def recipe(cfg):\n    cfg.model.tensor_model_parallel_size = 2 * 2\n    cfg.train.global_batch_size = 128\n" \
                 "    return Config(micro_batch_size=1, pipeline_model_parallel_size=2, seq_length=8192)\n"
        nxd = "distributed_strategy: {tensor_model_parallel_size: 8, pipeline_model_parallel_size: 2, zero1: True}\n" \
              "data: {micro_batch_size: 1, global_batch_size: 64, seq_length: 4096}\n"
        for kind, name, text, expected in [
                ("torchtitan", "job.toml", titan, {"parallel.tp": "2", "parallel.dp": "64", "parallel.zero_group": "16", "parallel.zero_stage": "3",
                                                   "parallel.recompute": "full", "global_batch_size": "128", "model": "llama-3.1-8b"}),
                ("maxtext", "base.yml", maxtext, {"parallel.dp": "32", "parallel.zero_stage": "3", "micro_batch_size": "2",
                                                  "global_batch_size": "64", "parallel.zero_group": "16", "seq_len": "4096"}),
                ("deepspeed", "ds.json", speed, {"parallel.dp": "32", "parallel.zero_stage": "2", "precision": "bf16"}),
                ("recipe", "recipe.py", recipe, {"parallel.tp": "4", "parallel.pp": "2", "global_batch_size": "128", "seq_len": "8192"}),
                ("recipe", "nxd.yaml", nxd, {"parallel.tp": "8", "parallel.zero_stage": "1", "global_batch_size": "64"})]:
            with self.subTest(kind=kind):
                keys = self.keys(self.report(kind, self.write(name, text), "fleet=dgx-h100"))
                self.assertEqual({key: keys.get(key) for key in expected}, expected)

    def test_wrong_sources_are_answered_in_one_sentence(self):
        self.fails("no word of a launch line", "import", "megatron", self.write("run.sh", "echo hello\n"))
        self.fails("job.toml", "import", "torchtitan", self.write("job.toml", "[model\n"))
        self.fails("job.py", "import", "recipe", self.write("job.py", "def f(:\n"))
        self.fails("not a multiple of", "import", "deepspeed", self.write("ds.json", {"train_batch_size": 7, "train_micro_batch_size_per_gpu": 2}))

    def test_damaged_launch_lines(self):
        self.survives("megatron", "run.sh", self.MEGATRON, 2)
        self.survives("deepspeed", "ds.json", json.dumps({"train_batch_size": 256, "zero_optimization": {"stage": 2}}), 3)
        self.survives("maxtext", "base.yml", "ici_fsdp_parallelism: 16\nper_device_batch_size: 2\nmax_target_length: 4096\n", 4)


class Collectives(Case):
    # microsoft/superbenchmark @700d6501 tests/data/nccl_allreduce.log: 8 A100 in a server; sizes [byte] and times [us]
    A100 = {1024: 36.07, 4096: 35.92, 16384: 36.18, 65536: 37.82, 262144: 47.53, 1048576: 74.78, 4194304: 112.0, 16777216: 226.0,
            67108864: 584.5, 268435456: 2112.2, 1073741824: 8159.5, 4294967296: 32070.0}

    def log(self, name="all_reduce", times=None, hosts=1):
        lines = [f"mpirun {name}_perf -b 8 -e 8G", "# nThread 1 nGpus 8"]
        lines += [f"#   Rank {rank:2} Pid 112424 on host{rank * hosts // 8} device {rank} [0x00] A100-SXM4-40GB" for rank in range(8)]
        lines += ["#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error",
                  "           0             0   float     sum    35.20    0.00    0.00    N/A    34.05    0.00    0.00    N/A"]
        lines += [f"{size} {size // 4} float sum {time} 0.0 0.0 N/A {time} 0.0 0.0 N/A" for size, time in (times or self.A100).items()]
        return "\n".join(lines) + "\n# Avg bus bandwidth    : 68.4\n"

    def test_a_log_gives_the_share_of_the_port_that_it_shows(self):
        report = self.report("nccl", self.write("run.log", self.log()), "fleet=dgx-a100-40gb")
        self.assertEqual(report["trouble"], "")
        keys = self.keys(report)
        self.assertGreater(float(keys["fleet.server.efficiency"]), 0.65)  # 234 of 300 GB/s at the largest size
        self.assertLess(float(keys["fleet.server.efficiency"]), 0.95)
        found = [note["why"] for note in report["notes"] if note["kind"] == "found"]
        self.assertIn("all_reduce of 8 ranks in 1 servers, 12 sizes: the 6 left out", found[0])
        self.assertTrue(any("alpha from base" in note["why"] for note in report["notes"] if note["kind"] == "assumed"))

    def test_the_fleet_file_runs(self):
        self.write("run.log", self.log())
        self.out("import", "nccl", "run.log", "fleet=dgx-a100-40gb", "-o", "mine.yaml")
        self.out("check", "tiny", "fleet=./mine.yaml")

    def test_faster_links_give_larger_shares_and_slower_starts_larger_latencies(self):
        base = self.keys(self.report("nccl", self.write("a.log", self.log()), "fleet=dgx-a100-40gb"))
        slow = {size: 3 * time for size, time in self.A100.items()}
        keys = self.keys(self.report("nccl", self.write("b.log", self.log(times=slow)), "fleet=dgx-a100-40gb"))
        self.assertLess(float(keys["fleet.server.efficiency"]), 0.5 * float(base["fleet.server.efficiency"]))
        self.assertGreater(float(keys["fleet.server.alpha_s"]), 1.5 * float(base["fleet.server.alpha_s"]))

    def test_json_of_nccl_tests_says_the_same(self):
        document = {"args": ["./build/all_reduce_perf", "-b", "8"], "devices": [{"rank": rank, "host": "a"} for rank in range(8)],
                    "results": [{"size": size, "count": size // 4, "type": "float", "redop": "sum", "root": -1,
                                 "out_of_place": {"time": time, "alg_bw": 0, "bus_bw": 0, "nwrong": 0}} for size, time in self.A100.items()]}
        same = [self.keys(self.report("nccl", self.write(name, text), "fleet=dgx-a100-40gb"))["fleet.server.efficiency"]
                for name, text in [("run.json", document), ("run.log", self.log())]]
        self.assertEqual(same[0], same[1])

    def test_mpi_benchmarks(self):
        osu = "# OSU MPI Allreduce Latency Test v7.4\n# Size       Avg Latency(us)\n" + \
              "".join(f"{size}      {time}\n" for size, time in self.A100.items())
        imb = "# Benchmarking Allreduce\n# #processes = 8\n#bytes #repetitions t_min[usec] t_max[usec] t_avg[usec]\n" + \
              "".join(f"{size} 100 {0.9 * time} {1.1 * time} {time}\n" for size, time in self.A100.items())
        nccl = self.keys(self.report("nccl", self.write("run.log", self.log()), "fleet=dgx-a100-40gb"))
        for kind, text, more in [("osu", osu, ["ranks=8"]), ("imb", imb, [])]:
            keys = self.keys(self.report(kind, self.write("run.txt", text), "fleet=dgx-a100-40gb", *more))
            self.assertEqual(keys["fleet.server.efficiency"], nccl["fleet.server.efficiency"])
        self.fails("how many ranks", "import", "osu", self.write("run.txt", osu), "fleet=dgx-a100-40gb")

    def test_what_a_log_does_not_say_is_asked_for(self):
        self.write("run.log", self.log())
        self.fails("which fleet", "import", "nccl", "run.log")
        self.fails("no row of measurements", "import", "nccl", self.write("empty.log", "hello\n"), "fleet=dgx-a100-40gb")
        self.fails("which collective", "import", "nccl", self.write("x.log", self.log().replace("all_reduce_perf", "")), "fleet=dgx-a100-40gb")
        self.fails("8 chips", "import", "nccl", self.write("y.log", self.log()), "fleet=dgx-a100-40gb", "ranks=64")

    def test_damaged_logs(self):
        self.survives("nccl", "run.log", self.log(), 5, "fleet=dgx-a100-40gb")
        self.survives("imb", "imb.txt", "# Benchmarking Allreduce\n# #processes = 8\n8 100 1.0 2.0 1.5\n16 100 1.0 2.0 1.5\n", 6, "fleet=dgx-a100-40gb")


class Logs(Case):
    ARGUMENTS = {"world_size": 64, "tensor_model_parallel_size": 4, "pipeline_model_parallel_size": 4, "num_layers": 32, "hidden_size": 4096,
                 "num_attention_heads": 32, "ffn_hidden_size": 16384, "padded_vocab_size": 51200, "seq_length": 2048, "micro_batch_size": 2,
                 "global_batch_size": 256, "fp16": True, "recompute_granularity": "full", "swiglu": False, "num_experts": None,
                 "use_distributed_optimizer": True}

    def log(self, steps=240):
        """Steps of 4 s, 0.5 % up and down; a slow start, a batch that grows, checkpoints that take their time."""
        draw = random.Random(7)
        lines = ["------------------------ arguments ------------------------"]
        lines += [f"  {name} {'.' * (47 - len(name))} {value}" for name, value in self.ARGUMENTS.items()]
        for step in range(1, steps + 1):
            batch = 64 if step <= 20 else 256
            time = {1: 90e3, 21: 9e3}.get(step, 9e3 if step % 50 == 0 else (4000 if batch == 256 else 1100) * draw.uniform(0.995, 1.005))
            lines.append(f" [2025-04-13 23:41:12] iteration {step:8}/    1000 | consumed samples: {256 * step} | elapsed time per iteration (ms): "
                         f"{time:.1f} | throughput per GPU (TFLOP/s/GPU): 101.5 | learning rate: 6.000E-05 | global batch size: {batch:5} | lm loss: 2.3E+00 |")
        lines.append("[Rank 0] (after 2 iterations) memory (MB) | allocated: 9000.0 | max allocated: 20480.0 | reserved: 22000.0 | max reserved: 22528.0")
        return "\n".join(lines) + "\n"

    def row(self, *arguments):
        self.out("import", "log", *arguments, "-o", "rows.csv")
        with (self.folder / "rows.csv").open() as table:
            (row,) = csv.DictReader(table)
        return row

    def test_a_log_with_its_arguments_is_a_row(self):
        row = self.row(self.write("run.log", self.log()), "fleet=dgx-a100-80gb", "stack=megatron-2022")
        expected = {"chips": "64", "tp": "4", "pp": "4", "dp": "4", "layers": "32", "vocab": "51200", "global_batch_size": "256", "zero_stage": "1",
                    "recompute": "full", "precision": "fp16", "mlp": "gelu", "measured_gib": "20", "complete": "yes", "fleet": "dgx-a100-80gb"}
        self.assertEqual({key: row[key] for key in expected}, expected)
        self.assertAlmostEqual(float(row["step_time_s"]), 4.0, delta=0.004)
        self.assertIn("1 of the start, 4 outliers, 20 of another batch", row["notes"])

    def test_the_row_is_run_by_validate(self):
        self.row(self.write("run.log", self.log()), "fleet=dgx-a100-80gb", "stack=megatron-2022")
        self.out("validate", "rows.csv", "--json", "report.json")
        (row,) = json.loads((self.folder / "report.json").read_text())["rows"]
        self.assertAlmostEqual(row["real_s"], 4.0, delta=0.004)

    def test_tokens_per_second_are_turned_into_time_by_the_scenario(self):
        log = "".join(f"[titan] \x1b[31mstep: {step:2}  loss: 8.1  memory: 47.44GiB(59.91%)  tps: {5000 if step < 3 else 6144}  mfu: 33.7%\n"
                      for step in range(1, 40))
        self.write("run.log", log)
        self.fails("tokens per second and chip", "import", "log", "run.log", "fleet=dgx-h100")
        row = self.row("run.log", "gpt3-512-h100")
        scenario = json.loads(self.out("check", "gpt3-512-h100", "--json", "-"))["keys"]
        time = scenario["global_batch_size"] * scenario["seq_len"] / (512 * 6144)
        self.assertAlmostEqual(float(row["step_time_s"]), time, delta=1e-4 * time)
        self.assertEqual(row["measured_gib"], "47.44")

    def test_logs_without_steps_are_refused(self):
        self.fails("0 lines with the time of a step", "import", "log", self.write("run.log", "hello\n"))
        self.fails("at least 5", "import", "log", self.write("run.log", "iteration 1 | elapsed time per iteration (ms): 5.0 |\n"))

    def test_damaged_logs(self):
        self.survives("log", "run.log", self.log(30), 8, "fleet=dgx-a100-80gb")


class Fabrics(Case):
    SLURM = "# two levels\nSwitchName=leaf1 Nodes=node[001-032]\nSwitchName=leaf2 Nodes=node[033-063],login\nSwitchName=spine Switches=leaf[1-2]\n"
    IB = "".join([*(f'Switch\t40 "S-{leaf}"\t# "leaf{leaf}"\n' + "".join(f'[{port}]\t"H-{leaf}{port}"[1](a)\t# "node{leaf}{port} mlx5_0" lid 3 4xHDR\n'
                                                                          for port in range(8)) +
                    "".join(f'[{20 + port}]\t"S-9"[{port}]\t# "spine" lid 1 4xHDR\n' for port in range(4)) + "\n" for leaf in range(3)),
                  'Switch\t40 "S-9"\t# "spine"\n[1]\t"S-0"[20]\t# "leaf0" lid 4 4xHDR\n'])

    def test_leaves_of_slurm_and_of_ibnetdiscover(self):
        for kind, text, servers, leaf, more in [("slurm", self.SLURM, "64", "32", {}), ("ibnet", self.IB, "24", "8", {"fleet.fabric.oversubscription": "2"})]:
            report = self.report(kind, self.write("net.txt", text), "fleet=dgx-h100")
            keys = self.keys(report)
            self.assertEqual((keys["fleet.servers"], keys["fleet.fabric.leaf_servers"]), (servers, leaf))
            self.assertEqual({key: keys[key] for key in more}, more)
            self.assertEqual(report["trouble"], "")

    def test_wrong_and_damaged_ones(self):
        self.fails("no switch", "import", "slurm", self.write("net.txt", "hello\n"), "fleet=dgx-h100")
        self.fails("line 1", "import", "slurm", self.write("net.txt", "SwitchName=a Nodes=n[5-\n"), "fleet=dgx-h100")
        self.survives("slurm", "net.txt", self.SLURM, 9, "fleet=dgx-h100")
        self.survives("ibnet", "net.txt", self.IB, 10, "fleet=dgx-h100")


class Examples(Case):
    """scripts/import_examples.py, whose output docs/import.md shows."""
    def test_public_examples_come_in_whole(self):
        done = subprocess.run([sys.executable, os.path.join(SOURCE, "scripts", "import_examples.py"), "--muir", MUIR], capture_output=True, text=True,
                              timeout=200, env={**os.environ, "MUIR_DATA": os.path.join(SOURCE, "data")})
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("| ")]
        launches = [row for row in rows if row[0].startswith(("Megatron-LM", "torchtitan", "MaxText", "DeepSpeed"))]
        self.assertEqual(len(launches), 10)
        for row in launches:
            self.assertTrue(row[2].endswith("/ 0"), row)  # every word understood
            if row[3] != "not known":
                self.assertLess(abs(float(row[5].split()[0])), 25.0, row)  # stacks change; a layout that is read wrong is farther off
        tables = [row for row in rows if row[-1].endswith("%") and "in the mean" in row[-1]]
        self.assertEqual(len(tables), 5)
        for row in tables:
            self.assertLess(float(row[-1].split()[0]), 20.0, row)
        predicted = [row for row in rows if row[0].startswith("sc21-t1-") and "the log" not in row[0]]
        self.assertEqual(len(predicted), 3)
        for row in predicted:
            standard, calibrated = (abs(float(cell.split("(")[1].split()[0])) for cell in row[2:4])
            self.assertLess(calibrated, standard / 2, row)


class Servers(Case):
    """hwloc's XML of a server, as far as muir reads it."""
    @staticmethod
    def topology(chips, rates, model="NVIDIA A100-SXM4-40GB", switches=0, adapters=0, version=2, kinds=None):
        """rates: [MB/s] between all objects of the table; kinds: their types, where not all are GPUs."""
        kind = {2: (5, 3), 3: (12, 48)}[version]
        lines = ['<?xml version="1.0"?>', '<topology version="2.0">', '<object type="Machine" os_index="0"><object type="Package" os_index="0">',
                 '<object type="NUMANode" local_memory="549755813888"/><object type="Core"/></object>']
        for i in range(chips):
            lines += [f'<object type="PCIDev" pci_busid="0000:{i:02}:00.0" pci_type="0302 [10de:20b0] [10de:134f] a1" pci_link_speed="31.507692">',
                      f'<object type="OSDev" gp_index="{100 + i}" name="cuda{i}" subtype="CUDA" osdev_type="{kind[0]}">',
                      f'<info name="GPUModel" value="{model}"/></object></object>']
        lines += ['<object type="PCIDev" pci_type="0300 [1a03:2000] [1a03:2000] 41"/>']  # the board's own display is no chip
        lines += [f'<object type="PCIDev" pci_type="0680 [10de:1af1] [10de:15f8] a1"/>' for _ in range(switches)]
        lines += [f'<object type="PCIDev" pci_type="0207 [15b3:101b] [15b3:0007] 00" pci_link_speed="31.507692"><object type="OSDev" name="mlx5_{i}" '
                  f'osdev_type="{kind[1]}"/></object>' for i in range(adapters)]
        lines += ["</object>"]
        if rates:
            objects = " ".join(f"{name}:{i}" for i, name in enumerate(kinds)) if kinds else " ".join(str(100 + i) for i in range(len(rates)))
            tag = "distances2hetero" if kinds else "distances2"
            lines += [f'<{tag} nbobjs="{len(rates)}" kind="25" name="NVLinkBandwidth">', f'<indexes length="1">{objects} </indexes>',
                      *(f'<u64values length="1">{" ".join(map(str, row))} </u64values>' for row in rates), f"</{tag}>"]
        return "\n".join([*lines, "</topology>\n"])

    def test_servers_of_lstopo(self):
        mesh = [[1000000 if i == k else 100000 for k in range(4)] for i in range(4)]
        keys = self.keys(report := self.report("lstopo", self.write("mesh.xml", self.topology(4, mesh, adapters=4)), "fleet=dgx-a100-80gb"))
        self.assertEqual(report["trouble"], "")
        self.assertEqual((keys["fleet.server.chips"], keys["fleet.chip"], keys["fleet.server.topology"]), ("4", "a100-sxm-40gb", "mesh"))
        self.assertEqual(float(keys["fleet.server.port_byte_per_s"]), 300e9)
        self.assertEqual(float(keys["fleet.fabric.chips_per_adapter"]), 1)

    def test_servers_with_switches(self):
        kinds = ["OSDev"] * 2 + ["PCIDev"] * 3
        rates = [[0 if (i < 2) == (k < 2) else 100000 - 50000 * (i == 1 or k == 1) for k in range(5)] for i in range(5)]
        report = self.report("lstopo", self.write("switch.xml", self.topology(2, rates, switches=3, kinds=kinds, version=3)), "fleet=dgx-a100-80gb")
        keys = self.keys(report)
        self.assertEqual(keys["fleet.server.topology"], "switch")
        self.assertEqual(float(keys["fleet.server.port_byte_per_s"]), 150e9)
        self.assertTrue(any("150 to 300 GB/s" in note["why"] for note in report["notes"]))

    def test_what_hwloc_does_not_say_is_said(self):
        pairs = [[1000000, 40000, 0, 0], [40000, 1000000, 0, 0], [0, 0, 1000000, 40000], [0, 0, 40000, 1000000]]
        report = self.report("lstopo", self.write("pairs.xml", self.topology(4, pairs, model="Tesla P100-SXM2-16GB")), "fleet=dgx-v100")
        self.assertEqual(self.keys(report)["fleet.chip"], "v100-sxm")  # of the fleet
        unknown = " ".join(note["why"] for note in report["notes"] if note["kind"] == "not understood")
        for what in ("Tesla P100-SXM2-16GB", "not each to each", "no OpenFabrics device"):
            self.assertIn(what, unknown)

    def test_wrong_and_damaged_topologies(self):
        self.fails("no <topology>", "import", "lstopo", self.write("x.xml", "<a/>"), "fleet=dgx-h100")
        self.fails("no accelerator", "import", "lstopo", self.write("x.xml", self.topology(0, None)), "fleet=dgx-h100")
        self.fails("fleet=NAME", "import", "lstopo", self.write("x.xml", self.topology(2, None)))
        self.survives("lstopo", "x.xml", self.topology(3, [[1] * 3] * 3), 11, "fleet=dgx-h100")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
