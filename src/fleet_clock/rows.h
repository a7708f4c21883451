/* SPDX-License-Identifier: BSD-3-Clause */
/* From an undisturbed step to the row of a step attempt. Private to the fleet clock. */
#ifndef MUIR_FLEET_CLOCK_ROWS_H
#define MUIR_FLEET_CLOCK_ROWS_H

#include "reliability/events.h"
#include "fleet_clock/fleet_clock.h"

/* What all share stretches every part alike; spikes and pauses are waiting for slower ones.
 * row  in/out  step_s and part_s of an undisturbed step, common
 * Local. */
void muir_row_disturb(muir_fleet_row *row, const muir_disturbance *disturbance);

/* How the attempt ended: a step that was kept has all its parts, what stood still before and after it is
 * recovery and checkpoint; one that was broken off is recovery alone. Then rates.
 * row           in/out  a disturbed step; all but flag, slowest_replica, replica_mean_s, energy and cost
 * model_flop    in      of the model and step, executed_flop with recompute
 * Local. */
void muir_row_end(muir_fleet_row *row, const muir_scenario *scenario, const muir_attempt *attempt,
                  double model_flop, double executed_flop);

#endif
