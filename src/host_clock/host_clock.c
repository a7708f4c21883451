/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock's step: the schedule's slots on this rank, with real messages between stages. */
#include "host_clock/host_clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tags.h"
#include "collectives/p2p.h"
#include "host_clock/pattern.h"
#include "kernels/peak.h"

enum { TRIES_IN_VAIN = 2, LARGEST_FACTOR = 1 << 20 };

/* A message that this rank sends to the next stage in some slot; its data must live until it is through. */
typedef struct outgoing {
    muir_p2p *p2p;
    float *data;
} outgoing;

struct muir_host_clock {
    const muir_scenario *scenario; /* borrowed; outlives the clock */
    const muir_program *program;   /* borrowed; outlives the clock */
    muir_fold fold;
    muir_host_facts facts;
    muir_kernels *kernels;
    muir_mesh *mesh;
    muir_host_ops *ops; /* NULL without a part */
    muir_order *order;  /* of the shrunk schedule */
    outgoing *sent;     /* [n_slots] */
    muir_p2p *receiving;
    float *received;
    size_t n_message; /* elements of a message between stages */
};

/* One layer, and the embedding or head where the pipeline begins or ends. */
static bool is_block_of_chunk(const muir_host_clock *c, int block, int chunk)
{
    const int last = c->facts.shrink.shape.stages * c->facts.shrink.shape.chunks - 1;
    if (block == 0) return chunk == 0;
    if (block == c->program->n_blocks - 1) return chunk == last;
    return true;
}

static uint32_t salt_of(int64_t step, int slot, int index)
{
    return (uint32_t)step * 2654435761u + (uint32_t)slot * 40503u + (uint32_t)index;
}

