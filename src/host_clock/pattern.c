/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling and checking of payloads. */
#include "host_clock/pattern.h"

#include "base/simd.h"
#include "collectives/coll.h"

static inline float value_of(size_t i, uint32_t salt)
{
    return (float)(int32_t)((7u * (uint32_t)i + salt) & 15u);
}

MUIR_CLONES
void muir_pattern_fill(float *x, size_t n, size_t first, int rank, uint32_t salt)
{
    for (size_t i = 0; i < n; i++) x[i] = value_of(first + i, salt) + (float)rank;
}

/* Counts x[i] != scale v(i) + offset. */
MUIR_CLONES
static size_t count_wrong(const float *x, size_t n, size_t first, float scale, float offset, uint32_t salt)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) wrong += x[i] != scale * value_of(first + i, salt) + offset;
    return wrong;
}

size_t muir_pattern_check_sum(const float *x, size_t n, size_t first, int p, uint32_t salt)
{
    const float ranks = (float)p;
    return count_wrong(x, n, first, ranks, ranks * (ranks - 1.0f) / 2.0f, salt);
}

size_t muir_pattern_check_copy(const float *x, size_t n, size_t first, int rank, uint32_t salt)
{
    return count_wrong(x, n, first, 1.0f, (float)rank, salt);
}

size_t muir_pattern_check(muir_coll_kind kind, const float *recv, size_t count, int p, int rank,
                          uint32_t salt)
{
    size_t offset = 0, n = 0, wrong = 0;
    switch (kind) {
    case MUIR_BARRIER: return 0;
    case MUIR_ALL_REDUCE: return muir_pattern_check_sum(recv, count, 0, p, salt);
    case MUIR_REDUCE: return rank == 0 ? muir_pattern_check_sum(recv, count, 0, p, salt) : 0;
    case MUIR_REDUCE_SCATTER:
        muir_coll_block(count, p, rank, &offset, &n);
        return muir_pattern_check_sum(recv, n, offset, p, salt);
    case MUIR_ALL_GATHER:
        for (int r = 0; r < p; r++) {
            muir_coll_block(count, p, r, &offset, &n);
            wrong += muir_pattern_check_copy(recv + offset, n, offset, r, salt);
        }
        return wrong;
    case MUIR_ALL_TO_ALLV: /* of even counts */
    case MUIR_ALL_TO_ALL:  /* part r: elements of my own block, from rank r */
        muir_coll_block(count, p, rank, &offset, &n);
        for (int r = 0; r < p; r++)
            wrong += muir_pattern_check_copy(recv + (size_t)r * n, n, offset, r, salt);
        return wrong;
    default: return muir_pattern_check_copy(recv, count, 0, 0, salt);
    }
}
