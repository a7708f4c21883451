#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Memory of a run's stages, slot by slot: plot_memory.py FILE.h5 [-o DIR]

Writes FILE-memory.png: the peak of every stage by part, and the timelines of the first and the last stage.
"""
import argparse
import pathlib

from python_with import python_with

python_with("h5py", "numpy", "matplotlib")
import h5py
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from open_run import open_run

# Okabe and Ito's colours, a wine red and greys, from what stays to what passes.
PARTS = [("weights", "#0072B2"), ("quantised", "#56B4E9"), ("gradients", "#009E73"), ("optimizer", "#8FD6BF"),
         ("gradient_copies", "#F0E442"), ("activations", "#E69F00"), ("working", "#D55E00"), ("gathered", "#CC79A7"),
         ("loss", "#882255"), ("update", "#AA4499"), ("workspace", "#555555"), ("fragmentation", "#999999"),
         ("communication", "#BBBBBB"), ("context", "#DDDDDD")]
GIB = 2.0**30


def stack(axes, group, x, step):
    """Areas of the group's parts, one on the other."""
    names = [(name, colour) for name, colour in PARTS if f"{name}_bytes" in group and np.any(group[f"{name}_bytes"][:])]
    if names:
        axes.stackplot(x, [group[f"{name}_bytes"][:] / GIB for name, _ in names], labels=[n for n, _ in names],
                       colors=[c for _, c in names], step=step, linewidth=0)
    axes.set_ylabel("GiB per chip")
    axes.set_ylim(bottom=0)


def draw(file, path):
    figure, axes = plt.subplots(3, 1, figsize=(10, 11), layout="constrained")
    memory = file["memory"]
    stages = np.arange(len(memory["weights_bytes"]))
    bottom = np.zeros(len(stages))
    for name, colour in PARTS:
        values = memory[f"{name}_bytes"][:] / GIB
        if np.any(values):
            axes[0].bar(stages, values, 0.9, bottom, label=name.replace("_", " "), color=colour)
            bottom += values
    room = float(memory["room_bytes"][()]) / GIB
    axes[0].axhline(room, color="black", linestyle="--", linewidth=1)
    axes[0].set_xlim(-0.6, stages[-1] + 0.6)
    axes[0].set(title="Peak of each stage, with allocator, libraries and driver "
                      f"(modelled; dashed: the chip's room, {room:.1f} GiB)", xlabel="stage")
    axes[0].set_ylabel("GiB per chip")
    axes[0].set_xticks(stages[:: max(1, len(stages) // 16)])
    axes[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    for place, name in ((1, "first"), (2, "last")):
        group = file[f"memory_{name}_stage"]
        slots = np.arange(len(group["weights_bytes"]))
        stack(axes[place], group, slots, "mid")
        axes[place].set(title=f"{name.capitalize()} stage through a step: the fullest moment of each slot (tensors)",
                        xlabel="slot of the schedule")
        axes[place].set_xlim(0, max(1, len(slots) - 1))
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("-o", dest="folder", type=pathlib.Path, help="folder of the picture; default: the file's")
    arguments = parser.parse_args()
    folder = arguments.folder or arguments.file.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{arguments.file.stem}-memory.png"
    with open_run(arguments.file) as file:
        if "memory" not in file:
            raise SystemExit(f"{arguments.file} has no /memory: it was written by an older muir")
        draw(file, path)
    print(path)


if __name__ == "__main__":
    main()
