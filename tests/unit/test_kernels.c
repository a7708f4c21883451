/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products of every type against a triple loop, the peak, memory traffic. */
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "matrices.h"
#include "kernels/blocked.h"
#include "kernels/cores.h"
#include "kernels/element.h"
#include "kernels/gemm.h"
#include "kernels/mem.h"
#include "kernels/peak.h"

static void check_product(const muir_kernels *kernels, const muir_gemm *gemm, muir_gemm_size size)
{
    matrices x = matrices_open(gemm->dtype, size.m, size.n, size.k);
    CU_ASSERT_EQUAL(gemm->run(muir_test_ctx(), kernels, size, x.a, x.b, x.c), MUIR_OK);
    CU_ASSERT_EQUAL(matrices_count_wrong(&x, 0.0), 0);
    matrices_close(&x);
}

static muir_kernels *kernels_open(void)
{
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    return kernels;
}

static void every_available_product_equals_a_triple_loop(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 7, 50, 65, 130};
    static const muir_gemm_size large[] = {
        {5, 1030, 70}, {7, 300, 1100}, {49, 65, 4200}}; /* past the blocks */
    enum { N = sizeof sizes / sizeof sizes[0] };
    muir_kernels *kernels = kernels_open();
    for (size_t g = 0; g < muir_gemm_count(); g++) {
        const muir_gemm *gemm = muir_gemm_at(g);
        if (!gemm->is_available(kernels)) continue;
        for (size_t i = 0; i < N * N * N; i++)
            check_product(kernels, gemm, (muir_gemm_size){sizes[i / N / N], sizes[i / N % N], sizes[i % N]});
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) check_product(kernels, gemm, large[i]);
    }
    muir_kernels_destroy(&kernels);
    CU_ASSERT_PTR_NULL(kernels);
}

/* Threads that outnumber rows and columns, and shares of both. */
static void products_on_several_threads_are_right(void)
{
    static const muir_gemm_size sizes[] = {
        {1, 1, 1}, {2, 0, 5}, {3, 64, 43700}, {301, 65, 430}, {33, 520, 500}};
    muir_kernels *kernels = kernels_open();
    CU_ASSERT_EQUAL(muir_kernels_set_threads(muir_test_ctx(), kernels, 4), MUIR_OK);
    CU_ASSERT_EQUAL(kernels->threads, 4);
    for (size_t g = 0; g < muir_gemm_count(); g++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            if (muir_gemm_at(g)->is_available(kernels)) check_product(kernels, muir_gemm_at(g), sizes[i]);
    CU_ASSERT(muir_peak_per_s(MUIR_BF16, 2) > 1e8);
    muir_kernels_destroy(&kernels);
}

static void a_rank_alone_has_the_cores_of_its_mask(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *named = getenv("OMP_NUM_THREADS");
    int threads = 0;
    CU_ASSERT_EQUAL(setenv("OMP_NUM_THREADS", "3", 1), 0);
    CU_ASSERT_EQUAL(muir_cores_share(ctx, &threads), MUIR_OK);
#ifdef MUIR_HAS_OPENMP
    CU_ASSERT_EQUAL(threads, 3);
#endif
    unsetenv("OMP_NUM_THREADS");
    CU_ASSERT_EQUAL(muir_cores_share(ctx, &threads), MUIR_OK);
    cpu_set_t set;
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof set, &set), 0);
#ifdef MUIR_HAS_OPENMP
    CU_ASSERT_EQUAL(threads, CPU_COUNT(&set));
#endif
    if (named) setenv("OMP_NUM_THREADS", named, 1);
}

/* Numbers between -1 and 1 with all bits of their type. */
static void fill_fractions(muir_dtype dtype, uint32_t step, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        const float value = 2.0f * muir_rng_uniform_at(3, MUIR_STREAM_HOST, step, i) - 1.0f;
        if (dtype == MUIR_BF16)
            ((uint16_t *)out)[i] = muir_bf16_of(value);
        else if (dtype == MUIR_FP8) /* any code up to 1 in size, 0x38 */
            ((uint8_t *)out)[i] = (uint8_t)((value < 0.0f ? 0x80 : 0) | (int)(fabsf(value) * 56.0f));
        else
            ((float *)out)[i] = value;
    }
}

