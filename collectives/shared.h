/* SPDX-License-Identifier: BSD-3-Clause */
/* What the ranks of one host share: a place to meet, slots to hand data over, and buffers that every rank can
 * read and write. */
#ifndef MUIR_COLLECTIVES_SHARED_H
#define MUIR_COLLECTIVES_SHARED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "collectives/comm.h"
#include "collectives/shm.h"

/* Bytes of one slot of one rank: small enough for the slots to stay in the second-level cache. */
enum { MUIR_SHARED_SLOT = 128 * 1024 };

typedef struct muir_shared muir_shared;

/* A rank has one slot of each kind for each of the two turns. */
typedef enum muir_shared_slot_kind {
    MUIR_SHARED_GIVEN, /* its input */
    MUIR_SHARED_MADE,  /* its part of the result */
    MUIR_SHARED_SLOT_KINDS,
} muir_shared_slot_kind;

/* Memory for data of collectives, zeroed and aligned to MUIR_ALIGN. Where the ranks of a host share memory,
 * each can reach the others' buffers, and the rows named `shared` and `hierarchical` need no copies in
 * between; elsewhere it is memory like any other.
 * bytes  in   of the own buffer; ranks may ask for different lengths
 * out    out  a T **; free it with muir_coll_free; untouched on error
 * Collective over comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_coll_alloc(muir_ctx *ctx, muir_coll_comm *comm, size_t bytes, void *out);

/* Every rank frees its buffer between the same two collectives, in any order, before comm goes. Accepts NULL.
 * Local. */
void muir_coll_free(muir_coll_comm *comm, void *buffer);

/* Bytes that each of p ranks shares: a board, and for each of the two turns a slot for what is given and
 * 1 / p of one for what is made. Local. */
size_t muir_shared_bytes(int p);

/* What comm holds for its life: NULL where it has one rank only, or where `why` says what is missing.
 * why  out  [MUIR_SHM_WHY_SIZE]
 * Collective over comm->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_shared_create(muir_ctx *ctx, const muir_coll_comm *comm, muir_shared **out, char *why);

/* Local. Accepts NULL, leaves NULL. */
void muir_shared_destroy(muir_shared **shared);

/* Meetings are numbered, and the number's parity is the turn. A slot of this turn is filled before the
 * meeting, read after it, and may be filled again two meetings later: by then all have read it.
 * Turn of the next meeting, 0 or 1. Local. */
unsigned muir_shared_next_turn(const muir_shared *shared);

/* Returns when every rank of comm has arrived; what each wrote before is then seen by all. Gives MPI its time
 * while it waits. Collective over the ranks. MUIR_ERR_MPI. */
muir_status muir_shared_meet(muir_ctx *ctx, muir_shared *shared);

/* Slot of a rank: MUIR_SHARED_SLOT bytes for what is given, 1 / p of it for what is made. Local. */
char *muir_shared_slot(const muir_shared *shared, int rank, unsigned turn, muir_shared_slot_kind kind);

/* As muir_shared_meet, and tells every rank where the others' data lie.
 * send   in   own
 * recv   in   own
 * sends  out  [p] as this rank can reach them, NULL where they are not from muir_coll_alloc
 * recvs  out  [p]
 * Collective over the ranks. MUIR_ERR_MPI. */
muir_status muir_shared_meet_at(muir_ctx *ctx, muir_shared *shared, const void *send, void *recv,
                                const char **sends, char **recvs);

/* Whether any buffer of muir_coll_alloc is alive; the same on all ranks. Local. */
bool muir_shared_has_buffers(const muir_shared *shared);

#endif
