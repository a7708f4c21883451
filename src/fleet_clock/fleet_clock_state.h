/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock's parts. Private to the room. */
#ifndef MUIR_FLEET_CLOCK_FLEET_CLOCK_STATE_H
#define MUIR_FLEET_CLOCK_FLEET_CLOCK_STATE_H

#include "fleet_clock/experts.h"
#include "fleet_clock/fleet_clock.h"
#include "fleet_clock/heat.h"
#include "fleet_clock/hold.h"

/* What ranks reduce: maximum of value, of equals the smallest index (MPI_MAXLOC on MPI_DOUBLE_INT). */
typedef struct muir_maximum {
    double value;
    int index;
} muir_maximum;

/* What is summed over ranks. */
typedef struct muir_fleet_sums {
    int64_t delay_ns, throttled;
} muir_fleet_sums;

struct muir_fleet_clock {
    const muir_scenario *scenario; /* borrowed; outlives the clock */
    muir_fold fold;
    muir_program *program;
    muir_slot_times *times;
    muir_order *order;
    muir_ideal *ideal; /* experts loaded as expected */
    muir_ideal *now;   /* of the step: experts loaded as drawn; the same object where they are not drawn */
    muir_slowdown *slowdown;
    muir_lengths *lengths;
    muir_experts *experts;
    muir_engine *engine;
    muir_events *events;
    muir_delays delays;
    /* [stages + 4]: each stage's delay, the latest replica, the flag, the most to compute,
     * the warmest chip */
    muir_maximum *meeting;
    muir_fleet_sums sum;         /* over all ranks, of the last step that was computed */
    double longest, expert_load; /* of that step */
    muir_hold hold;
    muir_heat heat;
    bool has_begun; /* a row was stepped or replayed */
    muir_power *power;
    muir_cost cost;
    muir_delay_bins bins; /* of the last step, same on all ranks, where wanted */
    bool has_bins;
};

#endif
