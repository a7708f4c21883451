/* SPDX-License-Identifier: BSD-3-Clause */
/* Every MPI message tag of muir, in one list, so that no two uses collide. */
#ifndef MUIR_BASE_TAGS_H
#define MUIR_BASE_TAGS_H

typedef enum muir_tag {
    MUIR_TAG_RING = 1,  /* ring collectives */
    MUIR_TAG_DOUBLING,  /* recursive doubling and halving */
    MUIR_TAG_PIPELINE,  /* host clock: activations and gradients between stages; + microbatch */
    MUIR_TAG_TELEMETRY, /* rows handed to the writer */
} muir_tag;

#endif
