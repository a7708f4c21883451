#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a million tokens cost on four kinds of fleet, and on Rainier by what the sums of money mean:
compare_cost.py [--muir PROGRAM] [key=value ...]

Runs the scenarios cost-trn2, cost-h100, cost-gb200 and cost-ironwood (the same model, batch and precision on about 8,192
chips each) and prints throughput, power, cost, and every assumption behind the cost. key=value pairs override all of them:
fleet.site.usd_per_mwh=40, fleet.site.utilisation=0.8, precision=fp8.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from python_with import python_with

python_with("h5py", "numpy")

from open_run import open_run

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCENARIOS = ["trn2", "h100", "gb200", "ironwood"]
# What the two sums published for Rainier come to per chip: scope, capital_usd_per_chip.
RAINIER = [("35 billion: servers, network, sites (outside estimate, 1.03 million chips)", 33900),
           ("11 billion for a million chips, as if it bought all; sites alone are 9.9 billion at 11.7 USD/W", 11000)]
ASSUMED = [("capital USD/chip", "capital_usd_per_chip"), ("of it site USD/W", "site_usd_per_w"),
           ("network, share of rest", "network_share"), ("years servers", "lifetime_years"),
           ("years site", "site_lifetime_years"), ("utilisation", "utilisation"), ("staff USD/chip/year", "staff_usd_per_chip_year"),
           ("USD/MWh", "usd_per_mwh"), ("PUE", "pue"), ("rents for USD/h", "rent_usd_per_chip_hour")]


def run(program, name, overrides):
    """The summary of a run, and the site's keys as stored."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(pathlib.Path(folder, file)) for file in ("run.h5", "run.json")]
        done = subprocess.run([program, "run", f"cost-{name}", "-q", "-o", paths[0], "--json", paths[1], *overrides],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {done.stderr.strip()}")
        with open_run(paths[0]) as file:
            stored = dict(file["scenario"].attrs)
        texts = {key: value.decode().rstrip("\0") if isinstance(value, bytes) else value for key, value in stored.items()}
        return json.loads(pathlib.Path(paths[1]).read_text(encoding="utf-8")), texts


def figures(summary, stored):
    fleet, chips = summary["fleet"], summary["chips"]
    hours = chips * summary["steps"] * fleet["step_time_s"]["mean"] / 3600
    energy_usd = fleet["energy_j"] / 3.6e9 * float(stored["fleet.site.usd_per_mwh"])
    rent = float(stored["fleet.site.rent_usd_per_chip_hour"])
    # Capital and staff are paid whether or not somebody rents: the share of the time from which rent covers all.
    pays = (fleet["cost_usd"] - energy_usd) / hours / (rent - energy_usd / hours) if rent > 0 else 0
    pays *= float(stored["fleet.site.utilisation"])
    interval = fleet["interval"]

    def span(key, scale=1, digits=0):
        return f"{scale * interval[key]['low']:.{digits}f} to {scale * interval[key]['high']:.{digits}f}"

    return {"chips": f"{chips:,}", "step s": f"{fleet['step_time_s']['mean']:.2f}", "MFU %": f"{100 * fleet['mfu']:.1f}",
            "  80 % interval": span("mfu", 100), "  figures are": interval["basis"],
            "token/s/chip": f"{fleet['tokens_per_s'] / chips:.0f}", "kW/chip": f"{fleet['power_w']['mean'] / chips / 1e3:.2f}",
            "kWh/Mtoken": f"{fleet['power_w']['mean'] / fleet['tokens_per_s'] * 1e6 / 3.6e6:.2f}",
            "energy USD/chip-hour": f"{energy_usd / hours:.3f}", "USD/chip-hour": f"{fleet['cost_usd'] / hours:.3f}", "USD/Mtoken": f"{fleet['usd_per_mtoken']:.3f}",
            "  USD/Mtoken, 80 %": span("usd_per_mtoken", 1, 2),
            "rent pays from used %": f"{100 * pays:.0f}" if pays else "unknown", "USD/step": f"{summary['cost']['usd_per_step']:.2f}", "USD/lost day": f"{summary['cost']['usd_per_day']:,.0f}"}


def print_table(columns):
    for key in columns[0]:
        print(f"{key:24}" + "".join(f"{column[key]:>14}" for column in columns))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--muir", default=str(ROOT / "build/release/muir"), help="the program")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args()
    runs = [run(args.muir, name, args.overrides) for name in SCENARIOS]
    texts = runs[0][1]
    print(f"{texts['model']}, {texts['global_batch_size']} sequences of {texts['seq_len']} tokens, {texts['precision']}; "
          f"modelled, without failures\n{'':24}" + "".join(f"{name:>14}" for name in SCENARIOS))
    print_table([figures(*one) for one in runs])
    print("assumed (sources in data/fleets)")
    print_table([{label: f"{float(stored[f'fleet.site.{key}']):g}" for label, key in ASSUMED} for _, stored in runs])
    print("\nRainier by scope of the capital")
    for scope, usd in RAINIER:
        fleet = run(args.muir, "trn2", [*args.overrides, f"fleet.site.capital_usd_per_chip={usd}"])[0]["fleet"]
        span, basis = fleet["interval"]["usd_per_mtoken"], fleet["interval"]["basis"]
        print(f"  {fleet['usd_per_mtoken']:.3f} USD/Mtoken ({span['low']:.2f} to {span['high']:.2f}, {basis}) at {usd:,} USD a "
              f"chip; {scope}")


if __name__ == "__main__":
    main()
