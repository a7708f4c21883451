/* SPDX-License-Identifier: BSD-3-Clause */
/* Cost: capital by parts written off over their lifetimes, staff, energy. */
#ifndef MUIR_POWER_COST_H
#define MUIR_POWER_COST_H

#include "scenario/scenario.h"

/* Of the whole fleet. Modelled. */
typedef struct muir_cost {
    double design_w; /* of the equipment with all chips at tdp_w [W] */
    /* capital, together capital_usd_per_chip x chips [USD] */
    double site_usd;    /* building, supply, cooling: site_usd_per_w x design_w */
    double network_usd; /* network_share of the rest */
    double servers_usd; /* what is left: chips and servers */
    /* rates, the same whether the job runs or not [USD/s] */
    double capital_usd_per_s; /* parts over their lifetimes, over utilisation */
    double staff_usd_per_s;   /* over utilisation */
    double usd_per_j;         /* of energy [USD/J] */
} muir_cost;

/* Local. */
muir_cost muir_cost_of(const muir_scenario *scenario);

/* Cost of a time of the whole fleet and of the energy meanwhile [USD].
 *     cost = (capital + staff) time_s + energy_j usd_per_mwh / 3.6e9
 * Local. */
double muir_cost_usd(const muir_cost *cost, double time_s, double energy_j);

/* Share of the time in which the fleet must be used for owning to cost what renting does: an owned fleet
 * costs capital and staff all the time and energy in use, a rented one its rent in use.
 *     use = utilisation (capital + staff) / (rent chips / 3600 - power_w usd_per_j)
 * power_w  in  at the meter in use [W]
 * Above 1: renting is cheaper. NaN where the fleet's file knows no rent, or none above its energy. Local. */
double muir_cost_breakeven_use(const muir_cost *cost, const muir_fleet *fleet, double power_w);

#endif
