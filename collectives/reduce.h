/* SPDX-License-Identifier: BSD-3-Clause */
/* The arithmetic of reductions, element by element. */
#ifndef MUIR_COLLECTIVES_REDUCE_H
#define MUIR_COLLECTIVES_REDUCE_H

#include <stddef.h>

#include "base/words.h"

/* Constant, name as nccl-tests users know it. */
#define MUIR_REDUCE_LIST(X)                                                                                  \
    X(MUIR_SUM, "sum")                                                                                       \
    X(MUIR_MAX, "max")                                                                                       \
    X(MUIR_MIN, "min")

typedef enum muir_reduce {
#define MUIR_REDUCE_ENUM(constant, name) constant,
    MUIR_REDUCE_LIST(MUIR_REDUCE_ENUM)
#undef MUIR_REDUCE_ENUM
        MUIR_REDUCE_COUNT
} muir_reduce;

/* to[i] = a[i] op b[i] for n elements; `to` is a, b, or apart from both. Which of two equal numbers max and
 * min take, and what they make of NaN, depends on the order of a and b only. */
typedef void muir_reduce_loop(size_t n, const void *a, const void *b, void *to);

/* Name, never NULL. Local. */
const char *muir_reduce_name(muir_reduce reduce);

/* The loop for a data type and an operation, or NULL where there is none. Local. */
muir_reduce_loop *muir_reduce_find(muir_dtype dtype, muir_reduce reduce);

#endif
