/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of reductions and conversions of 16-bit floats, against doubles rounded once by a plain rule. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "collectives/accumulate.h"
#include "base/half.h"
#include "collectives/reduce.h"

enum { N_HALVES = 65536 };

/* A format of 16 bits: mantissa bits, and the exponent of its least normal number. */
typedef struct format {
    int mantissa, least;
    uint16_t infinity;
} format;

static const format bf16 = {7, -126, 0x7f80}, fp16 = {10, -14, 0x7c00};

/* The definition of IEEE 754, without a thought of speed. */
static double value_of(const format *f, uint16_t half)
{
    const int exponent = (half & 0x7fff) >> f->mantissa, mantissa = half & ((1 << f->mantissa) - 1);
    const double sign = half & 0x8000 ? -1.0 : 1.0;
    if ((half & 0x7fff) > f->infinity) return NAN;
    if ((half & 0x7fff) == f->infinity) return sign * INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, f->least - f->mantissa);
    return sign * ldexp(mantissa + (1 << f->mantissa), exponent - 1 + f->least - f->mantissa);
}

/* Rounds once: the neighbour below in size, or the one above, or of two equally near ones the even one. */
static uint16_t round_once(const format *f, double x)
{
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    const double size = fabs(x);
    uint16_t low = 0, high = f->infinity;
    while (high - low > 1) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        if (value_of(f, middle) <= size)
            low = middle;
        else
            high = middle;
    }
    if (size == INFINITY) return sign | f->infinity;
    const double above = high == f->infinity ? ldexp(1.0, 1 - f->least + 1) : value_of(f, high);
    const double down = size - value_of(f, low), up = above - size;
    return (uint16_t)(sign | (down < up || (down == up && low % 2 == 0) ? low : high));
}

