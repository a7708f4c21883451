/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing: copies, neighbours along k side by side, narrow types widened. */
#include "kernels/pack.h"

#include <stdint.h>
#include <string.h>

#include "base/simd.h"
#include "kernels/element.h"

enum { COLUMNS = MUIR_TILE_COLUMNS };

static inline float fp32_of_fp32(float x)
{
    return x;
}

static inline int32_t int32_of_s8(int8_t x)
{
    return x;
}

static inline int32_t int32_of_u8(uint8_t x)
{
    return x;
}

static inline uint16_t same_16(uint16_t x)
{
    return x;
}

static inline int8_t same_8(int8_t x)
{
    return x;
}

static inline uint16_t bf16_of_fp8(uint8_t x)
{
    return (uint16_t)(muir_float_bits(muir_fp8_value(x)) >> 16);
}

/* Rows of A: `per_word` elements of `to` make a word. */
#define PACK_A(name, from, to, per_word, convert)                                                            \
    MUIR_CLONES                                                                                              \
    static void name(size_t rows, size_t k, const void *a, size_t stride, void *words)                       \
    {                                                                                                        \
        const size_t padded = (k + per_word - 1) / per_word * per_word;                                      \
        for (size_t i = 0; i < rows; i++) {                                                                  \
            const from *row = (const from *)a + i * stride;                                                  \
            to *out = (to *)words + i * padded;                                                              \
            for (size_t p = 0; p < k; p++) out[p] = convert(row[p]);                                         \
            for (size_t p = k; p < padded; p++) out[p] = 0;                                                  \
        }                                                                                                    \
    }

/* Columns of B: of each word, the elements of `per_word` rows. Whole blocks have lengths that the compiler
 * knows. */
#define PACK_B(name, from, to, per_word, convert)                                                            \
    static inline void some_##name(size_t rows, size_t columns, const from *b, size_t stride, to *out)       \
    {                                                                                                        \
        for (size_t j = 0; j < columns; j++)                                                                 \
            for (size_t i = 0; i < rows; i++) out[j * per_word + i] = convert(b[i * stride + j]);            \
    }                                                                                                        \
    MUIR_CLONES                                                                                              \
    static void name(size_t k, size_t columns, const void *b, size_t stride, void *words)                    \
    {                                                                                                        \
        const from *in = b;                                                                                  \
        to *out = words;                                                                                     \
        for (size_t p = 0; p < k; p += per_word, in += per_word * stride, out += per_word * COLUMNS) {       \
            if (p + per_word <= k && columns == COLUMNS) {                                                   \
                some_##name(per_word, COLUMNS, in, stride, out);                                             \
            } else {                                                                                         \
                memset(out, 0, per_word *COLUMNS * sizeof(to));                                              \
                some_##name(k - p < per_word ? k - p : per_word, columns, in, stride, out);                  \
            }                                                                                                \
        }                                                                                                    \
    }

PACK_B(pack_b_fp32, float, float, 1, fp32_of_fp32)
PACK_A(pack_a_bf16, uint16_t, uint16_t, 2, same_16)
PACK_B(pack_b_bf16, uint16_t, uint16_t, 2, same_16)
PACK_A(widen_a_bf16, uint16_t, float, 1, muir_float_of_bf16)
PACK_B(widen_b_bf16, uint16_t, float, 1, muir_float_of_bf16)
PACK_A(pack_a_int8, int8_t, int8_t, 4, same_8)
PACK_B(pack_b_int8, int8_t, int8_t, 4, same_8)
PACK_A(widen_a_int8, uint8_t, int32_t, 1, int32_of_u8)
PACK_B(widen_b_int8, int8_t, int32_t, 1, int32_of_s8)
PACK_A(pack_a_fp8, uint8_t, uint16_t, 2, bf16_of_fp8)
PACK_B(pack_b_fp8, uint8_t, uint16_t, 2, bf16_of_fp8)
PACK_A(widen_a_fp8, uint8_t, float, 1, muir_fp8_value)
PACK_B(widen_b_fp8, uint8_t, float, 1, muir_fp8_value)

/* For each type the fast way first; the last one is wide. */
static const muir_packing packings[] = {
    {MUIR_FP32, MUIR_WORD_FP32, 4, 4, true, "", NULL, pack_b_fp32},
    {MUIR_BF16, MUIR_WORD_BF16_PAIR, 2, 2, true, "", pack_a_bf16, pack_b_bf16},
    {MUIR_BF16, MUIR_WORD_FP32, 2, 2, false, "bf16 as fp32: ", widen_a_bf16, widen_b_bf16},
    {MUIR_INT8, MUIR_WORD_INT8_FOUR, 1, 1, true, "", pack_a_int8, pack_b_int8},
    {MUIR_INT8, MUIR_WORD_INT32, 1, 1, false, "int8 as int32: ", widen_a_int8, widen_b_int8},
    {MUIR_FP8, MUIR_WORD_BF16_PAIR, 1, 1, false, "fp8 as bf16: ", pack_a_fp8, pack_b_fp8},
    {MUIR_FP8, MUIR_WORD_FP32, 1, 1, false, "fp8 as fp32: ", widen_a_fp8, widen_b_fp8},
};
enum { N_PACKINGS = sizeof packings / sizeof packings[0] };

const muir_packing *muir_packing_find(muir_dtype dtype)
{
    for (int i = 0; i < N_PACKINGS; i++)
        if (packings[i].dtype == dtype && muir_tile_find(packings[i].word)) return &packings[i];
    return NULL;
}

const muir_packing *muir_packing_wide(muir_dtype dtype)
{
    for (int i = N_PACKINGS; i-- > 0;)
        if (packings[i].dtype == dtype) return &packings[i];
    return NULL;
}
