#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What muir import makes of public examples, and how muir's step times compare with published ones: import_examples.py
[launches] [collectives] [log] [--muir MUIR]      (default: all three)

launches: ten launch lines and configurations, written down as facts (sizes and switches), each imported and priced; the published
step time where one is known. collectives: five published tables of nccl-tests, each turned into a fleet; the error on every
second size, which the fit has not seen. log: a training log of 240 steps, made from a published step time, to a row, to a
calibrated stack, to the prediction of other published runs. docs/import.md shows what this prints."""
import argparse
import collections
import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("MUIR_DATA", ROOT / "data"))


def megatron(nodes, layers, hidden, heads, tp, pp, micro, batch, more, gpus=8):
    return (f"torchrun --nproc_per_node {gpus} --nnodes {nodes} pretrain_gpt.py --num-layers {layers} --hidden-size {hidden} --num-attention-heads {heads} "
            f"--seq-length 2048 --max-position-embeddings 2048 --tensor-model-parallel-size {tp} --pipeline-model-parallel-size {pp} "
            f"--micro-batch-size {micro} --global-batch-size {batch} {more}\n")


def titan(flavor, batch, recompute, more, seq=8192):
    return (f'[model]\nname = "llama3"\nflavor = "{flavor}"\n[training]\nlocal_batch_size = {batch}\nseq_len = {seq}\n{more}'
            f'[activation_checkpoint]\nmode = "{recompute}"\n[compile]\nenable = true\n')


def speed(batch, micro, precision, zero):
    return json.dumps({"train_batch_size": batch, "train_micro_batch_size_per_gpu": micro, "gradient_clipping": 1.0,
                       "zero_optimization": {"stage": zero}, precision: {"enabled": True}})


# name, kind, file, text, key=value of what it does not say, row of published_runs.csv with the step time or None
BLOOM = ["fleet=jean-zay-a100", "stack=megatron-deepspeed-2022-a100", "parallel.tp=4", "parallel.pp=12"]
LAUNCHES = [
    ("Megatron-LM, GPT 7.5B (SC21, table 1)", "megatron", "run.sh", megatron(16, 36, 4096, 32, 4, 1, 16, 512, "--vocab-size 51200 --checkpoint-activations --fp16"),
     ["fleet=dgx-a100-80gb", "stack=megatron-2021-a100"], "sc21-t1-7.5B"),
    ("Megatron-LM, GPT 145.6B, interleaved (SC21, table 1)", "megatron", "run.sh",
     megatron(192, 80, 12288, 96, 8, 8, 2, 2304, "--num-layers-per-virtual-pipeline-stage 5 --vocab-size 51200 --checkpoint-activations --fp16"),
     ["fleet=dgx-a100-80gb", "stack=megatron-2021-a100"], "sc21-t1-145.6B"),
    ("Megatron-LM's example of GPT-3 175B, on 1,024 A100", "megatron", "run.sh", megatron(128, 96, 12288, 96, 8, 16, 1, 1536, "--vocab-size 51200 --fp16"),
     ["fleet=dgx-a100-80gb", "stack=megatron-a100"], None),
    ("torchtitan, Llama 3.1 8B, FSDP 8 x TP 8", "torchtitan", "job.toml", titan("8B", 12, "selective", "[parallelism]\ndata_parallel_shard_degree = 8\ntensor_parallel_degree = 8\n"),
     ["fleet=h100-96gb-500w", "stack=torchtitan-h100"], "titan-asynctp-llama-3.1-8b-bf16-vanilla"),
    ("torchtitan, Llama 3.1 70B, FSDP 32 x TP 8", "torchtitan", "job.toml", titan("70B", 16, "full", "[parallelism]\ndata_parallel_shard_degree = 32\ntensor_parallel_degree = 8\n"),
     ["fleet=h100-96gb-500w", "stack=torchtitan-h100"], "titan-asynctp-llama-3.1-70b-bf16-vanilla"),
    ("torchtitan, Llama 3.1 70B, the same with asynchronous TP", "torchtitan", "job.toml",
     titan("70B", 16, "full", "[parallelism]\ndata_parallel_shard_degree = 32\ntensor_parallel_degree = 8\nenable_async_tensor_parallel = true\n"),
     ["fleet=h100-96gb-500w", "stack=torchtitan-h100"], "titan-asynctp-llama-3.1-70b-bf16-asynctp"),
    ("MaxText, Llama 2 70B on 64 H100 (recompute as in MaxText's own configuration)", "maxtext", "base.yml", "model_name: llama2-70b\nici_fsdp_parallelism: 8\ndcn_fsdp_parallelism: 8\nper_device_batch_size: 2\n"
     "max_target_length: 4096\nremat_policy: full\n", ["fleet=dgx-h100", "stack=maxtext-h100"], "dgxc-v24.11.1-h100-llama-2-70b-bf16-64-maxtext"),
    ("MaxText, Llama 3.1 8B on 32 TPU v6e", "maxtext", "base.yml", "model_name: llama3.1-8b\nici_fsdp_parallelism: 32\nper_device_batch_size: 3\n"
     "max_target_length: 8192\nremat_policy: custom\n", ["fleet=tpu-v6e", "stack=maxtext-tpu-v6e"], "trillium-llama3.1-8b-v6e-32"),
    ("DeepSpeed, BLOOM 176B (bf16, ZeRO 0 in the file)", "deepspeed", "ds.json", speed(2048, 2, "bf16", 0),
     [*BLOOM, "model=bloom-176b", "parallel.dp=8", "parallel.recompute=full", "seq_len=2048"], "bloom-176b-production"),
    ("DeepSpeed, BLOOM's candidate of 182B, batch 512 (fp16, ZeRO 1)", "deepspeed", "ds.json", speed(512, 2, "fp16", 1),
     [*BLOOM, "model=gpt3-175b", "parallel.dp=8", "parallel.recompute=full", "seq_len=2048", "model.layers=78", "model.hidden=13824", "model.heads=96",
      "model.ffn=55296", "model.vocab=250880"], "bloom-02-26-h13824-l78-182B-tp4pp12dp8-mbs2-gbs512-nh96"),
]

# A published table: its source in published_collectives.csv, operation, servers, fleet.
TABLES = 5
LOG_OF, PREDICTED = "sc21-t1-18.4B", ["sc21-t1-7.5B", "sc21-t1-76.1B", "sc21-t1-145.6B"]


class Tool:
    def __init__(self, muir, folder):
        self.muir, self.folder = muir, folder

    def __call__(self, *arguments):
        done = subprocess.run([self.muir, *arguments], capture_output=True, text=True, cwd=self.folder, check=False)
        if done.returncode:
            sys.exit(f"muir {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


def rows_of(name):
    with open(DATA / name, newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def launches(muir):
    runs = {row["id"]: row for row in rows_of("published_runs.csv")}
    print("| example | layout | taken / derived / assumed / not understood | published | muir | difference |\n|---|---|---|---|---|---|")
    for name, kind, file, text, given, run in LAUNCHES:
        (muir.folder / file).write_text(text, encoding="utf-8")
        report = json.loads(muir("import", kind, file, *given, "-o", "job.yaml", "--json", "-"))
        kinds = collections.Counter(note["kind"] for note in report["notes"])
        if report["trouble"]:
            sys.exit(f"{name}: {report['trouble']}")
        check = json.loads(muir("check", "./job.yaml", "host.every=0", "--json", "-"))
        keys, ideal = check["keys"], check["ideal_step_s"]
        layout = " ".join(f"{axis} {keys['parallel.' + axis]}" for axis in ("tp", "pp", "dp") if keys[f"parallel.{axis}"] not in (1, "1"))
        real = float(runs[run]["step_time_s"]) if run else 0.0
        print(f"| {name} | {layout} | {kinds['taken']} / {kinds['derived']} / {kinds['assumed']} / {kinds['not understood']} | "
              f"{f'{real:.3g} s' if real else 'not known'} | {ideal:.3g} s ({check['ideal_step_low_s']:.3g} to {check['ideal_step_high_s']:.3g}) | "
              f"{f'{100 * (ideal / real - 1):+.0f} %' if real else ''} |")


def collective_tables():
    """The largest tables of all_reduce on one number of servers: one of each source, then further ones."""
    tables = collections.defaultdict(list)
    for row in rows_of("published_collectives.csv"):
        if row["op"] == "all_reduce" and row["library"] == "NCCL" and row["time_us"] and row["fleet"] and "suspect" not in row["notes"]:
            tables[row["source"], row["fleet"], row["servers"], row["ranks"]].append(row)
    chosen = {}
    for key, rows in sorted(tables.items(), key=lambda item: -len(item[1])):
        if len({row["bytes"] for row in rows}) >= 8:
            chosen.setdefault(key[0], (key, rows))
    others = [(key, rows) for key, rows in tables.items() if len({row["bytes"] for row in rows}) >= 8 and chosen[key[0]][0] != key]
    return [*chosen.values(), *sorted(others, key=lambda item: -len(item[1]))][:TABLES]


def collectives(muir):
    print("| published table | servers x chips | sizes | fleet it starts from | efficiency, alpha found | error on the sizes left out |\n|---|---|---|---|---|---|")
    for (source, fleet, servers, ranks), rows in collective_tables():
        times = {int(row["bytes"]): float(row["time_us"]) for row in rows}
        each = int(ranks) // int(servers)
        lines = ["all_reduce_perf", *(f"#  Rank {rank} Group 0 Pid 1 on host{rank // each} device {rank % each} [0x00] X" for rank in range(int(ranks)))]
        lines += [f"{size} {size // 4} float sum -1 {time} 0 0 0" for size, time in sorted(times.items())]
        (muir.folder / "nccl.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
        report = json.loads(muir("import", "nccl", "nccl.log", f"fleet={fleet}", "-o", "fleet.yaml", "--json", "-"))
        keys = {note["key"]: note["value"] for note in report["notes"] if note["key"]}
        part = "server" if servers == "1" else "fabric"
        error = next((note["why"] for note in report["notes"] if note["kind"] == "found" and "%" in note["why"]), "too few sizes")
        error = error[error.find("off by") + 7:]
        print(f"| {source} | {servers} x {each} | {len(times)} | {fleet} | {float(keys[f'fleet.{part}.efficiency']):.3g}, "
              f"{1e6 * float(keys[f'fleet.{part}.alpha_s']):.3g} us | {error} |")


def log(muir):
    runs = {row["id"]: row for row in rows_of("published_runs.csv")}
    run, draw = runs[LOG_OF], random.Random(1)
    arguments = {"num_layers": "layers", "hidden_size": "hidden", "num_attention_heads": "heads", "seq_length": "seq_len", "global_batch_size": "global_batch_size",
                 "micro_batch_size": "micro_batch_size", "tensor_model_parallel_size": "tp", "pipeline_model_parallel_size": "pp", "padded_vocab_size": "vocab"}
    lines = ["------------------------ arguments ------------------------", f"  world_size ...... {run['chips']}", f"  data_parallel_size ...... {run['dp']}",
             *(f"  {name} ...... {run[column]}" for name, column in arguments.items()), "  fp16 ...... True", "  checkpoint_activations ...... True",
             "-------------------- end of arguments ---------------------"]
    for step in range(1, 241):
        time = 1e3 * float(run["step_time_s"]) * (9.0 if step == 1 else 3.0 if step % 60 == 0 else draw.uniform(0.995, 1.005))
        lines.append(f" iteration {step:8}/     500 | consumed samples: {step * int(run['global_batch_size'])} | elapsed time per iteration (ms): {time:.1f} | "
                     f"learning rate: 1.0E-04 | global batch size: {run['global_batch_size']:>5} | lm loss: 7.0E+00 |")
    (muir.folder / "run.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = json.loads(muir("import", "log", "run.log", f"fleet={run['fleet']}", "stack=megatron-2021-a100", "-o", "rows.csv", "--json", "-"))
    for note in report["notes"]:
        if "left out" in note["why"] or "steps" in note["why"]:
            print("   ", note["why"])
    muir("calibrate", "rows.csv", "-o", "mine.yaml")
    print("| run | published | standard stack | stack calibrated on the log |\n|---|---|---|---|")
    for name in [LOG_OF, *PREDICTED]:
        with open(muir.folder / "one.csv", "w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, runs[name].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerow(runs[name])
        found = []
        for stack in (["--stack", "standard"], ["--stack", "./mine.yaml"]):
            muir("validate", "one.csv", *stack, "--json", "report.json")
            (row,) = json.loads((muir.folder / "report.json").read_text(encoding="utf-8"))["rows"]
            found.append(f"{row['predicted_s']:.3g} s ({100 * (row['predicted_s'] / row['real_s'] - 1):+.1f} %)")
        print(f"| {name}{' (the log)' if name == LOG_OF else ''} | {float(runs[name]['step_time_s']):.3g} s | {found[0]} | {found[1]} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["launches", "collectives", "log", []], metavar="PART")
    parser.add_argument("--muir", default=os.environ.get("MUIR", "muir"))
    args = parser.parse_args()
    parts = {"launches": launches, "collectives": collectives, "log": log}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.parts or parts:
            print(f"\n{name}")
            parts[name](Tool(os.path.abspath(args.muir) if os.path.exists(args.muir) else args.muir, pathlib.Path(folder)))


if __name__ == "__main__":
    main()
