/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of jobs that share one fleet. */
#ifndef MUIR_RUN_SHARED_JOBS_H
#define MUIR_RUN_SHARED_JOBS_H

#include "base/csv.h"
#include "network/jobs.h"
#include "scenario/scenario.h"

enum { MUIR_JOB_NAME = 64, MUIR_MOST_JOBS = 4096 };

typedef struct muir_shared_jobs {
    muir_fleet fleet; /* that they share */
    int n;
    char (*name)[MUIR_JOB_NAME]; /* [n] */
    muir_job_load *load;         /* [n] */
    int64_t *chips;              /* [n] that each uses */
} muir_shared_jobs;

/* Reads a table with the columns
 *     name       what it is called; rows with count > 1 get -1, -2, ...
 *     scenario   a name in data/scenarios, or a path
 *     overrides  key=value pairs between blanks; may be missing
 *     count      how many such jobs; empty: 1
 *     start_s    when they start; empty: 0 [s]
 * All jobs run on the fleet of the first row.
 * given  in   [n_given] overrides for every row, after its own
 * out    out  free it with muir_shared_jobs_destroy; untouched on error
 * Collective over ctx->comm, which is one process. MUIR_ERR_ARG with the row, MUIR_ERR_MEM. */
muir_status muir_shared_jobs_create(muir_ctx *ctx, const muir_csv *table, const char *const *given,
                                    int n_given, muir_shared_jobs **out);
void muir_shared_jobs_destroy(muir_shared_jobs **jobs); /* accepts NULL, leaves NULL */

#endif
