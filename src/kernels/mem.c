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
static void add(size_t n, const float *restrict a, const float *restrict b, float *restrict c)
{
    for (size_t i = 0; i < n; i++) c[i] = a[i] + b[i];
}

MUIR_CLONES
static void triad(size_t n, const float *restrict a, const float *restrict b, float *restrict c)
{
    for (size_t i = 0; i < n; i++) c[i] = a[i] + 3.0f * b[i];
}

const char *muir_mem_name(muir_mem_stream_kind kind)
{
    static const char *const names[] = {"copy", "add", "triad"};
    return names[kind];
}

size_t muir_mem_element_bytes(muir_mem_stream_kind kind)
{
    return (kind == MUIR_MEM_COPY ? 2 : 3) * sizeof(float);
}

void muir_mem_stream(muir_mem *mem, muir_mem_stream_kind kind, size_t bytes)
{
    for (size_t left = bytes / muir_mem_element_bytes(kind), n; left > 0; left -= n) {
        n = left < mem->count ? left : mem->count;
        switch (kind) {
        case MUIR_MEM_ADD: add(n, mem->a, mem->b, mem->c); break;
        case MUIR_MEM_TRIAD: triad(n, mem->a, mem->b, mem->c); break;
        default: memcpy(mem->b, mem->a, n * sizeof(float));
        }
    }
}

size_t muir_mem_check(const muir_mem *mem, muir_mem_stream_kind kind)
{
    size_t wrong = 0;
    for (size_t i = 0; i < mem->count; i++) {
        const float a = mem->a[i], b = mem->b[i];
        const float right = kind == MUIR_MEM_COPY ? a : kind == MUIR_MEM_ADD ? a + b : a + 3.0f * b;
        wrong += (kind == MUIR_MEM_COPY ? b : mem->c[i]) != right ? 1u : 0u;
    }
    return wrong;
}
