/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products against a triple loop in double, the check of products, the peak, memory traffic. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "kernels/check.h"
#include "kernels/gemm.h"
#include "kernels/mem.h"
#include "kernels/peak.h"

enum { GUARD = -77 };

typedef struct matrices {
    muir_gemm_size size;
    float *a, *b, *c; /* c is one element longer, to see who writes too far */
} matrices;

static matrices matrices_open(size_t m, size_t n, size_t k)
{
    muir_ctx *ctx = muir_test_ctx();
    matrices x = {.size = {m, n, k}};
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, m * k, sizeof(float), "a", &x.a), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, k * n, sizeof(float), "b", &x.b), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, m * n + 1, sizeof(float), "c", &x.c), MUIR_OK);
    muir_gemm_operands(m * 1000003 + n * 1009 + k, x.size, x.a, x.b);
    for (size_t i = 0; i <= m * n; i++) x.c[i] = GUARD;
    return x;
}

static void matrices_close(matrices *x)
{
    free(x->a);
    free(x->b);
    free(x->c);
}

static double element_of_product(const matrices *x, size_t i, size_t j)
{
    double sum = 0.0;
    for (size_t p = 0; p < x->size.k; p++)
        sum += (double)x->a[i * x->size.k + p] * (double)x->b[p * x->size.n + j];
    return sum;
}

static void check_product(const muir_kernels *kernels, const muir_gemm *gemm, muir_gemm_size size)
{
    matrices x = matrices_open(size.m, size.n, size.k);
    size_t wrong = 0;
    CU_ASSERT_EQUAL(gemm->run(muir_test_ctx(), kernels, size, x.a, x.b, x.c), MUIR_OK);
    for (size_t i = 0; i < size.m; i++)
        for (size_t j = 0; j < size.n; j++)
            wrong += (double)x.c[i * size.n + j] != element_of_product(&x, i, j);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(x.c[size.m * size.n], (float)GUARD);
    matrices_close(&x);
}

static void every_available_product_equals_a_triple_loop(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 7, 64, 65, 130};
    enum { N = sizeof sizes / sizeof sizes[0] };
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    for (size_t g = 0; g < muir_gemm_count(); g++) {
        const muir_gemm *gemm = muir_gemm_at(g);
        if (!gemm->is_available(kernels)) continue;
        for (size_t i = 0; i < N * N * N; i++)
            check_product(kernels, gemm, (muir_gemm_size){sizes[i / N / N], sizes[i / N % N], sizes[i % N]});
        check_product(kernels, gemm, (muir_gemm_size){5, 1030, 70}); /* past the blocks of the plain kernel */
    }
    muir_kernels_destroy(&kernels);
    CU_ASSERT_PTR_NULL(kernels);
}

static void the_first_available_row_is_chosen_and_named(void)
{
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    size_t i = 0;
    while (!muir_gemm_at(i)->is_available(kernels)) i++;
    CU_ASSERT_PTR_EQUAL(kernels->gemm, muir_gemm_at(i));
    CU_ASSERT_STRING_NOT_EQUAL(kernels->text, "");
    CU_ASSERT_TRUE(muir_gemm_find(MUIR_FP32, "plain")->is_available(kernels));
    CU_ASSERT_PTR_NULL(muir_gemm_find(MUIR_FP32, "fancy"));
    CU_ASSERT_PTR_NULL(muir_gemm_find(MUIR_INT8, "plain"));
    muir_kernels_destroy(&kernels);
}

static void loading_leaves_the_environment_as_it_was(void)
{
    char *before = getenv("OPENBLAS_CORETYPE");
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    CU_ASSERT_PTR_EQUAL(getenv("OPENBLAS_CORETYPE"), before);
    muir_kernels_destroy(&kernels);
}

static void what_blas_cannot_do_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_kernels *kernels = NULL, without = {.openblas = NULL};
    float none = 0.0f;
    const muir_gemm *gemm = muir_gemm_find(MUIR_FP32, "openblas");
    const muir_gemm_size large = {1, 0, (size_t)1 << 31};
    CU_ASSERT_EQUAL(gemm->run(ctx, &without, (muir_gemm_size){1, 1, 1}, &none, &none, &none), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "OpenBLAS was not found on this machine");
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(ctx, &kernels), MUIR_OK);
    CU_ASSERT_EQUAL(gemm->run(ctx, kernels, large, &none, &none, &none), MUIR_ERR_ARG);
    if (gemm->is_available(kernels))
        CU_ASSERT_STRING_EQUAL(ctx->message,
                               "a matrix product of 1 x 0 x 2147483648 is more than BLAS counts in an int");
    muir_ctx_clear(ctx);
    muir_kernels_destroy(&kernels);
}

/* A checked product by the plain kernel. */
static muir_gemm_check *checked_product(matrices *x, uint64_t seed)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_gemm_check *check = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_gemm_check_create(ctx, seed, x->size, x->a, x->b, &check), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_gemm_find(MUIR_FP32, "plain")->run(ctx, NULL, x->size, x->a, x->b, x->c),
                          MUIR_OK);
    return check;
}

