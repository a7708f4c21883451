/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine: moving off servers that are about to fail, and what a wrong diagnosis drains. */
#include <math.h>

#include "reliability/events_state.h"

/* Only a server that says something before it dies can be left in time, and only for a spare one. */
bool muir_events_foresee(muir_events *e, const muir_failure *f)
{
    const muir_policy *policy = &e->scenario->faults.policy;
    if (f->first != f->last || muir_kind_noticed(f->kind) != MUIR_NOTICED_EXPLICIT) return false;
    if (muir_draw_uniform(&f->draw, MUIR_PURPOSE_FORESEEN) >= policy->foreseen) return false;
    if (!muir_servers_trains(e->servers, f->server) || e->n_migrating == MUIR_MOST_MIGRATING) return false;
    if (muir_servers_n_spares(e->servers) <= e->n_migrating) return false;
    muir_servers_note_failure(e->servers, f->server);
    muir_servers_hold(e->servers, f->server);
    e->migrating[e->n_migrating++] = *f;
    return true;
}

void muir_events_move_off(muir_events *e, const muir_failure *f)
{
    const int32_t slot = muir_servers_slot(e->servers, f->server);
    if (slot < 0 || muir_servers_n_spares(e->servers) == 0) return; /* it has gone another way */
    const int64_t stall_ns = muir_events_ns(e->scenario->faults.policy.migrate_s);
    const int64_t back_ns = e->now_ns + muir_failure_repair_ns(e, f);
    if (f->is_retired) muir_servers_retire(e->servers, f->server);
    muir_effects_repair(e->effects, f->server);
    muir_servers_drain(e->servers, f->server, back_ns, MUIR_SERVER_IN_REPAIR);
    muir_servers_fill(e->servers, slot);
    e->prefix_ns[MUIR_CLASS_infrastructure_recovery] += stall_ns;
    e->goodput.lost_ns[f->kind] += stall_ns;
    e->goodput.planned++;
    e->goodput.migrations++;
    muir_event *event = muir_events_note(e, f->kind, f->start_ns, back_ns);
    event->server = f->server;
    event->servers = 1;
    event->noticed = MUIR_NOTICED_ALERT;
    event->noticed_ns = f->start_ns;
    event->consequence = MUIR_CONSEQUENCE_MIGRATED;
    event->stall_ns = stall_ns;
}

static void drain_healthy(muir_events *e, const muir_failure *f, int32_t server)
{
    const int32_t slot = muir_servers_slot(e->servers, server);
    if (muir_servers_is_out(e->servers, server)) return;
    if (slot >= 0 && e->reaction.scope == MUIR_SCOPE_ELASTIC) muir_events_drop(e, f, slot, 0);
    muir_servers_drain(e->servers, server,
                       f->found_ns + f->served.detection_ns +
                           muir_events_ns(e->scenario->faults.policy.check_s),
                       MUIR_SERVER_CUT_OFF);
}

/* A server of the job that is not the bad one. */
static int32_t pick_wrong(const muir_events *e, const muir_failure *f)
{
    const int32_t slots = muir_servers_n_slots(e->servers);
    const int32_t start = (int32_t)(muir_draw_uniform(&f->draw, MUIR_PURPOSE_WRONG) * (double)slots);
    for (int32_t i = 0; i < slots; i++) {
        const int32_t server = muir_servers_at(e->servers, (start + i) % slots);
        if (server >= 0 && server != f->server) return server;
    }
    return -1;
}

void muir_events_evict_group(muir_events *e, const muir_failure *f)
{
    const int32_t slot = muir_servers_slot(e->servers, f->server);
    const int32_t n = muir_servers_pipeline(e->servers, slot, e->peers, e->n_peers);
    for (int32_t i = 0; i < n; i++) {
        const int32_t server = muir_servers_at(e->servers, e->peers[i]);
        if (server >= 0 && server != f->server) drain_healthy(e, f, server);
    }
}

void muir_events_evict_wrong(muir_events *e, const muir_failure *f)
{
    const int32_t wrong = pick_wrong(e, f);
    const double relapse_s =
        muir_draw_exponential(&f->draw, MUIR_PURPOSE_RELAPSE) * e->scenario->faults.policy.relapse_s;
    if (wrong >= 0) drain_healthy(e, f, wrong);
    muir_servers_fails_at(e->servers, f->server,
                          f->found_ns + f->served.detection_ns + muir_events_ns(fmin(relapse_s, 4.0e9)));
}
