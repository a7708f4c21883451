/* SPDX-License-Identifier: BSD-3-Clause */
/* Which servers jobs have. */
#ifndef MUIR_NETWORK_JOBS_PLACE_H
#define MUIR_NETWORK_JOBS_PLACE_H

#include "network/jobs.h"

/* Gives each job its servers, in the order of the jobs.
 * of_server  out  [fleet's servers] the job of each; -1: none
 * Local. MUIR_ERR_ARG: more servers than the fleet has; MUIR_ERR_MEM. */
muir_status muir_jobs_place(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, int32_t *of_server);

/* Gives one job servers that no other has.
 * order      in   of the fleet's servers that it takes the first free ones of
 * list       in   "0-63 128": numbers of servers, exactly as many as the job has; NULL: not listed
 * servers    in   that it needs
 * of_server  in/out  [fleet's servers] the job of each; -1: free
 * Local. MUIR_ERR_ARG: too few are free; a list with other numbers, or servers that another job has;
 * MUIR_ERR_MEM. */
muir_status muir_jobs_take(muir_ctx *ctx, const muir_fleet *fleet, muir_placement order, uint64_t seed,
                           const char *list, int64_t servers, int32_t job, int32_t *of_server);

#endif
