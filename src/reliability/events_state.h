/* SPDX-License-Identifier: BSD-3-Clause */
/* State of the event machine, and failures. Private to events*.c. */
#ifndef MUIR_RELIABILITY_EVENTS_STATE_H
#define MUIR_RELIABILITY_EVENTS_STATE_H

#include "reliability/events.h"

enum { MUIR_EVENTS_OF_ROW = 16384 };

struct muir_events {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_servers *servers;
    muir_effects *effects;
    muir_reaction reaction;
    muir_checkpoints checkpoints;
    muir_goodput goodput;
    int64_t now_ns, row, progress;
    int64_t prefix_ns[MUIR_CLASS_COUNT]; /* standing still before this row's attempt */
    int n_planned;                       /* planned interruptions that wait for the row's end */
    int64_t planned_ns;                  /* when the last of them was due */
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

/* The server whose time is first fails; true if that stops the job: then failed_ns and what follows it are
 * set, and the servers are as they are after the stall. Local. */
bool muir_events_fail(muir_events *events, int32_t server);

/* Drains the server of a slow episode between two rows. Local. */
void muir_events_evict(muir_events *events, const muir_effect *effect);

/* From a free server to a replica that trains: rescheduling, start of its processes, load [ns]. Local. */
int64_t muir_events_restart_ns(const muir_events *events);

/* The same where a spare server takes the place of one that is gone, which optical switches may have to join
 * to the torus of the others first; spares of all pods count alike. Local. */
int64_t muir_events_refill_ns(const muir_events *events);

#endif
