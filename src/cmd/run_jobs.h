/* SPDX-License-Identifier: BSD-3-Clause */
/* muir run with a scenario that has `jobs:`. */
#ifndef MUIR_CMD_RUN_JOBS_H
#define MUIR_CMD_RUN_JOBS_H

#include <signal.h>

#include "base/ctx.h"
#include "cmd/args.h"

typedef struct muir_run_jobs_options {
    const char *path, *json, *history; /* path: of the telemetry file; NULL: muir-SCENARIO.h5 */
    bool is_quiet;
    bool is_alone; /* --seeds, --until or --resume was given, which one job alone can have */
    const volatile sig_atomic_t *stop;
} muir_run_jobs_options;

/* Runs the jobs, writes telemetry and JSON, prints a summary.
 * is_one  out  the scenario has no `jobs:`, and nothing was done
 * Collective over ctx->comm. What muir_jobs_run returns. */
muir_status muir_run_jobs(muir_ctx *ctx, const muir_args *args, const muir_run_jobs_options *options,
                          bool *is_one);

#endif
