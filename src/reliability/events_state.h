/* SPDX-License-Identifier: BSD-3-Clause */
/* State of the event machine, and failures. Private to events*.c. */
#ifndef MUIR_RELIABILITY_EVENTS_STATE_H
#define MUIR_RELIABILITY_EVENTS_STATE_H

#include "reliability/arrivals.h"
#include "reliability/events.h"
#include "reliability/replay.h"

enum { MUIR_EVENTS_OF_ROW = 16384, MUIR_MOST_MIGRATING = 1024, MUIR_MOST_PLANNED = 256 };

/* A planned interruption, or a maintenance window of some length. */
typedef struct muir_planned {
    int kind;
    int64_t start_ns, window_ns;
} muir_planned;

/* A failure, from its draws. */
typedef struct muir_failure {
    int32_t server;      /* where it starts; -1: the whole job */
    int32_t first, last; /* servers that it reaches; none for the whole job */
    int kind;
    bool is_in_place, is_retired;
    bool is_misdiagnosed;       /* diagnosis names another server */
    int64_t start_ns, found_ns; /* found: the job ran into it */
    int64_t repair_ns;          /* of a server that is drained; -1: drawn */
    muir_draw draw;
    muir_case served;
    muir_tier tier;
    muir_saved saved;
} muir_failure;

struct muir_events {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_servers *servers;
    muir_effects *effects;
    muir_arrivals *arrivals;
    muir_replay *replay; /* NULL: nothing is replayed */
    muir_reaction reaction;
    muir_checkpoints checkpoints;
    muir_goodput goodput;
    int64_t now_ns, row, progress;
    int64_t prefix_ns[MUIR_CLASS_COUNT]; /* standing still before this row's attempt */
    muir_planned *planned;               /* [n_planned] wait for the row's end */
    int n_planned;
    int64_t window_part_ns, window_left_ns; /* of maintenance: in this row's prefix; cut off by a failure */
    int64_t data_due_ns, data_ns;           /* waiting for data: in the next attempt, in this one */
    muir_failure *migrating; /* [n_migrating] servers that the job leaves before the next attempt */
    int n_migrating;
    int32_t *peers; /* [n_peers] scratch: slots of a pipeline group */
    int32_t n_peers;
    /* of the failure that broke off this row's attempt */
    int64_t failed_ns, stall_ns, lost_steps, lost_ns; /* lost_ns: that the lost steps took */
    muir_event *failed_event;
    int64_t stall_class_ns[MUIR_CLASS_COUNT];
    int failed_kind;
    muir_event *event; /* [n_events] of this row; what is beyond MUIR_EVENTS_OF_ROW is only counted */
    int n_events;
};

int64_t muir_events_ns(double seconds);

/* A new event of this row, with what is alike for all filled in. Local. */
muir_event *muir_events_note(muir_events *events, int kind, int64_t start_ns, int64_t end_ns);

/* Draws everything about a failure of this kind that hits at start_ns. Local. */
muir_failure muir_failure_draw(const muir_events *events, const muir_draw *draw, int kind, int64_t start_ns);

/* Time for which a failure keeps its server away. Local. */
int64_t muir_failure_repair_ns(const muir_events *events, const muir_failure *failure);

/* The server whose time is first fails. Local. */
muir_failure muir_failure_of_server(const muir_events *events, int32_t server);

/* A failure happens; true if that stops the job: then failed_ns and what follows it are set, and the servers
 * are as they are after the stall. Local. */
bool muir_events_fail(muir_events *events, muir_failure *failure);
bool muir_events_fail_job(muir_events *events, muir_failure *failure);

/* The units with chips in a slot go down, ready again restart_ns after the failure is detected. Local. */
void muir_events_drop(muir_events *events, const muir_failure *failure, int32_t slot, int64_t restart_ns);

/* Policies about a failure of one server (events_policy.c). One that is foreseen waits until the job has
 * moved off its server: true, nothing fails now. _move_off does that between two rows. Local. */
bool muir_events_foresee(muir_events *events, const muir_failure *failure);
void muir_events_move_off(muir_events *events, const muir_failure *failure);

/* What a wrong diagnosis drains: the other servers of the pipeline group, called before the bad one is
 * drained; or a healthy server, called after the bad one has restarted, which fails again. Local. */
void muir_events_evict_group(muir_events *events, const muir_failure *failure);
void muir_events_evict_wrong(muir_events *events, const muir_failure *failure);

/* Drains the server of a slow episode between two rows. Local. */
void muir_events_evict(muir_events *events, const muir_effect *effect);

/* Time that a failure's chain of restarts adds [ns], and whether a person ended it. Local. */
int64_t muir_events_retry_ns(muir_events *events, const muir_failure *failure, int scope);

/* What hits the fleet or the job as a whole, and what a log says (events_arrive.c); true if it stops the job.
 * Local. */
bool muir_events_arrive(muir_events *events, int kind, int64_t start_ns);
bool muir_events_replay(muir_events *events);

/* From a free server to a replica that trains: rescheduling, start of its processes, load [ns]. Local. */
int64_t muir_events_restart_ns(const muir_events *events);

/* The same where a spare server takes the place of one that is gone, which optical switches may have to join
 * to the torus of the others first; spares of all pods count alike. Local. */
int64_t muir_events_refill_ns(const muir_events *events);

#endif
