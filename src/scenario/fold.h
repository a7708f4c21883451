/* SPDX-License-Identifier: BSD-3-Clause */
/* The fold: which part of the fleet is whose.
 *
 * Fleet clock: every rank takes a run of neighbouring replicas, all their stages.
 * Host clock: the ranks form a mesh over the job's axes; what crosses ranks there is really sent. A mesh axis
 * is never longer than the job's; where it does not divide the job's axis (3 ranks, 488 replicas) the slices
 * differ by one. */
#ifndef MUIR_SCENARIO_FOLD_H
#define MUIR_SCENARIO_FOLD_H

#include "scenario/scenario.h"

/* Axes of the rank mesh, fastest first. */
enum { MUIR_MESH_TP, MUIR_MESH_CP, MUIR_MESH_DP, MUIR_MESH_PP, MUIR_MESH_AXES };

typedef struct muir_slice {
    int64_t first, n;
} muir_slice;

typedef struct muir_fold {
    muir_slice replicas;       /* of the fleet clock, mine */
    int mesh[MUIR_MESH_AXES];  /* ranks along each axis */
    int mesh_ranks;            /* their product; ranks from here on have no part in the host clock */
    int place[MUIR_MESH_AXES]; /* mine, -1 without a part */
} muir_fold;

/* Slice `rank` of `total` things over `size` ranks, in whole units of `unit`; slices differ by at most one
 * unit. Local. */
muir_slice muir_fold_slice(int64_t total, int64_t unit, int size, int rank);

/* The fold for one rank. Local, and a pure function of its arguments. */
muir_fold muir_fold_make(const muir_scenario *scenario, int size, int rank);

/* The axis's word for printing: "tp". Local. */
const char *muir_mesh_axis_name(int axis);

#endif
