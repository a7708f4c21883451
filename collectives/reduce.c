/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectorised loops of the reductions. */
#include "collectives/reduce.h"

#include "base/simd.h"

/* ivdep: `to` may be a or b itself, which is safe at any vector length, but GCC would go scalar for it. */
MUIR_CLONES
static void sum_fp32(size_t n, const void *a, const void *b, void *to)
{
    const float *x = a, *y = b;
    float *z = to;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) z[i] = x[i] + y[i];
}

MUIR_CLONES
static void max_fp32(size_t n, const void *a, const void *b, void *to)
{
    const float *x = a, *y = b;
    float *z = to;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) z[i] = x[i] > y[i] ? x[i] : y[i];
}

MUIR_CLONES
static void min_fp32(size_t n, const void *a, const void *b, void *to)
{
    const float *x = a, *y = b;
    float *z = to;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) z[i] = x[i] < y[i] ? x[i] : y[i];
}

static muir_reduce_loop *const loops[MUIR_DTYPE_COUNT][MUIR_REDUCE_COUNT] = {
    [MUIR_FP32] = {[MUIR_SUM] = sum_fp32, [MUIR_MAX] = max_fp32, [MUIR_MIN] = min_fp32},
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