/* In fp32, k additions are off by at most k 2^-24 of the sizes added; vdpbf16ps rounds a pair once more. */
static void products_of_fractions_are_right_to_rounding(void)
{
    muir_kernels *kernels = kernels_open();
    for (size_t g = 0; g < muir_gemm_count(); g++) {
        const muir_gemm *gemm = muir_gemm_at(g);
        if (!gemm->is_available(kernels) || gemm->dtype == MUIR_INT8)
            continue; /* its operands are any bytes */
        matrices x = matrices_open(gemm->dtype, 31, 77, 303);
        fill_fractions(gemm->dtype, 1, 31 * 303, x.a);
        fill_fractions(gemm->dtype, 2, 303 * 77, x.b);
        CU_ASSERT_EQUAL(gemm->run(muir_test_ctx(), kernels, x.size, x.a, x.b, x.c), MUIR_OK);
        CU_ASSERT_EQUAL(matrices_count_wrong(&x, 2.0 * 303 * 0x1p-24), 0);
        if (gemm->dtype != MUIR_FP8) CU_ASSERT(matrices_count_wrong(&x, 1e-12) > 0); /* they do round */
        matrices_close(&x);
    }
    muir_kernels_destroy(&kernels);
}

/* What processors without AVX-512, or without its narrow types, do. */
static void every_instruction_set_multiplies_right(void)
{
    static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_FP8, MUIR_INT8};
    muir_workspace *workspace = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_workspace_create(muir_test_ctx(), 3, &workspace), MUIR_OK);
    for (size_t i = 0; i < muir_tile_count(); i++)
        for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
            const muir_tile_row *tile = muir_tile_at(i);
            const muir_packing *fast = muir_packing_find(dtypes[d]), *wide = muir_packing_wide(dtypes[d]);
            const muir_packing *packing = fast->word == tile->word ? fast : wide;
            if (!tile->is_available() || packing->word != tile->word) continue;
            matrices x = matrices_open(dtypes[d], 55, 201, 2051);
            muir_blocked_run(packing, tile->run, workspace, x.size, x.a, x.b, x.c);
            CU_ASSERT_EQUAL(matrices_count_wrong(&x, 0.0), 0);
            matrices_close(&x);
        }
    muir_workspace_destroy(&workspace);
}

/* Values of the OCP specification: the smallest subnormal, the largest number, NaN. */
static void fp8_codes_mean_what_the_standard_says(void)
{
    CU_ASSERT_EQUAL(muir_fp8_value(0x01), 0x1p-9f);
    CU_ASSERT_EQUAL(muir_fp8_value(0x08), 0x1p-6f);
    CU_ASSERT_EQUAL(muir_fp8_value(0x38), 1.0f);
    CU_ASSERT_EQUAL(muir_fp8_value(0xfe), -448.0f);
    CU_ASSERT(isnan(muir_fp8_value(0x7f)));
    for (int i = -16; i <= 16; i++) CU_ASSERT_EQUAL(muir_fp8_value(muir_fp8_of_whole(i)), (float)i);
    CU_ASSERT_EQUAL(muir_bf16_of(1.00390625f), 0x3f80); /* a tie goes to even */
    CU_ASSERT_EQUAL(muir_bf16_of(1.01171875f), 0x3f82);
}

