/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a host clock: kernels, mesh, and the shrink that fits the budget. */
#include "host_clock/host_clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "host_clock/host_clock_state.h"
#include "kernels/peak.h"

enum { TRIES_IN_VAIN = 2, LARGEST_FACTOR = 1 << 20 };

/* Room for messages between stages: one per slot that may send, since its message may still be on its way
 * in the next. */
static muir_status prepare_messages(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    const muir_slot *slots = muir_order_slots(c->order, c->fold.place[MUIR_MESH_PP], &c->n_sent);
    const size_t n_slots = (size_t)c->n_sent;
    const muir_coll_comm *comm = c->mesh->axis[MUIR_MESH_PP];
    c->n_message = muir_shrink_elements(c->program->p2p_bytes, c->facts.shrink.factor);
    MUIR_TRY(muir_alloc(ctx, n_slots, sizeof *c->sent, "messages between stages", &c->sent));
    if (comm->size < 2) return MUIR_OK;
    for (size_t i = 0; i < n_slots; i++) {
        if (slots[i].phase == MUIR_WEIGHT) continue;
        MUIR_TRY(muir_p2p_create(ctx, comm, MUIR_FP32, c->n_message, 0, &c->sent[i].p2p));
        MUIR_TRY(muir_alloc(ctx, c->n_message, sizeof(float), "messages between stages", &c->sent[i].data));
    }
    MUIR_TRY(muir_p2p_create(ctx, comm, MUIR_FP32, c->n_message, 0, &c->receiving));
    MUIR_TRY(muir_alloc(ctx, c->n_message, sizeof(float), "messages between stages", &c->received));
done:
    return st;
}

static void drop_program(muir_host_clock *c)
{
    for (int i = 0; c->sent && i < c->n_sent; i++) {
        muir_p2p_destroy(&c->sent[i].p2p);
        free(c->sent[i].data);
    }
    muir_p2p_destroy(&c->receiving);
    free(c->sent);
    free(c->received);
    c->sent = NULL;
    c->received = NULL;
    muir_host_ops_destroy(&c->ops);
}

static muir_status prepare_program(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    if (!c->mesh->is_member) return MUIR_OK;
    MUIR_TRY(
        muir_host_ops_create(ctx, c->scenario, c->program, c->mesh, c->kernels, &c->facts.shrink, &c->ops));
    MUIR_TRY(prepare_messages(ctx, c));
done:
    return st;
}

/* Longest step over ranks; the second of two, so that memory is touched and caches are warm. */
static muir_status try_step(muir_ctx *ctx, muir_host_clock *c, bool is_empty, double *longest_s)
{
    muir_status st = MUIR_OK;
    muir_host_row row;
    for (int64_t i = 0; i < 2; i++) {
        MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
        MUIR_TRY(muir_host_step_run(ctx, c, -1 - i, is_empty, &row));
    }
    *longest_s = row.step_s;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, longest_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
done:
    return st;
}

/* FLOP of a step of this rank at a shrink factor, for a first guess. */
static double step_flop(const muir_host_clock *c, double factor)
{
    const muir_shape shape = c->order->shape;
    double flop = 0.0;
    for (int block = 0; block < c->program->n_blocks; block++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
            const muir_op_range r = c->program->blocks[block].phase[phase];
            for (int i = r.first; i < r.first + r.n; i++) {
                const muir_op *op = &c->program->ops[i];
                if (op->kind != MUIR_OP_GEMM) continue;
                flop += 2.0 * (double)muir_shrink_size(op->m, factor) *
                        (double)muir_shrink_size(op->n, factor) * (double)muir_shrink_size(op->k, factor) *
                        muir_shrink_count(op->count, factor);
            }
        }
    return flop * shape.chunks * shape.microbatches;
}

/* The guess takes half the peak for all work; then trying settles it: as long as a step is too long, and as
 * long as smaller ones are shorter. Where time goes into latency (ranks that outnumber cores), no factor
 * fits. */
static muir_status try_factors(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_shrink *shrink = &c->facts.shrink;
    const double budget_s = c->scenario->host.budget;
    double *longest_s = &c->facts.trial_step_s, shortest_s = INFINITY;
    for (int in_vain = 0;;) {
        MUIR_TRY(muir_agree(ctx, prepare_program(ctx, c)));
        MUIR_TRY(try_step(ctx, c, false, longest_s));
        in_vain = *longest_s > 0.9 * shortest_s ? in_vain + 1 : 0;
        shortest_s = fmin(shortest_s, *longest_s);
        if (*longest_s <= budget_s || in_vain == TRIES_IN_VAIN) break;
        drop_program(c);
        shrink->factor = muir_shrink_next(shrink->factor);
    }
done:
    return st;
}

static muir_status settle_shrink(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_shrink *shrink = &c->facts.shrink;
    double peak = c->facts.peak_flop_per_s;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_DOUBLE, MPI_MIN, ctx->comm));
    while (step_flop(c, shrink->factor) > 0.5 * peak * c->scenario->host.budget &&
           shrink->factor < LARGEST_FACTOR)
        shrink->factor = muir_shrink_next(shrink->factor);
    MUIR_TRY(try_factors(ctx, c));
    if (c->ops) MUIR_TRY(muir_host_ops_tune(ctx, c->ops));
    MUIR_TRY(try_step(ctx, c, false, &c->facts.trial_step_s));
    MUIR_TRY(try_step(ctx, c, true, &c->facts.empty_step_s));
done:
    return st;
}

static muir_status make_parts(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    const muir_schedule *schedule = muir_schedule_find(c->scenario->job.parallel.schedule);
    c->facts.shrink = muir_shrink_make(c->scenario, &c->fold);
    MUIR_TRY(muir_order_create(ctx, schedule, c->facts.shrink.shape, &c->order));
    MUIR_TRY(muir_kernels_create(ctx, &c->kernels));
    snprintf(c->facts.kernel, sizeof c->facts.kernel, "%s", c->kernels->text);
    c->facts.peak_flop_per_s = muir_peak_flop_per_s();
done:
    return st;
}

muir_status muir_host_clock_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   const muir_fold *fold, muir_host_clock **out)
{
    muir_status st = MUIR_OK;
    muir_host_clock *c = NULL;
    st = muir_alloc(ctx, 1, sizeof *c, "the host clock", &c);
    if (st == MUIR_OK) {
        c->scenario = scenario;
        c->program = program;
        c->fold = *fold;
        st = make_parts(ctx, c);
    }
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(muir_agree(ctx, muir_mesh_create(ctx, &c->fold, &c->mesh)));
    MUIR_TRY(settle_shrink(ctx, c));
    *out = c;
    c = NULL;
done:
    muir_host_clock_destroy(&c);
    return st;
}

void muir_host_clock_destroy(muir_host_clock **clock)
{
    muir_host_clock *c = *clock;
    if (!c) return;
    drop_program(c);
    muir_mesh_destroy(&c->mesh);
    muir_order_destroy(&c->order);
    muir_kernels_destroy(&c->kernels);
    free(c);
    *clock = NULL;
}

const muir_host_facts *muir_host_clock_facts(const muir_host_clock *clock)
{
    return &clock->facts;
}

const muir_host_ops *muir_host_clock_ops(const muir_host_clock *clock)
{
    return clock->ops;
}
