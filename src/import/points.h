/* SPDX-License-Identifier: BSD-3-Clause */
/* Measured times of collectives, from whatever benchmark, and the figures of a fleet that explain them.
 * Private to import/. */
#ifndef MUIR_IMPORT_POINTS_H
#define MUIR_IMPORT_POINTS_H

#include "base/words.h"
#include "import/import.h"

typedef struct muir_point {
    muir_coll_kind kind;
    double bytes;  /* as nccl-tests counts them */
    double time_s; /* of one call */
    int ranks, servers;
} muir_point;

typedef struct muir_points {
    muir_point *at; /* [n] */
    int n, room;
    int skipped; /* rows that are no measurement: sizes of 0, times of 0 */
} muir_points;

/* Local. MUIR_ERR_MEM. Rows without a size or a time are counted and left out. */
muir_status muir_points_add(muir_ctx *ctx, muir_points *points, muir_point point);
void muir_points_free(muir_points *points);

/* The collective that a benchmark's name means ("all_reduce_perf", "Allreduce"), or MUIR_COLL_KIND_COUNT.
 * Local. */
muir_coll_kind muir_points_kind(const char *name);

/* Whole number that the user gives as key=value; 0: not given. Local. */
int muir_points_given(const muir_import_source *source, const char *key);

/* Fits efficiency, alpha and, where several group sizes tell the two latencies from each other, base of the
 * fleet that the user names, to every second size; notes how far the others are off, then fits to all and
 * notes the fleet's file. Local. MUIR_ERR_ARG (no points, no fleet), MUIR_ERR_MEM. */
muir_status muir_points_fit(muir_ctx *ctx, const muir_import_source *source, muir_points *points,
                            muir_import *found);

/* Notes every key that the file of a fleet gives, as "fleet.KEY". Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_points_note_base(muir_ctx *ctx, const char *name, muir_import *found);

#endif
