/* SPDX-License-Identifier: BSD-3-Clause */
/* Temperature of the job's chips: the inlet's, which swings over the day, plus what their power adds with a
 * lag. A chip that is too warm throttles; all are slower while the inlet is warmer than its mean.
 *     T = inlet(t) + rise load + warmth_of_chip
 *     inlet(t) = mean + swing / 2 cos(2 pi (t - peak) / day)
 *     d load / dt = (power / compute power - load) / lag
 * The fixed spread of speeds has in it what a chip's own temperature costs it, so warmth only decides who
 * throttles; and for want of figures chips that a stall has cooled are not faster for it, and those that
 * throttle draw no less. Sources: site.def, chip.def. */
#ifndef MUIR_FLEET_CLOCK_HEAT_H
#define MUIR_FLEET_CLOCK_HEAT_H

#include "reliability/events.h"
#include "power/power.h"

/* State after the rows so far: the same on all ranks. */
typedef struct muir_heat {
    const muir_scenario *scenario; /* borrowed; outlives this */
    double training, still;        /* steady loads: power over chip.compute_power x tdp_w */
    double load;                   /* now */
    double skipped_s;              /* fleet time before the first row, where a clock starts at a later one */
} muir_heat;

/* The state of a job that has trained for long.
 * power    in   read here
 * first_s  in   fleet time of the first row [s]
 * Local. */
void muir_heat_init(muir_heat *heat, const muir_scenario *scenario, const muir_power *power, double first_s);

/* Temperatures of a step, at its start. */
typedef struct muir_heat_step {
    double mean_c;    /* over chips [degC] */
    float slower;     /* added to the slowdown of all chips */
    float margin_c;   /* chips that are more than so much warmer than the mean throttle [K] */
    float throttling; /* slowdown of a chip that does, at least 1 */
} muir_heat_step;

/* Local.
 * now_ns  in  fleet time, without what was skipped */
muir_heat_step muir_heat_at(const muir_heat *heat, int64_t now_ns);

/* Moves the state on over a row: standing still, training, standing still. Local. */
void muir_heat_advance(muir_heat *heat, const muir_attempt *attempt);

/* How much warmer than the mean a chip of the fleet is at work [K]: its server's place and its own thermal
 * resistance, two normal draws. Local. */
double muir_chip_warmth_c(const muir_scenario *scenario, int64_t chip);

#endif
