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
#include "reliability/disturbance.h"
#include "scenario/scenario.h"

typedef enum muir_server_state {
    MUIR_SERVER_IN_JOB,
    MUIR_SERVER_SPARE,
    MUIR_SERVER_IN_REPAIR,
    MUIR_SERVER_CUT_OFF, /* whole, but its rack or leaf is in repair */
} muir_server_state;

typedef struct muir_servers muir_servers;

/* Draws what kind of server each is and its first failure.
 * out  out  free it with muir_servers_destroy; untouched on error
 * Local. MUIR_ERR_ARG for more than 2^31 servers, MUIR_ERR_MEM. */
muir_status muir_servers_create(muir_ctx *ctx, const muir_scenario *scenario, muir_servers **out);
void muir_servers_destroy(muir_servers **servers); /* accepts NULL, leaves NULL */

/* Servers of the fleet; their states, slots (-1: not in the job); those that are in repair or cut off.
 * Local; _n_out takes as many steps as there are servers. */
int32_t muir_servers_n(const muir_servers *servers);
muir_server_state muir_servers_state(const muir_servers *servers, int32_t server);
int32_t muir_servers_slot(const muir_servers *servers, int32_t server);
bool muir_servers_is_out(const muir_servers *servers, int32_t server);
int32_t muir_servers_n_out(const muir_servers *servers);
int32_t muir_servers_n_spares(const muir_servers *servers);

/* Slots of the job; the server in one, -1: it is empty; empty ones, and one of them. Local. */
int32_t muir_servers_n_slots(const muir_servers *servers);
int32_t muir_servers_at(const muir_servers *servers, int32_t slot);
int32_t muir_servers_n_empty(const muir_servers *servers);
int32_t muir_servers_an_empty(const muir_servers *servers); /* needs n_empty > 0 */

/* Units of replicas, their size, those that are down, and why the i-th of these is (kind of event). Local. */
int32_t muir_servers_n_units(const muir_servers *servers);
int32_t muir_servers_unit_replicas(const muir_servers *servers);
int32_t muir_servers_n_down(const muir_servers *servers);
int muir_servers_down_kind(const muir_servers *servers, int32_t i);

/* The server with whom something happens next, and when: it fails, or is out and comes back. Local. */
int32_t muir_servers_next(const muir_servers *servers, int64_t *time_ns);
int64_t muir_servers_time_ns(const muir_servers *servers, int32_t server);

/* The draw of a server's failure that comes next. Local. */
muir_draw muir_servers_draw(const muir_servers *servers, int32_t server);

/* Counts a failure of a server; how many it had since it was new. Local. */
void muir_servers_note_failure(muir_servers *servers, int32_t server);
uint32_t muir_servers_failed(const muir_servers *servers, int32_t server);

/* A server that is about to be drained comes back as a new one. Local. */
void muir_servers_retire(muir_servers *servers, int32_t server);

/* The next failure of a server is at time_ns, whatever was drawn; or it has none until it is drained. Local.
 */
void muir_servers_fails_at(muir_servers *servers, int32_t server, int64_t time_ns);
void muir_servers_hold(muir_servers *servers, int32_t server);

/* A server starts again at now_ns where it is: draws its next failure. Local. */
void muir_servers_restart(muir_servers *servers, int32_t server, int64_t now_ns);

/* Takes a server out until back_ns. Its slot stays empty, units with a part in it lack it.
 * state  in   MUIR_SERVER_IN_REPAIR: afterwards its failures start afresh; MUIR_SERVER_CUT_OFF: they do not
 * Local. */
void muir_servers_drain(muir_servers *servers, int32_t server, int64_t back_ns, muir_server_state state);

/* A server is whole again at now_ns: it becomes a spare, after a repair a lemon no longer. Local. */
void muir_servers_return(muir_servers *servers, int32_t server, int64_t now_ns);

/* Puts a spare into a slot, by policy.selection; false if there is none. Local. */
bool muir_servers_fill(muir_servers *servers, int32_t slot);

/* The server that is back first, -1 if none is out. Local. */
int32_t muir_servers_first_back(const muir_servers *servers);

/* Units down: every unit with chips in the slot, ready again at ready_ns at the earliest. Local. */
void muir_servers_down(muir_servers *servers, int32_t slot, int64_t ready_ns, int kind);

/* Whether each unit with chips in the slot is down; whether a server is in a slot that is not. Local. */
bool muir_servers_is_idle(const muir_servers *servers, int32_t slot);
bool muir_servers_trains(const muir_servers *servers, int32_t server);

/* All units train again, complete or not: their slots must be filled. Local. */
void muir_servers_raise_all(muir_servers *servers);

/* Fills empty slots with spares, units that lack least first; without spares, from units that lack more, so
 * that as few units as possible are down. Filled at now_ns, their processes are there at ready_ns. Local. */
void muir_servers_refill(muir_servers *servers, int64_t ready_ns);

/* Units that are complete and ready at now_ns train again; returns how many. Local. */
int32_t muir_servers_join(muir_servers *servers, int64_t now_ns);

/* What the fleet clock has to know: units that are down, and slots whose server changed since _settle, which
 * forgets them.
 * disturbance  out  down, n_down, unit_replicas, moved, n_moved; valid until the next change
 * Local. */
void muir_servers_show(const muir_servers *servers, muir_disturbance *disturbance);
void muir_servers_settle(muir_servers *servers);

/* Slots with a chip of the replica that the slot's first group belongs to: a pipeline group. Returns how
 * many; the same one may come twice.
 * slots  out  [most]
 * Local. */
int32_t muir_servers_pipeline(const muir_servers *servers, int32_t slot, int32_t *slots, int32_t most);

/* Groups of the job (models/layout.h) with a chip in a slot: first .. last. Local. */
void muir_servers_groups(const muir_servers *servers, int32_t slot, int64_t *first, int64_t *last);

#endif
