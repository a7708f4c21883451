/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws of experts' loads, and times of slots that follow them. */
#include "fleet_clock/experts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"
#include "base/statistics.h"

enum { LANES = MUIR_RNG_BLOCK };

/* Prices are drawn out in a straight line from the expected load through one larger by this: about as
 * far as loads stray. */
static const double growth = 0.25;

static bool has_load(const muir_program *program, int block)
{
    for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
        const muir_op_range range = program->blocks[block].phase[phase];
        for (int i = range.first; i < range.first + range.n; i++)
            if (program->ops[i].load > 0.0) return true;
    }
    return false;
}

static int layers_of(const muir_program *program, int chunk)
{
    const muir_chunk *c = &program->chunks[chunk];
    int layers = 0;
    for (int part = 0; part < c->n_parts; part++)
        if (has_load(program, c->block[part])) layers += c->repeat[part];
    return layers;
}

/* Tokens of a microbatch that the experts of a chip get: rows of the first product of experts. */
static double tokens_of(const muir_program *program)
{
    for (int i = 0; i < program->n_ops; i++)
        if (program->ops[i].kind == MUIR_OP_GEMM && program->ops[i].gemm.is_grouped)
            return program->ops[i].gemm.m * program->ops[i].gemm.count;
    return INFINITY;
}

static void set_law(muir_experts *e)
{
    const muir_model *model = &e->scenario->job.model;
    e->load = 1.0;
    for (int i = 0; i < e->program->n_ops; i++) e->load = fmax(e->load, e->program->ops[i].load);
    for (int c = 0; c < e->program->n_chunks; c++) e->layers += layers_of(e->program, c);
    e->chips = (int)e->scenario->job.parallel.ep;
    if (e->chips < 2 || e->layers < 1) return;
    /* rounded, so that no last bit depends on the C library's erfc */
    e->largest = round(muir_normal_largest((double)e->chips) * 1e6) * 1e-6;
    e->scatter = (e->load - 1.0) / e->largest;
    const double missed = 1.0 - (double)model->topk / (double)model->experts;
    const double fresh = missed / tokens_of(e->program);
    e->sampling = e->largest * (sqrt(e->scatter * e->scatter + fresh) - e->scatter);
}

static size_t width_of(const muir_experts *e)
{
    return (size_t)(e->chips + LANES - 1) / LANES * LANES;
}

static muir_status time_more(muir_ctx *ctx, muir_experts *e)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    MUIR_TRY(muir_program_create(ctx, &e->scenario->job, &program));
    for (int i = 0; i < program->n_ops; i++) program->ops[i].load *= 1.0 + growth;
    MUIR_TRY(muir_slot_times_create(ctx, e->scenario, program, &e->more));
    MUIR_TRY(muir_slot_times_create(ctx, e->scenario, e->program, &e->now));
done:
    muir_program_destroy(&program);
    return st;
}

muir_status muir_experts_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                const muir_slot_times *times, muir_experts **out)
{
    muir_status st = MUIR_OK;
    muir_experts *e = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e, "loads of experts", &e));
    e->scenario = scenario;
    e->program = program;
    e->mean = times;
    e->knot = -1;
    set_law(e);
    if (scenario->faults.jitter.experts && e->chips > 1 && e->layers > 0) {
        const size_t n = (size_t)e->layers * width_of(e);
        MUIR_TRY(muir_alloc(ctx, n, sizeof(float), "loads of experts", &e->old));
        MUIR_TRY(muir_alloc(ctx, n, sizeof(float), "loads of experts", &e->fresh));
        MUIR_TRY(muir_alloc(ctx, (size_t)program->n_chunks, sizeof(double), "loads of experts", &e->at));
        MUIR_TRY(time_more(ctx, e));
    }
    *out = e;
    e = NULL;
done:
    muir_experts_destroy(&e);
    return st;
}

void muir_experts_destroy(muir_experts **experts)
{
    if (!*experts) return;
    muir_slot_times_destroy(&(*experts)->more);
    muir_slot_times_destroy(&(*experts)->now);
    free((*experts)->old);
    free((*experts)->fresh);
    free((*experts)->at);
    free(*experts);
    *experts = NULL;
}

