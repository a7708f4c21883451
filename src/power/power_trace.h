/* SPDX-License-Identifier: BSD-3-Clause */
/* A power trace: the fleet's power at the meter, sample by sample, over a window of fleet time.
 *
 * Replicas are grouped by their delays (muir_delay_bins), so a step costs samples x groups, whatever the
 * number of chips. A sample is the difference of the energies at its ends, so samples add up to the steps'
 * energies to rounding. */
#ifndef MUIR_POWER_POWER_TRACE_H
#define MUIR_POWER_POWER_TRACE_H

#include "power/delay_bins.h"
#include "power/power.h"

typedef struct muir_power_trace {
    const muir_power *power; /* borrowed; outlives this */
    double hz;
    size_t room;      /* samples of a whole window */
    double *energy_j; /* [room + 1]: of each sample; the last one is all that lies beyond the window */
    double *sum_j;    /* [room + 2]: scratch */
    double time_s;    /* laid so far, lead included */
    double steps_j;   /* of the steps laid, from muir_power_meter_j */
    double lead_j;
} muir_power_trace;

/* Makes room for windows of the scenario's power.window_s.
 * out  out  free it with muir_power_trace_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_power_trace_create(muir_ctx *ctx, const muir_power *power, muir_power_trace **out);
void muir_power_trace_destroy(muir_power_trace **trace); /* accepts NULL, leaves NULL */

/* Starts a window.
 * lead_s  in   time that the idle fleet shows first [s]
 * Local; allocates nothing. */
void muir_power_trace_start(muir_power_trace *trace, double lead_s);

/* Lays a step after what was laid before.
 * bins  in   delays of all replicas of the fleet
 * Local; allocates nothing. */
void muir_power_trace_add(muir_power_trace *trace, const muir_power_step *step, const muir_delay_bins *bins);

/* Whole samples laid so far, at most room. Local. */
size_t muir_power_trace_samples(const muir_power_trace *trace);

/* Means of the samples [W].
 * w  out  [muir_power_trace_samples]
 * Local. */
void muir_power_trace_read(const muir_power_trace *trace, double *w);

/* Energy of all that was laid over energy of the steps and lead, less 1. Local. */
double muir_power_trace_difference(const muir_power_trace *trace);

#endif
