/* SPDX-License-Identifier: BSD-3-Clause */
/* The leaves' uplinks that several jobs share: what each job loads on them, and how much room they have. */
#ifndef MUIR_NETWORK_UPLINKS_H
#define MUIR_NETWORK_UPLINKS_H

#include "network/jobs.h"

/* A job on an uplink. */
typedef struct muir_uplink_load {
    int32_t job, uplink;
    double load; /* at the job's full rate [ports of servers] */
} muir_uplink_load;

/* Uplinks that can hold somebody up. Leaves with the same jobs, loads and room are one; a leaf with one job
 * limits that job only, and one whose jobs fit at all that they could have alone limits nobody. */
typedef struct muir_uplinks {
    int32_t n, n_jobs;
    int64_t *of_uplink;       /* [n + 1] loads of each */
    muir_uplink_load *loads;  /* by uplink, then by job */
    int64_t *of_job;          /* [n_jobs + 1] */
    muir_uplink_load *by_job; /* the same, by job */
    double *room;             /* [n] [ports of servers] */
    double *alone;            /* [n_jobs] the rate that a job has when nobody else is there, 0 to 1 */
} muir_uplinks;

/* Finds them for jobs at their places.
 * jobs       in   [n]
 * of_server  in   [fleet's servers] the job of each, -1: none
 * left       in   NULL: nothing is degraded
 * share      out  [n] leaves, shared, and in uplink_ports the ports loaded on all uplinks at full rate
 * uplinks    out  free it with muir_uplinks_free, also on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_uplinks_find(muir_ctx *ctx, const muir_fleet *fleet, const muir_job_load *jobs, int n,
                              const muir_fabric_left *left, const int32_t *of_server, muir_job_share *share,
                              muir_uplinks *uplinks);
void muir_uplinks_free(muir_uplinks *uplinks);

#endif
