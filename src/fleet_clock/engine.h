/* SPDX-License-Identifier: BSD-3-Clause */
/* The max-plus engine: the exact schedule of every replica, as delays against the ideal step.
 *
 * For each slot of the order,
 *     t_end = max(t_own, t_input) + compute (1 + excess) length + communication
 * Written as the delay d against the ideal step this is
 *     d_end = max(d_own + self_slack, d_input + input_slack) + compute ((1 + excess) length - 1)
 * which keeps single precision where it matters: on the differences, not on the whole step.
 *
 * 64 replicas lie side by side, so one slot is a few vector operations; results live in a few registers
 * (schedule/schedule.h) that stay in cache. */
#ifndef MUIR_FLEET_CLOCK_ENGINE_H
#define MUIR_FLEET_CLOCK_ENGINE_H

#include "step_time/ideal.h"
#include "fleet_clock/lengths.h"
#include "fleet_clock/slowdown.h"
#include "power/delay_bins.h"

typedef struct muir_engine {
    const muir_order *order;     /* borrowed; outlives this */
    const muir_ideal *ideal;     /* borrowed; outlives this; may change between steps */
    const muir_lengths *lengths; /* borrowed; outlives this */
    float *own;                  /* [stages, 64] */
    float *result;               /* [n_registers, 64] */
} muir_engine;

/* What a step of a rank's replicas comes to, as delays against the ideal step. A replica's delay is that of
 * its latest stage with gradient sync. The caller gives the room for the two arrays. */
typedef struct muir_delays {
    double *stage_s;        /* [stages]: largest delay of each stage's end, -infinity without replicas */
    int64_t *stage_replica; /* [stages]: the replica that has it, the first of equals */
    double worst_s;         /* of the latest replica */
    int64_t worst_replica;  /* -1 without replicas */
    int64_t sum_ns; /* over replicas that are not down, in whole nanoseconds: any order adds up alike */
    muir_delay_bins *bins; /* filled where the caller gives room; NULL: not wanted in this step */
    int64_t bin_ns;        /* width of a bin */
} muir_delays;

/* Makes an engine with room for one block of replicas.
 * out  out  free it with muir_engine_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_engine_create(muir_ctx *ctx, const muir_order *order, const muir_ideal *ideal,
                               const muir_lengths *lengths, muir_engine **out);
void muir_engine_destroy(muir_engine **engine); /* accepts NULL, leaves NULL */

/* Runs the schedule of all replicas of a rank; allocates nothing.
 * slowdown  in   filled for the step by muir_slowdown_step; so are the lengths by muir_lengths_step
 * delays    out  every field and array of it
 * Local. */
void muir_engine_step(muir_engine *engine, const muir_slowdown *slowdown, muir_delays *delays);

#endif
