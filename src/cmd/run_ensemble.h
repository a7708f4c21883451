/* SPDX-License-Identifier: BSD-3-Clause */
/* muir run --seeds: one scenario over several seeds. */
#ifndef MUIR_CMD_RUN_ENSEMBLE_H
#define MUIR_CMD_RUN_ENSEMBLE_H

#include <signal.h>

#include "scenario/scenario.h"

typedef struct muir_ensemble_options {
    const char *seeds, *until, *json, *path; /* as given on the command line; NULL: not given */
    const char *history;                     /* date and command line */
    bool is_quiet;
    const volatile sig_atomic_t *stop;
} muir_ensemble_options;

/* Draws, and prints what the draws come to.
 * Collective over ctx->comm. MUIR_ERR_ARG for options that cannot be read; what muir_ensemble_run returns. */
muir_status muir_run_ensemble(muir_ctx *ctx, const muir_scenario *scenario,
                              const muir_ensemble_options *options);

#endif
