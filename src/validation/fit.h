/* SPDX-License-Identifier: BSD-3-Clause */
/* The fit of all stacks to a table of measured runs, and what it says of runs that were left out of it. */
#ifndef MUIR_VALIDATION_FIT_H
#define MUIR_VALIDATION_FIT_H

#include "validation/pool.h"
#include "validation/validate.h"

typedef struct muir_fit muir_fit;

/* What rows are left out together by. */
typedef enum muir_leave_out { MUIR_LEAVE_SOURCE, MUIR_LEAVE_STACK, MUIR_LEAVE_MODEL } muir_leave_out;

/* Prepares a fit; rows that were skipped take no part.
 * rows       in   [n] from muir_validate
 * scenarios  in   [n] theirs
 * models     in   [n] names of the models, borrowed
 * out        out  free it with muir_fit_destroy; untouched on error
 * Local. MUIR_ERR_MEM. rows, scenarios: borrowed, they outlive the fit. */
muir_status muir_fit_create(muir_ctx *ctx, const muir_validate_row *rows, const muir_scenario *scenarios,
                            const char *const *models, int n, muir_fit **out);
void muir_fit_destroy(muir_fit **fit); /* accepts NULL, leaves NULL */

/* Learns from all rows, models each at what was learned of its stack, and so on: a step of Gauss and Newton
 * each, of which 3 or 4 are enough.
 * Local. MUIR_ERR_MEM, MUIR_ERR_CHECK. */
muir_status muir_fit_run(muir_ctx *ctx, muir_fit *fit, int rounds);

/* What is known of a stack after muir_fit_run.
 * name    in   of the stack
 * stack   in   its file's keys
 * n_rows  out  rows of it
 * Local. MUIR_ERR_MEM. */
muir_status muir_fit_belief(muir_ctx *ctx, const muir_fit *fit, const char *name, const muir_stack *stack,
                            muir_belief *belief, int *n_rows);

/* Writes what each row says of the figures as CSV: whose they are, log of measured over modelled at the prior
 * middles (off), variances and slopes. scripts/spreads.py reads it.
 * Local. MUIR_ERR_FILE. */
muir_status muir_fit_write(muir_ctx *ctx, const muir_fit *fit, const char *path);

/* Predicts every row from a fit without its source, stack or model, after muir_fit_run.
 * rows  in/out  [n]: predicted_s, error, low_s, high_s and basis are set; parts are left as they were
 * Local. MUIR_ERR_MEM, MUIR_ERR_CHECK. */
muir_status muir_fit_leave_out(muir_ctx *ctx, muir_fit *fit, muir_leave_out by, muir_validate_row *rows);

/* Predicts every row at what the whole fit knows, in the same way. Local. MUIR_ERR_MEM. */
muir_status muir_fit_predict(muir_ctx *ctx, muir_fit *fit, muir_validate_row *rows);

#endif
