# SPDX-License-Identifier: BSD-3-Clause
# %% [markdown]
# # Who is slow, and does it matter
# `python3 stragglers.py FILE.h5`, for a file with telemetry.level=server (the default).
# %%
import sys

import numpy as np
import xarray

path = sys.argv[1] if len(sys.argv) > 1 else "tiny.h5"
server = xarray.open_dataset(path, group="server")["slowdown"]
fleet = xarray.open_dataset(path, group="fleet")
# %% Servers that are slow in most of the stored steps
median = server.median("step")
slowest = median.sortby(median, ascending=False)[:5]
for number in slowest["server"].values:
    print(f"server {number}: {float(median.sel(server=number)):.4f} times the nominal time")
# %% What all wait for the slowest replica, and what chips differ from nominal on average
wait, variation = (float(fleet[name].mean() / fleet["step_time_s"].mean()) for name in ("straggler_s", "variation_s"))
print(f"waiting for slower replicas {100 * wait:.2f} % of a step, variation of the mean replica {100 * variation:.2f} %")
assert wait >= 0
# %% A detector in one line: how many robust deviations above the fleet each server is
usual = median.median("server")
spread = 1.4826 * abs(median - usual).median("server")
score = ((median - usual) / spread).where(spread > 0)
found = score["server"].values[np.nan_to_num(score.values) > 6]
print(f"{len(found)} of {median.sizes['server']} servers stand out: {', '.join(map(str, found[:10])) or 'none'}")
