/* SPDX-License-Identifier: BSD-3-Clause */
/* The check of matrix products: right ones pass, every wrong element is found. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "kernels/check.h"
#include "matrices.h"

/* A checked product by the plain kernel. */
static muir_gemm_check *checked_product(matrices *x, uint64_t seed)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_gemm_check *check = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_gemm_check_create(ctx, x->dtype, seed, x->size, x->a, x->b, &check), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_gemm_find(x->dtype, "plain")->run(ctx, NULL, x->size, x->a, x->b, x->c),
                          MUIR_OK);
    return check;
}

static void right_products_pass(void)
{
    static const size_t sizes[] = {0, 1, 7, 65};
    static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_FP8, MUIR_INT8};
    for (size_t i = 0; i < 256; i++) {
        size_t row = 0;
        matrices x = matrices_open(dtypes[i / 64], sizes[i / 16 % 4], sizes[i / 4 % 4], sizes[i % 4]);
        muir_gemm_check *check = checked_product(&x, i);
        CU_ASSERT_EQUAL(muir_gemm_check_run(check, x.c, &row), 0);
        muir_gemm_check_destroy(&check);
        matrices_close(&x);
    }
}

static void flip(float *element, int bit)
{
    uint32_t bits;
    memcpy(&bits, element, sizeof bits);
    bits ^= (uint32_t)1 << bit;
    memcpy(element, &bits, sizeof bits);
}

/* Every bit of elements all over the matrix, zero elements among them; only the sign of a zero changes no
 * value. */
static void check_flips(muir_dtype dtype)
{
    enum { TRIES = 200 };
    matrices x = matrices_open(dtype, 37, 53, 41);
    muir_gemm_check *check = checked_product(&x, 1);
    for (uint64_t i = 0; i < TRIES; i++) {
        float *element = &x.c[muir_rng_at(2, MUIR_STREAM_HOST, 0, i) % (37 * 53)];
        const float right = *element;
        for (int bit = 0; bit < 32; bit++) {
            size_t row = 999;
            flip(element, bit);
            const bool is_changed = dtype == MUIR_INT8 || !(*element == right);
            CU_ASSERT_EQUAL(muir_gemm_check_run(check, x.c, &row), is_changed ? 1 : 0);
            if (is_changed) CU_ASSERT_EQUAL(row, (size_t)(element - x.c) / 53);
            memcpy(element, &right, sizeof right);
        }
    }
    muir_gemm_check_destroy(&check);
    matrices_close(&x);
}

static void every_flipped_bit_is_found_in_its_row(void)
{
    check_flips(MUIR_FP32);
    check_flips(MUIR_BF16);
    check_flips(MUIR_INT8);
}

static void all_wrong_rows_are_counted(void)
{
    matrices x = matrices_open(MUIR_FP32, 10, 20, 30);
    muir_gemm_check *check = checked_product(&x, 1);
    size_t row = 0;
    x.c[4 * 20 + 19] += 1.0f;
    x.c[7 * 20] = NAN;
    x.c[7 * 20 + 1] = INFINITY;
    x.c[9 * 20 + 3] = -1e30f;
    CU_ASSERT_EQUAL(muir_gemm_check_run(check, x.c, &row), 3);
    CU_ASSERT_EQUAL(row, 4);
    muir_gemm_check_destroy(&check);
    matrices_close(&x);
}

/* Two rows swapped, as if a block went to the wrong place. */
static void right_numbers_in_the_wrong_place_are_found(void)
{
    matrices x = matrices_open(MUIR_FP32, 10, 20, 30);
    muir_gemm_check *check = checked_product(&x, 1);
    float row[20];
    size_t first = 0;
    memcpy(row, x.c + 2 * 20, sizeof row);
    memcpy(x.c + 2 * 20, x.c + 5 * 20, sizeof row);
    memcpy(x.c + 5 * 20, row, sizeof row);
    CU_ASSERT_EQUAL(muir_gemm_check_run(check, x.c, &first), 2);
    CU_ASSERT_EQUAL(first, 2);
    muir_gemm_check_destroy(&check);
    matrices_close(&x);
}

static void products_too_large_for_exact_sums_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_gemm_check *check = NULL;
    const muir_gemm_size size = {1, 2, ((size_t)1 << 20) + 1};
    CU_ASSERT_EQUAL(muir_gemm_check_create(ctx, MUIR_BF16, 1, size, NULL, NULL, &check), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message,
                           "a product with n=2 k=1048577 cannot be checked: k <= 2^20 and n k <= 2^33");
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(
        muir_gemm_check_create(ctx, MUIR_INT8, 1, (muir_gemm_size){1, 2, 65537}, NULL, NULL, &check),
        MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "an int8 product with k=65537 cannot be checked: k <= 2^16");
    CU_ASSERT_PTR_NULL(check);
    muir_ctx_clear(ctx);
}

static void operands_are_small_whole_numbers_of_the_seed(void)
{
    static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_FP8};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        matrices x = matrices_open(dtypes[d], 33, 1, 31), y = matrices_open(dtypes[d], 33, 1, 31);
        const size_t bytes = 33 * 31 * muir_dtype_bytes(dtypes[d]);
        int seen[8] = {0};
        CU_ASSERT(memcmp(x.a, y.a, bytes) == 0);
        for (size_t i = 0; i < 33 * 31; i++) {
            const double value = matrices_element(dtypes[d], false, x.a, i);
            CU_ASSERT_FATAL(value >= -4.0 && value <= 3.0);
            seen[(int)value + 4]++;
        }
        for (int v = 0; v < 8; v++) CU_ASSERT(seen[v] > 60 && seen[v] < 200); /* 128 on average */
        muir_gemm_operands(dtypes[d], 99, y.size, y.a, y.b);
        CU_ASSERT(memcmp(x.a, y.a, bytes) != 0);
        matrices_close(&x);
        matrices_close(&y);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"right products pass", right_products_pass},
        {"every flipped bit is found in its row", every_flipped_bit_is_found_in_its_row},
        {"all wrong rows are counted", all_wrong_rows_are_counted},
        {"right numbers in the wrong place are found", right_numbers_in_the_wrong_place_are_found},
        {"products too large for exact sums are refused", products_too_large_for_exact_sums_are_refused},
        {"operands are small whole numbers of the seed", operands_are_small_whole_numbers_of_the_seed},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "kernels_check", tests);
}