static void right_products_pass(void)
{
    static const size_t sizes[] = {0, 1, 7, 65};
    for (size_t i = 0; i < 64; i++) {
        size_t row = 0;
        matrices x = matrices_open(sizes[i / 16], sizes[i / 4 % 4], sizes[i % 4]);
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
static void every_flipped_bit_is_found_in_its_row(void)
{
    enum { TRIES = 200 };
    matrices x = matrices_open(37, 53, 41);
    muir_gemm_check *check = checked_product(&x, 1);
    for (uint64_t i = 0; i < TRIES; i++) {
        float *element = &x.c[muir_rng_at(2, MUIR_STREAM_HOST, 0, i) % (37 * 53)];
        const float right = *element;
        for (int bit = 0; bit < 32; bit++) {
            size_t row = 999;
            flip(element, bit);
            const bool is_changed = !(*element == right);
            CU_ASSERT_EQUAL(muir_gemm_check_run(check, x.c, &row), is_changed ? 1 : 0);
            if (is_changed) CU_ASSERT_EQUAL(row, (size_t)(element - x.c) / 53);
            *element = right;
        }
    }
    muir_gemm_check_destroy(&check);
    matrices_close(&x);
}

static void all_wrong_rows_are_counted(void)
{
    matrices x = matrices_open(10, 20, 30);
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
    matrices x = matrices_open(10, 20, 30);
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
    CU_ASSERT_EQUAL(muir_gemm_check_create(ctx, 1, size, NULL, NULL, &check), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message,
                           "a product with n=2 k=1048577 cannot be checked: k <= 2^20 and n k <= 2^33");
    CU_ASSERT_PTR_NULL(check);
    muir_ctx_clear(ctx);
}

static void operands_are_small_whole_numbers_of_the_seed(void)
{
    matrices x = matrices_open(33, 1, 31), y = matrices_open(33, 1, 31);
    int seen[8] = {0};
    CU_ASSERT(memcmp(x.a, y.a, 33 * 31 * sizeof(float)) == 0);
    for (size_t i = 0; i < 33 * 31; i++) {
        CU_ASSERT_FATAL(x.a[i] >= -4.0f && x.a[i] <= 3.0f);
        seen[(int)x.a[i] + 4]++;
    }
    for (int v = 0; v < 8; v++) CU_ASSERT(seen[v] > 60 && seen[v] < 200); /* 128 on average */
    muir_gemm_operands(99, y.size, y.a, y.b);
    CU_ASSERT(memcmp(x.a, y.a, 33 * 31 * sizeof(float)) != 0);
    matrices_close(&x);
    matrices_close(&y);
}

static void the_peak_is_that_of_a_machine_of_this_century(void)
{
    const double peak = muir_peak_flop_per_s();
    CU_ASSERT(peak > 1e9);
    CU_ASSERT(peak < 1e12);
}

static void memory_streams_copy_and_add(void)
{
    muir_mem *mem = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_mem_create(muir_test_ctx(), 12 * 1000, &mem), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(mem->count, 1000);
    muir_mem_stream(mem, MUIR_MEM_COPY, 8 * 10 + 7);
    CU_ASSERT_EQUAL(mem->b[9], 9.0f);
    CU_ASSERT_EQUAL(mem->b[10], 0.0f);
    muir_mem_stream(mem, MUIR_MEM_COPY, 8 * 5000); /* five times over */
    muir_mem_stream(mem, MUIR_MEM_TRIAD, 12 * 1000);
    int wrong = 0;
    for (size_t i = 0; i < mem->count; i++) wrong += mem->b[i] != mem->a[i] || mem->c[i] != 4.0f * mem->a[i];
    CU_ASSERT_EQUAL(wrong, 0);
    muir_mem_destroy(&mem);
    CU_ASSERT_EQUAL_FATAL(muir_mem_create(muir_test_ctx(), 0, &mem), MUIR_OK);
    muir_mem_stream(mem, MUIR_MEM_TRIAD, 1 << 20);
    muir_mem_stream(mem, MUIR_MEM_COPY, 0);
    muir_mem_destroy(&mem);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every available product equals a triple loop", every_available_product_equals_a_triple_loop},
        {"the first available row is chosen and named", the_first_available_row_is_chosen_and_named},
        {"loading leaves the environment as it was", loading_leaves_the_environment_as_it_was},
        {"what BLAS cannot do is refused", what_blas_cannot_do_is_refused},
        {"right products pass", right_products_pass},
        {"every flipped bit is found in its row", every_flipped_bit_is_found_in_its_row},
        {"all wrong rows are counted", all_wrong_rows_are_counted},
        {"right numbers in the wrong place are found", right_numbers_in_the_wrong_place_are_found},
        {"products too large for exact sums are refused", products_too_large_for_exact_sums_are_refused},
        {"operands are small whole numbers of the seed", operands_are_small_whole_numbers_of_the_seed},
        {"the peak is that of a machine of this century", the_peak_is_that_of_a_machine_of_this_century},
        {"memory streams copy and add", memory_streams_copy_and_add},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "kernels", tests);
}
