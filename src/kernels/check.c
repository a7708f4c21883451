/* SPDX-License-Identifier: BSD-3-Clause */
/* Freivalds' test in exact arithmetic. */
#include "kernels/check.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"
#include "kernels/element.h"

enum { LANES = 16, CHUNK = 512, DRAW_A = 0, DRAW_B = 1, DRAW_X = 2 };
static const size_t max_k = (size_t)1 << 20, max_nk = (size_t)1 << 33,
                    max_int8_k = (size_t)1 << 16; /* see check.h */

struct muir_gemm_check {
    muir_dtype dtype;
    muir_gemm_size size;
    double largest;  /* floats: size of an element of a right product, at most */
    double *x;       /* [n], floats */
    double *truth;   /* [m] A (B x), floats */
    uint64_t *whole; /* [n] x, int8 */
    uint64_t *sums;  /* [m] A (B x) modulo 2^64, int8 */
};

/* Eight numbers from each draw: its eight groups of four bits, without the highest of each. */
static void fill(muir_dtype dtype, uint64_t seed, uint32_t step, size_t count, void *out)
{
    for (size_t i = 0; i < count; i += 8) {
        const uint32_t bits = muir_rng_at(seed, MUIR_STREAM_HOST, step, i / 8);
        for (size_t j = i; j < count && j < i + 8; j++) {
            const int value = (int)(bits >> (4 * (j - i)) & 7u) - 4;
            if (dtype == MUIR_BF16)
                ((uint16_t *)out)[j] = muir_bf16_of((float)value);
            else if (dtype == MUIR_FP8)
                ((uint8_t *)out)[j] = muir_fp8_of_whole(value);
            else
                ((float *)out)[j] = (float)value;
        }
    }
}

/* Four bytes from each draw. */
static void fill_bytes(uint64_t seed, uint32_t step, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i += 4) {
        const uint32_t bits = muir_rng_at(seed, MUIR_STREAM_HOST, step, i / 4);
        for (size_t j = i; j < count && j < i + 4; j++) out[j] = (uint8_t)(bits >> (8 * (j - i)));
    }
}

void muir_gemm_operands(muir_dtype dtype, uint64_t seed, muir_gemm_size size, void *a, void *b)
{
    if (dtype == MUIR_INT8) {
        fill_bytes(seed, DRAW_A, size.m * size.k, a);
        fill_bytes(seed, DRAW_B, size.k * size.n, b);
    } else {
        fill(dtype, seed, DRAW_A, size.m * size.k, a);
        fill(dtype, seed, DRAW_B, size.k * size.n, b);
    }
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

/* The same for a row of any float type. */
static double dot_any(muir_dtype dtype, size_t n, const void *row, const double *x)
{
    float wide[CHUNK];
    double sum = 0.0;
    if (dtype == MUIR_FP32) return dot(n, row, x);
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t count = n - i < CHUNK ? n - i : CHUNK;
        for (size_t j = 0; j < count; j++)
            wide[j] = dtype == MUIR_BF16 ? muir_float_of_bf16(((const uint16_t *)row)[i + j])
                                         : muir_fp8_value(((const uint8_t *)row)[i + j]);
        sum += dot(count, wide, x + i);
    }
    return sum;
}

/* Sums modulo 2^64 of a row of C, of A and of B. */
MUIR_CLONES
static uint64_t dot_int32(size_t n, const int32_t *row, const uint64_t *x)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)(int64_t)row[i] * x[i];
    return sum;
}

static uint64_t dot_u8(size_t n, const uint8_t *row, const uint64_t *x)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += row[i] * x[i];
    return sum;
}

static uint64_t dot_s8(size_t n, const int8_t *row, const uint64_t *x)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)(int64_t)row[i] * x[i];
    return sum;
}

