/* SPDX-License-Identifier: BSD-3-Clause */
/* The cores that a rank is given. */
#ifndef MUIR_KERNELS_CORES_H
#define MUIR_KERNELS_CORES_H

#include "base/ctx.h"

/* Threads that this rank should multiply with: OMP_NUM_THREADS where it is set, else the cores to which the
 * launcher bound the rank, shared with the ranks of the same host that are bound to the same ones; 1 where
 * that is less than one core, and where muir was built without OpenMP.
 * threads  out  >= 1; untouched on error
 * Collective over ctx->comm. MUIR_ERR_MPI, MUIR_ERR_MEM. */
muir_status muir_cores_share(muir_ctx *ctx, int *threads);

#endif
