/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings of some of the ranks, working on some of the blocks: what ring and torus algorithms are made of. */
#ifndef MUIR_COLLECTIVES_LINE_H
#define MUIR_COLLECTIVES_LINE_H

#include "collectives/steps.h"

/* Ranks `first_rank` + k `stride`, closed to a ring. Part k of the vector, that of the k-th of them, is
 * block `first_block` + k `width` and the width - 1 blocks after it. With two lanes, the lower half of each
 * part goes round in one direction and the upper half in the other, at the same time. */
typedef struct muir_coll_line {
    int n;     /* ranks */
    int index; /* of the steps' rank among them */
    int first_rank, stride;
    int first_block, width;
    int n_lanes; /* 1 or 2 */
} muir_coll_line;

/* The ring of all ranks, a block each. Local. */
muir_coll_line muir_coll_line_of_all(const muir_coll_steps *steps, int n_lanes);

/* Blocks of all parts together. Local. */
muir_coll_part muir_coll_line_whole(const muir_coll_steps *steps, const muir_coll_line *line);

/* The part of the steps' rank. Local. */
muir_coll_part muir_coll_line_own(const muir_coll_steps *steps, const muir_coll_line *line);

/* Appends n - 1 rounds, after which every rank has the reduction of its own part.
 * from  in  where its contribution to all the parts lies
 * to    in  where its own part goes
 * Local. */
void muir_coll_line_reduce_scatter(muir_coll_steps *steps, const muir_coll_line *line, muir_coll_place from,
                                   muir_coll_place to);

/* Appends n - 1 rounds, after which the output holds every part but the rank's own, each in its place.
 * own  in  where the rank's own part lies
 * Local. */
void muir_coll_line_all_gather(muir_coll_steps *steps, const muir_coll_line *line, muir_coll_place own);

#endif
