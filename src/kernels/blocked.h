/* SPDX-License-Identifier: BSD-3-Clause */
/* A matrix product as tiles: blocks that fit the caches, packing, and the cores of a rank. */
#ifndef MUIR_KERNELS_BLOCKED_H
#define MUIR_KERNELS_BLOCKED_H

#include "base/ctx.h"
#include "kernels/gemm.h"
#include "kernels/pack.h"
#include "kernels/tile.h"

/* Room for the packed blocks of each thread. */
typedef struct muir_workspace muir_workspace;

/* threads  in   >= 1
 * out      out  free it with muir_workspace_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_workspace_create(muir_ctx *ctx, int threads, muir_workspace **out);
void muir_workspace_destroy(muir_workspace **workspace); /* accepts NULL, leaves NULL */

/* C = A B by tiles of `tile` over words that `packing` makes. Allocates nothing. Blocks, in words of 4 bytes:
 *     B  [512,256]   packed; 512 KiB of the second-level cache
 *     A  [2016,512]  as it stands where its rows are words, else packed once for four blocks of B
 * Small products, of less than 2^23 multiply-adds, are left to one thread.
 * workspace  in/out  of as many threads as shall work
 * a, b, c    as in muir_gemm
 * Local. Source: Goto and van de Geijn, ACM Trans. Math. Softw. 34(3), 2008. */
void muir_blocked_run(const muir_packing *packing, void (*tile)(const muir_tile *tile),
                      muir_workspace *workspace, muir_gemm_size size, const void *a, const void *b, void *c);

#endif
