/* SPDX-License-Identifier: BSD-3-Clause */
/* The communicator on which collectives and pipeline messages of one parallel axis run. */
#ifndef MUIR_COLLECTIVES_COMM_H
#define MUIR_COLLECTIVES_COMM_H

#include <mpi.h>

#include "base/ctx.h"
#include "base/words.h"
#include "collectives/shm.h"

struct muir_hosts;
struct muir_shared;

typedef struct muir_coll_comm {
    MPI_Comm comm; /* own duplicate, MPI_ERRORS_RETURN */
    int rank;
    int size;
    int tag_max;                /* the largest tag of this MPI */
    int next_tag;               /* of the next collective to be prepared; equal on all ranks */
    struct muir_shared *shared; /* NULL where the ranks share no memory (see collectives/shared.h) */
    char why_not_shared[MUIR_SHM_WHY_SIZE];
    struct muir_hosts *hosts; /* NULL where all ranks are on one host (see collectives/hosts.h) */
    char why_not_hierarchical[MUIR_SHM_WHY_SIZE]; /* "" where there are hosts to make use of */
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

/* MPI's type of one element; types without arithmetic in MPI go as whole numbers of their size. Local. */
MPI_Datatype muir_coll_mpi_type(muir_dtype dtype);

#endif
