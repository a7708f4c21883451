/* SPDX-License-Identifier: BSD-3-Clause */
/* all_reduce and reduce_scatter in shared memory: every rank reduces its own block from all ranks' vectors,
 * always in the order of the ranks, so every path gives the same bits. */
#include "collectives/accumulate.h"
#include "collectives/shared_call.h"
#include "collectives/stream.h"

/* What goes to all ranks stays in the first-level cache until it is there. */
enum { CHUNK_BYTES = 8 * 1024 };

/* Up to here every rank reduces the whole vector: more arithmetic, but one meeting less. */
enum { WHOLE_BYTES = 8 * 1024 };

static muir_status prepare(muir_ctx *ctx, muir_coll_op *op)
{
    return muir_shared_prepare(ctx, op, (size_t)op->comm->size, muir_shared_longest(op));
}

static void reduce_all(const muir_coll_op *op, size_t n, char *to)
{
    const muir_shared_call *call = op->own;
    muir_accumulate(op->spec.dtype, op->spec.reduce, n, call->sources, op->comm->size, to);
}

/* The own vector needs no slot. */
static void set_sources(const muir_coll_op *op, unsigned turn, const char *own, size_t skip)
{
    const muir_shared_call *call = op->own;
    for (int r = 0; r < op->comm->size; r++)
        call->sources[r] = r == op->comm->rank ? own : muir_shared_given(op, r, turn) + skip;
}

/* Reduces the piece of turn i of the own block, which every rank has given. */
static void reduce_piece(const muir_coll_op *op, int pass, const char *send, size_t i, unsigned turn,
                         char *to)
{
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes;
    const muir_shared_span own = muir_shared_block(op, pass, op->comm->rank);
    const muir_shared_span s = muir_shared_piece(op, own.n, i);
    set_sources(op, turn, send + (own.first + s.first) * size, (size_t)op->comm->rank * call->piece * size);
    reduce_all(op, s.n, to + s.first * size);
}

static muir_status scatter_through_slots(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    for (int pass = 0; pass < muir_shared_passes(op); pass++) {
        for (size_t i = 0; i < call->n_turns; i++) {
            const unsigned turn = muir_shared_next_turn(op->comm->shared);
            muir_shared_give_blocks(op, pass, send, i, turn);
            MUIR_TRY(muir_shared_meet(ctx, op->comm->shared));
            reduce_piece(op, pass, send, i, turn, recv);
        }
        recv += muir_shared_block(op, pass, op->comm->rank).n * op->element_bytes;
    }
done:
    return st;
}

static void scatter_directly(const muir_coll_op *op, const char *send, char *recv)
{
    const muir_shared_call *call = op->own;
    for (int pass = 0; pass < muir_shared_passes(op); pass++) {
        const muir_shared_span own = muir_shared_block(op, pass, op->comm->rank);
        for (int r = 0; r < op->comm->size; r++)
            call->sources[r] = (r == op->comm->rank ? send : call->sends[r]) + own.first * op->element_bytes;
        reduce_all(op, own.n, recv);
        recv += own.n * op->element_bytes;
    }
}

static bool is_whole(const muir_coll_op *op)
{
    const muir_shared_call *call = op->own;
    return op->spec.count * op->element_bytes <= WHOLE_BYTES && op->spec.count <= call->piece;
}

static muir_status reduce_whole(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv)
{
    muir_status st = MUIR_OK;
    muir_shared *shared = op->comm->shared;
    const unsigned turn = muir_shared_next_turn(shared);
    muir_shared_copy(op, muir_shared_given(op, op->comm->rank, turn), send, op->spec.count);
    MUIR_TRY(muir_shared_meet(ctx, shared));
    set_sources(op, turn, send, 0);
    reduce_all(op, op->spec.count, recv);
done:
    return st;
}

/* Fetches the piece of turn i of the others' blocks, which they made after the meeting before the last. */
static void fetch_made(const muir_coll_op *op, size_t i, unsigned turn, char *recv)
{
    const size_t size = op->element_bytes;
    for (int k = 1; k < op->comm->size; k++) {
        const int r = muir_shared_peer(op, k);
        const muir_shared_span block = muir_shared_block(op, 0, r), s = muir_shared_piece(op, block.n, i);
        muir_shared_copy(op, recv + (block.first + s.first) * size,
                         muir_shared_slot(op->comm->shared, r, turn, MUIR_SHARED_MADE), s.n);
    }
}

/* One meeting for both: piece i has been given, and the results of piece i - 1 have been made. */
static muir_status all_through_slots(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes;
    muir_shared *shared = op->comm->shared;
    const muir_shared_span own = muir_shared_block(op, 0, op->comm->rank);

    if (is_whole(op)) return reduce_whole(ctx, op, send, recv);
    for (size_t i = 0; i <= call->n_turns; i++) {
        const unsigned turn = muir_shared_next_turn(shared);
        if (i < call->n_turns) muir_shared_give_blocks(op, 0, send, i, turn);
        MUIR_TRY(muir_shared_meet(ctx, shared));
        if (i < call->n_turns) {
            const muir_shared_span s = muir_shared_piece(op, own.n, i);
            char *made = muir_shared_slot(shared, op->comm->rank, turn, MUIR_SHARED_MADE);
            reduce_piece(op, 0, send, i, turn, recv + own.first * size);
            muir_shared_copy(op, made, recv + (own.first + s.first) * size, s.n);
        }
        if (i > 0) fetch_made(op, i - 1, !turn, recv);
    }
done:
    return st;
}

/* Hands every chunk to all ranks while it is in the first-level cache. Only its owner touches a block, so
 * send may be recv. */
static void all_directly(const muir_coll_op *op, const char *send, char *recv)
{
    _Alignas(64) char chunk[CHUNK_BYTES];
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes, most = CHUNK_BYTES / size;
    const muir_shared_span own = muir_shared_block(op, 0, op->comm->rank);
    (void)recv; /* one of call->recvs */
    for (int r = 0; r < op->comm->size; r++)
        call->sources[r] = (r == op->comm->rank ? send : call->sends[r]) + own.first * size;
    for (size_t i = 0; i < own.n; i += most) {
        const size_t n = own.n - i < most ? own.n - i : most;
        reduce_all(op, n, chunk);
        for (int r = 0; r < op->comm->size; r++) {
            muir_shared_copy_far(op, call->recvs[r] + (own.first + i) * size, chunk, n);
            call->sources[r] = (const char *)call->sources[r] + n * size;
        }
    }
}

static muir_status run_all_reduce(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    return muir_shared_run(ctx, op, send, recv, &(muir_shared_ways){all_directly, all_through_slots});
}

static muir_status run_reduce_scatter(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    const muir_shared_ways ways = {scatter_directly, scatter_through_slots};
    return muir_shared_run(ctx, op, send, recv, &ways);
}

const muir_coll muir_coll_all_reduce_shared = {
    .name = "shared",
    .kind = MUIR_ALL_REDUCE,
    .prepare = prepare,
    .run = run_all_reduce,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};

const muir_coll muir_coll_reduce_scatter_shared = {
    .name = "shared",
    .kind = MUIR_REDUCE_SCATTER,
    .prepare = prepare,
    .run = run_reduce_scatter,
    .why_not = muir_shared_why_not,
    .source = MUIR_SHARED_SOURCE,
};
