/* SPDX-License-Identifier: BSD-3-Clause */
/* Operands of a product as words of the tiles (tile.h), for every type that a product can have. */
#ifndef MUIR_KERNELS_PACK_H
#define MUIR_KERNELS_PACK_H

#include <stddef.h>

#include "base/words.h"
#include "kernels/tile.h"

/* How a type's operands become words. */
typedef struct muir_packing {
    muir_dtype dtype;
    muir_word_kind word;
    size_t a_bytes, b_bytes; /* of an element */
    bool is_a_words;         /* rows of A are words as they stand, wherever k is whole words */
    const char *means;       /* what happens on the way: "" or " on widened operands" */
    /* A block of A.
     * a      in   [rows,k], rows `stride` elements apart
     * words  out  [rows,depth], depth = k in words, rounded up; what is beyond k is zero
     * Local. */
    void (*pack_a)(size_t rows, size_t k, const void *a, size_t stride, void *words);
    /* 64 columns of B.
     * b      in   [k,columns], rows `stride` elements apart
     * words  out  [depth,64], depth as above; what is beyond k or `columns` is zero
     * Local. */
    void (*pack_b)(size_t k, size_t columns, const void *b, size_t stride, void *words);
} muir_packing;

/* The best packing for a type on this processor, or NULL: no product of this type. Local. */
const muir_packing *muir_packing_find(muir_dtype dtype);

/* The same, with narrow types as wide words, which every processor multiplies. Local. */
const muir_packing *muir_packing_wide(muir_dtype dtype);

#endif
