/* SPDX-License-Identifier: BSD-3-Clause */
/* What others see of the fleet clock. */
#include "fleet_clock/fleet_clock_state.h"

const muir_power *muir_fleet_clock_power(const muir_fleet_clock *clock)
{
    return clock->power;
}

const muir_cost *muir_fleet_clock_cost(const muir_fleet_clock *clock)
{
    return &clock->cost;
}

double muir_fleet_clock_lost_usd(const muir_fleet_clock *c, double still_s, double trained_s)
{
    const muir_power_step still = {.recovery_s = still_s};
    const muir_power_step ideal = {.replicas = (double)c->scenario->job.parallel.dp};
    const double training_w = muir_power_meter_j(c->power, &ideal) / muir_power_step_s(c->power, &ideal);
    return muir_cost_usd(&c->cost, still_s + trained_s,
                         muir_power_meter_j(c->power, &still) + trained_s * training_w);
}

const muir_events *muir_fleet_clock_events(const muir_fleet_clock *clock)
{
    return clock->events;
}

const muir_program *muir_fleet_clock_program(const muir_fleet_clock *clock)
{
    return clock->program;
}

const muir_slot_times *muir_fleet_clock_slot_times(const muir_fleet_clock *clock)
{
    return clock->times;
}

const muir_order *muir_fleet_clock_order(const muir_fleet_clock *clock)
{
    return clock->order;
}

const muir_ideal *muir_fleet_clock_ideal(const muir_fleet_clock *clock)
{
    return clock->ideal;
}

const muir_fold *muir_fleet_clock_fold(const muir_fleet_clock *clock)
{
    return &clock->fold;
}

double muir_fleet_clock_bytes_per_chip(const muir_fleet_clock *c)
{
    const muir_parallel *p = &c->scenario->job.parallel;
    const double chips = (double)c->fold.replicas.n * (double)(p->tp * p->cp * p->pp);
    return chips > 0.0 ? (double)(c->slowdown->bytes + c->lengths->bytes) / chips : 0.0;
}
