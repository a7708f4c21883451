#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How far figures of stacks lie apart, and through what: the spreads and profiles of models/figures.def.

usage: spreads.py SLOPES.csv [--nested] [--steps N]

SLOPES.csv   from muir calibrate data/published_runs.csv --pool -o COPY_OF_STACKS --slopes SLOPES.csv
--nested     also choose the spreads without each quarter of the sources, and predict that quarter: the search
             still starts from figures.def, which has seen them all (four times as long)
--steps N    of the search, 20 if not given

Empirical Bayes: runs are normal, with covariances from what they share (src/validation/pool.h), and single runs
scatter by Student's t with 4 degrees of freedom. What is looked for makes sources likely of which nothing was seen:
for each source, half of the mean log density of its rows one by one (in t's), and half of that of all of them
together, which is what calibration by a few rows needs. A source counts by its rows up to three. The search starts
from the figures of figures.def, from which it is held within a factor of about 1.6 (a standard deviation of 0.5 of
the logarithm).
"""
import argparse
import csv
import os
import pathlib
import re

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
from scipy.optimize import minimize  # noqa: E402

DEF = pathlib.Path(__file__).resolve().parent.parent / "models" / "figures.def"
LEVELS = ["all", "kind", "chip", "software", "stack", "release"]
HELD, ROUNDS, DEGREES, T_80, RUN_80 = 0.5, 3, 4.0, 1.397, 1.533


def read_def():
    """Profiles by name, and (figure, spread, profile) in the order of the file."""
    text = DEF.read_text(encoding="utf-8")
    text = text[text.index("\nPROFILE("):]
    profiles = {m[0]: [float(x) for x in m[1].split(",")] for m in re.findall(r"PROFILE\((\w+), ([^)]*)\)", text)}
    figures = [(m[0], float(m[1]), m[2]) for m in re.findall(r"\nFIGURE\((\w+), [^,]*, ([^,]*), (\w+)\)", text)]
    return profiles, figures


class Rows:
    """The table, and which rows share what."""

    def __init__(self, path, figures):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.source = np.array([r["source"] for r in rows])
        self.is_complete = np.array([r["is_complete"] == "1" for r in rows])
        self.off, self.scatter, self.open, self.chip = (np.array([float(r[k]) for r in rows])
                                                        for k in ("off", "scatter", "open", "chip"))
        self.slope = np.array([[float(r[f[0]]) for f in figures] for r in rows])
        names = [np.array([r[k] for r in rows]) for k in ("kind", "generation", "software", "stack", "release")]
        shared = [(a[:, None] == a[None, :]) & (a != "")[:, None] for a in names]
        shared[4] &= shared[3]
        self.shared = [np.ones((len(rows), len(rows)))] + [s.astype(float) for s in shared]
        self.kinds = sorted(set(names[0]))
        self.kind = np.array([self.kinds.index(k) for k in names[0]])


class Spreads:
    """Spreads, profiles and scatters by kind as one vector of logarithms; shares of 0 stay 0."""

    def __init__(self, rows):
        self.profiles, self.figures = read_def()
        self.rows = rows
        scatter = [rows.scatter[rows.kind == k].mean() for k in range(len(rows.kinds))]
        shares = [max(x, 1e-9) for p in self.profiles.values() for x in p]
        self.first = np.log(np.array([f[1] for f in self.figures] + shares + scatter))

    def unpack(self, theta):
        value, n, m = np.exp(theta), len(self.figures), len(LEVELS)
        share = value[n:n + m * len(self.profiles)].reshape(-1, m)
        share = np.where(np.array(list(self.profiles.values())) > 0, share, 0.0)
        return value[:n], share / share.sum(1, keepdims=True), value[n + m * len(self.profiles):]

    def covariance(self, theta):
        spread, share, scatter = self.unpack(theta)
        of = [list(self.profiles).index(f[2]) for f in self.figures]
        total = np.zeros_like(self.rows.shared[0])
        for level, shared in enumerate(self.rows.shared):
            total += shared * ((self.rows.slope * (spread ** 2 * share[of, level])) @ self.rows.slope.T)
        return total, scatter[self.rows.kind] ** 2 + self.rows.open ** 2


def weigh(covariance, variance, off):
    """Weights of rows against outliers, as muir_pool_learn finds them."""
    weight = np.ones(len(off))
    for _ in range(ROUNDS):
        solved = np.linalg.solve(covariance + np.diag(variance / weight), off)
        alone = variance / weight * solved
        weight = np.minimum(1.0, (DEGREES + 1.0) / (DEGREES + alone ** 2 / variance))
    return weight


def score(rows, used, covariance, variance, weight):
    """Minus the log density of sources left out one by one, source by source."""
    matrix = (covariance + np.diag(variance / weight))[np.ix_(used, used)]
    inverse = np.linalg.inv(matrix)
    solved, source, total = inverse @ rows.off[used], rows.source[used], 0.0
    for name in np.unique(source):
        mine = np.where(source == name)[0]
        block = np.linalg.inv(inverse[np.ix_(mine, mine)])
        off = block @ solved[mine]
        own = np.diag(block) + variance[used[mine]] * (1.0 - 1.0 / weight[used[mine]]) + rows.chip[used[mine]] ** 2
        alone = np.mean(0.5 * np.log(own) + 2.5 * np.log1p(off ** 2 / own / DEGREES))
        factor = np.linalg.cholesky(block)
        z = np.linalg.solve(factor, off)
        total += (alone + (0.5 * z @ z + np.log(np.diag(factor)).sum()) / len(mine)) / 2 * min(1, len(mine) / 3) ** 0.5
    return 5.0 * total


def choose(spreads, used, steps):
    theta, rows = spreads.first.copy(), spreads.rows
    for _ in range(2):
        covariance, variance = spreads.covariance(theta)
        weight = np.ones(len(rows.off))
        weight[used] = weigh(covariance[np.ix_(used, used)], variance[used], rows.off[used])

        def cost(at):
            try:
                held = ((at - spreads.first) ** 2).sum() / HELD ** 2
                return score(rows, used, *spreads.covariance(at), weight) + 0.5 * held
            except np.linalg.LinAlgError:
                return 1e9
        theta = minimize(cost, theta, method="L-BFGS-B", options={"maxiter": steps}).x
    return theta


def predict(spreads, theta, sources, out):
    """Middle and sigma of each source's rows from all other sources, into out [2, rows]."""
    rows = spreads.rows
    covariance, variance = spreads.covariance(theta)
    scatter = spreads.unpack(theta)[2][rows.kind]
    for name in sources:
        mine, rest = rows.source == name, rows.source != name
        known, cross = covariance[np.ix_(rest, rest)], covariance[np.ix_(mine, rest)]
        weight = weigh(known, variance[rest], rows.off[rest])
        gain = np.linalg.solve(known + np.diag(variance[rest] / weight), cross.T).T
        out[0, mine] = gain @ rows.off[rest]
        out[1, mine] = np.sqrt(np.diag(covariance)[mine] - (gain * cross).sum(1) + rows.open[mine] ** 2
                               + (scatter[mine] * RUN_80 / T_80) ** 2 + rows.chip[mine] ** 2)


def report(title, rows, out):
    error, inside = np.abs(np.exp(out[0] - rows.off) - 1.0), np.abs(out[0] - rows.off) < T_80 * out[1]
    sources = np.unique(rows.source)
    held = np.mean([inside[rows.source == s].mean() >= 0.75 for s in sources])
    print(f"{title}: error {100 * error[rows.is_complete].mean():.1f} % of complete rows, {100 * error.mean():.1f} % "
          f"of all; inside {100 * inside[rows.is_complete].mean():.0f} and {100 * inside.mean():.0f} %; "
          f"{100 * held:.0f} % of sources have at least 75 % inside", flush=True)


def print_def(spreads, theta):
    spread, share, scatter = spreads.unpack(theta)
    for name, shares in zip(spreads.profiles, share):
        print(f"PROFILE({name}, {', '.join(f'{x:.3g}' for x in shares)})")
    for (name, _, profile), value in zip(spreads.figures, spread):
        print(f"FIGURE({name}, ..., {value:.3g}, {profile})")
    for kind, value in zip(spreads.rows.kinds, scatter):
        print(f"data/stacks/{kind or 'any'}.yaml: scatter: {value:.2g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slopes")
    parser.add_argument("--nested", action="store_true")
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    rows = Rows(args.slopes, read_def()[1])
    spreads, sources = Spreads(rows), np.unique(rows.source)
    out = np.zeros((2, len(rows.off)))
    predict(spreads, spreads.first, sources, out)
    report("figures.def as it is", rows, out)
    theta = choose(spreads, np.arange(len(rows.off)), args.steps)
    print_def(spreads, theta)
    predict(spreads, theta, sources, out)
    report("as found", rows, out)
    if args.nested:
        for part in np.array_split(np.random.RandomState(3).permutation(sources), 4):
            theta = choose(spreads, np.where(~np.isin(rows.source, part))[0], args.steps)
            predict(spreads, theta, part, out)
        report("found without them, too", rows, out)


if __name__ == "__main__":
    main()
