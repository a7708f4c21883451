/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock's step: the schedule's slots on this rank, with real messages between stages. */
#include <string.h>

#include "base/clock.h"
#include "base/tags.h"
#include "host_clock/host_clock_state.h"
#include "host_clock/pattern.h"

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

/* Ops of a slot: blocks forward in order, backward in the opposite order; a joined backward does each
 * block's weight gradients after it. */
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
        if (slot->is_joined) MUIR_TRY(run_range(ctx, c, phase[MUIR_WEIGHT], salt, tally));
    }
done:
    return st;
}

/* The stage that holds a chunk's neighbour for the microbatches of a slot. */
static int peer_of(const muir_host_clock *c, const muir_slot *slot, int peer_chunk)
{
    const int copy = c->order->place == MUIR_PLACE_MIRROR ? slot->chunk : 0;
    return muir_place_stage(c->order->place, c->order->shape.stages, peer_chunk, copy);
}

/* A message's envelope: chunk and microbatch together name it within its direction. */
static muir_p2p_envelope envelope_of(const muir_host_clock *c, const muir_slot *slot, int peer_chunk,
                                     int message_chunk)
{
    const muir_shape shape = c->order->shape;
    return (muir_p2p_envelope){.peer = peer_of(c, slot, peer_chunk),
                               .tag = slot->phase == MUIR_FORWARD ? MUIR_TAG_FORWARD : MUIR_TAG_BACKWARD,
                               .microbatch = message_chunk * shape.microbatches + slot->microbatch};
}

/* Whether a neighbouring chunk, -1 for none, lies on another rank. */
static bool is_remote(const muir_host_clock *c, const muir_slot *slot, int chunk)
{
    return chunk >= 0 && peer_of(c, slot, chunk) != c->fold.place[MUIR_MESH_PP];
}

static muir_status receive_input(muir_ctx *ctx, muir_host_clock *c, const muir_slot *slot, int chunk,
                                 int64_t step, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int from = muir_order_input(c->order, (muir_phase)slot->phase, chunk);
    if (!is_remote(c, slot, from)) return MUIR_OK;
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
    const int to = muir_order_output(c->order, (muir_phase)slot->phase, chunk);
    if (!is_remote(c, slot, to)) return MUIR_OK;
    const muir_p2p_envelope envelope = envelope_of(c, slot, to, chunk);
    double start_s = muir_now_s();
    if (c->scenario->host.check)
        muir_pattern_fill(c->sent[index].data, c->n_message, 0, c->fold.place[MUIR_MESH_PP],
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
    int n = 0;
    const muir_slot *slots = muir_order_slots(c->order, stage, &n);
    for (int i = 0; i < n; i++) {
        const muir_slot *slot = &slots[i];
        const int chunk = muir_place_chunk(c->order->place, stages, stage, slot->chunk);
        if (is_empty) continue;
        MUIR_TRY(receive_input(ctx, c, slot, chunk, step, tally));
        MUIR_TRY(run_blocks(ctx, c, slot, chunk, salt_of(step, i, 0), tally));
        MUIR_TRY(send_output(ctx, c, i, slot, chunk, step, tally));
    }
    const double start_s = muir_now_s();
    for (int i = 0; i < c->n_sent; i++)
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

muir_status muir_host_step_run(muir_ctx *ctx, muir_host_clock *c, int64_t step, bool is_empty,
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
    return muir_host_step_run(ctx, clock, step, false, row);
}
