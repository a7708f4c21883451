/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier transforms of every kernel against the sum that defines them, and their check. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "kernels/fft.h"
#include "kernels/gemm.h"

enum { DRAW_INPUT = 3 }; /* as fft.c numbers it */

static muir_kernels *kernels_open(void)
{
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    return kernels;
}

static double input(uint64_t seed, size_t i)
{
    return (double)((int)(muir_rng_at(seed, MUIR_STREAM_HOST, DRAW_INPUT, i / 4) >> (8 * (i % 4)) & 255u) -
                    128);
}

/* Largest error of a transform's elements, as a share of the input's 2-norm. */
static double error_of(muir_fft_size size, uint64_t seed, const float *out, size_t t)
{
    const size_t first = t / size.stride * size.stride * size.n + t % size.stride;
    double largest = 0.0, norm = 0.0;
    for (size_t k = 0; k < size.n; k++) {
        double re = 0.0, im = 0.0;
        norm = 0.0;
        for (size_t j = 0; j < size.n; j++) {
            const size_t at = 2 * (first + j * size.stride);
            const double x = input(seed, at), y = input(seed, at + 1);
            const double turn = -2.0 * M_PI * (double)(j * k % size.n) / (double)size.n;
            re += x * cos(turn) - y * sin(turn);
            im += x * sin(turn) + y * cos(turn);
            norm += x * x + y * y;
        }
        const float *y = out + 2 * (first + k * size.stride);
        const double error = hypot((double)y[0] - re, (double)y[1] - im);
        if (!(error <= largest)) largest = error;
    }
    return largest / sqrt(norm);
}

static void check_size(const muir_kernels *kernels, const muir_fft_kernel *kernel, muir_fft_size size)
{
    muir_fft *fft = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_fft_create(muir_test_ctx(), kernels, kernel, size, false, size.n, &fft),
                          MUIR_OK);
    memset(muir_fft_output(fft), 0xff, 2 * sizeof(float) * size.n * size.batch);
    muir_fft_run(fft);
    CU_ASSERT_EQUAL(muir_fft_check(fft), 0);
    for (size_t t = 0; t < size.batch; t++)
        CU_ASSERT(error_of(size, size.n, muir_fft_output(fft), t) < 4e-7 * log2(2.0 * (double)size.n));
    muir_fft_destroy(&fft);
    CU_ASSERT_PTR_NULL(fft);
}

static void every_available_transform_is_the_sum_that_defines_it(void)
{
    static const size_t lengths[] = {1, 2, 3, 4, 5, 8, 12, 30, 64, 97, 256, 384};
    muir_kernels *kernels = kernels_open();
    for (size_t f = 0; f < muir_fft_count(); f++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const muir_fft_kernel *kernel = muir_fft_at(f);
            if (!kernel->is_available(kernels)) continue;
            check_size(kernels, kernel, (muir_fft_size){lengths[i], 3, 1});
            check_size(kernels, kernel, (muir_fft_size){lengths[i], 5, 5});
            check_size(kernels, kernel, (muir_fft_size){lengths[i], 6, 2});
        }
    muir_kernels_destroy(&kernels);
}

