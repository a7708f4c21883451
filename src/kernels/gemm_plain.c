/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products in plain C, for machines without a BLAS. */
#include <string.h>

#include "base/simd.h"
#include "kernels/gemm.h"

/* A block of b, [DEPTH,WIDTH], stays in the second-level cache while every row of a meets it. */
enum { UNROLL = 8, DEPTH = 64, WIDTH = 1024 };

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* c[0 .. width) += a[0 .. UNROLL) b, rows of b `stride` apart: one load and store of c for UNROLL
 * multiply-adds. */
static inline void add_rows(size_t width, size_t stride, const float *restrict a, const float *restrict b,
                            float *restrict c)
{
    const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7];
    const float *b1 = b + stride, *b2 = b1 + stride, *b3 = b2 + stride, *b4 = b3 + stride;
    const float *b5 = b4 + stride, *b6 = b5 + stride, *b7 = b6 + stride;
    for (size_t j = 0; j < width; j++)
        c[j] += a0 * b[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j] + a4 * b4[j] + a5 * b5[j] + a6 * b6[j] +
                a7 * b7[j];
}

static inline void add_row(size_t width, float a, const float *restrict b, float *restrict c)
{
    for (size_t j = 0; j < width; j++) c[j] += a * b[j];
}

MUIR_CLONES
static void multiply(muir_gemm_size size, const float *a, const float *b, float *c)
{
    for (size_t first_n = 0; first_n < size.n; first_n += WIDTH)
        for (size_t first_k = 0; first_k < size.k; first_k += DEPTH)
            for (size_t i = 0; i < size.m; i++) {
                const size_t width = least(WIDTH, size.n - first_n), depth = least(DEPTH, size.k - first_k);
                const float *row_a = a + i * size.k + first_k, *block_b = b + first_k * size.n + first_n;
                float *row_c = c + i * size.n + first_n;
                size_t p = 0;
                for (; p + UNROLL <= depth; p += UNROLL)
                    add_rows(width, size.n, row_a + p, block_b + p * size.n, row_c);
                for (; p < depth; p++) add_row(width, row_a[p], block_b + p * size.n, row_c);
            }
}

static bool is_available(const muir_kernels *kernels)
{
    (void)kernels;
    return true;
}

static const char *describe(const muir_kernels *kernels)
{
    (void)kernels;
    return "plain C of muir";
}

static muir_status run(muir_ctx *ctx, const muir_kernels *kernels, muir_gemm_size size, const void *a,
                       const void *b, void *c)
{
    (void)ctx, (void)kernels;
    if (size.m == 0 || size.n == 0) return MUIR_OK;
    memset(c, 0, size.m * size.n * sizeof(float));
    multiply(size, a, b, c);
    return MUIR_OK;
}

const muir_gemm muir_gemm_plain = {
    .name = "plain",
    .dtype = MUIR_FP32,
    .is_available = is_available,
    .describe = describe,
    .run = run,
    .source = "Goto and van de Geijn, ACM Trans. Math. Softw. 34(3), 2008 (the blocking)",
};
