/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that every rank of a communicator has mapped: one part for each rank. */
#ifndef MUIR_COLLECTIVES_SHM_H
#define MUIR_COLLECTIVES_SHM_H

#include <mpi.h>
#include <stddef.h>

#include "base/ctx.h"

enum { MUIR_SHM_WHY_SIZE = 128 };

/* Rank r's part is base + r * part_bytes; a page boundary lies between any two. */
typedef struct muir_shm {
    char *base; /* NULL: none */
    size_t part_bytes;
    int n_parts;
} muir_shm;

/* Makes POSIX shared memory, zeroed, each part placed by its own rank; its name is gone when this returns, so
 * nothing stays behind if the ranks die.
 * comm   in   all its ranks map the memory
 * bytes  in   of the own part; ranks may ask for different lengths
 * out    out  base NULL where the ranks cannot share that much memory
 * why    out  [MUIR_SHM_WHY_SIZE] the reason then, the same on all ranks
 * Collective over comm. MUIR_ERR_MPI. */
muir_status muir_shm_create(muir_ctx *ctx, MPI_Comm comm, size_t bytes, muir_shm *out, char *why);

/* Local; the other ranks keep the memory until they destroy it, too. */
void muir_shm_destroy(muir_shm *shm);

#endif
