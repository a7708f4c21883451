/* SPDX-License-Identifier: BSD-3-Clause */
/* Which steps share draws, and whether the step before computed what this one would: what replicas come to
 * is a function of the draws and of what is out of the ordinary, so where both are as before it need not be
 * computed again. */
#ifndef MUIR_FLEET_CLOCK_HOLD_H
#define MUIR_FLEET_CLOCK_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet_clock/heat.h"
#include "reliability/disturbance.h"

/* Slow chips and replicas that are down are compared up to so many; with more every step is computed. */
enum { MUIR_HOLD_MOST = 256 };

typedef struct muir_hold {
    int64_t every;       /* steps that share draws, fleet.variation.draw_steps */
    int64_t draw;        /* first of the steps that share the present draws */
    int64_t held;        /* draws of what was computed last; -1: nothing is held */
    muir_heat_step heat; /* when the draws were new */
    muir_slow_chip slow[MUIR_HOLD_MOST];
    int32_t down[MUIR_HOLD_MOST];
    int n_slow, n_down;
} muir_hold;

muir_hold muir_hold_make(int64_t every);

/* Starts a row with the heat it meets. Every row is begun, in order. Local. */
void muir_hold_begin(muir_hold *hold, int64_t row, const muir_heat_step *heat);

/* Whether what was computed last is also this step's. Local. */
bool muir_hold_is_same(const muir_hold *hold, const muir_disturbance *d);

/* What was computed for the present draws is held from now on; muir_hold_drop: nothing is. Local. */
void muir_hold_keep(muir_hold *hold, const muir_disturbance *d);
void muir_hold_drop(muir_hold *hold);

#endif
