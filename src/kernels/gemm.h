/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense matrix products on one core: the table of kernels, and those that this machine can run. */
#ifndef MUIR_KERNELS_GEMM_H
#define MUIR_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "base/words.h"

typedef struct muir_gemm_size {
    size_t m, n, k;
} muir_gemm_size;

struct muir_kernels;

/* C = A B, all row-major without gaps. `run` takes
 * a  in   [m,k]
 * b  in   [k,n]
 * c  out  [m,n], apart from a and b
 * and allocates nothing of muir's own. Local. MUIR_ERR_ARG: not available, or too large for it. */
typedef struct muir_gemm {
    const char *name;
    muir_dtype dtype; /* of a, b and c */
    bool (*is_available)(const struct muir_kernels *kernels);
    const char *(*describe)(const struct muir_kernels *kernels); /* library, version, core type */
    muir_status (*run)(muir_ctx *ctx, const struct muir_kernels *kernels, muir_gemm_size size, const void *a,
                       const void *b, void *c);
    const char *source;
} muir_gemm;

/* The libraries that were found when the program started. */
typedef struct muir_kernels {
    struct muir_openblas *openblas; /* NULL where the library is missing */
    const muir_gemm *gemm;          /* the first available row of the table */
    const char *text;               /* describes it */
} muir_kernels;

/* Loads the libraries that are there. It changes the environment while it runs, so call it before other
 * threads start.
 * out  out  free it with muir_kernels_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_kernels_create(muir_ctx *ctx, muir_kernels **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_kernels_destroy(muir_kernels **kernels);

/* Rows of the table, in the order of kernels.def. Local. */
size_t muir_gemm_count(void);
const muir_gemm *muir_gemm_at(size_t i);

/* The row of this data type and name, or NULL. Local. */
const muir_gemm *muir_gemm_find(muir_dtype dtype, const char *name);

#endif
