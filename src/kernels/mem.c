/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory traffic over prepared vectors. */
#include "kernels/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"

muir_status muir_mem_create(muir_ctx *ctx, size_t bytes, muir_mem **out)
{
    muir_status st = MUIR_OK;
    muir_mem *mem = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *mem, "memory traffic", &mem));
    mem->count = bytes / (3 * sizeof(float));
    if (mem->count < MUIR_ALIGN / sizeof(float)) mem->count = MUIR_ALIGN / sizeof(float);
    MUIR_TRY(muir_alloc(ctx, mem->count, sizeof(float), "memory traffic", &mem->a));
    MUIR_TRY(muir_alloc(ctx, mem->count, sizeof(float), "memory traffic", &mem->b));
    MUIR_TRY(muir_alloc(ctx, mem->count, sizeof(float), "memory traffic", &mem->c));
    for (size_t i = 0; i < mem->count; i++) mem->a[i] = (float)(i % 1024);
done:
    if (st != MUIR_OK)
        muir_mem_destroy(&mem);
    else
        *out = mem;
    return st;
}

void muir_mem_destroy(muir_mem **mem)
{
    if (!*mem) return;
    free((*mem)->a);
    free((*mem)->b);
    free((*mem)->c);
    free(*mem);
    *mem = NULL;
}

MUIR_CLONES
static void triad(size_t n, const float *restrict a, const float *restrict b, float *restrict c)
{
    for (size_t i = 0; i < n; i++) c[i] = a[i] + 3.0f * b[i];
}

void muir_mem_stream(muir_mem *mem, muir_mem_stream_kind kind, size_t bytes)
{
    const size_t per_element = (kind == MUIR_MEM_COPY ? 2 : 3) * sizeof(float);
    for (size_t left = bytes / per_element, n; left > 0; left -= n) {
        n = left < mem->count ? left : mem->count;
        if (kind == MUIR_MEM_COPY)
            memcpy(mem->b, mem->a, n * sizeof(float));
        else
            triad(n, mem->a, mem->b, mem->c);
    }
}
