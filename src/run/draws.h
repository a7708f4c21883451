/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of an ensemble: /ensemble, a row for each draw, and what the draws come to as attributes of its
 * columns. */
#ifndef MUIR_RUN_DRAWS_H
#define MUIR_RUN_DRAWS_H

#include "io/claim.h"
#include "scenario/scenario.h"

enum { MUIR_DRAWS_COLUMNS = 32 };

/* A measure: how it is called, and its statistics over the draws. */
typedef struct muir_draws_column {
    const char *name, *units, *long_name;
    double p10, p50, p90, mean, error; /* error: standard error of the mean, NaN with one draw */
} muir_draws_column;

typedef struct muir_draws {
    const muir_draws_column *columns;
    size_t n_columns;      /* at most MUIR_DRAWS_COLUMNS */
    int64_t n, first_seed; /* seeds are first_seed .. first_seed + n - 1 */
    const double *values;  /* [n, n_columns] */
    int64_t steps;         /* of the first draw */
    double fleet_time_s;   /* of the first draw */
    const char *history;   /* how and when it is made */
} muir_draws;

/* Writes the file of a claim, which must be for a new one.
 * Collective over ctx->comm; rank 0's draws are written. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_draws_write(muir_ctx *ctx, muir_claim *claim, const muir_scenario *scenario,
                             const muir_draws *draws);

#endif
