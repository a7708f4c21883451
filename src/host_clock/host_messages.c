/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between the stages of the shrunk schedule. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tags.h"
#include "host_clock/host_clock_state.h"
#include "host_clock/ops_state.h"
#include "host_clock/pattern.h"

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

/* Where something else must be moved on, or a timetable kept, MPI alone must not block. */
static muir_status await(muir_ctx *ctx, muir_host_clock *c, muir_p2p *p2p, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_flights *flights = muir_host_ops_flights(c->ops);
    bool is_done = false;
    while (flights->n > 0 && !is_done) {
        MUIR_TRY(muir_p2p_test(ctx, p2p, &is_done));
        MUIR_TRY(muir_flights_poll(ctx, flights, tally));
    }
    MUIR_TRY(muir_p2p_wait(ctx, p2p));
done:
    return st;
}

static void look_at(muir_host_clock *c, int stage, uint32_t salt, muir_tally *tally)
{
    const double start_s = muir_now_s();
    const bool is_checked = muir_host_is_checked(c->scenario, salt);
    size_t n_wrong = 0;
    const int planted = c->ops->flips ? muir_flips_plant(c->ops->flips, c->program->n_ops, MUIR_FLIP_MESSAGE,
                                                         c->received, c->n_message)
                                      : 0;
    if (is_checked) n_wrong = muir_pattern_check_copy(c->received, c->n_message, 0, stage, salt);
    muir_host_book(c->ops->flips, is_checked, n_wrong, planted, tally);
    tally->check_s += muir_now_s() - start_s;
}

muir_status muir_host_receive(muir_ctx *ctx, muir_host_clock *c, const muir_slot *slot, int chunk,
                              muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int from = muir_order_input(c->order, (muir_phase)slot->phase, chunk);
    if (!is_remote(c, slot, from)) return MUIR_OK;
    const muir_p2p_envelope envelope = envelope_of(c, slot, from, from);
    const double start_s = muir_now_s();
    if (!c->is_empty) {
        MUIR_TRY(muir_p2p_start_recv(ctx, c->receiving, &envelope, c->received, c->n_message));
        MUIR_TRY(await(ctx, c, c->receiving, tally));
    }
    const double end_s = muir_now_s();
    tally->p2p_s += end_s - start_s;
    muir_trace_add(c->trace, c->program->n_ops, start_s - c->start_s, end_s - c->start_s,
                   4.0 * (double)c->n_message);
    if (!c->is_empty) look_at(c, envelope.peer, muir_host_salt(c->step, from, slot->microbatch), tally);
done:
    return st;
}

muir_status muir_host_send(muir_ctx *ctx, muir_host_clock *c, int index, const muir_slot *slot, int chunk,
                           muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int to = muir_order_output(c->order, (muir_phase)slot->phase, chunk);
    if (!is_remote(c, slot, to)) return MUIR_OK;
    const muir_p2p_envelope envelope = envelope_of(c, slot, to, chunk);
    const uint32_t salt = muir_host_salt(c->step, chunk, slot->microbatch);
    const double filled_s = muir_now_s();
    if (muir_host_is_checked(c->scenario, salt) && !c->is_empty)
        muir_pattern_fill(c->sent[index].data, c->n_message, 0, c->fold.place[MUIR_MESH_PP], salt);
    const double start_s = muir_now_s();
    tally->check_s += start_s - filled_s;
    if (!c->is_empty)
        MUIR_TRY(muir_p2p_start_send(ctx, c->sent[index].p2p, &envelope, c->sent[index].data, c->n_message));
    const double end_s = muir_now_s();
    tally->p2p_s += end_s - start_s;
    tally->p2p_bytes += 4.0 * (double)c->n_message;
    muir_trace_add(c->trace, c->program->n_ops + 1, start_s - c->start_s, end_s - c->start_s,
                   4.0 * (double)c->n_message);
done:
    return st;
}

muir_status muir_host_await_sent(muir_ctx *ctx, muir_host_clock *c, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    for (int i = 0; i < c->n_sent; i++)
        if (c->sent[i].p2p && !c->is_empty) MUIR_TRY(await(ctx, c, c->sent[i].p2p, tally));
    tally->p2p_s += muir_now_s() - start_s;
done:
    return st;
}

/* One for each slot that may send, since its message may still be on its way in the next. */
muir_status muir_host_messages_prepare(muir_ctx *ctx, muir_host_clock *c)
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

void muir_host_messages_destroy(muir_host_clock *c)
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
}
