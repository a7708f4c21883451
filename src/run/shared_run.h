/* SPDX-License-Identifier: BSD-3-Clause */
/* Several jobs on one fleet, step by step: each has a fleet clock of its own, with its chips, its faults and
 * its draws; what they share are the leaves' uplinks and the spare servers.
 *
 * A job's row of the fleet clock says how long its step computes and stands still when nobody else is there;
 * its traffic (step_time/traffic.h) then moves at the max-min rates of network/sharing.h. A server that
 * leaves a job for repair is that job's spare afterwards; the servers of no job are spares of all, the first
 * that asks has one. A spare takes the failed server's place on the fabric, too. */
#ifndef MUIR_RUN_SHARED_RUN_H
#define MUIR_RUN_SHARED_RUN_H

#include <signal.h>

#include "fleet_clock/fleet_clock.h"
#include "io/claim.h"
#include "network/sharing.h"
#include "scenario/jobs_file.h"

enum { MUIR_SHARED_NAME = 64 };

/* A job, and what became of it. */
typedef struct muir_shared_job {
    char name[MUIR_SHARED_NAME];
    const char *placement; /* as the file says; borrowed from it */
    int64_t chips, servers;
    muir_job_load load;                 /* of its ideal step */
    double link_bytes[MUIR_LINK_COUNT]; /* that all its chips send in a step, by class of links */
    muir_job_share share;               /* its place; step_s, alone_s: means over its steps */
    int64_t steps;                      /* rows that it had */
    int64_t kept;                       /* of them, steps that count */
    int64_t failures;                   /* events on its servers */
    double still_s, uplink_wait_s;      /* recovery; what others on the uplinks cost it, both in all */
    double goodput;
} muir_shared_job;

/* A step of a job, as the telemetry stores it. */
typedef struct muir_shared_row {
    int64_t job, step, replicas, training_step;
    double start_s, end_s, step_s, alone_s, slowdown, still_s, uplink_wait_s;
    double link_bytes[MUIR_LINK_COUNT];
} muir_shared_row;

/* A failure or a slowness that a job met. */
typedef struct muir_shared_event {
    int64_t job, step, kind, consequence, server; /* server of the fleet; -1: no one */
    double start_s, stall_s;                      /* start: since the run's start, by the job's own clock */
} muir_shared_event;

typedef struct muir_shared_request {
    const muir_jobs_file *file; /* borrowed for the run */
    const char *path;           /* of the file, for messages */
    const char *const *given;   /* [n_given] overrides for every job, after its own */
    int n_given;
    muir_claim *claim; /* on the telemetry file; NULL: none */
    const char *history;
    const volatile sig_atomic_t *stop; /* NULL: never */
} muir_shared_request;

typedef struct muir_shared_result {
    muir_shared_job *jobs; /* [n] */
    int n;
    int64_t fleet_servers, spares, events;
    double oversubscription, fleet_time_s, wall_s;
    int64_t rows;
} muir_shared_result;

/* Runs until every job has done `steps` of its rows, or for `days`, as the first job's scenario says.
 * result  out  free it with muir_shared_result_free, also on error
 * Collective over ctx->comm. MUIR_ERR_ARG with file and line; MUIR_ERR_STOPPED: the file is whole, and what
 * was reached is in the result; MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_jobs_run(muir_ctx *ctx, const muir_shared_request *request, muir_shared_result *result);
void muir_shared_result_free(muir_shared_result *result);

#endif
