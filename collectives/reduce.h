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

/* to[i] = a[i] op b[i] for n elements; `to` is a, b, or apart from both. bf16 and fp16 are worked on in fp32
 * and rounded once, to nearest even (collectives/half.h); fp8 has no arithmetic. NaN in either gives NaN.
 * Sums of whole numbers wrap round, as those of MPI_INT8_T and MPI_INT32_T do. Which of two equal numbers max
 * and min take (-0 or +0) depends on the order of a and b only. */
typedef void muir_reduce_loop(size_t n, const void *a, const void *b, void *to);

/* Name, never NULL. Local. */
const char *muir_reduce_name(muir_reduce reduce);

/* The loop for a data type and an operation, or NULL where there is none. Local. */
muir_reduce_loop *muir_reduce_find(muir_dtype dtype, muir_reduce reduce);

#endif
