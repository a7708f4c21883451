/* SPDX-License-Identifier: BSD-3-Clause */
/* The shrink: from the job's sizes to sizes that this machine can execute within a time per step.
 *
 * What stays: every kind of op, their order, the groups, the schedule and the order of messages.
 * What shrinks: layers of a chunk to one, microbatches to twice the stages that ranks hold, each dimension of
 * a product by a common factor, and bytes by its square (they follow tokens x hidden). */
#ifndef MUIR_HOST_CLOCK_SHRINK_H
#define MUIR_HOST_CLOCK_SHRINK_H

#include "models/program.h"
#include "scenario/fold.h"
#include "schedule/order.h"

typedef struct muir_shrink {
    double factor;       /* dimensions are divided by it, bytes by its square; >= 1 */
    muir_shape shape;    /* of the schedule that ranks execute; stages: ranks along pp */
    double layers;       /* job's layers per layer that is executed, one of each kind in each chunk */
    double microbatches; /* job's microbatches per one that is executed */
    double budget_s;     /* that a step's work may take on this machine; 0 before it is planned */
} muir_shrink;

/* What the fold alone decides: shape and microbatches; the factor is 1. Local. */
muir_shrink muir_shrink_make(const muir_scenario *scenario, const muir_fold *fold);

/* The whole shrink as the host clock begins to try it, and as `muir check` shows it:
 *     budget_s = host.budget as soon as possible, half of a dilated step's time otherwise, so that there is
 *                room to keep the timetable
 *     factor   = the smallest at which the products of a step need at most half of the budget at
 *                peak_flop_per_s, the other half being for collectives, memory and checks
 * program         in  borrowed for the call
 * peak_flop_per_s in  measured multiply-add peak of a rank's cores
 * dilated_s       in  time of a dilated step on the wall [s]; 0: as soon as possible
 * Local. */
muir_shrink muir_shrink_choose(const muir_scenario *scenario, const muir_fold *fold,
                               const muir_program *program, double peak_flop_per_s, double dilated_s);

/* The next larger factor to try: 1, 1.5, 2, 3, 4, 6, 8, ... Local. */
double muir_shrink_next(double factor);

/* A dimension after shrinking: a multiple of 16 unless it was smaller or the factor is 1. Local. */
size_t muir_shrink_size(double size, double factor);

/* Elements of 4 bytes that stand for `bytes` of payload: at least one. Local. */
size_t muir_shrink_elements(double bytes, double factor);

/* Products that stand for `count` side by side: at least one. Local. */
int muir_shrink_count(double count, double factor);

#endif
