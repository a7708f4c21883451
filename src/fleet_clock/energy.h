/* SPDX-License-Identifier: BSD-3-Clause */
/* Power, energy and cost of a step. */
#ifndef MUIR_FLEET_CLOCK_ENERGY_H
#define MUIR_FLEET_CLOCK_ENERGY_H

#include "fleet_clock/ideal.h"

/* Energy of a step at the meter [J]. Modelled.
 *     E = pue (job chips (compute_s P_compute + comm_s P_communicate + rest_s P_idle)
 *              + spare chips step_s P_idle + step_s (P_hosts + P_network))
 * compute_s and comm_s are means over stages; the rest of the step a chip waits.
 * step_s  in   [s]
 * Local. */
double muir_step_energy_j(const muir_scenario *scenario, const muir_ideal *ideal, double step_s);

/* Energy of the fleet at the meter while no chip trains [J]. Modelled.
 * time_s  in   [s]
 * Local. */
double muir_idle_energy_j(const muir_scenario *scenario, double time_s);

/* Cost of a step: capital written off over the lifetime for the whole fleet, plus energy [USD]. Modelled.
 *     cost = capital step_s / lifetime + energy_j usd_per_mwh / 3.6e9
 * step_s    in   [s]
 * energy_j  in   of the step, from muir_step_energy_j [J]
 * Local. */
double muir_step_cost_usd(const muir_scenario *scenario, double step_s, double energy_j);

#endif
