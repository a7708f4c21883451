/* SPDX-License-Identifier: BSD-3-Clause */
/* Power, energy and cost of a step. */
#ifndef MUIR_FLEET_CLOCK_ENERGY_H
#define MUIR_FLEET_CLOCK_ENERGY_H

#include "fleet_clock/ideal.h"

/* Energy of a step at the meter [J]:
 *     pue (job chips (compute_s P_compute + comm_s P_communicate + rest P_idle) + spares idle + hosts +
 * network) compute_s and comm_s are means over stages; the rest of the step a chip waits. Modelled. Local. */
double muir_step_energy_j(const muir_scenario *scenario, const muir_ideal *ideal, double step_s);

/* Capital written off over the lifetime for the whole fleet, plus energy [USD]. Modelled. Local. */
double muir_step_cost_usd(const muir_scenario *scenario, double step_s, double energy_j);

#endif
