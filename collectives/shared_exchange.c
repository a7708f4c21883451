/* SPDX-License-Identifier: BSD-3-Clause */
/* all_to_all and all_to_allv in shared memory: every rank fetches what the others have for it. */
#include "collectives/shared_call.h"

/* The most that one rank has for another, and that one rank sends: the same on all ranks. */
static muir_shared_span longest_of(const muir_coll_op *op)
{
    const int p = op->comm->size;
    muir_shared_span longest = {0, 0};
    if (!op->spec.counts) return (muir_shared_span){op->spec.count, muir_shared_longest(op)};
    for (int r = 0; r < p; r++) {
        size_t sum = 0;
        for (int to = 0; to < p; to++) {
            const size_t n = op->spec.counts[(size_t)r * (size_t)p + (size_t)to];
            if (n > longest.n) longest.n = n;
            sum += n;
        }
        if (sum > longest.first) longest.first = sum;
    }
    return longest;
}

static muir_status prepare(muir_ctx *ctx, muir_coll_op *op)
{
    const int p = op->comm->size, rank = op->comm->rank;
    const muir_shared_span longest = longest_of(op);
    const muir_status st = muir_shared_prepare(ctx, op, (size_t)p, longest.n);
    const muir_shared_call *call = op->own;
    size_t unused;
    if (st != MUIR_OK) return st;
    for (int r = 0; r < p; r++) {
        muir_shared_part *part = &call->parts[r];
        muir_coll_exchange(&op->spec, p, rank, r, &part->to.first, &unused, &part->to.n);
        muir_coll_exchange(&op->spec, p, r, rank, &part->peer_first, &part->from.first, &part->from.n);
    }
    op->spec.count = longest.first; /* all ranks go the same way, whatever they have themselves */
    return MUIR_OK;
}

/* The own part goes straight to its place. */
static void keep_own(const muir_coll_op *op, const char *send, char *recv)
{
    const muir_shared_call *call = op->own;
    const muir_shared_part *own = &call->parts[op->comm->rank];
    muir_shared_copy_far(op, recv + own->from.first * op->element_bytes,
                         send + own->to.first * op->element_bytes, own->to.n);
}

static muir_status through_slots(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes, mine = (size_t)op->comm->rank * call->piece * size;
    keep_own(op, send, recv);
    for (size_t i = 0; i < call->n_turns; i++) {
        const unsigned turn = muir_shared_next_turn(op->comm->shared);
        char *slot = muir_shared_given(op, op->comm->rank, turn);
        for (int k = 1; k < op->comm->size; k++) {
            const int r = muir_shared_peer(op, k);
            const muir_shared_span to = call->parts[r].to, s = muir_shared_piece(op, to.n, i);
            muir_shared_copy(op, slot + (size_t)r * call->piece * size, send + (to.first + s.first) * size,
                             s.n);
        }
        MUIR_TRY(muir_shared_meet(ctx, op->comm->shared));
        for (int k = 1; k < op->comm->size; k++) {
            const int r = muir_shared_peer(op, k);
            const muir_shared_span from = call->parts[r].from, s = muir_shared_piece(op, from.n, i);
            muir_shared_copy(op, recv + (from.first + s.first) * size, muir_shared_given(op, r, turn) + mine,
                             s.n);
        }
    }
done:
    return st;
}

static void directly(const muir_coll_op *op, const char *send, char *recv)
{
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes;
    keep_own(op, send, recv);
    for (int k = 1; k < op->comm->size; k++) {
        const int r = muir_shared_peer(op, k);
        const muir_shared_part *part = &call->parts[r];
        muir_shared_copy_far(op, recv + part->from.first * size, call->sends[r] + part->peer_first * size,
                             part->from.n);
    }
}

static muir_status run(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    return muir_shared_run(ctx, op, send, recv, &(muir_shared_ways){directly, through_slots});
}

const muir_coll muir_coll_all_to_all_shared = {
    .name = "shared",
    .kind = MUIR_ALL_TO_ALL,
    .prepare = prepare,
    .run = run,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};

const muir_coll muir_coll_all_to_allv_shared = {
    .name = "shared",
    .kind = MUIR_ALL_TO_ALLV,
    .prepare = prepare,
    .run = run,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};