static void the_first_available_row_is_chosen_and_named(void)
{
    muir_kernels *kernels = kernels_open();
    for (muir_dtype d = 0; d < MUIR_DTYPE_COUNT; d++) {
        size_t i = 0;
        while (i < muir_gemm_count() &&
               (muir_gemm_at(i)->dtype != d || !muir_gemm_at(i)->is_available(kernels)))
            i++;
        CU_ASSERT_PTR_EQUAL(kernels->chosen[d].gemm, i < muir_gemm_count() ? muir_gemm_at(i) : NULL);
        CU_ASSERT_EQUAL(kernels->chosen[d].text[0] != '\0', i < muir_gemm_count());
    }
    CU_ASSERT_TRUE(muir_gemm_find(MUIR_FP32, "plain")->is_available(kernels));
    CU_ASSERT_PTR_NULL(muir_gemm_find(MUIR_FP32, "fancy"));
    CU_ASSERT_PTR_NULL(muir_gemm_find(MUIR_FP16, "plain"));
    muir_kernels_destroy(&kernels);
}

static void a_measured_choice_is_available_and_says_so(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_kernels *kernels = kernels_open();
    CU_ASSERT_EQUAL(muir_kernels_choose(ctx, kernels, MUIR_BF16), MUIR_OK);
    const muir_gemm_choice *choice = &kernels->chosen[MUIR_BF16];
    CU_ASSERT_EQUAL(choice->gemm->dtype, MUIR_BF16);
    CU_ASSERT_TRUE(choice->gemm->is_available(kernels));
    CU_ASSERT_PTR_EQUAL(strstr(choice->text, choice->gemm->name), choice->text);
    CU_ASSERT_PTR_NOT_NULL(strstr(choice->text, " GFLOP/s at n=512"));
    CU_ASSERT_EQUAL(muir_kernels_choose(ctx, kernels, MUIR_FP16), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "no kernel multiplies fp16");
    muir_ctx_clear(ctx);
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

static void peaks_are_those_of_a_machine_of_this_century(void)
{
    static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_FP8, MUIR_INT8};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        const double peak = muir_peak_per_s(dtypes[d], 1);
        CU_ASSERT(peak > 1e8);
        CU_ASSERT(peak < 1e13);
        CU_ASSERT_STRING_NOT_EQUAL(muir_peak_instruction(dtypes[d]), "");
    }
    CU_ASSERT_EQUAL(muir_peak_per_s(MUIR_FP16, 1), 0.0);
    CU_ASSERT_STRING_EQUAL(muir_peak_instruction(MUIR_FP16), "");
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
    muir_mem_stream(mem, MUIR_MEM_ADD, 12 * 1000);
    CU_ASSERT_EQUAL(mem->c[999], 2.0f * mem->a[999]);
    for (muir_mem_stream_kind kind = 0; kind < MUIR_MEM_KIND_COUNT; kind++) {
        muir_mem_stream(mem, kind, 12 * 1000);
        CU_ASSERT_EQUAL(muir_mem_check(mem, kind), 0);
    }
    mem->c[500] += 1.0f;
    CU_ASSERT_EQUAL(muir_mem_check(mem, MUIR_MEM_TRIAD), 1);
    CU_ASSERT_EQUAL(muir_mem_check(mem, MUIR_MEM_COPY), 0);
    CU_ASSERT_STRING_EQUAL(muir_mem_name(MUIR_MEM_ADD), "add");
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
        {"products on several threads are right", products_on_several_threads_are_right},
        {"a rank alone has the cores of its mask", a_rank_alone_has_the_cores_of_its_mask},
        {"products of fractions are right to rounding", products_of_fractions_are_right_to_rounding},
        {"every instruction set multiplies right", every_instruction_set_multiplies_right},
        {"fp8 codes mean what the standard says", fp8_codes_mean_what_the_standard_says},
        {"a measured choice is available and says so", a_measured_choice_is_available_and_says_so},
        {"loading leaves the environment as it was", loading_leaves_the_environment_as_it_was},
        {"what BLAS cannot do is refused", what_blas_cannot_do_is_refused},
        {"peaks are those of a machine of this century", peaks_are_those_of_a_machine_of_this_century},
        {"memory streams copy and add", memory_streams_copy_and_add},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "kernels", tests);
}
