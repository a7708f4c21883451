/* SPDX-License-Identifier: BSD-3-Clause */
/* muir report and muir top: what people look at, made by scripts of the installation. */
#include "cmd/cmd.h"
#include "export/script.h"

static muir_status run_report(muir_ctx *ctx, int argc, char **argv)
{
    return muir_script_run(ctx, "report.py", argc, argv);
}

static muir_status run_top(muir_ctx *ctx, int argc, char **argv)
{
    return muir_script_run(ctx, "top.py", argc, argv);
}

const muir_command muir_command_report = {
    .name = "report",
    .usage = "FILE.h5 [OTHER.h5] [-o FILE.html]",
    .summary = "write one page with everything about a run, or a comparison of two",
    .help = "  FILE.h5       telemetry of muir run, finished or live\n"
            "  OTHER.h5      a second run: what differs in the scenario, and its effect\n"
            "  -o FILE.html  the page; default FILE.html in the current folder. It needs no network\n"
            "Needs Python with h5py and plotly (Debian: python3-h5py python3-plotly).\n",
    .mpi = MUIR_MPI_NONE,
    .run = run_report,
};

const muir_command muir_command_top = {
    .name = "top",
    .usage = "FILE.h5 [--once] [--every S]",
    .summary = "follow a running job from another terminal",
    .help = "  FILE.h5     telemetry that a run is writing, or has written\n"
            "  --once      print one screen and end\n"
            "  --every S   seconds between screens, default 2\n"
            "Needs Python with h5py (Debian: python3-h5py).\n",
    .mpi = MUIR_MPI_NONE,
    .run = run_top,
};
