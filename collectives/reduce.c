/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectorised loops of the reductions. */
#include "collectives/reduce.h"

#include <stdint.h>

#include "base/simd.h"
#include "base/half.h"

/* One loop: elements of type `type` are worked on as `wide`, which read() and write() make and undo. ivdep:
 * `to` may be a or b itself, which is safe at any vector length, but GCC would go scalar for it. */
#define REDUCE_LOOP(name, type, wide, read, write, result)                                                   \
    MUIR_CLONES                                                                                              \
    static void name(size_t n, const void *a, const void *b, void *to)                                       \
    {                                                                                                        \
        const type *from_a = a, *from_b = b;                                                                 \
        type *z = to;                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                  \
        {                                                                                                    \
            const wide x = read(from_a[i]), y = read(from_b[i]);                                             \
            z[i] = write(result);                                                                            \
        }                                                                                                    \
    }

#define REDUCE_FLOATS(name, type, wide, read, write)                                                         \
    REDUCE_LOOP(sum_##name, type, wide, read, write, x + y)                                                  \
    REDUCE_LOOP(max_##name, type, wide, read, write, MUIR_MAX_OF_FLOATS(x, y))                               \
    REDUCE_LOOP(min_##name, type, wide, read, write, MUIR_MIN_OF_FLOATS(x, y))

/* Sums are those of unsigned numbers, which C lets wrap. */
#define REDUCE_WHOLES(name, type, sum_type)                                                                  \
    REDUCE_LOOP(sum_##name, type, sum_type, (sum_type), (type), (sum_type)(x + y))                           \
    REDUCE_LOOP(max_##name, type, type, (type), (type), (x > y ? x : y))                                     \
    REDUCE_LOOP(min_##name, type, type, (type), (type), (x < y ? x : y))

REDUCE_FLOATS(fp32, float, float, (float), (float))
REDUCE_FLOATS(fp64, double, double, (double), (double))
REDUCE_FLOATS(bf16, uint16_t, float, muir_float_of_bf16, muir_bf16_of)
REDUCE_FLOATS(fp16, uint16_t, float, muir_float_of_fp16, muir_fp16_of)
REDUCE_WHOLES(int8, int8_t, uint8_t)
REDUCE_WHOLES(int32, int32_t, uint32_t)

#define LOOPS_OF(name)                                                                                       \
    {                                                                                                        \
        [MUIR_SUM] = sum_##name, [MUIR_MAX] = max_##name, [MUIR_MIN] = min_##name                            \
    }

static muir_reduce_loop *const loops[MUIR_DTYPE_COUNT][MUIR_REDUCE_COUNT] = {
    [MUIR_FP32] = LOOPS_OF(fp32), [MUIR_BF16] = LOOPS_OF(bf16), [MUIR_FP16] = LOOPS_OF(fp16),
    [MUIR_INT8] = LOOPS_OF(int8), [MUIR_FP64] = LOOPS_OF(fp64), [MUIR_INT32] = LOOPS_OF(int32),
};

static const char *const names[] = {
#define REDUCE_NAME(constant, name) name,
    MUIR_REDUCE_LIST(REDUCE_NAME)
#undef REDUCE_NAME
};

const char *muir_reduce_name(muir_reduce reduce)
{
    return reduce < MUIR_REDUCE_COUNT ? names[reduce] : "unknown";
}

muir_reduce_loop *muir_reduce_find(muir_dtype dtype, muir_reduce reduce)
{
    if (dtype >= MUIR_DTYPE_COUNT || reduce >= MUIR_REDUCE_COUNT) return NULL;
    return loops[dtype][reduce];
}
