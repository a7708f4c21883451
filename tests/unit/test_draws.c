/* SPDX-License-Identifier: BSD-3-Clause */
/* Elementary functions against libm; distributions against their moments; the heap against a plain search. */
#include <math.h>

#include "base/real.h"
#include "check.h"
#include "reliability/draws.h"
#include "reliability/heap.h"

enum { DRAWS = 200000, ITEMS = 137, CHANGES = 20000 };

static void elementary_functions_equal_libm(void)
{
    for (int i = 1; i < 4000; i++) {
        const double x = exp(-30.0 + 0.0173 * i);
        CU_ASSERT_DOUBLE_EQUAL(muir_real_log(x), log(x), 1e-14 * fabs(log(x)) + 2e-16);
        const double y = -300.0 + 0.15 * i;
        CU_ASSERT_DOUBLE_EQUAL(muir_real_exp(y) / exp(y), 1.0, 1e-13);
    }
    for (double x = 0.1; x < 99.0; x += 0.37)
        CU_ASSERT_DOUBLE_EQUAL(muir_real_gamma(x) / tgamma(x), 1.0, 1e-11);
    CU_ASSERT_DOUBLE_EQUAL(muir_real_power(2.0, 0.5), sqrt(2.0), 1e-14);
    CU_ASSERT_EQUAL(muir_real_exp(0.0), 1.0);
    CU_ASSERT_EQUAL(muir_real_log(1.0), 0.0);
}

/* Means of DRAWS draws lie within five standard errors. */
static void check_mean(double (*draw)(const muir_draw *d), double mean, double sigma)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const muir_draw d = {7, MUIR_STREAM_EVENT, i % 1000, i / 1000};
        sum += draw(&d);
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / DRAWS, mean, 5.0 * sigma / sqrt(DRAWS));
}

static double uniform(const muir_draw *d)
{
    return muir_draw_uniform(d, 3);
}

static double exponential(const muir_draw *d)
{
    return muir_draw_exponential(d, 3);
}

static double lognormal(const muir_draw *d)
{
    return muir_draw_lognormal(d, 3, 2.0, 0.5);
}

static double gamma_of_half(const muir_draw *d)
{
    return muir_draw_gamma(d, 0, 0.5);
}

static double gamma_of_two(const muir_draw *d)
{
    return muir_draw_gamma(d, 0, 2.0);
}

static double weibull(const muir_draw *d)
{
    return muir_draw_weibull(d, 0, 0.75);
}

static double weibull_rest(const muir_draw *d)
{
    return muir_draw_weibull_rest(d, 0, 0.75);
}

/* Of gaps with mean 1 and second moment m2, what is left at a random moment has the mean m2 / 2. */
static void distributions_have_their_means(void)
{
    const double k = 0.75, g1 = tgamma(1.0 + 1.0 / k), g2 = tgamma(1.0 + 2.0 / k) / (g1 * g1),
                 g3 = tgamma(1.0 + 3.0 / k) / (g1 * g1 * g1);
    check_mean(uniform, 0.5, sqrt(1.0 / 12.0));
    check_mean(exponential, 1.0, 1.0);
    check_mean(lognormal, 2.0 * exp(0.125), 2.0 * exp(0.125) * sqrt(expm1(0.25)));
    check_mean(gamma_of_half, 0.5, sqrt(0.5));
    check_mean(gamma_of_two, 2.0, sqrt(2.0));
    check_mean(weibull, 1.0, sqrt(g2 - 1.0));
    check_mean(weibull_rest, g2 / 2.0, sqrt(g3 / 3.0 - g2 * g2 / 4.0));
}

static void the_heap_keeps_the_earliest_first(void)
{
    muir_heap *heap = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_heap_create(muir_test_ctx(), ITEMS, &heap), MUIR_OK);
    for (int32_t i = 0; i < ITEMS; i++) muir_heap_set(heap, i, (i * 7919) % 101); /* with equals */
    for (uint32_t n = 0; n < CHANGES; n++) {
        int32_t first = 0;
        for (int32_t i = 1; i < ITEMS; i++)
            if (muir_heap_time_ns(heap, i) < muir_heap_time_ns(heap, first)) first = i;
        CU_ASSERT_EQUAL(muir_heap_first(heap), first);
        const muir_draw d = {1, MUIR_STREAM_EVENT, 0, n};
        muir_heap_set(heap, (int32_t)(muir_draw_uniform(&d, 0) * ITEMS),
                      (int64_t)(muir_draw_uniform(&d, 1) * 300.0));
    }
    muir_heap_destroy(&heap);
    CU_ASSERT_PTR_NULL(heap);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"elementary functions equal libm's", elementary_functions_equal_libm},
        {"distributions have their means", distributions_have_their_means},
        {"the heap keeps the earliest first", the_heap_keeps_the_earliest_first},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "draws", tests);
}
