# SPDX-License-Identifier: BSD-3-Clause
"""Runs commands in tests, and ends them when they hang: a command is judged by what it does, not by the clock on the
wall, so that a busy machine fails no test.

A command hangs when its processes have used more CPU time than ten times what any of ours needs, or when all of them
together have used next to none for two minutes."""
import os
import signal
import subprocess
import time

MOST_CPU_S = 1000.0               # ten times the longest; ranks that wait for each other spin
ASLEEP_S, ASLEEP_CPU_S = 120, 0.2
POLL_S = 0.2
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def descendants(pid):
    """A process and all it started, parents first."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(child) for child in file.read().split()]
    except OSError:
        children = []
    return [pid] + [grandchild for child in children for grandchild in descendants(child)]


def cpu_s(pid):
    """CPU time that a process and what it has waited for used."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return TICK_S * sum(int(field) for field in fields[11:15])


def kill(process):
    """Ends a launch at once, its ranks too."""
    for pid in descendants(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


class Watch:
    """Whether a process still gets on."""

    def __init__(self, process):
        self.process = process
        self.seen_s, self.since = 0.0, time.monotonic()

    def why_hung(self):
        """A sentence, or None."""
        used_s = sum(map(cpu_s, descendants(self.process.pid)))
        if used_s > MOST_CPU_S:
            return f"used {used_s:.0f} s of CPU time"
        if used_s < self.seen_s or used_s > self.seen_s + ASLEEP_CPU_S:
            self.seen_s, self.since = used_s, time.monotonic()
        if time.monotonic() - self.since > ASLEEP_S:
            return f"did nothing for {ASLEEP_S} s"
        return None


def communicate(process, given=None):
    """What a process prints until it ends; AssertionError if it hangs."""
    watch = Watch(process)
    while True:
        try:
            return process.communicate(given, timeout=POLL_S)
        except subprocess.TimeoutExpired:
            why = watch.why_hung()
        if why:
            kill(process)
            raise AssertionError(f"{process.args} hangs: it {why}")


def wait(process):
    """The exit status of a process, which prints nothing; AssertionError if it hangs."""
    communicate(process)
    return process.returncode


def run(command, *, capture_output=False, **options):
    """As subprocess.run."""
    if capture_output:
        options.update(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    options.pop("check", None)
    given = options.pop("input", None)
    if given is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(command, **options) as process:
        out, errors = communicate(process, given)
    return subprocess.CompletedProcess(command, process.returncode, out, errors)
