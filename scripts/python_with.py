# SPDX-License-Identifier: BSD-3-Clause
"""Makes sure that a script's modules are there: the first python3 on PATH may not be the one that has them."""
import importlib.util
import os
import subprocess
import sys

SYSTEM = "/usr/bin/python3"


def python_with(*modules, status_if_missing=1):
    """Returns if this Python has the modules, continues in the system's Python if that one has, else ends the script."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return
    asks = [SYSTEM, "-c", "import " + ", ".join(modules)]
    if os.access(SYSTEM, os.X_OK) and subprocess.run(asks, capture_output=True, check=False).returncode == 0:
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    print(f"{sys.argv[0]}: {sys.executable} has no {', '.join(missing)}: install "
          f"{' '.join('python3-' + name for name in missing)} (Debian), or run scripts/setup", file=sys.stderr)
    sys.exit(status_if_missing)
