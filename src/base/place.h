/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the chunks of a pipeline lie: which stage holds which part of the layers. */
#ifndef MUIR_BASE_PLACE_H
#define MUIR_BASE_PLACE_H

/* Chunks are numbered in the order in which data passes them forwards. */
typedef enum muir_place {
    MUIR_PLACE_ROUND,  /* round and round: chunk c lies on stage c mod stages */
    MUIR_PLACE_V,      /* there and back: every second round runs from the last stage to the first */
    MUIR_PLACE_MIRROR, /* one round, held twice: chunk c on stage c, and again on stage stages - 1 - c */
} muir_place;

/* Times that the pipeline holds each weight. Local. */
int muir_place_copies(muir_place place);

/* The chunk of the pipeline that a stage holds as its i-th; with MIRROR, i is the copy. Local. */
int muir_place_chunk(muir_place place, int stages, int stage, int i);

/* The stage that holds a chunk.
 * copy  in   0 to muir_place_copies - 1
 * Local. */
int muir_place_stage(muir_place place, int stages, int chunk, int copy);

#endif