/* Lines from anywhere to anywhere, aligned and not: equal to the batch's own transform, and back again. */
static void check_lines(const muir_kernels *kernels, const muir_fft_kernel *kernel, muir_fft_lines lines,
                        size_t offset)
{
    enum { ROOM = 2 * 4096 };
    _Alignas(64) static float in[ROOM], out[ROOM], again[ROOM];
    const muir_fft_lines back = {lines.n,        lines.batch,    lines.out_point,
                                 lines.out_line, lines.in_point, lines.in_line};
    void *plan = NULL, *inverse = NULL;
    muir_ctx *ctx = muir_test_ctx();
    CU_ASSERT_EQUAL_FATAL(kernel->prepare_lines(ctx, kernels, lines, -1, in, out, &plan), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(kernel->prepare_lines(ctx, kernels, back, 1, out, again, &inverse), MUIR_OK);
    for (size_t i = 0; i < ROOM; i++) in[i] = (float)input(1, i), out[i] = again[i] = NAN;
    kernel->run_lines(kernels, plan, in + 2 * offset, out);
    kernel->run_lines(kernels, inverse, out, again + 2 * offset);
    for (size_t line = 0; line < lines.batch; line++)
        for (size_t k = 0; k < lines.n; k++) {
            double re = 0.0, im = 0.0;
            for (size_t j = 0; j < lines.n; j++) {
                const float *x = in + 2 * (offset + line * lines.in_line + j * lines.in_point);
                const double turn = -2.0 * M_PI * (double)(j * k % lines.n) / (double)lines.n;
                re += x[0] * cos(turn) - x[1] * sin(turn);
                im += x[0] * sin(turn) + x[1] * cos(turn);
            }
            const float *y = out + 2 * (line * lines.out_line + k * lines.out_point);
            CU_ASSERT(hypot((double)y[0] - re, (double)y[1] - im) < 1e-4 * 128.0 * (double)lines.n);
            const size_t at = 2 * (offset + line * lines.in_line + k * lines.in_point);
            CU_ASSERT(fabs((double)(again[at] / (float)lines.n - in[at])) < 0.01);
        }
    kernel->drop_lines(kernels, plan);
    kernel->drop_lines(kernels, inverse);
}

static void lines_are_transformed_wherever_they_lie(void)
{
    muir_kernels *kernels = kernels_open();
    for (size_t f = 0; f < muir_fft_count(); f++) {
        const muir_fft_kernel *kernel = muir_fft_at(f);
        if (!kernel->is_available(kernels)) continue;
        for (size_t offset = 0; offset < 3; offset++) {
            check_lines(kernels, kernel, (muir_fft_lines){32, 16, 16, 1, 1, 96}, offset);
            check_lines(kernels, kernel, (muir_fft_lines){15, 7, 1, 15, 7, 1}, offset);
            check_lines(kernels, kernel, (muir_fft_lines){64, 3, 3, 1, 3, 1}, offset);
        }
    }
    muir_kernels_destroy(&kernels);
}

/* Every element of a transform, off by a hundredth of the usual size. */
static void a_wrong_element_is_found(void)
{
    const muir_fft_size size = {96, 4, 2};
    muir_kernels *kernels = kernels_open();
    muir_fft *fft = NULL;
    CU_ASSERT_EQUAL_FATAL(
        muir_fft_create(muir_test_ctx(), kernels, muir_fft_first(kernels), size, false, 7, &fft), MUIR_OK);
    float *out = muir_fft_output(fft);
    CU_ASSERT_EQUAL(muir_fft_check(fft), 4); /* nothing was transformed yet */
    muir_fft_run(fft);
    for (size_t i = 0; i < 2 * 96 * 4; i++) {
        const float right = out[i];
        out[i] += 0.01f * 74.0f * sqrtf(96.0f); /* 74: of whole numbers up to 128 */
        CU_ASSERT_EQUAL(muir_fft_check(fft), 1);
        out[i] = right;
    }
    out[5] = NAN;
    out[2 * 96 * 3] = INFINITY;
    CU_ASSERT_EQUAL(muir_fft_check(fft), 2);
    muir_fft_destroy(&fft);
    muir_kernels_destroy(&kernels);
}

static void what_cannot_be_transformed_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_kernels *kernels = kernels_open(), without = {.fftw = NULL};
    muir_fft *fft = NULL;
    CU_ASSERT_EQUAL(muir_fft_create(ctx, kernels, muir_fft_at(0), (muir_fft_size){8, 3, 2}, false, 1, &fft),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "3 Fourier transforms of 8 points cannot be 2 side by side");
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_fft_create(ctx, &without, muir_fft_at(0), (muir_fft_size){8, 1, 1}, false, 1, &fft),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "FFTW was not found on this machine");
    muir_ctx_clear(ctx);
    CU_ASSERT_PTR_NULL(fft);
    CU_ASSERT_STRING_EQUAL(muir_fft_first(&without)->name, "plain");
    muir_kernels_destroy(&kernels);
}

static void operations_are_5_n_log2_n(void)
{
    CU_ASSERT_EQUAL(muir_fft_flop(1024.0, 3.0), 153600.0);
    CU_ASSERT_EQUAL(muir_fft_flop(1.0, 3.0), 0.0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every available transform is the sum that defines it",
         every_available_transform_is_the_sum_that_defines_it},
        {"lines are transformed wherever they lie", lines_are_transformed_wherever_they_lie},
        {"a wrong element is found", a_wrong_element_is_found},
        {"what cannot be transformed is refused", what_cannot_be_transformed_is_refused},
        {"operations are 5 n log2 n", operations_are_5_n_log2_n},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "kernels_fft", tests);
}
