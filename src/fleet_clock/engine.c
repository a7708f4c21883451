/* SPDX-License-Identifier: BSD-3-Clause */
/* The max-plus engine over blocks of 64 replicas. */
#include "fleet_clock/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"

enum { LANES = MUIR_RNG_BLOCK };

muir_status muir_engine_create(muir_ctx *ctx, const muir_order *order, const muir_ideal *ideal,
                               const muir_lengths *lengths, muir_engine **out)
{
    muir_status st = MUIR_OK;
    muir_engine *e = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e, "the engine", &e));
    e->order = order;
    e->ideal = ideal;
    e->lengths = lengths;
    MUIR_TRY(muir_alloc(ctx, (size_t)order->shape.stages * LANES, sizeof(float), "the engine", &e->own));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers * LANES, sizeof(float), "the engine", &e->result));
    *out = e;
    e = NULL;
done:
    muir_engine_destroy(&e);
    return st;
}

void muir_engine_destroy(muir_engine **engine)
{
    if (!*engine) return;
    free((*engine)->own);
    free((*engine)->result);
    free(*engine);
    *engine = NULL;
}

/* One slot of 64 replicas. The loops have a fixed length and no branches: with AVX-512 each is four
 * vectors. */
static inline void run_slot(const muir_step *step, muir_slack s, const float *restrict slow,
                            float *restrict own, float *restrict results)
{
    if (step->from >= 0) {
        const float *in = results + (size_t)step->from * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const float a = own[lane] + s.self_s, b = in[lane] + s.input_s;
            own[lane] = fmaf(s.compute_s, slow[lane], a > b ? a : b);
        }
    } else {
        for (int lane = 0; lane < LANES; lane++) own[lane] = fmaf(s.compute_s, slow[lane], own[lane]);
    }
    if (step->to >= 0) memcpy(results + (size_t)step->to * LANES, own, LANES * sizeof(float));
}

/* The whole order for one block. */
MUIR_CLONES
static void run_block(const muir_step *steps, const muir_slack *slack, int n, const float *restrict excess,
                      float *restrict all_own, float *restrict results)
{
    for (int i = 0; i < n; i++) {
        const size_t row = (size_t)steps[i].stage * LANES;
        run_slot(&steps[i], slack[i], excess + row, all_own + row, results);
    }
}

/* The same with lengths of microbatches, w [microbatches, 64]: a slow chip and a long microbatch add
 * (1 + slow) (1 + spread w) - 1 together. */
MUIR_CLONES
static void run_block_of_lengths(const muir_engine *e, const float *restrict excess, const float *restrict w)
{
    float both[LANES];
    for (int i = 0; i < e->order->n_steps; i++) {
        const muir_step *step = &e->order->steps[i];
        const float spread =
            muir_length_spread(e->lengths->scenario, step->phase, step->work == MUIR_WORK_PAIR);
        const float *slow = excess + (size_t)step->stage * LANES,
                    *length = w + (size_t)step->microbatch * LANES;
        for (int lane = 0; lane < LANES; lane++)
            both[lane] = fmaf((1.0f + slow[lane]) * spread, length[lane], slow[lane]);
        run_slot(step, e->ideal->slack[i], both, e->own + (size_t)step->stage * LANES, e->result);
    }
}

/* Lanes first .. first + n - 1 of a block are this rank's. */
static void note_stage(const float *own, int first, int n, int64_t replica_of_lane_0, double *worst_s,
                       int64_t *replica)
{
    float worst = own[first];
    for (int lane = first + 1; lane < first + n; lane++) worst = own[lane] > worst ? own[lane] : worst;
    if ((double)worst <= *worst_s) return;
    *worst_s = (double)worst;
    for (int lane = first + n - 1; lane >= first; lane--)
        if (own[lane] == worst) *replica = replica_of_lane_0 + lane;
}

static void note_bins(const float *late, int first, int n, const uint8_t *is_down, muir_delays *d)
{
    for (int lane = first; lane < first + n; lane++) {
        if (is_down[lane]) continue;
        const int64_t ns = (int64_t)lrintf(late[lane] * 1e9f), bin = ns / d->bin_ns;
        const int64_t b = bin < 0 ? 0 : bin < MUIR_DELAY_BINS ? bin : MUIR_DELAY_BINS - 1;
        d->bins->sum_ns[b] += ns;
        d->bins->count[b]++;
    }
}

/* Delay of each replica against the ideal step: the latest of its stages, each with its own gradient sync. */
static void note_replicas(const muir_engine *e, int first, int n, int64_t replica_of_lane_0, double reduced_s,
                          const uint8_t *is_down, muir_delays *d)
{
    float late[LANES];
    for (int lane = 0; lane < LANES; lane++) late[lane] = -INFINITY;
    for (int stage = 0; stage < e->order->shape.stages; stage++) {
        const float early = (float)(e->ideal->stage_end_s[stage] + e->ideal->reduce_s[stage] - reduced_s);
        const float *own = e->own + (size_t)stage * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const float x = own[lane] + early;
            late[lane] = x > late[lane] ? x : late[lane];
        }
    }
    note_stage(late, first, n, replica_of_lane_0, &d->worst_s, &d->worst_replica);
    for (int lane = first; lane < first + n; lane++)
        if (!is_down[lane]) d->sum_ns += (int64_t)lrintf(late[lane] * 1e9f);
    if (d->bins) note_bins(late, first, n, is_down, d);
}

/* When the ideal step's last gradient sync ends. */
static double reduced_of(const muir_ideal *ideal)
{
    return ideal->step_s - ideal->tail_s;
}

void muir_engine_step(muir_engine *e, const muir_slowdown *slowdown, muir_delays *d)
{
    const int stages = e->order->shape.stages;
    const muir_slice mine = slowdown->replicas;
    d->worst_s = -INFINITY;
    d->worst_replica = -1;
    d->sum_ns = 0;
    if (d->bins) memset(d->bins, 0, sizeof *d->bins);
    for (int s = 0; s < stages; s++) d->stage_s[s] = -INFINITY, d->stage_replica[s] = -1;
    for (size_t b = 0; b < slowdown->n_blocks; b++) {
        const int64_t lane_0 = (slowdown->first_block + (int64_t)b) * LANES;
        const int first = mine.first > lane_0 ? (int)(mine.first - lane_0) : 0;
        const int64_t end = mine.first + mine.n - lane_0;
        const int n = (int)(end < LANES ? end : LANES) - first;
        memset(e->own, 0, (size_t)stages * LANES * sizeof(float));
        const float *excess = slowdown->excess + b * (size_t)stages * LANES;
        if (e->lengths->w)
            run_block_of_lengths(e, excess, e->lengths->w + b * (size_t)e->lengths->microbatches * LANES);
        else
            run_block(e->order->steps, e->ideal->slack, e->order->n_steps, excess, e->own, e->result);
        for (int s = 0; s < stages; s++)
            note_stage(e->own + (size_t)s * LANES, first, n, lane_0, &d->stage_s[s], &d->stage_replica[s]);
        note_replicas(e, first, n, lane_0, reduced_of(e->ideal), slowdown->is_down + b * LANES, d);
    }
}
