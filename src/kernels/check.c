/* SPDX-License-Identifier: BSD-3-Clause */
/* Freivalds' test in exact arithmetic. */
#include "kernels/check.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"

enum { LANES = 16, DRAW_A = 0, DRAW_B = 1, DRAW_X = 2 };
static const size_t max_k = (size_t)1 << 20, max_nk = (size_t)1 << 33; /* see check.h */

struct muir_gemm_check {
    muir_gemm_size size;
    double largest; /* size of an element of a right product, at most */
    double *x;      /* [n] */
    double *truth;  /* [m] A (B x) */
};

/* Eight numbers from each draw: its eight groups of four bits, without the highest of each. */
static void fill(uint64_t seed, uint32_t step, size_t count, float *out)
{
    for (size_t i = 0; i < count; i += 8) {
        const uint32_t bits = muir_rng_at(seed, MUIR_STREAM_HOST, step, i / 8);
        for (size_t j = i; j < count && j < i + 8; j++)
            out[j] = (float)((int)(bits >> (4 * (j - i)) & 7u) - 4);
    }
}

void muir_gemm_operands(uint64_t seed, muir_gemm_size size, float *a, float *b)
{
    fill(seed, DRAW_A, size.m * size.k, a);
    fill(seed, DRAW_B, size.k * size.n, b);
}

/* Sum of row[i] x[i]. Every part of the sum is exact, so the lanes change no bit. */
MUIR_CLONES
static double dot(size_t n, const float *row, const double *x)
{
    double sums[LANES] = {0.0}, sum = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) sums[l] += (double)row[i + l] * x[i + l];
    for (; i < n; i++) sum += (double)row[i] * x[i];
    for (size_t l = 0; l < LANES; l++) sum += sums[l];
    return sum;
}

/* 0 for a whole number of at most `largest` in size, else 1. A double the size of `shift` has no fraction, so
 * adding and subtracting it rounds; NaN fails the first comparison. */
static inline double is_implausible(float element, double largest)
{
    const double c = (double)element, shift = 0x1.8p52;
    return fabs(c) <= largest && (c + shift) - shift == c ? 0.0 : 1.0;
}

/* Whether all elements of the row are plausible; only then is its sum exact. */
MUIR_CLONES
static bool is_plausible(size_t n, const float *row, double largest)
{
    double wrong[LANES] = {0.0}, n_wrong = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) wrong[l] += is_implausible(row[i + l], largest);
    for (; i < n; i++) n_wrong += is_implausible(row[i], largest);
    for (size_t l = 0; l < LANES; l++) n_wrong += wrong[l];
    return n_wrong == 0.0;
}

/* A (B x); B x is needed only here. */
static muir_status find_truth(muir_ctx *ctx, const float *a, const float *b, muir_gemm_check *check)
{
    double *bx = NULL;
    const muir_gemm_size size = check->size;
    const muir_status st = muir_alloc(ctx, size.k, sizeof *bx, "the check of a matrix product", &bx);
    if (st != MUIR_OK) return st;
    for (size_t p = 0; p < size.k; p++) bx[p] = dot(size.n, b + p * size.n, check->x);
    for (size_t i = 0; i < size.m; i++) check->truth[i] = dot(size.k, a + i * size.k, bx);
    free(bx);
    return MUIR_OK;
}

muir_status muir_gemm_check_create(muir_ctx *ctx, uint64_t seed, muir_gemm_size size, const float *a,
                                   const float *b, muir_gemm_check **out)
{
    muir_status st = MUIR_OK;
    muir_gemm_check *check = NULL;

    if (size.k > max_k || (size.k > 0 && size.n > max_nk / size.k))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "a product with n=%zu k=%zu cannot be checked: k <= 2^20 and n k <= 2^33", size.n,
                         size.k);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *check, "the check of a matrix product", &check));
    check->size = size;
    check->largest = 16.0 * (double)size.k;
    MUIR_TRY(muir_alloc(ctx, size.n, sizeof(double), "the check of a matrix product", &check->x));
    MUIR_TRY(muir_alloc(ctx, size.m, sizeof(double), "the check of a matrix product", &check->truth));
    for (size_t j = 0; j < size.n; j++)
        check->x[j] = (double)((muir_rng_at(seed, MUIR_STREAM_HOST, DRAW_X, j) >> 16) + 1u);
    MUIR_TRY(find_truth(ctx, a, b, check));
done:
    if (st != MUIR_OK)
        muir_gemm_check_destroy(&check);
    else
        *out = check;
    return st;
}

void muir_gemm_check_destroy(muir_gemm_check **check)
{
    if (!*check) return;
    free((*check)->x);
    free((*check)->truth);
    free(*check);
    *check = NULL;
}

size_t muir_gemm_check_run(const muir_gemm_check *check, const float *c, size_t *first_row)
{
    const size_t n = check->size.n;
    size_t n_wrong = 0;
    for (size_t i = 0; i < check->size.m; i++) {
        const float *row = c + i * n;
        if (is_plausible(n, row, check->largest) && dot(n, row, check->x) == check->truth[i]) continue;
        if (n_wrong == 0) *first_row = i;
        n_wrong++;
    }
    return n_wrong;
}
