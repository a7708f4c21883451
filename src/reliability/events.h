/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine: what fails when, what the job does about it, and what a step attempt comes to. Driven
 * by fleet time, which is equal on all ranks, with draws from counters: the same on every rank without a
 * message. Work in proportion to events.
 *
 * A row is one step attempt: muir_events_begin says what it meets, the fleet clock says how long it would
 * take, muir_events_end says how it ends. A failure breaks the attempt off and the row ends when the job
 * runs again. Failures during a stall are found when it is over and cost a stall, and a row, of their own. */
#ifndef MUIR_RELIABILITY_EVENTS_H
#define MUIR_RELIABILITY_EVENTS_H

#include "reliability/causes.h"
#include "reliability/checkpoints.h"
#include "reliability/effects.h"
#include "reliability/reaction.h"

/* What an event did. Never renumber: files hold the numbers. */
typedef enum muir_consequence {
    MUIR_CONSEQUENCE_NONE,     /* a spare server, or one of a replica that was down */
    MUIR_CONSEQUENCE_SLOWER,   /* steps take longer */
    MUIR_CONSEQUENCE_IN_PLACE, /* the job or replica started again on the same server */
    MUIR_CONSEQUENCE_DRAINED,  /* and the server went to repair */
    MUIR_CONSEQUENCE_STOPPED,  /* the whole job was stopped and started as planned */
    MUIR_CONSEQUENCE_MIGRATED, /* the job moved off the server before it failed */
    MUIR_CONSEQUENCE_COUNT
} muir_consequence;
const char *muir_consequence_name(int consequence); /* "drained"; never NULL */

/* The truth about an event, and what followed. Times: fleet time [ns]. */
typedef struct muir_event {
    int32_t kind, noticed, consequence, tier; /* tier: of the state that was loaded, MUIR_TIER_NONE: none */
    int64_t start_ns, end_ns;                 /* end: the server is whole again */
    int64_t noticed_ns;                       /* -1: never */
    int64_t server, chip, servers;            /* place in the fleet, -1: all of it; servers that are hit */
    double
        severity; /* slow_compute: slowdown; slow_network: share of the rate left; flap: share of time down;
                     spike:
                        share of the step; failures: 1 */
    int64_t stall_ns;    /* of the whole job */
    int64_t trained_ns;  /* for nothing: the step that was broken off, and those that are lost */
    int64_t lost_steps;  /* trained again */
    int64_t loaded_step; /* steps of progress that the loaded state has; 0: none was loaded */
    int64_t replicas;    /* that train afterwards */
    int64_t row;
} muir_event;

/* How an attempt ended. */
typedef struct muir_attempt {
    bool is_kept;          /* the step was trained */
    int64_t row_ns;        /* length of the row */
    int64_t prefix_ns;     /* standing still before it: replicas joining, evictions, planned interruptions */
    int64_t broken_ns;     /* trained for nothing before the failure */
    int64_t checkpoint_ns; /* standing still after it */
    int64_t lost_steps;    /* kept before, to be trained again */
    int64_t training_step; /* steps of progress after the row */
    int64_t end_ns;        /* fleet time at the end of the row */
    double replicas_share; /* of the replicas that trained it */
} muir_attempt;

typedef struct muir_events muir_events;

/* Prepares the machine at fleet time 0.
 * params  in   weights of the model, for the size of checkpoints
 * step_s  in   an undisturbed step, for intervals that are auto [s]
 * out     out  free it with muir_events_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_events_create(muir_ctx *ctx, const muir_scenario *scenario, double params, double step_s,
                               muir_events **out);
void muir_events_destroy(muir_events **events); /* accepts NULL, leaves NULL */

/* Starts row `row`: 0, 1, 2, ... in order. Local; allocates nothing.
 * disturbance  out  what the attempt meets; its arrays are valid until the row's end */
void muir_events_begin(muir_events *events, int64_t row, muir_disturbance *disturbance);

/* Ends the row.
 * attempt_s  in   time that the step takes if nothing breaks it off, checkpoints aside [s], at most 1e8
 * attempt    out
 * Local; allocates nothing. */
void muir_events_end(muir_events *events, double attempt_s, muir_attempt *attempt);

/* A spare server that several jobs share, between two rows.
 * is_taken  in   another job has it; else it is everybody's, and does not fail while nobody has it, or this
 *                job has just put it in a slot, where it may fail from now on
 * Local. */
void muir_events_lend(muir_events *events, int32_t server, bool is_taken);

/* Events of the last row, in the order in which they were met; the caller reads them before the next begin.
 * Local. */
const muir_event *muir_events_of_row(const muir_events *events, int *n);

/* The account since fleet time 0, the reaction, the checkpoints; borrowed. Local. */
const muir_goodput *muir_events_goodput(const muir_events *events);
const muir_reaction *muir_events_reaction(const muir_events *events);
const muir_checkpoints *muir_events_checkpoints(const muir_events *events);
const muir_servers *muir_events_servers(const muir_events *events);

#endif
