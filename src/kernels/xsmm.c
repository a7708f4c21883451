/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products with LIBXSMM's kernels in place of muir's tiles, where muir was built with it. Debian has
 * it as a static library alone, so it is linked (CMake finds it), not loaded. */
#include <stdio.h>

#include "kernels/blocked.h"

#ifdef MUIR_HAS_LIBXSMM
#include <libxsmm.h>

/* LIBXSMM has columns first: its C is the transpose of a tile's, its A the packed B (pairs or fours along k
 * side by side, as its bf16 and int8 kernels want them), its B the rows of A. It makes a kernel for sizes
 * that are new and finds it again by them; NULL: it has none, and muir's own tile steps in. */
#define TILE(id, function, dispatch, kind, in_a, in_b, out, one)                                             \
    static function kernel_##id(const muir_tile *t)                                                          \
    {                                                                                                        \
        const int m = (int)t->columns, n = (int)t->rows, lda = MUIR_TILE_COLUMNS, ldc = (int)t->c_stride;    \
        const int elements = (int)muir_word_elements(kind), k = elements * (int)t->depth;                    \
        const int ldb = (int)(t->a_stride / sizeof(in_b));                                                   \
        const one alpha = 1, beta = t->is_first ? 0 : 1;                                                     \
        if (t->a_stride % sizeof(in_b) || t->depth == 0) return NULL;                                        \
        return dispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, NULL, NULL);                               \
    }                                                                                                        \
    static void tile_##id(const muir_tile *t)                                                                \
    {                                                                                                        \
        const function kernel = kernel_##id(t);                                                              \
        if (kernel)                                                                                          \
            kernel((const in_a *)t->b, (const in_b *)t->a, (out *)t->c);                                     \
        else                                                                                                 \
            muir_tile_find(kind)->run(t);                                                                    \
    }                                                                                                        \
    static bool has_##id(void)                                                                               \
    {                                                                                                        \
        const muir_tile t = {.rows = 48, .columns = 64, .depth = 64, .a_stride = 256, .c_stride = 64};       \
        return kernel_##id(&t) != NULL;                                                                      \
    }

TILE(fp32, libxsmm_smmfunction, libxsmm_smmdispatch, MUIR_WORD_FP32, float, float, float, float)
TILE(bf16, libxsmm_bsmmfunction, libxsmm_bsmmdispatch, MUIR_WORD_BF16_PAIR, libxsmm_bfloat16,
     libxsmm_bfloat16, float, float)
TILE(int8, libxsmm_subimmfunction, libxsmm_subimmdispatch, MUIR_WORD_INT8_FOUR, char, unsigned char, int, int)

static void write_text(char *text, size_t size)
{
    snprintf(text, size, "LIBXSMM %s, %s kernels in muir's blocks", LIBXSMM_VERSION,
             libxsmm_get_target_arch());
}
#else
#define NO_TILE(id)                                                                                          \
    static void tile_##id(const muir_tile *t)                                                                \
    {                                                                                                        \
        (void)t;                                                                                             \
    }                                                                                                        \
    static bool has_##id(void)                                                                               \
    {                                                                                                        \
        return false;                                                                                        \
    }
NO_TILE(fp32)
NO_TILE(bf16)
NO_TILE(int8)

static void write_text(char *text, size_t size)
{
    snprintf(text, size, "built without LIBXSMM");
}
#endif

static void describe(const muir_kernels *kernels, char *text, size_t size)
{
    (void)kernels;
    write_text(text, size);
}

#define ROW(id, type, kind)                                                                                  \
    static bool is_available_##id(const muir_kernels *kernels)                                               \
    {                                                                                                        \
        const muir_packing *packing = muir_packing_find(type);                                               \
        return kernels->workspace && packing->word == kind && has_##id();                                    \
    }                                                                                                        \
    static muir_status run_##id(muir_ctx *ctx, const muir_kernels *kernels, muir_gemm_size size,             \
                                const void *a, const void *b, void *c)                                       \
    {                                                                                                        \
        if (!is_available_##id(kernels))                                                                     \
            return muir_fail(ctx, MUIR_ERR_ARG, "LIBXSMM has no kernel for this type here");                 \
        muir_blocked_run(muir_packing_find(type), tile_##id, kernels->workspace, size, a, b, c);             \
        return MUIR_OK;                                                                                      \
    }                                                                                                        \
    const muir_gemm muir_gemm_xsmm_##id = {                                                                  \
        .name = "libxsmm",                                                                                   \
        .dtype = type,                                                                                       \
        .is_available = is_available_##id,                                                                   \
        .describe = describe,                                                                                \
        .run = run_##id,                                                                                     \
        .source = "Heinecke, Henry, Hutchinson and Pabst, SC16; github.com/libxsmm/libxsmm",                 \
    };

ROW(fp32, MUIR_FP32, MUIR_WORD_FP32)
ROW(bf16, MUIR_BF16, MUIR_WORD_BF16_PAIR)
ROW(int8, MUIR_INT8, MUIR_WORD_INT8_FOUR)
