/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between two ranks, as the stages of a pipeline send them: prepared once, used often. */
#ifndef MUIR_COLLECTIVES_P2P_H
#define MUIR_COLLECTIVES_P2P_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "base/tags.h"
#include "base/words.h"
#include "collectives/comm.h"

/* Room for one message on its way; prepare as many as may be on their way at once. */
typedef struct muir_p2p muir_p2p;

/* What sender and receiver must agree upon. Messages of one pair whose microbatches differ by a multiple of
 * MUIR_TAG_BAND are taken in the order in which they were sent. */
typedef struct muir_p2p_envelope {
    int peer;       /* rank */
    muir_tag tag;   /* a band of base/tags.h */
    int microbatch; /* >= 0, any number that tells messages of the band apart */
} muir_p2p_envelope;

/* Prepares room for one message.
 * comm       in   borrowed until muir_p2p_destroy
 * dtype      in   of the elements, the same on both sides
 * max_count  in   longest message [elements]
 * segment    in   longest message of MPI [elements], the same on both sides; 0: as long as MPI allows
 * out        out  untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_p2p_create(muir_ctx *ctx, const muir_coll_comm *comm, muir_dtype dtype, size_t max_count,
                            size_t segment, muir_p2p **out);

/* Local. Accepts NULL, leaves NULL. Not between a start and its completion. */
void muir_p2p_destroy(muir_p2p **p2p);

/* Starts a message; the data is borrowed until it is done. Does not block and allocates nothing.
 * envelope  in      peer, tag and microbatch
 * data      in/out  [count] elements: in where they are sent, out where they are received
 * count     in      at most max_count
 * Local. MUIR_ERR_ARG (longer than max_count, still on its way, no such peer or microbatch), MUIR_ERR_MPI. */
muir_status muir_p2p_start_send(muir_ctx *ctx, muir_p2p *p2p, const muir_p2p_envelope *envelope,
                                const void *data, size_t count);
muir_status muir_p2p_start_recv(muir_ctx *ctx, muir_p2p *p2p, const muir_p2p_envelope *envelope, void *data,
                                size_t count);

/* Moves the message on and says whether it is through.
 * is_done  out  also true before the first message
 * Local. MUIR_ERR_MPI. */
muir_status muir_p2p_test(muir_ctx *ctx, muir_p2p *p2p, bool *is_done);

/* Blocks until the message is through. Returns at once where none is on its way. MUIR_ERR_MPI. */
muir_status muir_p2p_wait(muir_ctx *ctx, muir_p2p *p2p);

#endif