/* Every number of the format, and what lies just beside the middle of it and the next. */
static void check_format(const format *f, float (*widen)(uint16_t), uint16_t (*narrow)(float))
{
    int wrong = 0;
    for (int h = 0; h < N_HALVES; h++) {
        const uint16_t half = (uint16_t)h;
        const double x = value_of(f, half);
        const float wide = widen(half);
        if (isnan(x)) {
            wrong += !isnan(wide) || !isnan(value_of(f, narrow(wide)));
            continue;
        }
        wrong += (double)wide != x || !signbit(wide) != !signbit(x) || narrow(wide) != half;
        if ((half & 0x7fff) == f->infinity) continue;
        const float next = (half & 0x7fff) + 1 == f->infinity ? ldexpf(half & 0x8000 ? -1 : 1, 2 - f->least)
                                                              : widen((uint16_t)(half + 1));
        const float middle = isinf(next) ? INFINITY : wide / 2 + next / 2;
        const float near[] = {middle, nextafterf(middle, wide), nextafterf(middle, next)};
        for (int i = 0; i < 3 && !isinf(middle); i++)
            wrong += narrow(near[i]) != round_once(f, (double)near[i]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void every_bf16_is_converted_as_ieee_754_says(void)
{
    check_format(&bf16, muir_float_of_bf16, muir_bf16_of);
}

static void every_fp16_is_converted_as_ieee_754_says(void)
{
    check_format(&fp16, muir_float_of_fp16_portable, muir_fp16_of_portable);
    check_format(&fp16, muir_float_of_fp16, muir_fp16_of);
}

static void what_is_too_large_becomes_infinity_and_nan_stays(void)
{
    CU_ASSERT_EQUAL(muir_fp16_of_portable(65519.996f), 0x7bff);
    CU_ASSERT_EQUAL(muir_fp16_of_portable(65520.0f), 0x7c00);
    CU_ASSERT_EQUAL(muir_fp16_of_portable(-3e38f), 0xfc00);
    CU_ASSERT_EQUAL(muir_fp16_of_portable(1e-30f), 0);
    CU_ASSERT_EQUAL(muir_bf16_of(3.4e38f), 0x7f80);
    CU_ASSERT_EQUAL(muir_bf16_of(muir_float_of(0x7f800001)), 0x7fc0);
    CU_ASSERT_EQUAL(muir_fp16_of_portable(muir_float_of(0xff800001)), 0xfe00);
    CU_ASSERT_EQUAL(muir_float_bits(muir_float_of_fp16_portable(0x7c01)), 0x7fc02000);
}

static double expected(muir_reduce reduce, double x, double y)
{
    if (reduce == MUIR_SUM) return x + y;
    if (isnan(x) || isnan(y)) return NAN;
    return (reduce == MUIR_MAX) == (x > y) ? x : y;
}

/* The sum of two halves is exact in double; fp32 rounds it first where the exponents are far apart, but has
 * more than twice the digits, so that rounding twice gives what rounding once does. */
static void check_halves(const format *f, muir_dtype dtype)
{
    static uint16_t a[N_HALVES], b[N_HALVES], to[N_HALVES];
    for (int i = 0; i < N_HALVES; i++) a[i] = (uint16_t)i;
    for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
        for (int k = 0; k < 8; k++) {
            int wrong = 0;
            for (int i = 0; i < N_HALVES; i++) /* odd factors visit all halves in a mixed order */
                b[i] = (uint16_t)(k == 0 ? i ^ 0x8000 : i * (2 * k + 1) + 977 * k);
            muir_reduce_find(dtype, (muir_reduce)reduce)(N_HALVES, a, b, to);
            for (int i = 0; i < N_HALVES; i++) {
                const double x = value_of(f, a[i]), y = value_of(f, b[i]);
                const double want = expected((muir_reduce)reduce, x, y), got = value_of(f, to[i]);
                if (isnan(want))
                    wrong += !isnan(got);
                else if (want == 0.0)
                    wrong += got != 0.0;
                else
                    wrong += to[i] != round_once(f, want);
            }
            CU_ASSERT_EQUAL(wrong, 0);
        }
}

static void halves_are_reduced_as_doubles_rounded_once(void)
{
    check_halves(&bf16, MUIR_BF16);
    check_halves(&fp16, MUIR_FP16);
}

static void sums_of_whole_numbers_wrap_round(void)
{
    const int8_t a8[] = {100, -100, 5}, b8[] = {100, -100, -7};
    const int32_t a32[] = {INT32_MAX, INT32_MIN, 5}, b32[] = {1, -1, -7};
    int8_t to8[3];
    int32_t to32[3];
    muir_reduce_find(MUIR_INT8, MUIR_SUM)(3, a8, b8, to8);
    CU_ASSERT(to8[0] == -56 && to8[1] == 56 && to8[2] == -2);
    muir_reduce_find(MUIR_INT8, MUIR_MIN)(3, a8, b8, to8);
    CU_ASSERT(to8[0] == 100 && to8[1] == -100 && to8[2] == -7);
    muir_reduce_find(MUIR_INT32, MUIR_SUM)(3, a32, b32, to32);
    CU_ASSERT(to32[0] == INT32_MIN && to32[1] == INT32_MAX && to32[2] == -2);
    muir_reduce_find(MUIR_INT32, MUIR_MAX)(3, a32, b32, to32);
    CU_ASSERT(to32[0] == INT32_MAX && to32[1] == -1 && to32[2] == 5);
}

static void nan_of_either_side_stays(void)
{
    for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++) {
        const float a[] = {NAN, 1.0f, 2.0f}, b[] = {1.0f, NAN, 3.0f};
        const double c[] = {(double)NAN, 1.0, 2.0}, d[] = {1.0, (double)NAN, 3.0};
        const double want = reduce == MUIR_SUM ? 5.0 : reduce == MUIR_MAX ? 3.0 : 2.0;
        float to[3];
        double to_wide[3];
        muir_reduce_find(MUIR_FP32, (muir_reduce)reduce)(3, a, b, to);
        CU_ASSERT(isnan(to[0]) && isnan(to[1]) && (double)to[2] == want);
        muir_reduce_find(MUIR_FP64, (muir_reduce)reduce)(3, c, d, to_wide);
        CU_ASSERT(isnan(to_wide[0]) && isnan(to_wide[1]) && to_wide[2] == want);
    }
}

enum { N_SOURCES = 5, N_LONG = 5003 }; /* several pieces that stay in a cache, and a rest */

/* From left to right, the sums of halves in fp32. */
static float expected_of_many(muir_reduce reduce, const float x[N_SOURCES])
{
    float all = x[0];
    for (int r = 1; r < N_SOURCES; r++)
        all = reduce == MUIR_SUM ? all + x[r] : (reduce == MUIR_MAX) == (x[r] > all) ? x[r] : all;
    return all;
}

/* The result goes apart from the sources, then into each of them. */
static void check_many_halves(muir_dtype dtype, float (*widen)(uint16_t), uint16_t (*narrow)(float))
{
    static uint16_t kept[N_SOURCES][N_LONG], x[N_SOURCES + 1][N_LONG];
    for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
        for (int to = 0; to <= N_SOURCES; to++) {
            const void *from[N_SOURCES];
            int wrong = 0;
            for (int r = 0; r < N_SOURCES; r++) {
                for (int i = 0; i < N_LONG; i++)
                    kept[r][i] = x[r][i] = narrow((float)((r * 7919 + i * 104729) % 2003 - 1001) / 1024.0f);
                from[r] = x[r];
            }
            muir_accumulate(dtype, (muir_reduce)reduce, N_LONG, from, N_SOURCES, x[to]);
            for (int i = 0; i < N_LONG; i++) {
                float wide[N_SOURCES];
                for (int r = 0; r < N_SOURCES; r++) wide[r] = widen(kept[r][i]);
                wrong += x[to][i] != narrow(expected_of_many((muir_reduce)reduce, wide));
            }
            CU_ASSERT_EQUAL(wrong, 0);
        }
}

static void many_halves_are_added_in_fp32_and_rounded_once(void)
{
    check_many_halves(MUIR_BF16, muir_float_of_bf16, muir_bf16_of);
    check_many_halves(MUIR_FP16, muir_float_of_fp16, muir_fp16_of);
}

static void many_vectors_are_reduced_from_left_to_right(void)
{
    static double x[N_SOURCES + 1][N_LONG];
    for (int to = 0; to <= N_SOURCES; to++)
        for (int n_from = 1; n_from <= N_SOURCES; n_from++) {
            const void *from[N_SOURCES];
            int wrong = 0;
            for (int r = 0; r < N_SOURCES; r++) {
                for (int i = 0; i < N_LONG; i++) x[r][i] = 1.0 / (1 + r * N_LONG + i);
                from[r] = x[r];
            }
            muir_accumulate(MUIR_FP64, MUIR_SUM, N_LONG, from, n_from, x[to]);
            for (int i = 0; i < N_LONG; i++) {
                double sum = 1.0 / (1 + i);
                for (int r = 1; r < n_from; r++) sum += 1.0 / (1 + r * N_LONG + i);
                wrong += x[to][i] != sum;
            }
            CU_ASSERT_EQUAL(wrong, 0);
        }
}

static void fp8_has_no_arithmetic(void)
{
    for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
        CU_ASSERT_PTR_NULL(muir_reduce_find(MUIR_FP8, (muir_reduce)reduce));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every bf16 is converted as IEEE 754 says", every_bf16_is_converted_as_ieee_754_says},
        {"every fp16 is converted as IEEE 754 says", every_fp16_is_converted_as_ieee_754_says},
        {"what is too large becomes infinity and NaN stays",
         what_is_too_large_becomes_infinity_and_nan_stays},
        {"halves are reduced as doubles rounded once", halves_are_reduced_as_doubles_rounded_once},
        {"sums of whole numbers wrap round", sums_of_whole_numbers_wrap_round},
        {"NaN of either side stays", nan_of_either_side_stays},
        {"many halves are added in fp32 and rounded once", many_halves_are_added_in_fp32_and_rounded_once},
        {"many vectors are reduced from left to right", many_vectors_are_reduced_from_left_to_right},
        {"fp8 has no arithmetic", fp8_has_no_arithmetic},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "reductions", tests);
}
