/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives: the table of algorithms, and a prepared collective that runs as often as one likes.
 *
 * What a collective of `count` elements over p ranks takes and gives; block r is that of muir_coll_block:
 *     kind            send [elements]            recv [elements]  recv holds
 *     all_reduce      count                      count            reduction over ranks
 *     reduce_scatter  count                      own block        own block of the reduction
 *     all_gather      own block                  count            own block of every rank, in order
 *     all_to_all      count, block r for rank r  p x own block    part r: own block of rank r's send
 *     all_to_allv     own row of spec->counts    own column of it part r: what rank r has for the own rank
 *     broadcast       count, read on the root    count            the root's send
 *     reduce          count                      count            reduction on the root; elsewhere untouched
 *     barrier         nothing                    nothing          nobody is through before all have come
 * send and recv lie apart, except that all_reduce and broadcast may have one buffer for both, and all_gather
 * may find its send in its own block of recv.
 *
 * `count` is the size that nccl-tests calls S, the same on every rank.
 * Source: NVIDIA/nccl-tests doc/PERFORMANCE.md. */
#ifndef MUIR_COLLECTIVES_COLL_H
#define MUIR_COLLECTIVES_COLL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "base/words.h"
#include "collectives/comm.h"
#include "collectives/reduce.h"
#include "collectives/wire.h"

struct muir_coll_steps;
typedef struct muir_coll_op muir_coll_op;

/* One algorithm: either `steps`, which fills a list of them (collectives/steps.h), or `run` with what
 * `prepare` has made for it, NULL where that is nothing (collectives/op.h).
 * fits          rank counts that it is made for; NULL: any
 * traffic       of the steps on p ranks that cut `bytes` evenly, as the alpha-beta model wants it:
 *           t = rounds alpha + bytes_sent / beta
 *       rounds      out  messages that follow each other on the longest path; those of one round count as one
 *       bytes_sent  out  what leaves the rank that sends most [byte], over all its links
 *       NULL with `run`, whose messages are the library's affair
 * may_reorder   may reduce in another order on another run; no other row does, whatever the network does
 * may_narrow    knows of narrow wires: whatever all ranks get has the same bits on all of them
 * why_not       says in a sentence what is missing, and NULL where nothing is; NULL: any communicator will do
 * release       frees what own memory points to; NULL: nothing */
typedef struct muir_coll {
    const char *name;
    muir_coll_kind kind;
    bool (*fits)(int p);
    void (*traffic)(int p, double bytes, double *rounds, double *bytes_sent);
    void (*steps)(struct muir_coll_steps *steps);
    muir_status (*prepare)(muir_ctx *ctx, muir_coll_op *op);
    muir_status (*run)(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv);
    bool may_reorder;
    bool may_narrow;
    const char *(*why_not)(const muir_coll_comm *comm);
    void (*release)(muir_coll_op *op);
    const char *source;
} muir_coll;

/* What is asked of an algorithm. Every rank gives the same. */
typedef struct muir_coll_spec {
    size_t count; /* [elements], see the table above */
    muir_dtype dtype;
    muir_reduce reduce; /* read where something is reduced */
    int root;           /* read by broadcast and reduce */
    size_t segment;     /* longest message [elements]; 0: as long as MPI allows */
    muir_wire wire;     /* of fp32 data; sums are made in fp32, and what all ranks get is rounded to it */
    bool is_ordered;    /* the same bytes on every run: rows that may_reorder are refused */
    /* [from,to] [elements]; read by all_to_allv, in place of count; NULL: the blocks of all_to_all */
    const size_t *counts;
    const struct muir_coll_file
        *file; /* of a row that a file makes, borrowed until it is prepared; else NULL */
} muir_coll_spec;

/* Rows of the table, in the order of collectives.def. Local. */
size_t muir_coll_count(void);
const muir_coll *muir_coll_at(size_t i);

/* True where the algorithm is made for p ranks. Local. */
bool muir_coll_fits(const muir_coll *coll, int p);

/* What the ranks of comm lack for this algorithm, or NULL; the same on all ranks. Local. */
const char *muir_coll_why_not(const muir_coll *coll, const muir_coll_comm *comm);

/* The row of this kind and name, or NULL. Local. */
const muir_coll *muir_coll_find(muir_coll_kind kind, const char *name);

/* Block `rank` of count elements cut into p blocks: the first count % p have one element more than the rest.
 * count   in   [elements]
 * p       in   blocks, >= 1
 * rank    in   0 .. p - 1
 * offset  out  first element of the block
 * n       out  its length [elements]
 * Local. */
void muir_coll_block(size_t count, int p, int rank, size_t *offset, size_t *n);

/* Lengths of the send and receive buffers of one rank [elements], as in the table above. Local. */
void muir_coll_lengths(muir_coll_kind kind, size_t count, int p, int rank, size_t *n_send, size_t *n_recv);

/* The same with all that is asked, counts included. Local. */
void muir_coll_spec_lengths(muir_coll_kind kind, const muir_coll_spec *spec, int p, int rank, size_t *n_send,
                            size_t *n_recv);

/* What one rank has for another in an all_to_all or all_to_allv over p ranks.
 * send_offset  out  where it begins in the send of rank `from`
 * recv_offset  out  where it begins in the recv of rank `to`
 * n            out  its length [elements]
 * Local. Adds up one row and one column of the counts. */
void muir_coll_exchange(const muir_coll_spec *spec, int p, int from, int to, size_t *send_offset,
                        size_t *recv_offset, size_t *n);

/* Prepares a collective: all its memory and its list of steps.
 * comm  in   borrowed until muir_coll_op_destroy
 * coll  in   row of the table
 * spec  in   borrowed for the call
 * out   out  untouched on error
 * Local, but every rank of comm prepares the same collectives in the same order, which gives message tags.
 * MUIR_ERR_ARG (no row, a row not made for that many ranks, a data type that the row does not reduce, a root
 * outside comm, an order that the row does not promise, a narrow wire for other data than fp32 or for a row
 * that has none, too long for the library's own collective, ranks that share no memory), MUIR_ERR_MEM. */
muir_status muir_coll_op_create(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll *coll,
                                const muir_coll_spec *spec, muir_coll_op **out);

/* Local. Accepts NULL, leaves NULL. Not between start and its completion. */
void muir_coll_op_destroy(muir_coll_op **op);

/* Runs the collective; allocates nothing.
 * send  in   see the table above; untouched unless it is also recv
 * recv  out  the same bits on every rank where every rank gets the same elements
 * Collective over the communicator of op. MUIR_ERR_MPI; MUIR_ERR_ARG if op is on its way already. */
muir_status muir_coll_run(muir_ctx *ctx, muir_coll_op *op, const void *send, void *recv);

/* The same in parts: start, then progress between pieces of other work until is_done, or wait. Several
 * collectives of one communicator may be on their way at once, in any order; send and recv are borrowed until
 * the end. A row with its own `run` does all of it in start. Collective over the communicator of op; only
 * wait blocks. Errors as muir_coll_run. */
muir_status muir_coll_start(muir_ctx *ctx, muir_coll_op *op, const void *send, void *recv);
muir_status muir_coll_progress(muir_ctx *ctx, muir_coll_op *op);
muir_status muir_coll_wait(muir_ctx *ctx, muir_coll_op *op);

/* True before the first start, and from the end of one to the start of the next. Local. */
bool muir_coll_is_done(const muir_coll_op *op);

#endif
