/* SPDX-License-Identifier: BSD-3-Clause */
/* A run: the step loop over fleet clock, host clock and telemetry. */
#ifndef MUIR_RUN_RUN_H
#define MUIR_RUN_RUN_H

#include <signal.h>

#include "run/record.h"
#include "run/summary.h"

/* How far a run is; handed to the observer on rank 0 now and then. */
typedef struct muir_progress {
    int64_t first_step, next_step, steps; /* of the run: [first_step, steps) is this launch's share */
    double elapsed_s;                     /* since the first step of this launch */
    double fleet_time_s, limit_s; /* since the start of the run; limit: where `days` ends it, 0 without */
    double first_fleet_time_s;    /* at the first step of this launch */
    const muir_goodput *goodput;  /* since the start of the run */
    const muir_fleet_row *row;    /* of the last step */
} muir_progress;

typedef void (*muir_observer)(const muir_progress *progress, void *data);

/* Called on every rank before each step, which it may hold back.
 * host  in  what the rank executed in the step before; NULL: nothing, or it is the first step */
typedef muir_status (*muir_gate)(int64_t step, const muir_host_row *host, void *data);

typedef struct muir_run_request {
    const muir_scenario *scenario; /* borrowed for the run */
    muir_claim *claim;   /* on the telemetry file, which it says to make or to go on with; NULL: none */
    const char *history; /* how and when a new file is made, for its attribute of that name; NULL: "" */
    /* Set by a signal: finish the step, write everything, return; NULL: never. */
    const volatile sig_atomic_t *stop;
    muir_observer observer; /* NULL: nobody looks */
    void *observer_data;
    muir_gate gate; /* NULL: none */
    void *gate_data;
} muir_run_request;

/* Runs a scenario.
 * summary  out  the same fleet statistics on all ranks; valid also with MUIR_ERR_STOPPED, untouched on other
 *               errors
 * Collective over ctx->comm. MUIR_ERR_STOPPED if `stop` was set on any rank: the file is whole and can be
 * resumed. MUIR_ERR_CHECK if a result of the host clock was wrong, after the whole run. */
muir_status muir_run(muir_ctx *ctx, const muir_run_request *request, muir_summary *summary);

#endif
