/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows named `shared` have in common: when they are available, how they cut what goes through slots,
 * and when they reach straight into the others' buffers.
 *
 * Besides reading what it reduces or fetches and writing its result, a rank copies of n bytes on p ranks
 *     nothing      between buffers of muir_coll_alloc, from DIRECT_BYTES up
 *     n            through slots: all_reduce, and broadcast on the root
 *     (p - 1)/p n  through slots: reduce_scatter, all_to_all
 *     n/p          through slots: all_gather
 * in pieces that stay in the second-level cache: memory of the caller's own costs one copy at most. */
#ifndef MUIR_COLLECTIVES_SHARED_CALL_H
#define MUIR_COLLECTIVES_SHARED_CALL_H

#include "collectives/op.h"
#include "collectives/shared.h"

#define MUIR_SHARED_SOURCE                                                                                   \
    "Bayatpour et al., Scalable reduction collectives with data partitioning-based multi-leader design, SC " \
    "2017"

/* Elements [first, first + n). */
typedef struct muir_shared_span {
    size_t first, n;
} muir_shared_span;

/* How reduce_scatter and all_gather cut the vector where they are parts of a larger collective: some ranks
 * may own nothing, others several parts. What a rank owns is together in recv of a reduce_scatter, pass by
 * pass; an all_gather finds and leaves it in its place in recv. */
typedef struct muir_shared_cut {
    int n_parts;      /* of the vector, as muir_coll_block cuts it */
    int n_passes;     /* parts of one rank at most */
    const int *part;  /* [n_passes,p] number of the part, -1: none; as long as part 0 or one shorter */
    bool is_followed; /* no rank ends the larger collective before all have left this one */
} muir_shared_cut;

/* An exchange with one other rank. */
typedef struct muir_shared_part {
    muir_shared_span to;   /* of the own send */
    muir_shared_span from; /* of the own recv */
    size_t peer_first;     /* where that lies in the other's send */
} muir_shared_part;

/* op->own of these rows. */
typedef struct muir_shared_call {
    size_t piece;            /* of one block that goes through a slot in one turn [elements] */
    size_t n_turns;          /* until the longest block is through */
    const char **sends;      /* [p] as muir_shared_meet_at finds them */
    char **recvs;            /* [p] */
    const void **sources;    /* [p] what is reduced, rank by rank */
    muir_shared_part *parts; /* [p] of all_to_all and all_to_allv */
} muir_shared_call;

/* NULL for one rank, and where the ranks of comm share memory. Local. */
const char *muir_shared_why_not(const muir_coll_comm *comm);

/* Makes op->own.
 * n_blocks  in  blocks that lie in one slot side by side
 * longest   in  block [elements]
 * Local. MUIR_ERR_MEM. */
muir_status muir_shared_prepare(muir_ctx *ctx, muir_coll_op *op, size_t n_blocks, size_t longest);

/* Passes in which all ranks get at most one part each. Local. */
int muir_shared_passes(const muir_coll_op *op);

/* What rank r owns of the vector in a pass. Local. */
muir_shared_span muir_shared_block(const muir_coll_op *op, int pass, int r);

/* The longest of all blocks [elements]. Local. */
size_t muir_shared_longest(const muir_coll_op *op);

/* What is left of a block of n elements for turn i. Local. */
muir_shared_span muir_shared_piece(const muir_coll_op *op, size_t n, size_t i);

/* The k-th rank after the own one: ranks start with their neighbours, so that not all read from the same
 * one. Local. */
int muir_shared_peer(const muir_coll_op *op, int k);

/* Slot in which a rank hands over its input. Local. */
char *muir_shared_given(const muir_coll_op *op, int rank, unsigned turn);

/* Copies the piece of turn i of every other rank's block into the own slot, block r at r * piece. Local. */
void muir_shared_give_blocks(const muir_coll_op *op, int pass, const char *send, size_t i, unsigned turn);

/* Copies n elements; nothing if `to` is `from`. Local. */
void muir_shared_copy(const muir_coll_op *op, char *to, const char *from, size_t n);

/* The same, past the caches if the vector is longer than they hold. Local. */
void muir_shared_copy_far(const muir_coll_op *op, char *to, const char *from, size_t n);

/* Whether the vector is longer than the caches of its ranks hold. Local. */
bool muir_shared_is_long(const muir_coll_op *op);

/* The two ways of a row; both for at least two ranks. */
typedef struct muir_shared_ways {
    /* Reaches into the others' buffers, call->sends and call->recvs; a meeting before and one after it come
     * with it. Local. */
    void (*direct)(const muir_coll_op *op, const char *send, char *recv);
    /* Through the slots, with meetings. Collective over the ranks. MUIR_ERR_MPI. */
    muir_status (*slots)(muir_ctx *ctx, const muir_coll_op *op, const char *send, char *recv);
} muir_shared_ways;

/* Runs a row: directly where all ranks can reach all they need and the vector is not short.
 * Collective over the ranks. MUIR_ERR_MPI. */
muir_status muir_shared_run(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv,
                            const muir_shared_ways *ways);

#endif
