/* SPDX-License-Identifier: BSD-3-Clause */
/* When something next hits the whole fleet or the whole job: a Poisson process for each kind, and maintenance
 * windows at fixed intervals. */
#ifndef MUIR_RELIABILITY_ARRIVALS_H
#define MUIR_RELIABILITY_ARRIVALS_H

#include "reliability/draws.h"
#include "scenario/scenario.h"

typedef struct muir_arrivals muir_arrivals;

/* Rates from the scenario, and the first event of each process.
 * out  out  free it with muir_arrivals_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_arrivals_create(muir_ctx *ctx, const muir_scenario *scenario, muir_arrivals **out);
void muir_arrivals_destroy(muir_arrivals **arrivals); /* accepts NULL, leaves NULL */

/* The kind of the event that comes next, and when; INT64_MAX: none will. Local. */
int muir_arrivals_next(const muir_arrivals *arrivals, int64_t *time_ns);

/* Takes the next event of a kind and draws the one after it; returns the place of its draws. Local. */
muir_draw muir_arrivals_take(muir_arrivals *arrivals, int kind);

#endif
