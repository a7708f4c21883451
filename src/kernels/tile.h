/* SPDX-License-Identifier: BSD-3-Clause */
/* The innermost part of a matrix product: C += A B for a few rows, 64 columns and a depth that fits the
 * caches. Every type is handled in words of 32 bits: one fp32, one int32, two bf16 or four int8 that follow
 * each other along k. One instruction multiplies a word of A with a register of words of B, whatever the
 * type. */
#ifndef MUIR_KERNELS_TILE_H
#define MUIR_KERNELS_TILE_H

#include <stdbool.h>
#include <stddef.h>

enum { MUIR_TILE_COLUMNS = 64, MUIR_TILE_ROWS = 48 }; /* the most of one tile */

typedef struct muir_tile {
    size_t rows, columns, depth; /* at most MUIR_TILE_ROWS and MUIR_TILE_COLUMNS; depth in words */
    const void *a;               /* [rows,depth] words, rows a_stride bytes apart */
    const void *b;               /* [depth,MUIR_TILE_COLUMNS] words, aligned to MUIR_ALIGN */
    void *c;                     /* [rows,columns] fp32 or int32, rows c_stride elements apart */
    size_t a_stride, c_stride;
    bool is_first; /* C is written; else added to */
} muir_tile;

/* What the words hold. */
typedef enum muir_word_kind {
    MUIR_WORD_FP32,      /* fp32, products summed in fp32 */
    MUIR_WORD_INT32,     /* int32, summed in int32 */
    MUIR_WORD_BF16_PAIR, /* two bf16, summed in fp32 */
    MUIR_WORD_INT8_FOUR, /* four u8 of A and four s8 of B, summed in int32 */
} muir_word_kind;

/* Constant, elements of a word. */
static inline size_t muir_word_elements(muir_word_kind kind)
{
    return kind == MUIR_WORD_BF16_PAIR ? 2 : kind == MUIR_WORD_INT8_FOUR ? 4 : 1;
}

/* One implementation: an instruction set and a kind of word. */
typedef struct muir_tile_row {
    const char *instruction; /* what it multiplies with */
    muir_word_kind word;
    bool (*is_available)(void);
    void (*run)(const muir_tile *tile); /* allocates nothing. Local. */
    /* Multiply-adds of the same instruction in registers alone; returns their operations, 2 for each element.
     * x  in/out  goes in and comes out changed, so that no call can be left out
     * Local; takes less than a millisecond. */
    double (*loop)(float *x);
} muir_tile_row;

/* All implementations of this build, the widest first. Local. */
size_t muir_tile_count(void);
const muir_tile_row *muir_tile_at(size_t i);

/* The best implementation on this processor for a kind of word. NULL for BF16_PAIR and INT8_FOUR where the
 * processor has no such instruction. Local. */
const muir_tile_row *muir_tile_find(muir_word_kind word);

#endif
