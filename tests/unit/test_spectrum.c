/* SPDX-License-Identifier: BSD-3-Clause */
/* Spectra against the sum that defines them, and Welch's estimate against known signals. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "kernels/spectrum.h"

static double *numbers(size_t n)
{
    double *x = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_alloc(muir_test_ctx(), n, sizeof *x, "x", &x), MUIR_OK);
    return x;
}

/* |sum_j x[j] exp(-2 pi i j k / n)|^2, term by term. */
static double square_of(const double *x, size_t n, size_t k)
{
    const double pi = acos(-1.0);
    double complex sum = 0.0;
    for (size_t j = 0; j < n; j++) sum += x[j] * cexp(-2.0 * pi * I * (double)(j * k % n) / (double)n);
    return creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
}

static void check_length(size_t n, bool is_plain)
{
    double *x = numbers(n), *squares = numbers(n / 2 + 1), energy = 0.0;
    muir_spectrum *s = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_spectrum_create(muir_test_ctx(), n, is_plain, &s), MUIR_OK);
    if (is_plain) CU_ASSERT_STRING_EQUAL(muir_spectrum_library(s), "plain");
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)muir_rng_normal_at(7, MUIR_STREAM_HOST, 0, i);
        energy += x[i] * x[i];
    }
    for (int again = 0; again < 2; again++) { /* a plan is good for more than one series */
        muir_spectrum_squares(s, x, squares);
        for (size_t k = 0; k <= n / 2; k++)
            CU_ASSERT_DOUBLE_EQUAL(squares[k], square_of(x, n, k), 1e-11 * (double)n * energy);
    }
    muir_spectrum_destroy(&s);
    free(x);
    free(squares);
}

static void every_length_equals_the_sum(void)
{
    static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 12, 31, 64, 97, 100, 256, 375, 1000, 1021};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_length(lengths[i], true);
        check_length(lengths[i], false);
    }
}

/* A sine of amplitude a has the variance a^2 / 2, at its frequency; white noise has it everywhere. */
static void a_sine_and_noise_are_where_they_belong(void)
{
    enum { N = 20000, SEGMENT = 2000 };
    const double hz = 50.0, sine_hz = 1.25, pi = acos(-1.0);
    double *x = numbers(N), psd[SEGMENT / 2 + 1], line = 0.0, all = 0.0;
    for (size_t i = 0; i < N; i++)
        x[i] = 1000.0 + 3.0 * sin(2.0 * pi * sine_hz * (double)i / hz) +
               0.5 * (double)muir_rng_normal_at(3, MUIR_STREAM_HOST, 0, i);
    CU_ASSERT_EQUAL(muir_welch(muir_test_ctx(), x, N, hz, SEGMENT, psd), MUIR_OK);
    for (size_t k = 1; k <= SEGMENT / 2; k++) {
        const double f = (double)k * hz / SEGMENT;
        all += psd[k] * hz / SEGMENT;
        if (fabs(f - sine_hz) < 0.1) line += psd[k] * hz / SEGMENT;
    }
    CU_ASSERT_DOUBLE_EQUAL(line, 4.5, 0.02);
    CU_ASSERT_DOUBLE_EQUAL(all - line, 0.25, 0.01);
    free(x);
}

static void impossible_lengths_are_refused(void)
{
    double x[4] = {1.0, 2.0, 3.0, 4.0}, psd[4];
    muir_ctx *ctx = muir_test_ctx();
    muir_spectrum *s = NULL;
    CU_ASSERT_EQUAL(muir_spectrum_create(ctx, 0, false, &s), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(s);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_welch(ctx, x, 4, 1.0, 5, psd), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "2 to 4"));
    CU_ASSERT_EQUAL(muir_welch(ctx, x, 4, 1.0, 1, psd), MUIR_ERR_ARG);
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every length equals the sum", every_length_equals_the_sum},
        {"a sine and noise are where they belong", a_sine_and_noise_are_where_they_belong},
        {"impossible lengths are refused", impossible_lengths_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "spectrum", tests);
}