static muir_status run_range(muir_ctx *ctx, muir_host_clock *c, muir_op_range range, uint32_t salt,
                             muir_tally *tally)
{
    for (int i = range.first; i < range.first + range.n; i++) {
        const muir_status st = muir_host_ops_run(ctx, c->ops, i, salt + (uint32_t)i, tally);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* Ops of a slot: blocks forward in order, backward in the opposite order with the weight gradients after. */
static muir_status run_blocks(muir_ctx *ctx, muir_host_clock *c, const muir_slot *slot, int chunk,
                              uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int n = c->program->n_blocks;
    for (int i = 0; i < n; i++) {
        const int block = slot->phase == MUIR_FORWARD ? i : n - 1 - i;
        if (!is_block_of_chunk(c, block, chunk)) continue;
        const muir_op_range *phase = c->program->blocks[block].phase;
        MUIR_TRY(run_range(ctx, c, phase[slot->phase], salt, tally));
        if (slot->phase == MUIR_BACKWARD) MUIR_TRY(run_range(ctx, c, phase[MUIR_WEIGHT], salt, tally));
    }
done:
    return st;
}

/* A message's envelope: chunk and microbatch together name it within its direction. */
static muir_p2p_envelope envelope_of(const muir_host_clock *c, const muir_slot *slot, int peer_chunk,
                                     int message_chunk)
{
    const muir_shape shape = c->order->shape;
    return (muir_p2p_envelope){.peer = peer_chunk % shape.stages,
                               .tag = slot->phase == MUIR_FORWARD ? MUIR_TAG_FORWARD : MUIR_TAG_BACKWARD,
                               .microbatch = message_chunk * shape.microbatches + slot->microbatch};
}

static bool is_remote(const muir_host_clock *c, int chunk)
{
    const muir_shape shape = c->order->shape;
    return shape.stages > 1 && chunk >= 0 && chunk < shape.stages * shape.chunks;
}

static muir_status receive_input(muir_ctx *ctx, muir_host_clock *c, const muir_slot *slot, int chunk,
                                 int64_t step, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int from = slot->phase == MUIR_FORWARD ? chunk - 1 : chunk + 1;
    if (!is_remote(c, from)) return MUIR_OK;
    const muir_p2p_envelope envelope = envelope_of(c, slot, from, from);
    double start_s = muir_now_s();
    MUIR_TRY(muir_p2p_start_recv(ctx, c->receiving, &envelope, c->received, c->n_message));
    MUIR_TRY(muir_p2p_wait(ctx, c->receiving));
    tally->p2p_s += muir_now_s() - start_s;
    if (!c->scenario->host.check) return MUIR_OK;
    start_s = muir_now_s();
    const uint32_t salt = salt_of(step, from, slot->microbatch);
    tally->wrong += muir_pattern_check_copy(c->received, c->n_message, 0, envelope.peer, salt) > 0;
    tally->checked++;
    tally->check_s += muir_now_s() - start_s;
done:
    return st;
}

static muir_status send_output(muir_ctx *ctx, muir_host_clock *c, int index, const muir_slot *slot, int chunk,
                               int64_t step, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int to = slot->phase == MUIR_FORWARD ? chunk + 1 : chunk - 1;
    if (!is_remote(c, to)) return MUIR_OK;
    const muir_p2p_envelope envelope = envelope_of(c, slot, to, chunk);
    double start_s = muir_now_s();
    if (c->scenario->host.check)
        muir_pattern_fill(c->sent[index].data, c->n_message, 0, chunk % c->order->shape.stages,
                          salt_of(step, chunk, slot->microbatch));
    tally->check_s += muir_now_s() - start_s;
    start_s = muir_now_s();
    MUIR_TRY(muir_p2p_start_send(ctx, c->sent[index].p2p, &envelope, c->sent[index].data, c->n_message));
    tally->p2p_s += muir_now_s() - start_s;
    tally->p2p_bytes += 4.0 * (double)c->n_message;
done:
    return st;
}

static muir_status run_slots(muir_ctx *ctx, muir_host_clock *c, int64_t step, bool is_empty,
                             muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int stage = c->fold.place[MUIR_MESH_PP], stages = c->order->shape.stages;
    for (int i = 0; i < c->order->n_slots; i++) {
        const muir_slot *slot = &c->order->slots[(size_t)stage * (size_t)c->order->n_slots + (size_t)i];
        const int chunk = slot->chunk * stages + stage;
        if (is_empty) continue;
        MUIR_TRY(receive_input(ctx, c, slot, chunk, step, tally));
        MUIR_TRY(run_blocks(ctx, c, slot, chunk, salt_of(step, i, 0), tally));
        MUIR_TRY(send_output(ctx, c, i, slot, chunk, step, tally));
    }
    const double start_s = muir_now_s();
    for (int i = 0; i < c->order->n_slots; i++)
        if (c->sent[i].p2p) MUIR_TRY(muir_p2p_wait(ctx, c->sent[i].p2p));
    tally->p2p_s += muir_now_s() - start_s;
done:
    return st;
}

/* The end of the step, on the job's stage that this rank's stage stands for. */
static muir_status run_end(muir_ctx *ctx, muir_host_clock *c, int64_t step, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int64_t stage =
        (int64_t)c->fold.place[MUIR_MESH_PP] * c->program->n_stages / c->order->shape.stages;
    const uint32_t salt = salt_of(step, -1, 0);
    MUIR_TRY(run_range(ctx, c, c->program->sync_ops[stage], salt, tally));
    MUIR_TRY(run_range(ctx, c, c->program->norm_ops, salt, tally));
    MUIR_TRY(run_range(ctx, c, c->program->update_ops[stage], salt, tally));
done:
    return st;
}

static muir_status run_step(muir_ctx *ctx, muir_host_clock *c, int64_t step, bool is_empty,
                            muir_host_row *row)
{
    muir_status st = MUIR_OK;
    memset(row, 0, sizeof *row);
    if (!c->mesh->is_member) return MUIR_OK;
    const double start_s = muir_now_s();
    MUIR_TRY(run_slots(ctx, c, step, is_empty, &row->tally));
    if (!is_empty) MUIR_TRY(run_end(ctx, c, step, &row->tally));
    row->step_s = muir_now_s() - start_s;
done:
    return st;
}

muir_status muir_host_clock_step(muir_ctx *ctx, muir_host_clock *clock, int64_t step, muir_host_row *row)
{
    return run_step(ctx, clock, step, false, row);
}

/* Room for messages between stages: one per slot, since a slot's message may still be on its way in the
 * next. */
static muir_status prepare_messages(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    const size_t n_slots = (size_t)c->order->n_slots;
    const muir_coll_comm *comm = c->mesh->axis[MUIR_MESH_PP];
    c->n_message = muir_shrink_elements(c->program->p2p_bytes, c->facts.shrink.factor);
    MUIR_TRY(muir_alloc(ctx, n_slots, sizeof *c->sent, "messages between stages", &c->sent));
    if (comm->size < 2) return MUIR_OK;
    for (size_t i = 0; i < n_slots; i++) {
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
    for (int i = 0; c->sent && i < c->order->n_slots; i++) {
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
        MUIR_TRY(run_step(ctx, c, -1 - i, is_empty, &row));
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
