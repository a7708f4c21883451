/* SPDX-License-Identifier: BSD-3-Clause */
/* muir run A B: jobs executed at once on disjoint ranks. */
#ifndef MUIR_CMD_RUN_TOGETHER_H
#define MUIR_CMD_RUN_TOGETHER_H

#include "cmd/args.h"
#include "cmd/run_jobs.h"

enum { MUIR_MOST_TOGETHER = 16 };

/* Runs the scenarios of args->words, each with all overrides, each into muir-NAME.h5; prints how much slower
 * each is than alone. Collective over ctx->comm. What muir_together_run returns. */
muir_status muir_run_together(muir_ctx *ctx, const muir_args *args, const muir_run_jobs_options *options);

#endif
