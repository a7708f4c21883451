/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products of muir's own: tiles with the widest instructions of this processor. */
#include <stdio.h>

#include "kernels/blocked.h"

static void describe(muir_dtype dtype, char *text, size_t size)
{
    const muir_packing *packing = muir_packing_find(dtype);
    snprintf(text, size, "muir's, %s%s", packing->means, muir_tile_find(packing->word)->instruction);
}

static bool has_workspace(const muir_kernels *kernels)
{
    return kernels->workspace != NULL;
}

static muir_status run(muir_ctx *ctx, const muir_kernels *kernels, muir_dtype dtype, muir_gemm_size size,
                       const void *a, const void *b, void *c)
{
    const muir_packing *packing = muir_packing_find(dtype);
    if (!kernels->workspace) return muir_fail(ctx, MUIR_ERR_ARG, "tiles have no room to work in");
    muir_blocked_run(packing, muir_tile_find(packing->word)->run, kernels->workspace, size, a, b, c);
    return MUIR_OK;
}

#define ROW(id, type)                                                                                        \
    static void describe_##id(const muir_kernels *kernels, char *text, size_t size)                          \
    {                                                                                                        \
        (void)kernels;                                                                                       \
        describe(type, text, size);                                                                          \
    }                                                                                                        \
    static muir_status run_##id(muir_ctx *ctx, const muir_kernels *kernels, muir_gemm_size size,             \
                                const void *a, const void *b, void *c)                                       \
    {                                                                                                        \
        return run(ctx, kernels, type, size, a, b, c);                                                       \
    }                                                                                                        \
    const muir_gemm muir_gemm_tiles_##id = {                                                                 \
        .name = "tiles",                                                                                     \
        .dtype = type,                                                                                       \
        .is_available = has_workspace,                                                                       \
        .describe = describe_##id,                                                                           \
        .run = run_##id,                                                                                     \
        .source = "Goto and van de Geijn, ACM Trans. Math. Softw. 34(3), 2008 (the blocking)",               \
    };

ROW(fp32, MUIR_FP32)
ROW(bf16, MUIR_BF16)
ROW(int8, MUIR_INT8)
ROW(fp8, MUIR_FP8)
