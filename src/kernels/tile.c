/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles for every instruction set, from one template. Compiled with -ffp-contract=fast: what is multiplied
 * here is checked, never stored. */
#include "kernels/tile.h"

#include <stdint.h>
#include <string.h>

#include "base/simd.h"

/* A strip of at most 6 rows and `vectors` registers stays in registers over the whole depth: with 4
 * registers of AVX-512 these are 24 sums, 4 words of B and one of A, of 32 registers; with 2 of AVX2, 12, 2
 * and 1 of 16. Its sizes are known when it is compiled. The instruction is written down where the compiler
 * would otherwise move sums through memory (GCC 12: 85 instead of 230 GFLOP/s). */
enum { ROWS = 6, LOOPS = 20000 };

#define UNROLL(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)

#define STRIP(name, target, element, bytes, most_vectors, MULTIPLY_ADD, STEP)                                \
    target static inline __attribute__((always_inline)) void strip_##name(                                   \
        const int rows, const int vectors, const muir_tile *t, size_t row, size_t column)                    \
    {                                                                                                        \
        typedef element lanes __attribute__((vector_size(bytes)));                                           \
        enum { LANES = bytes / 4 };                                                                          \
        lanes sum[ROWS][most_vectors];                                                                       \
        const char *a = (const char *)t->a + row * t->a_stride;                                              \
        const element *b = (const element *)t->b + column;                                                   \
        const size_t depth = t->depth, a_stride = t->a_stride;                                               \
        UNROLL(i, rows)                                                                                      \
        UNROLL(v, vectors) sum[i][v] = (lanes){0};                                                           \
        UNROLL(i, rows)                                                                                      \
        UNROLL(v, vectors)                                                                                   \
        __builtin_prefetch((element *)t->c + (row + (size_t)i) * t->c_stride + column + v * LANES, 1);       \
        for (size_t p = 0; p < depth; p++) {                                                                 \
            lanes right[most_vectors];                                                                       \
            UNROLL(v, vectors) right[v] = *(const lanes *)(b + p * MUIR_TILE_COLUMNS + v * LANES);           \
            UNROLL(i, rows)                                                                                  \
            {                                                                                                \
                element word;                                                                                \
                memcpy(&word, a + (size_t)i * a_stride + 4 * p, sizeof word);                                \
                const lanes left = word - (lanes){0};                                                        \
                UNROLL(v, vectors) MULTIPLY_ADD(sum[i][v], left, right[v]);                                  \
            }                                                                                                \
        }                                                                                                    \
        UNROLL(i, rows)                                                                                      \
        {                                                                                                    \
            element *c = (element *)t->c + (row + (size_t)i) * t->c_stride + column;                         \
            UNROLL(v, vectors)                                                                               \
            {                                                                                                \
                const size_t left = t->columns - column - (size_t)v * LANES;                                 \
                const size_t size = (left < LANES ? left : LANES) * sizeof(element);                         \
                lanes old = {0};                                                                             \
                if (left >= LANES && t->is_first) {                                                          \
                    memcpy(c + v * LANES, &sum[i][v], sizeof old);                                           \
                } else if (left >= LANES) {                                                                  \
                    memcpy(&old, c + v * LANES, sizeof old);                                                 \
                    old += sum[i][v];                                                                        \
                    memcpy(c + v * LANES, &old, sizeof old);                                                 \
                } else {                                                                                     \
                    if (!t->is_first) memcpy(&old, c + v * LANES, size);                                     \
                    old += sum[i][v];                                                                        \
                    memcpy(c + v * LANES, &old, size);                                                       \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }                                                                                                        \
                                                                                                             \
    target static inline                                                                                     \
        __attribute__((always_inline)) void rows_##name(const int rows, const muir_tile *t, size_t row)      \
    {                                                                                                        \
        enum { LANES = bytes / 4, WIDTH = LANES * most_vectors };                                            \
        size_t column = 0;                                                                                   \
        for (; column + WIDTH <= t->columns; column += WIDTH)                                                \
            strip_##name(rows, most_vectors, t, row, column);                                                \
        for (; column < t->columns; column += LANES) strip_##name(rows, 1, t, row, column);                  \
    }                                                                                                        \
                                                                                                             \
    target static void tile_##name(const muir_tile *t)                                                       \
    {                                                                                                        \
        size_t row = 0;                                                                                      \
        for (; row + ROWS <= t->rows; row += ROWS) rows_##name(ROWS, t, row);                                \
        for (; row + 2 <= t->rows; row += 2) rows_##name(2, t, row);                                         \
        if (row < t->rows) rows_##name(1, t, row);                                                           \
    }                                                                                                        \
                                                                                                             \
    target static float loop_##name(float x)                                                                 \
    {                                                                                                        \
        typedef element lanes __attribute__((vector_size(bytes)));                                           \
        lanes sum[ROWS][most_vectors], all = {0};                                                            \
        const lanes left = (element)x - (lanes){0};                                                          \
        const lanes right = left;                                                                            \
        UNROLL(i, ROWS)                                                                                      \
        UNROLL(v, most_vectors) sum[i][v] = right + (element)(i + 8 * v);                                    \
        for (int n = 0; n < LOOPS; n++) UNROLL(i, ROWS)                                                      \
        UNROLL(v, most_vectors) STEP(sum[i][v], left, right);                                                \
        UNROLL(i, ROWS)                                                                                      \
        UNROLL(v, most_vectors) all += sum[i][v];                                                            \
        return (float)all[0] > 3.0f ? 0.5f : 0.25f;                                                          \
    }

#define FIELDS(name, text, kind, bytes, most_vectors, available)                                             \
    static double count_##name(float *x)                                                                     \
    {                                                                                                        \
        *x = loop_##name(*x);                                                                                \
        return 2.0 * LOOPS * ROWS * most_vectors * (bytes / 4) * (double)muir_word_elements(kind);           \
    }                                                                                                        \
    static const muir_tile_row row_##name = {text, kind, available, tile_##name, count_##name};

#define PLAIN(sum, left, right) sum += (left) * (right)
#define RECURRENCE(sum, left, right) sum = sum * (left) + (right) /* no product that could leave the loop */

static bool always(void)
{
    return true;
}

STRIP(fp32_base, , float, 16, 2, PLAIN, RECURRENCE)
STRIP(int32_base, , uint32_t, 16, 2, PLAIN, RECURRENCE)
FIELDS(fp32_base, "fp32 multiply-adds, 128 bits", MUIR_WORD_FP32, 16, 2, always)
FIELDS(int32_base, "int32 multiply-adds, 128 bits", MUIR_WORD_INT32, 16, 2, always)

#if defined(__x86_64__) && defined(__GNUC__)
#define FMA(sum, left, right) __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right))
#define DPBF16(sum, left, right) __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right))
#define DPBUSD(sum, left, right) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right))
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static bool has_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

static bool has_int8(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

STRIP(fp32_avx2, AVX2, float, 32, 2, FMA, FMA)
STRIP(int32_avx2, AVX2, uint32_t, 32, 2, PLAIN, RECURRENCE)
STRIP(fp32_avx512, AVX512, float, 64, 4, FMA, FMA)
STRIP(int32_avx512, AVX512, uint32_t, 64, 4, PLAIN, RECURRENCE)
STRIP(bf16_avx512, AVX512, float, 64, 4, DPBF16, DPBF16)
STRIP(int8_avx512, AVX512, uint32_t, 64, 4, DPBUSD, DPBUSD)
FIELDS(fp32_avx2, "fp32 multiply-adds, 256 bits", MUIR_WORD_FP32, 32, 2, has_avx2)
FIELDS(int32_avx2, "int32 multiply-adds, 256 bits", MUIR_WORD_INT32, 32, 2, has_avx2)
FIELDS(fp32_avx512, "fp32 multiply-adds, 512 bits", MUIR_WORD_FP32, 64, 4, has_avx512)
FIELDS(int32_avx512, "int32 multiply-adds, 512 bits", MUIR_WORD_INT32, 64, 4, has_avx512)
FIELDS(bf16_avx512, "vdpbf16ps, 512 bits", MUIR_WORD_BF16_PAIR, 64, 4, has_bf16)
FIELDS(int8_avx512, "vpdpbusd, 512 bits", MUIR_WORD_INT8_FOUR, 64, 4, has_int8)
#endif

/* The widest first. */
static const muir_tile_row *const rows[] = {
#if defined(__x86_64__) && defined(__GNUC__)
    &row_fp32_avx512, &row_int32_avx512, &row_bf16_avx512, &row_int8_avx512, &row_fp32_avx2, &row_int32_avx2,
#endif
    &row_fp32_base,   &row_int32_base,
};

size_t muir_tile_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const muir_tile_row *muir_tile_at(size_t i)
{
    return rows[i];
}

const muir_tile_row *muir_tile_find(muir_word_kind word)
{
    for (size_t i = 0; i < muir_tile_count(); i++)
        if (rows[i]->word == word && rows[i]->is_available()) return rows[i];
    return NULL;
}
