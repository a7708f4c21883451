# SPDX-License-Identifier: BSD-3-Clause
# %% [markdown]
# # Goodput against scale
# `python3 goodput.py FILE.h5 [FILE.h5 ...]`: runs with faults, for example of one model on fleets of different sizes.
# %%
import sys

import pandas
import xarray

paths = sys.argv[1:] or ["tiny.h5"]


def read(path):
    """One row per run: chips, goodput and what the fleet's time went into, as shares."""
    fleet = xarray.open_dataset(path, group="fleet")
    scenario = xarray.open_dataset(path, group="scenario").attrs
    total_s = float(fleet["step_time_s"].sum())
    chips = int(scenario["fleet.servers"]) * int(scenario["fleet.server.chips"])
    lost = {name: float(fleet[f"{name}_s"].sum()) / total_s for name in ("recovery", "checkpoint")}
    return {"file": path, "chips": chips, "days": total_s / 86400, "goodput": float(fleet["goodput"][-1]), **lost}


# %%
table = pandas.DataFrame([read(path) for path in paths]).sort_values("chips")
print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
assert ((table["goodput"] >= 0) & (table["goodput"] <= 1)).all()
# %% What stops the job, by kind
for path in paths:
    try:
        events = xarray.open_dataset(path, group="events")
    except OSError:
        continue
    if events.sizes.get("event", 0):
        names = events["kind"].attrs["flag_meanings"].split()
        frame = events[["kind", "stall_s", "cost_usd"]].to_dataframe()
        frame["kind"] = [names[number] for number in frame["kind"]]
        print(path, frame.groupby("kind")[["stall_s", "cost_usd"]].sum().sort_values("stall_s", ascending=False).head(), sep="\n")
