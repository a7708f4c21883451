/* SPDX-License-Identifier: BSD-3-Clause */
/* How a job's chips are numbered: where the chip of a stage, a replica and a place in its group lies, and the
 * other way round. The only file that knows parallel.order.
 *
 * A group is the tp x cp chips of one stage of one replica. Chips are numbered tp fastest, then cp, then
 * group by group; groups are numbered in the order that parallel.order says. */
#ifndef MUIR_MODELS_LAYOUT_H
#define MUIR_MODELS_LAYOUT_H

#include "models/job.h"

/* Where a chip of the job stands. */
typedef struct muir_chip_place {
    int64_t stage, replica;
    int64_t in_group; /* 0 .. tp cp - 1 */
} muir_chip_place;

/* Chips of a group: tp cp. Local. */
int64_t muir_layout_group_chips(const muir_job *job);

/* Number of the group of a stage and replica. Local. */
int64_t muir_layout_group(const muir_job *job, int64_t stage, int64_t replica);

/* Stage and replica of a group. Local. */
int64_t muir_layout_stage(const muir_job *job, int64_t group);
int64_t muir_layout_replica(const muir_job *job, int64_t group);

/* Number of a chip, and its inverse. Local. */
int64_t muir_layout_chip(const muir_job *job, int64_t stage, int64_t replica, int64_t in_group);
muir_chip_place muir_layout_place(const muir_job *job, int64_t chip);

/* Groups with a chip in first_chip .. last_chip of the job. Local. */
void muir_layout_groups_of(const muir_job *job, int64_t first_chip, int64_t last_chip, int64_t *first,
                           int64_t *last);

/* Distance between neighbouring members of an axis, in chip numbers of the job, with ep the fastest part of
 * dp. The gradient group DP has cp dp members, since cp replicates weights too; EDP has cp dp / ep. Local. */
int64_t muir_job_stride(const muir_job *job, muir_axis axis);

#endif
