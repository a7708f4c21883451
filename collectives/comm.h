/* SPDX-License-Identifier: BSD-3-Clause */
/* The communicator on which collectives and pipeline messages of one parallel axis run. */
#ifndef MUIR_COLLECTIVES_COMM_H
#define MUIR_COLLECTIVES_COMM_H

#include <mpi.h>

#include "base/ctx.h"
#include "base/words.h"
#include "collectives/reduce.h"
#include "collectives/shm.h"

struct muir_hosts;
struct muir_shared;

enum { MUIR_COLL_HALVES = 2 };

typedef struct muir_coll_comm {
    MPI_Comm comm; /* own duplicate, MPI_ERRORS_RETURN */
    int rank;
    int size;
    int tag_max;                /* the largest tag of this MPI */
    int next_tag;               /* of the next collective to be prepared; equal on all ranks */
    struct muir_shared *shared; /* NULL where the ranks share no memory (see collectives/shared.h) */
    char why_not_shared[MUIR_SHM_WHY_SIZE];
    struct muir_hosts *hosts; /* NULL where all ranks are on one host (see collectives/hosts.h) */
    char why_not_hierarchical[MUIR_SHM_WHY_SIZE];         /* "" where there are hosts to make use of */
    MPI_Op half_ops[MUIR_COLL_HALVES][MUIR_REDUCE_COUNT]; /* bf16, fp16 */
} muir_coll_comm;

/* Duplicates comm, which the caller keeps.
 * comm  in   the ranks of one parallel axis
 * out   out  free it with muir_coll_comm_destroy; untouched on error
 * Collective over comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_coll_comm_create(muir_ctx *ctx, MPI_Comm comm, muir_coll_comm **out);

/* The same, with the ranks that give the same number as those of one host (see muir_hosts_create). */
muir_status muir_coll_comm_create_on(muir_ctx *ctx, MPI_Comm comm, int host, muir_coll_comm **out);

/* Collective over the communicator. Accepts NULL, leaves NULL. */
void muir_coll_comm_destroy(muir_coll_comm **comm);

/* Waits for all of n requests as MPI_Waitall does, but leaves the core to others after looking in vain for a
 * while: some libraries only spin, and where ranks outnumber cores keep from it whom they wait for. Local to
 * the requests. MUIR_ERR_MPI. */
muir_status muir_coll_wait_all(muir_ctx *ctx, int n, MPI_Request *requests);

/* MPI's operation for a reduction of that type. The MPI standard knows neither bf16 nor fp16; for these it is
 * made from muir's own loop, as a program does that has them. Local. */
MPI_Op muir_coll_mpi_op(const muir_coll_comm *comm, muir_dtype dtype, muir_reduce reduce);

/* MPI's type of one element; types without arithmetic in MPI go as whole numbers of their size. Local. */
MPI_Datatype muir_coll_mpi_type(muir_dtype dtype);

#endif