bool muir_experts_are_drawn(const muir_experts *e)
{
    return e->more != NULL;
}

static void draw_knot(const muir_experts *e, int64_t knot, float *z)
{
    const size_t blocks = (size_t)e->layers * width_of(e) / LANES;
    muir_rng_normals((uint64_t)e->scenario->run.seed, MUIR_STREAM_EXPERT, (uint32_t)knot, 0, blocks, z);
}

/* The largest of n values over their mean. */
MUIR_CLONES
static float lead_of(const float *restrict old, const float *restrict fresh, float a, float b, int n)
{
    float most[LANES], sum[LANES], total = 0.0f, largest = -INFINITY;
    for (int lane = 0; lane < LANES; lane++) most[lane] = -INFINITY, sum[lane] = 0.0f;
    for (int i = 0; i < n; i += LANES)
        for (int lane = 0; lane < LANES && i + lane < n; lane++) {
            const float z = fmaf(a, old[i + lane], b * fresh[i + lane]);
            most[lane] = z > most[lane] ? z : most[lane];
            sum[lane] += z;
        }
    for (int lane = 0; lane < LANES; lane++) {
        largest = most[lane] > largest ? most[lane] : largest;
        total += sum[lane];
    }
    return largest - total / (float)n;
}

static void time_chunk(muir_experts *e, int chunk, double at)
{
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++) {
        const double *mean_s = e->mean->slot[kind][chunk].part_s, *more_s = e->more->slot[kind][chunk].part_s;
        double *now_s = e->now->slot[kind][chunk].part_s;
        for (int part = 0; part < MUIR_SLOT_PARTS; part++)
            now_s[part] = mean_s[part] + at * (more_s[part] - mean_s[part]);
    }
}

/* Gradient syncs hide under compute that the load changes; norm and optimizer stay as they are. */
static void time_sync(muir_experts *e, int stage)
{
    const muir_sync_time *x = &e->mean->sync[stage], *y = &e->more->sync[stage];
    double at = 0.0;
    for (int i = 0; i < e->program->n_held; i++)
        at += e->at[muir_program_chunk(e->program, stage, i)] / (double)e->program->n_held;
    e->now->sync[stage].reduce_s = x->reduce_s + at * (y->reduce_s - x->reduce_s);
    e->now->sync[stage].gather_s = x->gather_s + at * (y->gather_s - x->gather_s);
}

static void move_to_knot(muir_experts *e, int64_t knot)
{
    if (knot == e->knot) return;
    draw_knot(e, knot, e->old);
    draw_knot(e, knot + 1, e->fresh);
    e->knot = knot;
}

/* Sum over some layers of the busiest chip's load beyond the expected one. */
static double beyond(const muir_experts *e, int first, int n, float a, float b)
{
    double sum = 0.0;
    for (int layer = first; layer < first + n; layer++) {
        const size_t at = (size_t)layer * width_of(e);
        const double lead = (double)lead_of(e->old + at, e->fresh + at, a, b, e->chips);
        sum += e->scatter * (lead - e->largest) + e->sampling;
    }
    return sum;
}

double muir_experts_step(muir_experts *e, int64_t step)
{
    const int64_t interval = e->scenario->faults.jitter.expert_steps;
    if (!e->more) return e->load;
    move_to_knot(e, step / interval);
    const double t = (double)(step % interval) / (double)interval, norm = sqrt(t * t + (1.0 - t) * (1.0 - t));
    const float a = (float)((1.0 - t) / norm), b = (float)(t / norm); /* as spread out as either draw */
    double sum = 0.0;
    int layer = 0;
    for (int c = 0; c < e->program->n_chunks; c++) {
        const int layers = layers_of(e->program, c);
        const double excess = beyond(e, layer, layers, a, b);
        e->at[c] = layers > 0 ? excess / (double)layers / (growth * e->load) : 0.0;
        time_chunk(e, c, e->at[c]);
        sum += excess;
        layer += layers;
    }
    for (int stage = 0; stage < e->program->n_stages; stage++) time_sync(e, stage);
    return e->load + sum / (double)e->layers;
}
