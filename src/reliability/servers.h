/* SPDX-License-Identifier: BSD-3-Clause */
/* Where every server of the fleet is (in a slot of the job, spare, in repair), when it fails next, and which
 * replicas can train. Replicated on every rank.
 *
 * The job's chips are numbered through, so slot k is the place of chips k c .. k c + c - 1 of the job, c
 * chips a server; at first server k stands in slot k. Failures of a server are a renewal process with
 * Weibull gaps. Replicas come and go in units: one replica, or an expert group. */
#ifndef MUIR_RELIABILITY_SERVERS_H
#define MUIR_RELIABILITY_SERVERS_H

#include "reliability/draws.h"
#include "reliability/heap.h"
#include "scenario/scenario.h"

typedef enum muir_server_state {
    MUIR_SERVER_IN_JOB,
    MUIR_SERVER_SPARE,
    MUIR_SERVER_IN_REPAIR,
    MUIR_SERVER_CUT_OFF, /* whole, but its rack or leaf is in repair */
} muir_server_state;

typedef struct muir_servers {
    const muir_scenario *scenario; /* borrowed; outlives this */
    int32_t n, n_slots;
    double mean_gap_s;  /* of a server with rate 1; infinity: none ever fails */
    muir_heap *next;    /* of each server: next failure, in repair its end */
    float *rate;        /* [n] against the mean */
    uint32_t *ordinal;  /* [n] number of the failure that comes next */
    uint8_t *state;     /* [n] muir_server_state */
    int32_t *slot_of;   /* [n] -1: not in the job */
    int32_t *server_of; /* [n_slots] -1: empty */
    int32_t *spare;     /* [n] ring */
    int32_t first_spare, n_spares;
    int32_t *empty; /* [n_slots] empty slots */
    int32_t n_empty;
    int32_t *moved; /* [n_slots] slots whose server changed since muir_servers_settle */
    int32_t n_moved;
    uint8_t *is_moved; /* [n_slots] */
    /* units of replicas */
    int32_t n_units, unit_replicas;
    int32_t *missing;  /* [n_units] empty slots, counted once a group in them */
    int64_t *ready_ns; /* [n_units] when processes are there again, of units that are down */
    int32_t *cause;    /* [n_units] kind of event, of units that are down */
    uint8_t *is_down;  /* [n_units] */
    int32_t *down;     /* [n_units] units that are down */
    int32_t n_down;
} muir_servers;

/* Draws what kind of server each is and its first failure.
 * out  out  free it with muir_servers_destroy; untouched on error
 * Local. MUIR_ERR_ARG for more than 2^31 servers, MUIR_ERR_MEM. */
muir_status muir_servers_create(muir_ctx *ctx, const muir_scenario *scenario, muir_servers **out);
void muir_servers_destroy(muir_servers **servers); /* accepts NULL, leaves NULL */

/* The draw of a server's failure that comes next. Local. */
muir_draw muir_servers_draw(const muir_servers *servers, int32_t server);

/* A server starts again at now_ns where it is: draws its next failure. Local. */
void muir_servers_restart(muir_servers *servers, int32_t server, int64_t now_ns);

/* Takes a server out until back_ns. Its slot stays empty, units with a part in it lack it.
 * state  in   MUIR_SERVER_IN_REPAIR: afterwards its failures start afresh; MUIR_SERVER_CUT_OFF: they do not
 * Local. */
void muir_servers_drain(muir_servers *servers, int32_t server, int64_t back_ns, muir_server_state state);

/* Whether a server is in repair or cut off. Local. */
static inline bool muir_servers_is_out(const muir_servers *servers, int32_t server)
{
    return servers->state[server] >= MUIR_SERVER_IN_REPAIR;
}

/* A server is whole again at now_ns: it becomes a spare, after a repair a lemon no longer. Local. */
void muir_servers_return(muir_servers *servers, int32_t server, int64_t now_ns);

/* Puts the spare that has waited longest into a slot; false if there is none. Local. */
bool muir_servers_fill(muir_servers *servers, int32_t slot);

/* The server that is back first, -1 if none is out. Local. */
int32_t muir_servers_first_back(const muir_servers *servers);

/* Units down: every unit with chips in the slot, ready again at ready_ns at the earliest. Local. */
void muir_servers_down(muir_servers *servers, int32_t slot, int64_t ready_ns, int kind);

/* Whether each unit with chips in the slot is down. Local. */
bool muir_servers_is_idle(const muir_servers *servers, int32_t slot);

/* Fills empty slots with spares, units that lack least first; without spares, from units that lack more, so
 * that as few units as possible are down. Filled at now_ns, their processes are there at ready_ns. Local. */
void muir_servers_refill(muir_servers *servers, int64_t ready_ns);

/* Units that are complete and ready at now_ns train again; returns how many. Local. */
int32_t muir_servers_join(muir_servers *servers, int64_t now_ns);

/* Forgets which slots changed. Local. */
void muir_servers_settle(muir_servers *servers);

/* Groups (tp x cp chips of one stage of one replica) with a chip in a slot: first .. last, counted through
 * the job; and the stage and replica of a group. Local. */
void muir_servers_groups(const muir_servers *servers, int32_t slot, int64_t *first, int64_t *last);
int64_t muir_group_stage(const muir_job *job, int64_t group);
int64_t muir_group_replica(const muir_job *job, int64_t group);

#endif
