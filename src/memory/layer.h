/* SPDX-License-Identifier: BSD-3-Clause */
/* What a block of a program keeps and what its backward pass needs besides. Private to src/memory. */
#ifndef MUIR_MEMORY_LAYER_H
#define MUIR_MEMORY_LAYER_H

#include "memory/memory.h"

typedef struct muir_layer_memory {
    double kept;    /* from forward to backward, of a microbatch [byte] */
    double working; /* beyond that while its backward pass runs [byte] */
} muir_layer_memory;

/* Of a kind of layer, from the rows that it keeps and the modules that the job computes again. Going back
 * through the rows, the peak is the largest of: what is still kept, what has been computed again of the rows
 * from here back (of all with full recompute, of the same module otherwise), and what passes.
 * Local. */
muir_layer_memory muir_layer_memory_of(const muir_job *job, const muir_block *block);

#endif
