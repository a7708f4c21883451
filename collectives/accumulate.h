/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions of many vectors in one go. */
#ifndef MUIR_COLLECTIVES_ACCUMULATE_H
#define MUIR_COLLECTIVES_ACCUMULATE_H

#include <stddef.h>

#include "collectives/reduce.h"

/* to[i] = from[0][i] op from[1][i] op ... from[n_from - 1][i], from left to right. bf16 and fp16 are
 * worked on in fp32 and rounded once, at the end; other types as muir_reduce_loop says.
 * n       in   [elements]
 * from    in   [n_from], n_from >= 1, each [n]
 * to      out  [n]; one of from, or apart from all
 * Local; only for what muir_reduce_find knows. Source: NVIDIA/Megatron-LM docs/api-guide/core/
 * generalized_tensor_parallel.md, section 2.6. */
void muir_accumulate(muir_dtype dtype, muir_reduce reduce, size_t n, const void *const *from, int n_from,
                     void *to);

#endif
