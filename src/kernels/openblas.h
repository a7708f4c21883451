/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenBLAS, loaded when the program runs, so that muir builds and starts without it. */
#ifndef MUIR_KERNELS_OPENBLAS_H
#define MUIR_KERNELS_OPENBLAS_H

#include "base/ctx.h"

typedef struct muir_openblas muir_openblas;

/* Loads the library for one thread per rank.
 * out  out  NULL where the library is missing, which is no error; free it with muir_openblas_unload
 * Local. MUIR_ERR_MEM. */
muir_status muir_openblas_load(muir_ctx *ctx, muir_openblas **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_openblas_unload(muir_openblas **blas);

#endif
