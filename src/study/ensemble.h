/* SPDX-License-Identifier: BSD-3-Clause */
/* Ensembles: one scenario over several seeds, each the same as its single run, spread over ranks. */
#ifndef MUIR_STUDY_ENSEMBLE_H
#define MUIR_STUDY_ENSEMBLE_H

#include "run/run.h"

#define MEASURE(name, unit, value, help) MUIR_MEASURE_##name,
typedef enum muir_measure {
#include "study/ensemble.def"
    MUIR_MEASURE_COUNT
} muir_measure;
#undef MEASURE

const char *muir_measure_name(int measure); /* "goodput"; never NULL */
const char *muir_measure_unit(int measure);
const char *muir_measure_help(int measure);

/* Of one measure over the draws. Percentiles are interpolated between neighbours (muir_quantile). With one
 * draw all are equal but the error, which is NaN. */
typedef struct muir_spread {
    double mean, p10, p50, p90, min, max;
    double error; /* standard error of the mean */
} muir_spread;

/* Called on rank 0 whenever one of its draws is done. */
typedef void (*muir_draw_observer)(int64_t done, int64_t seeds, void *data);

typedef struct muir_ensemble_request {
    const muir_scenario *scenario; /* borrowed; the first seed is its own, the others follow */
    int64_t seeds;                 /* >= 1 */
    int until;                     /* measure whose mean is to be known so well; -1: all seeds are drawn */
    double until_share;            /* half of its mean's 95 % interval, over the mean */
    const volatile sig_atomic_t *stop;
    muir_draw_observer observer; /* NULL: nobody looks */
    void *observer_data;
} muir_ensemble_request;

typedef struct muir_ensemble {
    int64_t seeds;      /* that were drawn */
    int64_t first_seed; /* seed of the first draw; the others follow */
    double *values;     /* [seeds, MUIR_MEASURE_COUNT], the same on all ranks */
    muir_spread spread[MUIR_MEASURE_COUNT];
    muir_summary first; /* of the scenario's own seed; on rank 0 */
} muir_ensemble;

/* Draws the fleet clock alone: nothing is executed, no file is written. With `until` it stops at the end of a
 * batch of MUIR_ENSEMBLE_BATCH draws, so that the number of draws does not depend on the number of ranks.
 * out  out  free it with muir_ensemble_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_STOPPED if `stop` was set; what muir_run returns. */
muir_status muir_ensemble_run(muir_ctx *ctx, const muir_ensemble_request *request, muir_ensemble **out);
void muir_ensemble_destroy(muir_ensemble **ensemble); /* accepts NULL, leaves NULL */

enum { MUIR_ENSEMBLE_BATCH = 8 };

/* Statistics of all measures.
 * values  in   [seeds, MUIR_MEASURE_COUNT]
 * spread  out  [MUIR_MEASURE_COUNT]
 * Local. MUIR_ERR_MEM. */
muir_status muir_spreads_of(muir_ctx *ctx, const double *values, int64_t seeds, muir_spread *spread);

/* Statistics of n >= 1 values, which it sorts. Local. */
muir_spread muir_spread_of(double *values, size_t n);

#endif
