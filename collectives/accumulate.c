/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of many vectors, a piece at a time that stays in the first-level cache. */
#include "collectives/accumulate.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"
#include "base/half.h"

enum { CHUNK_BYTES = 8 * 1024, CHUNK_FLOATS = CHUNK_BYTES / sizeof(float) };

/* sum[i] = sum[i] op x[i] in fp32, and the ways in and out. */
#define ACCUMULATE_LOOP(name, read, result)                                                                  \
    MUIR_CLONES                                                                                              \
    static void name(size_t n, const uint16_t *from, float *sum)                                             \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                                     \
            const float x = sum[i], y = read(from[i]);                                                       \
            sum[i] = result;                                                                                 \
        }                                                                                                    \
    }

#define ACCUMULATE_HALVES(name, read, write)                                                                 \
    ACCUMULATE_LOOP(sum_##name, read, x + y)                                                                 \
    ACCUMULATE_LOOP(max_##name, read, MUIR_MAX_OF_FLOATS(x, y))                                              \
    ACCUMULATE_LOOP(min_##name, read, MUIR_MIN_OF_FLOATS(x, y))                                              \
    MUIR_CLONES static void widen_##name(size_t n, const uint16_t *from, float *sum)                         \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) sum[i] = read(from[i]);                                               \
    }                                                                                                        \
    MUIR_CLONES static void narrow_##name(size_t n, const float *sum, uint16_t *to)                          \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) to[i] = write(sum[i]);                                                \
    }

ACCUMULATE_HALVES(bf16, muir_float_of_bf16, muir_bf16_of)
ACCUMULATE_HALVES(fp16, muir_float_of_fp16, muir_fp16_of)

/* What one type of 16 bits needs. */
typedef struct half_loops {
    void (*widen)(size_t n, const uint16_t *from, float *sum);
    void (*add[MUIR_REDUCE_COUNT])(size_t n, const uint16_t *from, float *sum);
    void (*narrow)(size_t n, const float *sum, uint16_t *to);
} half_loops;

#define HALF_LOOPS(name)                                                                                     \
    {                                                                                                        \
        widen_##name, {[MUIR_SUM] = sum_##name, [MUIR_MAX] = max_##name, [MUIR_MIN] = min_##name},           \
            narrow_##name                                                                                    \
    }

static const half_loops bf16_loops = HALF_LOOPS(bf16), fp16_loops = HALF_LOOPS(fp16);

static void accumulate_halves(const half_loops *loops, muir_reduce reduce, size_t first, size_t n,
                              const void *const *from, int n_from, void *to)
{
    _Alignas(MUIR_ALIGN) float sum[CHUNK_FLOATS];
    loops->widen(n, (const uint16_t *)from[0] + first, sum);
    for (int r = 1; r < n_from; r++) loops->add[reduce](n, (const uint16_t *)from[r] + first, sum);
    loops->narrow(n, sum, (uint16_t *)to + first);
}

/* The result may be one of the sources, so a partial one is kept apart. */
static void accumulate_plainly(muir_reduce_loop *loop, size_t skip, size_t n, const void *const *from,
                               int n_from, char *to)
{
    _Alignas(MUIR_ALIGN) char partial[CHUNK_BYTES];
    const char *sum = (const char *)from[0] + skip;
    for (int r = 1; r < n_from; r++) {
        char *next = r == n_from - 1 ? to + skip : partial;
        loop(n, sum, (const char *)from[r] + skip, next);
        sum = next;
    }
}

void muir_accumulate(muir_dtype dtype, muir_reduce reduce, size_t n, const void *const *from, int n_from,
                     void *to)
{
    const size_t width = muir_dtype_bytes(dtype);
    const bool is_half = dtype == MUIR_BF16 || dtype == MUIR_FP16;
    const size_t most = is_half ? CHUNK_FLOATS : CHUNK_BYTES / width;
    if (n_from == 1 && n > 0 && to != from[0]) memcpy(to, from[0], n * width);
    for (size_t i = 0; i < n && n_from > 1; i += most) {
        const size_t here = n - i < most ? n - i : most;
        if (is_half)
            accumulate_halves(dtype == MUIR_BF16 ? &bf16_loops : &fp16_loops, reduce, i, here, from, n_from,
                              to);
        else
            accumulate_plainly(muir_reduce_find(dtype, reduce), i * width, here, from, n_from, to);
    }
}
