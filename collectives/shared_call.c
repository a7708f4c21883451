/* SPDX-License-Identifier: BSD-3-Clause */
/* How the rows named `shared` cut their vectors and find each other's buffers. */
#include "collectives/shared_call.h"

#include <string.h>

#include "base/mem.h"
#include "base/simd.h"
#include "collectives/stream.h"

/* Shorter vectors go through the slots, with one meeting less; longer ones past the caches. Measured with 2
 * ranks on 2 cores with 1 MiB of second-level cache each and 32 MiB of third-level cache. */
enum { DIRECT_BYTES = 32 * 1024, LONG_BYTES = 8 * 1024 * 1024 };

const char *muir_shared_why_not(const muir_coll_comm *comm)
{
    return comm->size == 1 || comm->shared ? NULL : comm->why_not_shared;
}

muir_status muir_shared_prepare(muir_ctx *ctx, muir_coll_op *op, size_t n_blocks, size_t longest)
{
    const size_t p = (size_t)op->comm->size, line = MUIR_ALIGN / op->element_bytes;
    muir_shared_call *call = NULL;
    const muir_status st =
        muir_alloc(ctx, 1, sizeof *call + p * (3 * sizeof(char *) + sizeof(muir_shared_part)),
                   "a shared collective", &call);
    if (st != MUIR_OK) return st;
    op->own = call;
    call->piece = MUIR_SHARED_SLOT / op->element_bytes / n_blocks / line * line;
    if (op->spec.segment && op->spec.segment < call->piece) call->piece = op->spec.segment;
    if (call->piece == 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s shared: too many ranks, %d, for a slot of %d bytes",
                         muir_coll_kind_name(op->coll->kind), op->comm->size, (int)MUIR_SHARED_SLOT);
    call->n_turns = longest / call->piece + (longest % call->piece > 0);
    call->sends = (const char **)(call + 1);
    call->sources = (const void **)(call->sends + p);
    call->recvs = (char **)(call->sources + p);
    call->parts = (muir_shared_part *)(call->recvs + p);
    return MUIR_OK;
}

int muir_shared_passes(const muir_coll_op *op)
{
    return op->cut ? op->cut->n_passes : 1;
}

muir_shared_span muir_shared_block(const muir_coll_op *op, int pass, int r)
{
    const int p = op->comm->size, part = op->cut ? op->cut->part[pass * p + r] : r;
    muir_shared_span s = {0, 0};
    if (part >= 0) muir_coll_block(op->spec.count, op->cut ? op->cut->n_parts : p, part, &s.first, &s.n);
    return s;
}

size_t muir_shared_longest(const muir_coll_op *op)
{
    size_t first, n;
    muir_coll_block(op->spec.count, op->cut ? op->cut->n_parts : op->comm->size, 0, &first, &n);
    return n;
}

muir_shared_span muir_shared_piece(const muir_coll_op *op, size_t n, size_t i)
{
    const muir_shared_call *call = op->own;
    muir_shared_span s = {i * call->piece, call->piece};
    if (s.first > n) s.first = n;
    if (s.n > n - s.first) s.n = n - s.first;
    return s;
}

void muir_shared_copy(const muir_coll_op *op, char *to, const char *from, size_t n)
{
    if (n > 0 && to != from) memcpy(to, from, n * op->element_bytes);
}

bool muir_shared_is_long(const muir_coll_op *op)
{
    return op->spec.count * op->element_bytes >= LONG_BYTES;
}

void muir_shared_copy_far(const muir_coll_op *op, char *to, const char *from, size_t n)
{
    if (muir_shared_is_long(op) && to != from)
        muir_stream_copy(to, from, n * op->element_bytes);
    else
        muir_shared_copy(op, to, from, n);
}

int muir_shared_peer(const muir_coll_op *op, int k)
{
    return (op->comm->rank + k) % op->comm->size;
}

char *muir_shared_given(const muir_coll_op *op, int rank, unsigned turn)
{
    return muir_shared_slot(op->comm->shared, rank, turn, MUIR_SHARED_GIVEN);
}

void muir_shared_give_blocks(const muir_coll_op *op, int pass, const char *send, size_t i, unsigned turn)
{
    const muir_shared_call *call = op->own;
    const size_t size = op->element_bytes;
    char *slot = muir_shared_slot(op->comm->shared, op->comm->rank, turn, MUIR_SHARED_GIVEN);
    for (int r = 0; r < op->comm->size; r++) {
        const muir_shared_span block = muir_shared_block(op, pass, r), s = muir_shared_piece(op, block.n, i);
        if (r != op->comm->rank)
            muir_shared_copy(op, slot + (size_t)r * call->piece * size, send + (block.first + s.first) * size,
                             s.n);
    }
}

/* The same answer on every rank, for all look at what all have shown. */
static bool can_reach(const muir_coll_op *op)
{
    const muir_shared_call *call = op->own;
    const muir_coll_kind kind = op->coll->kind;
    for (int r = 0; r < op->comm->size; r++) {
        const bool is_in_place = kind == MUIR_ALL_GATHER && op->cut;
        if (!call->sends[r] && !is_in_place && (kind != MUIR_BROADCAST || r == op->spec.root)) return false;
        if (!call->recvs[r] && (kind == MUIR_ALL_REDUCE || is_in_place)) return false;
    }
    return true;
}

muir_status muir_shared_run(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv,
                            const muir_shared_ways *ways)
{
    muir_status st = MUIR_OK;
    const muir_shared_call *call = op->own;
    muir_shared *shared = op->comm->shared;
    const bool is_short = op->spec.count * op->element_bytes < DIRECT_BYTES;

    if (op->comm->size == 1) {
        muir_shared_copy(op, recv, send, op->spec.count);
        return MUIR_OK;
    }
    if (is_short || !muir_shared_has_buffers(shared)) return ways->slots(ctx, op, send, recv);
    MUIR_TRY(muir_shared_meet_at(ctx, shared, send, recv, call->sends, call->recvs));
    if (!can_reach(op)) return ways->slots(ctx, op, send, recv);
    ways->direct(op, send, recv);
    muir_stream_end();
    if (!op->cut || !op->cut->is_followed) MUIR_TRY(muir_shared_meet(ctx, shared));
done:
    return st;
}
