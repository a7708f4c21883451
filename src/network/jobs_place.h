/* SPDX-License-Identifier: BSD-3-Clause */
/* Which servers jobs have. Private to network/. */
#ifndef MUIR_NETWORK_JOBS_PLACE_H
#define MUIR_NETWORK_JOBS_PLACE_H

#include "network/jobs.h"

/* Gives each job its servers, in the order of the jobs.
 * of_server  out  [fleet's servers] the job of each; -1: none
 * Local. MUIR_ERR_ARG: more servers than the fleet has; MUIR_ERR_MEM. */
muir_status muir_jobs_place(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, int32_t *of_server);

#endif
