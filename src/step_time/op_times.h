/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of single ops of the step program on the scenario's fleet, for a chip of speed 1. */
#ifndef MUIR_STEP_TIME_OP_TIMES_H
#define MUIR_STEP_TIME_OP_TIMES_H

#include "network/network.h"
#include "models/program.h"
#include "scenario/scenario.h"

/* Time of one op [s], all of it, hidden or not; of the busiest chip, for which all others wait. Local. */
double muir_op_time_s(const muir_scenario *scenario, const muir_op *op);

/* How long a collective takes, and on which ports. Local. */
muir_port_times muir_op_ports(const muir_scenario *scenario, const muir_op *op);

#endif
