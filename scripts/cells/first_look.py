# SPDX-License-Identifier: BSD-3-Clause
# %% [markdown]
# # A first look at a run
# Cells for Jupyter, VS Code or Spyder, or a plain script: `python3 first_look.py FILE.h5`.
# %%
import sys

import numpy as np
import xarray

path = sys.argv[1] if len(sys.argv) > 1 else "tiny.h5"
fleet = xarray.open_dataset(path, group="fleet")
print(fleet["step_time_s"].attrs["long_name"], "-", fleet["step_time_s"].attrs["provenance"])
# %% How long a step takes, and how much that varies
step_s = fleet["step_time_s"]
print(f"step time: {float(step_s.mean()):.4g} s mean, {float(step_s.min()):.4g} to {float(step_s.max()):.4g} s")
# %% Where the time goes: the parts add up to the step
parts = {name: fleet[f"{name}_s"] for name in ("compute", "tp", "cp", "ep", "pp", "bubble", "dp", "optimizer", "variation",
                                               "straggler", "checkpoint", "recovery", "evaluation")}
for name, seconds in parts.items():
    if float(abs(seconds).max()) > 0:
        print(f"  {name:<11}{100 * float(seconds.mean() / step_s.mean()):6.2f} %")
rest = float(abs(sum(parts.values()) - step_s).max())
print(f"left over: at most {rest:.1e} s")
assert rest < 1e-9
# %% The same over fleet time instead of steps
by_time = fleet["mfu"].swap_dims(step="fleet_time_s")
print(f"MFU {100 * float(by_time.mean()):.1f} % over {float(by_time['fleet_time_s'][-1]):.4g} s of fleet time")
assert np.all(np.diff(by_time["fleet_time_s"]) > 0)
