#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How many jobs of a made-up mix straggle, and what that costs: job_mix.py [--jobs N] [--seed S] [--muir PROGRAM] [--json FILE]

Draws N jobs (size, layout, microbatches, vocabulary, which of the causes of stragglers it has), runs each on the fleet clock,
and compares its step with the ideal one, in which all chips, stages and microbatches are alike and no host pauses. Published beside
it: 42.5 % of ByteDance's jobs took 1.1 of the ideal step or more, and 10.4 % of their chip-hours were lost (Lin et al., Understanding
Stragglers in Large Model Training Using What-if Analysis, arXiv 2505.05713: 3,079 jobs of 128 GPUs or more).
The mix itself is not published: its shares are assumptions, printed with the result, and the result is only as good as they are.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
STEPS = 60
SIZES = {128: 0.50, 256: 0.20, 512: 0.15, 1024: 0.08, 2048: 0.04, 4096: 0.03}
STAGES = {1: 0.4, 2: 0.25, 4: 0.2, 8: 0.15}
MICROBATCHES = [8, 16, 32, 64]
VOCABULARIES = [32000, 64000, 128000]  # the head is the last stage's own work
VARIED_LENGTHS, UNPLANNED_PAUSES = 0.2, 0.2  # shares of jobs
ASSUMED = (f"sizes {SIZES}, stages {STAGES}, microbatches {MICROBATCHES} and vocabularies {VOCABULARIES} evenly; "
           f"{VARIED_LENGTHS:.0%} of the jobs have sequences of many lengths, in {UNPLANNED_PAUSES:.0%} hosts pause when they like")


def draw(rng):
    """A job: its keys, and what can make it straggle."""
    chips = rng.choices(list(SIZES), SIZES.values())[0]
    stages = rng.choices(list(STAGES), STAGES.values())[0]
    microbatches, vocabulary = rng.choice(MICROBATCHES), rng.choice(VOCABULARIES)
    is_varied, is_pausing = rng.random() < VARIED_LENGTHS, rng.random() < UNPLANNED_PAUSES
    replicas = chips // (8 * stages)
    keys = ["fleet=dgx-h100", f"fleet.servers={chips // 8}", "model=llama-2-7b", f"model.vocab={vocabulary}", "seq_len=8192",
            "micro_batch_size=1", f"global_batch_size={replicas * microbatches}", "parallel.tp=8", f"parallel.pp={stages}",
            f"parallel.dp={replicas}", f"seed={rng.randrange(1, 1 << 30)}", f"steps={STEPS}", "host.every=0",
            f"faults={'lengths' if is_varied else 'none'}"]
    if is_pausing:
        keys += ["faults.jitter.gc_steps=500", "faults.jitter.gc_synchronised=false"]
    causes = [name for name, has in (("lengths", is_varied), ("pauses", is_pausing), ("last stage", stages > 1)) if has]
    return {"chips": chips, "stages": stages, "microbatches": microbatches, "keys": keys, "causes": causes or ["none"]}


def ideal_s(job, parts):
    """The step without stragglers and with the work of the last stage shared out evenly: the others idle for as long as they
    need to fill and drain, which says how much they have to do, (stages - 1) (F + B)."""
    p, m = job["stages"], job["microbatches"]
    busy = sum(parts[name] for name in ("compute", "tp", "cp", "ep"))
    rest = sum(parts.values()) - parts["straggler"] - parts["variation"] - busy - parts["bubble"]
    if p == 1:
        return rest + busy
    mean = (busy / m + parts["bubble"]) / p  # of a microbatch: the last stage, and the p - 1 others
    return rest + mean * (m + p - 1)


def run(program, job):
    done = subprocess.run([program, "run", "tiny", *job["keys"], "-q", "--json", "-"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {' '.join(job['keys'])}: {done.stderr.strip()}")
    fleet = json.loads(done.stdout)["fleet"]
    job["step_s"] = fleet["step_time_s"]["mean"]
    job["slowdown"] = job["step_s"] / ideal_s(job, fleet["parts_s"])


def figures(jobs):
    """Share of the jobs that straggle, share of the chip-hours lost when each runs equally long, and mean slowdown."""
    chips = sum(job["chips"] for job in jobs)
    return {"jobs": len(jobs), "straggling": sum(job["slowdown"] >= 1.1 for job in jobs) / len(jobs),
            "lost": sum(job["chips"] * (1 - 1 / job["slowdown"]) for job in jobs) / chips,
            "slowdown": sum(job["slowdown"] for job in jobs) / len(jobs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="[%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="[%(default)s]")
    parser.add_argument("--muir", default=str(ROOT / "build" / "release" / "muir"), help="the program [%(default)s]")
    parser.add_argument("--json", metavar="FILE", help="the figures and every job")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    jobs = [draw(rng) for _ in range(options.jobs)]
    for job in jobs:
        run(options.muir, job)
    print(f"{'jobs':28s} {'number':>6s} {'straggling':>10s} {'lost':>7s} {'slowdown':>8s}")
    rows = {"all": jobs}
    for cause in ("none", "last stage", "pauses", "lengths"):
        rows[f"with {cause}" if cause != "none" else "with none of these causes"] = [j for j in jobs if cause in j["causes"]]
    rows["with lengths alone"] = [j for j in jobs if j["causes"] == ["lengths"]]
    result = {name: figures(chosen) for name, chosen in rows.items() if chosen}
    for name, f in result.items():
        print(f"{name:28s} {f['jobs']:6d} {f['straggling']:10.1%} {f['lost']:7.1%} {f['slowdown']:8.3f}")
    print(f"{'published (2505.05713)':28s} {3079:6d} {0.425:10.1%} {0.104:7.1%}")
    print(f"assumed: {ASSUMED}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"assumed": ASSUMED, "figures": result, "jobs": jobs}, out, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
