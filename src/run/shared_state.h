/* SPDX-License-Identifier: BSD-3-Clause */
/* A shared run at work. Private to run/. */
#ifndef MUIR_RUN_SHARED_STATE_H
#define MUIR_RUN_SHARED_STATE_H

#include "io/telemetry.h"
#include "run/shared_run.h"

struct muir_shared_file; /* what the file's description points to */

typedef struct muir_shared_state {
    const muir_shared_request *request; /* borrowed */
    muir_fleet fleet;                   /* that they share */
    muir_shared_job *jobs;              /* [n], the result's */
    int *entry;                         /* [n] the file's item of each */
    int n;
    muir_scenario *scenarios;  /* [n] each on its own servers and the shared spares */
    muir_fleet_clock **clocks; /* [n] */
    int32_t *of_server;        /* [fleet's servers] the job of each, -1: spare */
    int64_t *servers;          /* the fleet's number of each job's servers, one job after the other */
    int64_t *first;            /* [n + 1] of each job in `servers` */
    int64_t *spares;           /* [n_spares] shared spare servers */
    int32_t *has_spare;        /* [n_spares] the job of each, -1: nobody's */
    int32_t *free_spares;      /* [n] spares of each job's machine after its last row */
    int64_t n_spares;
    muir_uplinks uplinks;
    muir_sharing *sharing;
    muir_shared_row *rows;     /* [n] under way */
    muir_telemetry *telemetry; /* NULL: not wanted */
    struct muir_shared_file *file;
    int64_t n_rows, n_events;
    int64_t steps;
    double limit_s; /* 0: none */
} muir_shared_state;

/* Loads the jobs' scenarios, gives them servers, and makes their clocks.
 * n_jobs  out  of the file
 * Collective over ctx->comm. MUIR_ERR_ARG with file and line, MUIR_ERR_MEM. */
muir_status muir_shared_setup(muir_ctx *ctx, muir_shared_state *s);
void muir_shared_state_free(muir_shared_state *s); /* not the jobs */

/* Makes the telemetry file; puts rows; flushes and closes. Collective over ctx->comm. MUIR_ERR_FILE,
 * MUIR_ERR_MEM. */
muir_status muir_shared_record_start(muir_ctx *ctx, muir_shared_state *s);
muir_status muir_shared_record_step(muir_ctx *ctx, muir_shared_state *s, const muir_shared_row *row);
muir_status muir_shared_record_event(muir_ctx *ctx, muir_shared_state *s, const muir_shared_event *event);

void muir_shared_record_free(muir_shared_state *s); /* also after a failure, without a flush */

#endif
