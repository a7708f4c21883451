/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs on shared uplinks, step by step: whoever runs them says how long each next step computes. */
#ifndef MUIR_NETWORK_SHARING_H
#define MUIR_NETWORK_SHARING_H

#include "network/rates.h"

/* A step of a job, or its wait for the start. Traffic: at the ports' full rate. [s] */
typedef struct muir_shared_step {
    double still_s;   /* before it, without traffic: recovery, the wait for its turn */
    double compute_s; /* with hidden traffic under way */
    double hidden_s, exposed_s;
} muir_shared_step;

typedef struct muir_sharing muir_sharing;

/* No job runs at first.
 * uplinks  in   borrowed; outlives the sharing
 * Local. MUIR_ERR_MEM. */
muir_status muir_sharing_create(muir_ctx *ctx, const muir_uplinks *uplinks, muir_sharing **out);
void muir_sharing_destroy(muir_sharing **sharing); /* accepts NULL, leaves NULL */

/* A job that does nothing begins a step now. Local; allocates nothing. */
void muir_sharing_begin(muir_sharing *sharing, int job, const muir_shared_step *step);

/* Plays until a step ends. Returns its job, which does nothing from then on; -1: no job runs.
 * now_s  out  when, since the beginning [s]
 * Local; allocates nothing. */
int muir_sharing_next(muir_sharing *sharing, double *now_s);

/* What a step takes with nobody else there [s]. Local. */
double muir_sharing_alone_s(const muir_sharing *sharing, int job, const muir_shared_step *step);

/* Events so far: a phase of some job ended. Local. */
int64_t muir_sharing_events(const muir_sharing *sharing);

#endif
