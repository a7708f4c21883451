/* SPDX-License-Identifier: BSD-3-Clause */
/* Every MPI message tag of muir, in one list, so that no two uses collide. */
#ifndef MUIR_BASE_TAGS_H
#define MUIR_BASE_TAGS_H

/* A band is MUIR_TAG_BAND numbers, of which a message uses its own number modulo MUIR_TAG_BAND; all but the
 * last end below 32767, the largest tag that every MPI allows. */
enum { MUIR_TAG_BAND = 4096 };

typedef enum muir_tag {
    MUIR_TAG_FORWARD = MUIR_TAG_BAND,      /* band: activations between stages, by microbatch */
    MUIR_TAG_BACKWARD = 2 * MUIR_TAG_BAND, /* band: gradients between stages, by microbatch */
    MUIR_TAG_COLL = 3 * MUIR_TAG_BAND,     /* from here to MPI_TAG_UB: collectives, by order of preparation */
} muir_tag;

#endif
