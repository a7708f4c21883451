/* SPDX-License-Identifier: BSD-3-Clause */
/* all_gather and broadcast in shared memory: every rank fetches what it is to have. */
#include "collectives/shared_call.h"

static muir_status prepare_own(muir_ctx *ctx, muir_coll_op *op)
{
    return muir_shared_prepare(ctx, op, 1, muir_shared_longest(op));
}

static muir_status prepare_all(muir_ctx *ctx, muir_coll_op *op)
{
    return muir_shared_prepare(ctx, op, 1, op->spec.count);
}

static muir_status gather_pass(muir_ctx *ctx, const muir_coll_op *op, int pass, const char *own, char *recv)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes, n = muir_shared_block(op, pass, op->comm->rank).n;
    for (size_t i = 0; i < call->n_turns; i++) {
        const unsigned turn = muir_shared_next_turn(op->comm->shared);
        const muir_shared_span mine = muir_shared_piece(op, n, i);
        muir_shared_copy(op, muir_shared_given(op, op->comm->rank, turn), own + mine.first * size, mine.n);
        MUIR_TRY(muir_shared_meet(ctx, op->comm->shared));
        for (int k = 1; k < op->comm->size; k++) {
            const int r = muir_shared_peer(op, k);
            const muir_shared_span block = muir_shared_block(op, pass, r);
            const muir_shared_span s = muir_shared_piece(op, block.n, i);
            muir_shared_copy(op, recv + (block.first + s.first) * size, muir_shared_given(op, r, turn), s.n);
        }
    }
done:
    return st;
}

/* With a cut, what a rank owns is in its place already. */
static muir_status gather_through_slots(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv)
{
    muir_status st = MUIR_OK;
    for (int pass = 0; pass < muir_shared_passes(op); pass++) {
        const muir_shared_span own = muir_shared_block(op, pass, op->comm->rank);
        char *place = recv + own.first * op->element_bytes;
        if (!op->cut) muir_shared_copy(op, place, send, own.n);
        MUIR_TRY(gather_pass(ctx, op, pass, place, recv));
    }
done:
    return st;
}

static void gather_directly(const muir_coll_op *op, const char *send, char *recv)
{
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes;
    const muir_shared_span own = muir_shared_block(op, 0, op->comm->rank);
    if (!op->cut) muir_shared_copy_far(op, recv + own.first * size, send, own.n);
    for (int pass = 0; pass < muir_shared_passes(op); pass++)
        for (int k = 1; k < op->comm->size; k++) {
            const int r = muir_shared_peer(op, k);
            const muir_shared_span block = muir_shared_block(op, pass, r);
            const char *from = op->cut ? call->recvs[r] + block.first * size : call->sends[r];
            muir_shared_copy_far(op, recv + block.first * size, from, block.n);
        }
}

/* While the others fetch one piece, the root fills the other slot. */
static muir_status broadcast_through_slots(muir_ctx *ctx, const muir_coll_op *op, const char *send,
                                           char *recv)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    const bool is_root = op->comm->rank == op->spec.root;
    for (size_t i = 0; i < call->n_turns; i++) {
        const unsigned turn = muir_shared_next_turn(op->comm->shared);
        const muir_shared_span s = muir_shared_piece(op, op->spec.count, i);
        const size_t at = s.first * op->element_bytes;
        char *slot = muir_shared_given(op, op->spec.root, turn);
        if (is_root) muir_shared_copy(op, slot, send + at, s.n);
        MUIR_TRY(muir_shared_meet(ctx, op->comm->shared));
        muir_shared_copy(op, recv + at, is_root ? send + at : slot, s.n);
    }
done:
    return st;
}

static void broadcast_directly(const muir_coll_op *op, const char *send, char *recv)
{
    const muir_shared_call *call = op->own;
    const char *from = op->comm->rank == op->spec.root ? send : call->sends[op->spec.root];
    muir_shared_copy_far(op, recv, from, op->spec.count);
}

static muir_status run_all_gather(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    return muir_shared_run(ctx, op, send, recv, &(muir_shared_ways){gather_directly, gather_through_slots});
}

static muir_status run_broadcast(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    return muir_shared_run(ctx, op, send, recv,
                           &(muir_shared_ways){broadcast_directly, broadcast_through_slots});
}

const muir_coll muir_coll_all_gather_shared = {
    .name = "shared",
    .kind = MUIR_ALL_GATHER,
    .prepare = prepare_own,
    .run = run_all_gather,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};

const muir_coll muir_coll_broadcast_shared = {
    .name = "shared",
    .kind = MUIR_BROADCAST,
    .prepare = prepare_all,
    .run = run_broadcast,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};
