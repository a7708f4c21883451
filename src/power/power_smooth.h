/* SPDX-License-Identifier: BSD-3-Clause */
/* What lies between the load and the meter: the lag of power supplies, ramp limits, storage in the racks; and
 * what the remedies cost. All work on samples in order and keep their own state at the start steady. */
#ifndef MUIR_POWER_POWER_SMOOTH_H
#define MUIR_POWER_POWER_SMOOTH_H

#include <stddef.h>

#include "scenario/scenario.h"

/* What remedies that act on the trace cost over it. */
typedef struct muir_smooth_cost {
    double burnt_j;    /* drawn only to fall slowly */
    double deferred_j; /* that work had to wait for while power rose */
    double lost_j;     /* in the storage's conversions */
    double stored_j;   /* largest excursion of the storage's content from half full, both ways */
} muir_smooth_cost;

/* First-order lag of chips and supplies, one after the other, exact for power that is constant in a sample.
 *     dy/dt = (x - y) / tau
 * w  in/out  [n] samples [W]
 * Local. */
void muir_smooth_lag(const muir_scenario *scenario, double *w, size_t n);

/* Ramp limits of scenario->power on the whole fleet: rises are cut off, falls are filled up.
 * w     in/out  [n] samples [W]
 * cost  out     burnt_j, deferred_j added
 * Local. */
void muir_smooth_ramp(const muir_scenario *scenario, double *w, size_t n, muir_smooth_cost *cost);

/* Storage of scenario->power. The meter sees the load through a first-order lag whose time constant is
 * half the storage over the swing from computing to waiting, so that a step's swing never fills or empties
 * it:
 *     tau = (storage_j_per_chip / 2) / (P_compute - P_wait)
 * as far as the storage's power and content reach; sqrt(efficiency) is lost each way.
 * start_w  in      what the meter saw before the first sample, with the storage half full [W]
 * w        in/out  [n] samples [W]
 * cost     out     lost_j, stored_j
 * Local. */
void muir_smooth_storage(const muir_scenario *scenario, double start_w, double *w, size_t n,
                         muir_smooth_cost *cost);

#endif
