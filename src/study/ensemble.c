/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws dealt over ranks, each a run on a communicator of its own. */
#include "study/ensemble.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/statistics.h"

static const struct {
    const char *name, *unit, *help;
} measures[MUIR_MEASURE_COUNT] = {
#define MEASURE(name, unit, value, help) {#name, unit, help},
#include "study/ensemble.def"
#undef MEASURE
};

const char *muir_measure_name(int measure)
{
    return measures[measure].name;
}

const char *muir_measure_unit(int measure)
{
    return measures[measure].unit;
}

const char *muir_measure_help(int measure)
{
    return measures[measure].help;
}

static void fill_values(const muir_summary *s, double values[MUIR_MEASURE_COUNT])
{
#define MEASURE(name, unit, value, help) values[MUIR_MEASURE_##name] = value;
#include "study/ensemble.def"
#undef MEASURE
}

muir_spread muir_spread_of(double *values, size_t n)
{
    muir_spread s;
    double squares = 0.0;
    muir_sort(values, n);
    s.mean = 0.0;
    for (size_t i = 0; i < n; i++) s.mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.error = n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) : NAN;
    s.min = values[0];
    s.max = values[n - 1];
    s.p10 = muir_quantile(values, n, 0.1);
    s.p50 = muir_quantile(values, n, 0.5);
    s.p90 = muir_quantile(values, n, 0.9);
    return s;
}

/* One seed, on this rank alone. */
static muir_status draw(muir_ctx *self, const muir_ensemble_request *request, int64_t i, muir_ensemble *e)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = NULL;
    muir_summary *summary = NULL;
    MUIR_TRY(muir_alloc(self, 1, sizeof *scenario, "an ensemble", &scenario));
    MUIR_TRY(muir_alloc(self, 1, sizeof *summary, "an ensemble", &summary));
    *scenario = *request->scenario;
    scenario->run.seed += i;
    scenario->host.every = 0;
    const muir_run_request run = {.scenario = scenario, .stop = request->stop};
    MUIR_TRY(muir_run(self, &run, summary));
    fill_values(summary, &e->values[i * MUIR_MEASURE_COUNT]);
    if (i == 0) e->first = *summary;
done:
    free(scenario);
    free(summary);
    return st;
}

/* The draws [from, to): mine, then everybody's values on every rank. */
static muir_status draw_batch(muir_ctx *ctx, muir_ctx *self, const muir_ensemble_request *request,
                              int64_t from, int64_t to, muir_ensemble *e)
{
    muir_status st = MUIR_OK;
    for (int64_t i = from + ctx->rank; i < to && st == MUIR_OK; i += ctx->size) {
        st = draw(self, request, i, e);
        if (muir_is_root(ctx) && request->observer)
            request->observer(i + 1, request->seeds, request->observer_data);
    }
    if (st != MUIR_OK) (void)muir_fail(ctx, st, "%s", self->message);
    MUIR_TRY(muir_agree(ctx, st));
    /* Ranks that did not draw a value hold 0 for it, so the sum is the value to the last bit. */
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &e->values[from * MUIR_MEASURE_COUNT],
                               (int)((to - from) * MUIR_MEASURE_COUNT), MPI_DOUBLE, MPI_SUM, ctx->comm));
done:
    return st;
}

muir_status muir_spreads_of(muir_ctx *ctx, const double *values, int64_t seeds, muir_spread *spread)
{
    muir_status st = MUIR_OK;
    double *column = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)seeds, sizeof *column, "an ensemble", &column));
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        for (int64_t i = 0; i < seeds; i++) column[i] = values[i * MUIR_MEASURE_COUNT + m];
        spread[m] = muir_spread_of(column, (size_t)seeds);
    }
done:
    free(column);
    return st;
}

/* 1.96 standard errors each way; a few draws more than needed do no harm. */
static bool is_known(const muir_ensemble *e, const muir_ensemble_request *request)
{
    const muir_spread *s = &e->spread[request->until];
    return e->seeds > 1 && 1.96 * s->error <= request->until_share * fabs(s->mean);
}

muir_status muir_ensemble_run(muir_ctx *ctx, const muir_ensemble_request *request, muir_ensemble **out)
{
    muir_status st = MUIR_OK;
    muir_ensemble *e = NULL;
    muir_ctx *self = NULL;
    bool is_enough = false;
    st = muir_alloc(ctx, 1, sizeof *e, "an ensemble", &e);
    if (st == MUIR_OK)
        st = muir_alloc(ctx, (size_t)(request->seeds * MUIR_MEASURE_COUNT), sizeof *e->values, "an ensemble",
                        &e->values);
    if (st == MUIR_OK && muir_ctx_create(MPI_COMM_SELF, &self) != MUIR_OK)
        st = muir_fail(ctx, MUIR_ERR_MPI, "no communicator for an ensemble");
    MUIR_TRY(muir_agree(ctx, st));
    e->first_seed = request->scenario->run.seed;
    while (e->seeds < request->seeds && !is_enough) {
        const int64_t all = request->seeds, next = e->seeds + MUIR_ENSEMBLE_BATCH;
        const int64_t to = request->until < 0 || next > all ? all : next;
        MUIR_TRY(draw_batch(ctx, self, request, e->seeds, to, e));
        e->seeds = to;
        MUIR_TRY(muir_spreads_of(ctx, e->values, e->seeds, e->spread));
        is_enough = request->until >= 0 && is_known(e, request);
    }
    *out = e;
    e = NULL;
done:
    if (self) muir_ctx_destroy(&self);
    muir_ensemble_destroy(&e);
    return st;
}

void muir_ensemble_destroy(muir_ensemble **ensemble)
{
    if (!*ensemble) return;
    free((*ensemble)->values);
    free(*ensemble);
    *ensemble = NULL;
}
