/* SPDX-License-Identifier: BSD-3-Clause */
/* The algorithms that a scenario asks for. */
#ifndef MUIR_HOST_CLOCK_ALGORITHMS_H
#define MUIR_HOST_CLOCK_ALGORITHMS_H

#include "collectives/coll.h"
#include "scenario/scenario.h"

/* The row that the scenario asks for: host.algorithms says it for one axis, host.all_reduce and its like for
 * all. NULL: `auto`, or nothing was said.
 * scenario  in   held against the table by muir_host_algorithms_check
 * Local. */
const muir_coll *muir_host_algorithm(const muir_scenario *scenario, muir_axis axis, muir_coll_kind kind);

/* Whether the scenario's axes, operations and algorithms exist, also those that this launch will not need.
 * Local. MUIR_ERR_ARG with what is known. */
muir_status muir_host_algorithms_check(muir_ctx *ctx, const muir_scenario *scenario);

#endif
