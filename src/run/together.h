/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs executed at once on disjoint ranks of one launch: each alone first, while the others sleep, then all
 * together, so that a real fabric feels them all.
 *
 * Rank r belongs to job r mod n, so that every job is on every host of a launch that fills one host after the
 * other. A job prepares and does half of its steps while nobody else runs, then the other half with all. */
#ifndef MUIR_RUN_TOGETHER_H
#define MUIR_RUN_TOGETHER_H

#include "run/run.h"

/* What a job's ranks executed. [s] */
typedef struct muir_together_job {
    double alone_s, together_s;           /* median step, by the wall clock of the job's rank 0 */
    double alone_comm_s, together_comm_s; /* median of collectives and messages in it, waiting included */
    double slowdown;                      /* together_s / alone_s */
    double modelled;                      /* slow-down if one link is all that the jobs share */
    int64_t alone_steps, together_steps;  /* that were counted */
} muir_together_job;

typedef struct muir_together muir_together;

/* Splits the ranks.
 * n    in   jobs, at least 2, at most as many as ranks
 * own  out  context of this rank's job; borrowed
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_together_create(muir_ctx *ctx, int n, muir_together **out, muir_ctx **own);
void muir_together_destroy(muir_together **together); /* accepts NULL, leaves NULL; collective */

/* This rank's job. Local. */
int muir_together_job_of(const muir_together *together);

/* Runs this rank's job when its turn comes. A job that fails ends the launch: the others wait for it.
 * request  in   its gate is taken; the scenario has steps
 * jobs     out  [n] on every rank
 * Collective over the ctx of muir_together_create. What muir_run returns. */
muir_status muir_together_run(muir_together *together, muir_run_request *request, muir_summary *summary,
                              muir_together_job *jobs);

#endif
