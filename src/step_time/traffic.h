/* SPDX-License-Identifier: BSD-3-Clause */
/* What a step of a job puts on the fabric, for jobs that share one. */
#ifndef MUIR_STEP_TIME_TRAFFIC_H
#define MUIR_STEP_TIME_TRAFFIC_H

#include "network/jobs.h"
#include "step_time/slot_times.h"

/* The load of a scenario's job on the fabric, from its ideal step's busiest stage. Traffic is how long
 * collectives and messages keep a chip's port busy at its full rate, latency included. It waits for what the
 * step shows of axes that leave the server (cp, ep, dp, pp, and tp where it is wider than a server), and
 * hides the rest.
 * load  out  untouched on error; start_s is 0
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_traffic_of(muir_ctx *ctx, const muir_scenario *scenario, muir_job_load *load);

/* What a chip of a stage sends over links of each class in a step, mean over the chips of the stage [byte].
 * bytes  out  [MUIR_LINK_COUNT]
 * Local. */
void muir_traffic_bytes(const muir_scenario *scenario, const muir_program *program, int stage, double *bytes);

#endif
