/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenBLAS, loaded when the program runs, so that muir builds and starts without it. */
#ifndef MUIR_KERNELS_OPENBLAS_H
#define MUIR_KERNELS_OPENBLAS_H

#include "base/ctx.h"
#include "kernels/gemm.h"

typedef struct muir_openblas muir_openblas;

/* Loads the library for one thread per rank, with the kernels that this processor deserves.
 * out  out  NULL where the library is missing, which is no error; free it with muir_openblas_unload
 * Local. MUIR_ERR_MEM. */
muir_status muir_openblas_load(muir_ctx *ctx, muir_openblas **out);

/* A second copy of the library, as whoever links it gets it: with the kernels that it chooses by itself, and
 * the environment that the program was started with. For comparisons.
 * out  out  as above; NULL also where the system cannot load a library twice
 * Local. MUIR_ERR_MEM. */
muir_status muir_openblas_load_untouched(muir_ctx *ctx, muir_openblas **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_openblas_unload(muir_openblas **blas);

/* Threads of its products from now on. Local. */
void muir_openblas_set_threads(const muir_openblas *blas, int threads);

/* Version and core type. Local. */
const char *muir_openblas_text(const muir_openblas *blas);

/* C = A B in fp32; arguments as in muir_gemm. Local. MUIR_ERR_ARG: too large for BLAS. */
muir_status muir_openblas_sgemm(muir_ctx *ctx, const muir_openblas *blas, muir_gemm_size size, const float *a,
                                const float *b, float *c);

#endif