/* A (B x); B x is needed only here. */
static muir_status find_truth(muir_ctx *ctx, const char *a, const char *b, muir_gemm_check *check)
{
    double *bx = NULL;
    const muir_gemm_size size = check->size;
    const size_t bytes = muir_dtype_bytes(check->dtype);
    const muir_status st = muir_alloc(ctx, size.k, sizeof *bx, "the check of a matrix product", &bx);
    if (st != MUIR_OK) return st;
    for (size_t p = 0; p < size.k; p++)
        bx[p] = dot_any(check->dtype, size.n, b + p * size.n * bytes, check->x);
    for (size_t i = 0; i < size.m; i++)
        check->truth[i] = dot_any(check->dtype, size.k, a + i * size.k * bytes, bx);
    free(bx);
    return MUIR_OK;
}

static muir_status find_sums(muir_ctx *ctx, const uint8_t *a, const int8_t *b, muir_gemm_check *check)
{
    uint64_t *bx = NULL;
    const muir_gemm_size size = check->size;
    const muir_status st = muir_alloc(ctx, size.k, sizeof *bx, "the check of a matrix product", &bx);
    if (st != MUIR_OK) return st;
    for (size_t p = 0; p < size.k; p++) bx[p] = dot_s8(size.n, b + p * size.n, check->whole);
    for (size_t i = 0; i < size.m; i++) check->sums[i] = dot_u8(size.k, a + i * size.k, bx);
    free(bx);
    return MUIR_OK;
}

static muir_status check_limits(muir_ctx *ctx, muir_dtype dtype, muir_gemm_size size)
{
    if (dtype == MUIR_INT8 && size.k > max_int8_k)
        return muir_fail(ctx, MUIR_ERR_ARG, "an int8 product with k=%zu cannot be checked: k <= 2^16",
                         size.k);
    if (dtype != MUIR_INT8 && (size.k > max_k || (size.k > 0 && size.n > max_nk / size.k)))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "a product with n=%zu k=%zu cannot be checked: k <= 2^20 and n k <= 2^33", size.n,
                         size.k);
    return MUIR_OK;
}

muir_status muir_gemm_check_create(muir_ctx *ctx, muir_dtype dtype, uint64_t seed, muir_gemm_size size,
                                   const void *a, const void *b, muir_gemm_check **out)
{
    muir_status st = MUIR_OK;
    muir_gemm_check *check = NULL;
    static const char what[] = "the check of a matrix product";

    MUIR_TRY(check_limits(ctx, dtype, size));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *check, what, &check));
    check->dtype = dtype;
    check->size = size;
    check->largest = 16.0 * (double)size.k;
    MUIR_TRY(muir_alloc(ctx, size.n, sizeof(double), what, &check->x));
    MUIR_TRY(muir_alloc(ctx, size.m, sizeof(double), what, &check->truth));
    MUIR_TRY(muir_alloc(ctx, size.n, sizeof(uint64_t), what, &check->whole));
    MUIR_TRY(muir_alloc(ctx, size.m, sizeof(uint64_t), what, &check->sums));
    for (size_t j = 0; j < size.n; j++) {
        check->whole[j] = (muir_rng_at(seed, MUIR_STREAM_HOST, DRAW_X, j) >> 16) + 1u;
        check->x[j] = (double)check->whole[j];
    }
    MUIR_TRY(dtype == MUIR_INT8 ? find_sums(ctx, a, b, check) : find_truth(ctx, a, b, check));
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
    free((*check)->whole);
    free((*check)->sums);
    free(*check);
    *check = NULL;
}

static bool is_right(const muir_gemm_check *check, const void *c, size_t row)
{
    const size_t n = check->size.n;
    if (check->dtype == MUIR_INT8)
        return dot_int32(n, (const int32_t *)c + row * n, check->whole) == check->sums[row];
    const float *floats = (const float *)c + row * n;
    return is_plausible(n, floats, check->largest) && dot(n, floats, check->x) == check->truth[row];
}

size_t muir_gemm_check_run(const muir_gemm_check *check, const void *c, size_t *first_row)
{
    size_t n_wrong = 0;
    for (size_t i = 0; i < check->size.m; i++) {
        if (is_right(check, c, i)) continue;
        if (n_wrong == 0) *first_row = i;
        n_wrong++;
    }
    return n_wrong;
}
