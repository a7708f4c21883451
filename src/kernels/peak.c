/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiply-add peak of one core, from loops that touch no memory. Compiled with -ffp-contract=fast. */
#include "kernels/peak.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

enum { CHAINS = 12, REPEATS = 50000, TRIES = 3 };
static const double try_s = 5e-3;

/* CHAINS independent chains of multiply-adds, more than the 8 to 10 that hide the latency on processors of
 * today and few enough for 16 registers. Every chain tends to 1, from its own start, so that no two are
 * merged into one. One function per vector length because GCC takes vectors apart where the function's target
 * does not have them. */
#define MULTIPLY_ADD_LOOP(function, target, bytes)                                                           \
    target static float function(float start)                                                                \
    {                                                                                                        \
        typedef float lanes __attribute__((vector_size(bytes)));                                             \
        const lanes zero = {0.0f}, x = zero + 0.999f, y = zero + 1e-3f;                                      \
        lanes a0 = zero + start, a1 = a0 + 1.0f, a2 = a0 + 2.0f, a3 = a0 + 3.0f, a4 = a0 + 4.0f,             \
              a5 = a0 + 5.0f;                                                                                \
        lanes a6 = a0 + 6.0f, a7 = a0 + 7.0f, a8 = a0 + 8.0f, a9 = a0 + 9.0f, a10 = a0 + 10.0f,              \
              a11 = a0 + 11.0f;                                                                              \
        for (int i = 0; i < REPEATS; i++) {                                                                  \
            a0 = a0 * x + y, a1 = a1 * x + y, a2 = a2 * x + y, a3 = a3 * x + y, a4 = a4 * x + y,             \
            a5 = a5 * x + y;                                                                                 \
            a6 = a6 * x + y, a7 = a7 * x + y, a8 = a8 * x + y, a9 = a9 * x + y, a10 = a10 * x + y,           \
            a11 = a11 * x + y;                                                                               \
        }                                                                                                    \
        const lanes sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;                       \
        return sum[0];                                                                                       \
    }

MULTIPLY_ADD_LOOP(loop_16_bytes, , 16)
#if defined(__x86_64__) && defined(__GNUC__)
MULTIPLY_ADD_LOOP(loop_32_bytes, __attribute__((target("avx2,fma"))), 32)
MULTIPLY_ADD_LOOP(loop_64_bytes, __attribute__((target("avx512f"))), 64)
#endif

/* Each call starts from the last one's end, so that none can be left out. */
static double rate_of(float (*loop)(float), size_t bytes)
{
    const double flop = 2.0 * CHAINS * REPEATS * (double)(bytes / sizeof(float));
    double best = 0.0;
    volatile float value = 0.5f;
    for (int i = 0; i < TRIES; i++) {
        const double start_s = muir_now_s();
        double time_s = 0.0, done = 0.0;
        while (time_s < try_s) {
            value = loop(value);
            done += flop;
            time_s = muir_now_s() - start_s;
        }
        if (done / time_s > best) best = done / time_s;
    }
    return best;
}

static inline double most(double a, double b)
{
    return a > b ? a : b;
}

double muir_peak_flop_per_s(void)
{
    double best = rate_of(loop_16_bytes, 16);
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        best = most(best, rate_of(loop_32_bytes, 32));
    if (__builtin_cpu_supports("avx512f")) best = most(best, rate_of(loop_64_bytes, 64));
#endif
    return best;
}
