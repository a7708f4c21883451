/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense matrix products on a rank's cores: the table of kernels, and those that this machine can run. */
#ifndef MUIR_KERNELS_GEMM_H
#define MUIR_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "base/words.h"

enum { MUIR_GEMM_TEXT = 128 };

typedef struct muir_gemm_size {
    size_t m, n, k;
} muir_gemm_size;

struct muir_kernels;

/* C = A B, all row-major without gaps. The types of the table's data types:
 *     dtype       A     B     C, and sums
 *     fp32        fp32  fp32  fp32
 *     bf16        bf16  bf16  fp32
 *     fp8 (e4m3)  fp8   fp8   fp32
 *     int8        u8    s8    int32, as FBGEMM and oneDNN have them for activations and weights
 * `run` takes
 * a  in   [m,k]
 * b  in   [k,n]
 * c  out  [m,n], apart from a and b
 * and allocates nothing of muir's own. Local. MUIR_ERR_ARG: not available, or too large for it. */
typedef struct muir_gemm {
    const char *name;
    muir_dtype dtype;
    bool (*is_available)(const struct muir_kernels *kernels);
    /* What it multiplies with: library, version, instruction. text out [size]. Call only where available.
     * Local. */
    void (*describe)(const struct muir_kernels *kernels, char *text, size_t size);
    muir_status (*run)(muir_ctx *ctx, const struct muir_kernels *kernels, muir_gemm_size size, const void *a,
                       const void *b, void *c);
    const char *source;
} muir_gemm;

/* Bytes of an element of C, of every type. */
enum { MUIR_GEMM_RESULT_BYTES = 4 };

/* The row for one type, and what it is. */
typedef struct muir_gemm_choice {
    const muir_gemm *gemm; /* NULL: no row has this type */
    char text[MUIR_GEMM_TEXT];
} muir_gemm_choice;

/* What was found when the program started. */
typedef struct muir_kernels {
    struct muir_openblas *openblas;   /* NULL where the library is missing */
    struct muir_fftw *fftw;           /* likewise */
    struct muir_workspace *workspace; /* of the tiles */
    int threads;                      /* that a product may use */
    muir_gemm_choice chosen[MUIR_DTYPE_COUNT];
} muir_kernels;

/* Loads the libraries that are there, for one thread; the first available row of each type is chosen. It
 * changes the environment while it runs, so call it before other threads start.
 * out  out  free it with muir_kernels_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_kernels_create(muir_ctx *ctx, muir_kernels **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_kernels_destroy(muir_kernels **kernels);

/* Products use this many threads from now on: tiles and OpenBLAS; plain ones use one.
 * threads  in  >= 1
 * Local. MUIR_ERR_MEM: as many as before. */
muir_status muir_kernels_set_threads(muir_ctx *ctx, muir_kernels *kernels, int threads);

/* Chooses the fastest row of a type that multiplies right: each in turns at m = n = k = 512, best of three,
 * and one that is later in the table must be 3 % faster. Says what it found in the choice's text.
 * Local; takes a few ms for each row. MUIR_ERR_ARG (no row has this type), MUIR_ERR_MEM. */
muir_status muir_kernels_choose(muir_ctx *ctx, muir_kernels *kernels, muir_dtype dtype);

/* Rows of the table, in the order of kernels.def. Local. */
size_t muir_gemm_count(void);
const muir_gemm *muir_gemm_at(size_t i);

/* The row of this data type and name, or NULL. Local. */
const muir_gemm *muir_gemm_find(muir_dtype dtype, const char *name);

#endif
