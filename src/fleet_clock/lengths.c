/* SPDX-License-Identifier: BSD-3-Clause */
/* Lengths of microbatches. */
#include "fleet_clock/lengths.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"

enum { LANES = MUIR_RNG_BLOCK, KNOTS = 6 };

/* Quantiles of the trace, mean of forwards and backwards, each less its mean and over its standard
 * deviation; the lowest is that of 0.5 %, below which the trace has a step that was cut off. Scaled once
 * more so that straight lines between them have mean 0 and standard deviation 1. */
static const float share[KNOTS] = {0.0f, 0.5f, 0.75f, 0.86f, 0.94f, 1.0f};
static const float quantile[KNOTS] = {-0.7658f, -0.3728f, -0.0532f, 0.4702f, 2.8619f, 3.1936f};

static inline float slope_of(int i)
{
    return (quantile[i + 1] - quantile[i]) / (share[i + 1] - share[i]);
}

/* No branches, so that the loop around it vectorises: each line adds the change of slope from its start
 * on. */
static inline float length_at(float u)
{
    float w = quantile[0], before = 0.0f;
    for (int i = 0; i < KNOTS - 1; i++) {
        const float over = u - share[i], slope = slope_of(i);
        w = fmaf(slope - before, over > 0.0f ? over : 0.0f, w);
        before = slope;
    }
    return w;
}

float muir_length_at(float uniform)
{
    return length_at(uniform);
}

muir_status muir_lengths_create(muir_ctx *ctx, const muir_scenario *scenario, muir_slice replicas,
                                muir_lengths **out)
{
    muir_status st = MUIR_OK;
    muir_lengths *l = NULL;
    const muir_jitter *j = &scenario->faults.jitter;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *l, "lengths", &l));
    l->scenario = scenario;
    l->replicas = replicas;
    l->first_block = replicas.first / LANES;
    if (replicas.n > 0)
        l->n_blocks = (size_t)((replicas.first + replicas.n - 1) / LANES - l->first_block + 1);
    l->microbatches = (int)scenario->job.microbatches;
    if (j->length_forward > 0.0 || j->length_backward > 0.0) {
        const size_t n = l->n_blocks * (size_t)l->microbatches * LANES;
        MUIR_TRY(muir_alloc(ctx, n, sizeof(float), "lengths", &l->w));
        l->bytes = n * sizeof(float);
    }
    *out = l;
    l = NULL;
done:
    muir_lengths_destroy(&l);
    return st;
}

void muir_lengths_destroy(muir_lengths **lengths)
{
    if (!*lengths) return;
    free((*lengths)->w);
    free(*lengths);
    *lengths = NULL;
}

MUIR_CLONES
static void lengths_of(float *w, size_t n)
{
    for (size_t i = 0; i < n; i++) w[i] = length_at(w[i]);
}

static float *w_at(const muir_lengths *l, int64_t replica, int microbatch)
{
    const int64_t local = replica - l->first_block * LANES;
    const int64_t row = local / LANES * l->microbatches + microbatch;
    return l->w + row * LANES + local % LANES;
}

static void level_expert_groups(const muir_lengths *l, int64_t unit)
{
    for (int64_t first = l->replicas.first; first < l->replicas.first + l->replicas.n; first += unit)
        for (int m = 0; m < l->microbatches; m++) {
            float longest = quantile[0];
            for (int64_t r = first; r < first + unit; r++) longest = fmaxf(longest, *w_at(l, r, m));
            for (int64_t r = first; r < first + unit; r++) *w_at(l, r, m) = longest;
        }
}

double muir_lengths_step(muir_lengths *l, uint32_t step)
{
    const int64_t unit = muir_job_expert_replicas(&l->scenario->job);
    const size_t rows = l->n_blocks * (size_t)l->microbatches;
    double most = 0.0;
    if (!l->w) return l->replicas.n > 0 ? 1.0 : 0.0;
    muir_rng_uniforms((uint64_t)l->scenario->run.seed, MUIR_STREAM_LENGTH, step,
                      (uint64_t)l->first_block * (uint64_t)l->microbatches, rows, l->w);
    lengths_of(l->w, rows * LANES);
    const double spread = (double)muir_length_spread(l->scenario, MUIR_FORWARD, true);
    for (int64_t r = l->replicas.first; r < l->replicas.first + l->replicas.n; r++) {
        double sum = 0.0;
        for (int m = 0; m < l->microbatches; m++) sum += (double)*w_at(l, r, m);
        most = fmax(most, 1.0 + spread * sum / (double)l->microbatches);
    }
    if (unit > 1) level_expert_groups(l, unit);
    return most;
}

float muir_length_spread(const muir_scenario *scenario, int phase, bool is_pair)
{
    const muir_jitter *j = &scenario->faults.jitter;
    if (is_pair) return (float)((j->length_forward + 2.0 * j->length_backward) / 3.0);
    return (float)(phase == MUIR_FORWARD ? j->length_forward : j->length_backward);
}
