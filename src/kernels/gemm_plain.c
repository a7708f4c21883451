/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products in plain C: what the others are held against, and what runs where nothing else does. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/simd.h"
#include "kernels/element.h"
#include "kernels/gemm.h"

/* A block of b, [DEPTH,WIDTH], is widened once and stays in the second-level cache while every row of a meets
 * it. */
enum { UNROLL = 8, DEPTH = 64, WIDTH = 1024 };

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline float same(float x)
{
    return x;
}

static inline int32_t whole(int x)
{
    return x;
}

/* c[0 .. width) += a[0 .. UNROLL) b, with one load and store of c for UNROLL multiply-adds; then what is
 * left. */
#define PLAIN(id, type, from_a, from_b, to, widen_a, widen_b)                                                \
    static inline void add_rows_##id(size_t width, const from_a *restrict a, const to *restrict b,           \
                                     to *restrict c)                                                         \
    {                                                                                                        \
        const to a0 = widen_a(a[0]), a1 = widen_a(a[1]), a2 = widen_a(a[2]), a3 = widen_a(a[3]);             \
        const to a4 = widen_a(a[4]), a5 = widen_a(a[5]), a6 = widen_a(a[6]), a7 = widen_a(a[7]);             \
        const to *b1 = b + WIDTH, *b2 = b1 + WIDTH, *b3 = b2 + WIDTH, *b4 = b3 + WIDTH;                      \
        const to *b5 = b4 + WIDTH, *b6 = b5 + WIDTH, *b7 = b6 + WIDTH;                                       \
        for (size_t j = 0; j < width; j++)                                                                   \
            c[j] += a0 * b[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j] + a4 * b4[j] + a5 * b5[j] +             \
                    a6 * b6[j] + a7 * b7[j];                                                                 \
    }                                                                                                        \
    MUIR_CLONES                                                                                              \
    static void multiply_##id(muir_gemm_size size, size_t first_n, size_t first_k, const from_a *a,          \
                              const from_b *b, to *c)                                                        \
    {                                                                                                        \
        to wide[DEPTH * WIDTH];                                                                              \
        const size_t width = least(WIDTH, size.n - first_n), depth = least(DEPTH, size.k - first_k);         \
        for (size_t p = 0; p < depth; p++)                                                                   \
            for (size_t j = 0; j < width; j++)                                                               \
                wide[p * WIDTH + j] = widen_b(b[(first_k + p) * size.n + first_n + j]);                      \
        for (size_t i = 0; i < size.m; i++) {                                                                \
            const from_a *row_a = a + i * size.k + first_k;                                                  \
            to *row_c = c + i * size.n + first_n;                                                            \
            size_t p = 0;                                                                                    \
            for (; p + UNROLL <= depth; p += UNROLL)                                                         \
                add_rows_##id(width, row_a + p, wide + p * WIDTH, row_c);                                    \
            for (; p < depth; p++)                                                                           \
                for (size_t j = 0; j < width; j++) row_c[j] += widen_a(row_a[p]) * wide[p * WIDTH + j];      \
        }                                                                                                    \
    }                                                                                                        \
    static muir_status run_##id(muir_ctx *ctx, const muir_kernels *kernels, muir_gemm_size size,             \
                                const void *a, const void *b, void *c)                                       \
    {                                                                                                        \
        (void)ctx, (void)kernels;                                                                            \
        if (size.m == 0 || size.n == 0) return MUIR_OK;                                                      \
        memset(c, 0, size.m *size.n * sizeof(to));                                                           \
        for (size_t first_n = 0; first_n < size.n; first_n += WIDTH)                                         \
            for (size_t first_k = 0; first_k < size.k; first_k += DEPTH)                                     \
                multiply_##id(size, first_n, first_k, a, b, c);                                              \
        return MUIR_OK;                                                                                      \
    }                                                                                                        \
    const muir_gemm muir_gemm_plain_##id = {                                                                 \
        .name = "plain",                                                                                     \
        .dtype = type,                                                                                       \
        .is_available = is_available,                                                                        \
        .describe = describe,                                                                                \
        .run = run_##id,                                                                                     \
        .source = "Goto and van de Geijn, ACM Trans. Math. Softw. 34(3), 2008 (the blocking)",               \
    };

static bool is_available(const muir_kernels *kernels)
{
    (void)kernels;
    return true;
}

static void describe(const muir_kernels *kernels, char *text, size_t size)
{
    (void)kernels;
    snprintf(text, size, "plain C of muir");
}

PLAIN(fp32, MUIR_FP32, float, float, float, same, same)
PLAIN(bf16, MUIR_BF16, uint16_t, uint16_t, float, muir_float_of_bf16, muir_float_of_bf16)
PLAIN(int8, MUIR_INT8, uint8_t, int8_t, int32_t, whole, whole)
PLAIN(fp8, MUIR_FP8, uint8_t, uint8_t, float, muir_fp8_value, muir_fp8_value)
