# SPDX-License-Identifier: BSD-3-Clause
# %% [markdown]
# # The power that a grid sees
# `python3 power.py FILE.h5`, for a file with a trace (power.window_s=600).
# %%
import sys

import numpy as np
import xarray

path = sys.argv[1] if len(sys.argv) > 1 else "tiny.h5"
power = xarray.open_dataset(path, group="power")
window = xarray.open_dataset(path, group="power_window")
# %% The first window's trace
first = power["power_w"][power["window"].values == window["window"].values[0]]
print(f"{float(first.mean()) / 1e6:.4g} MW mean, {float(first.min()) / 1e6:.4g} to {float(first.max()) / 1e6:.4g} MW")
# %% Its spectrum: frequency is a coordinate in Hz
density = window["psd"][0]
if bool(np.isfinite(density).all()):
    strongest = density["frequency"][1:][int(density[1:].argmax())]
    print(f"strongest at {float(strongest):.4g} Hz; steps come at {float(window['step_hz'][0]):.4g} Hz")
    print(f"density at the step: {float(density.sel(frequency=window['step_hz'][0], method='nearest')):.4g} W^2/Hz")
else:
    print("the window is shorter than a segment: no spectrum")
# %% Limits: 1 met, 0 missed, -1 not measured
for name in ("share_is_met", "ramp_is_met", "range_is_met"):
    print(f"{name}: {int(window[name][0])}")
