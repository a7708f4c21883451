/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine: rows, and what stands between them. */
#include "reliability/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reliability/events_state.h"

const char *muir_consequence_name(int consequence)
{
    static const char *const names[MUIR_CONSEQUENCE_COUNT] = {"none", "slower", "in_place", "drained",
                                                              "stopped"};
    return names[consequence];
}

muir_status muir_events_create(muir_ctx *ctx, const muir_scenario *scenario, double params, double step_s,
                               muir_events **out)
{
    muir_status st = MUIR_OK;
    muir_events *e = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e, "events", &e));
    e->scenario = scenario;
    MUIR_TRY(muir_alloc(ctx, MUIR_EVENTS_OF_ROW, sizeof *e->event, "events", &e->event));
    MUIR_TRY(muir_servers_create(ctx, scenario, &e->servers));
    MUIR_TRY(muir_effects_create(ctx, scenario, &e->effects));
    muir_reaction_init(&e->reaction, scenario, NULL, step_s);
    muir_checkpoints_init(&e->checkpoints, scenario, params, step_s, e->reaction.mtti_s,
                          e->reaction.storage_share);
    muir_reaction_init(&e->reaction, scenario, &e->checkpoints, step_s);
    *out = e;
    e = NULL;
done:
    muir_events_destroy(&e);
    return st;
}

void muir_events_destroy(muir_events **events)
{
    if (!*events) return;
    muir_servers_destroy(&(*events)->servers);
    muir_effects_destroy(&(*events)->effects);
    free((*events)->event);
    free(*events);
    *events = NULL;
}

/* Between rows. */

static void interrupt_as_planned(muir_events *e, int64_t start_ns)
{
    muir_saved saved;
    const bool all[MUIR_TIER_COUNT] = {true, true, true};
    const muir_tier tier = muir_checkpoints_find(&e->checkpoints, all, e->now_ns, INT64_MAX, &saved);
    const int64_t reschedule_ns = muir_events_ns(e->scenario->faults.reaction.reschedule_s);
    const int64_t load_ns = tier == MUIR_TIER_NONE ? 0 : e->checkpoints.tier[tier].load_ns;
    e->prefix_ns[MUIR_CLASS_infrastructure_recovery] += reschedule_ns;
    e->prefix_ns[MUIR_CLASS_program_startup] += e->reaction.init_job_ns;
    e->prefix_ns[MUIR_CLASS_checkpoint_restore] += load_ns;
    const int64_t stall_ns = reschedule_ns + e->reaction.init_job_ns + load_ns;
    e->goodput.lost_ns[MUIR_KIND_planned] += stall_ns;
    e->goodput.planned++;
    muir_event *event = muir_events_note(e, MUIR_KIND_planned, start_ns, e->now_ns + stall_ns);
    event->consequence = MUIR_CONSEQUENCE_STOPPED;
    event->stall_ns = stall_ns;
    event->tier = (int32_t)tier;
    event->loaded_step = saved.step;
}

static void evict_the_slow(muir_events *e)
{
    muir_effect effect;
    while (muir_effects_alert(e->effects, e->servers, e->now_ns, &effect)) muir_events_evict(e, &effect);
}

void muir_events_begin(muir_events *e, int64_t row, muir_disturbance *d)
{
    e->row = row;
    e->n_events = 0;
    memset(e->prefix_ns, 0, sizeof e->prefix_ns);
    muir_effects_expire(e->effects, e->now_ns);
    if (muir_servers_join(e->servers, e->now_ns) > 0)
        e->prefix_ns[MUIR_CLASS_infrastructure_recovery] +=
            muir_events_ns(e->scenario->faults.reaction.join_s);
    for (; e->n_planned > 0; e->n_planned--) interrupt_as_planned(e, e->planned_ns);
    evict_the_slow(e);
    muir_effects_meet(e->effects, e->servers, row, d);
    muir_servers_show(e->servers, d);
}

static void note_spike(muir_events *e, int64_t attempt_ns)
{
    const double spike = muir_effects_spike(e->effects);
    if (spike <= 0.0) return;
    muir_event *event = muir_events_note(e, MUIR_KIND_spike, e->now_ns, e->now_ns + attempt_ns);
    event->severity = spike;
    event->consequence = MUIR_CONSEQUENCE_SLOWER;
}

/* Within rows. */

static void take_fleet_wide(muir_events *e, int kind, int64_t start_ns)
{
    const muir_effect *effect = muir_effects_take(e->effects, kind);
    if (kind == MUIR_KIND_planned) {
        e->n_planned++;
        e->planned_ns = start_ns;
    }
    if (!effect) return;
    const bool is_met = muir_servers_trains(e->servers, effect->server);
    muir_event *event = muir_events_note(e, kind, start_ns, effect->end_ns);
    event->server = effect->server;
    event->chip = effect->chip;
    event->servers = 1;
    event->severity = effect->severity;
    event->consequence = is_met ? MUIR_CONSEQUENCE_SLOWER : MUIR_CONSEQUENCE_NONE;
    if (!is_met || effect->alert_ns == INT64_MAX) return;
    event->noticed = MUIR_NOTICED_ALERT;
    event->noticed_ns = effect->alert_ns;
}

static void come_back(muir_events *e, int32_t server, int64_t now_ns)
{
    muir_servers_return(e->servers, server, now_ns);
    if (muir_servers_n_empty(e->servers) > 0)
        muir_servers_refill(e->servers, now_ns + muir_events_refill_ns(e));
}

/* The earliest thing that happens before limit_ns; true if it stops the job. */
static bool happens(muir_events *e, int64_t limit_ns, bool *is_over)
{
    int64_t server_ns, kind_ns;
    const int32_t server = muir_servers_next(e->servers, &server_ns);
    const int kind = muir_effects_next(e->effects, &kind_ns);
    *is_over = server_ns >= limit_ns && kind_ns >= limit_ns;
    if (*is_over) return false;
    if (kind_ns < server_ns)
        take_fleet_wide(e, kind, kind_ns);
    else if (muir_servers_is_out(e->servers, server))
        come_back(e, server, server_ns);
    else
        return muir_events_fail(e, server);
    return false;
}

static void account_kept(muir_events *e, int64_t attempt_ns)
{
    muir_goodput *g = &e->goodput;
    const muir_servers *s = e->servers;
    int64_t missing_ns = 0;
    const int64_t share_ns = attempt_ns / muir_servers_n_units(s);
    for (int32_t i = 0; i < muir_servers_n_down(s); i++) {
        g->lost_ns[muir_servers_down_kind(s, i)] += share_ns;
        missing_ns += share_ns;
    }
    g->class_ns[MUIR_CLASS_missing_replicas] += missing_ns;
    g->class_ns[MUIR_CLASS_productive] += attempt_ns - missing_ns;
    g->kept_steps++;
    e->progress++;
}

static void keep_step(muir_events *e, int64_t attempt_ns, muir_attempt *a)
{
    const int64_t trained_ns = e->now_ns + a->prefix_ns + attempt_ns;
    a->is_kept = true;
    const int32_t units = muir_servers_n_units(e->servers);
    a->replicas_share = (double)(units - muir_servers_n_down(e->servers)) / (double)units;
    account_kept(e, attempt_ns);
    e->goodput.class_ns[MUIR_CLASS_checkpoint_save] += a->checkpoint_ns;
    muir_checkpoints_save(&e->checkpoints, e->progress, e->goodput.class_ns[MUIR_CLASS_productive],
                          trained_ns);
    a->row_ns = a->prefix_ns + attempt_ns + a->checkpoint_ns;
}

/* The attempt was broken off at e->failed_ns: what it had used up, and the stall that followed. */
static void break_off(muir_events *e, muir_attempt *a)
{
    muir_goodput *g = &e->goodput;
    const int64_t used_ns = e->failed_ns - e->now_ns;
    a->broken_ns = used_ns > a->prefix_ns ? used_ns - a->prefix_ns : 0;
    if (used_ns < a->prefix_ns) a->prefix_ns = used_ns;
    g->class_ns[MUIR_CLASS_wasted_progress] += a->broken_ns;
    g->lost_ns[e->failed_kind] += a->broken_ns + e->stall_ns;
    g->trained_ns[e->failed_kind] += a->broken_ns;
    e->failed_event->trained_ns += a->broken_ns;
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) g->class_ns[c] += e->stall_class_ns[c];
    a->checkpoint_ns = 0;
    a->lost_steps = e->lost_steps;
    a->row_ns = used_ns + e->stall_ns;
}

/* Standing still before the attempt, as far as it went. */
static void account_prefix(muir_events *e, int64_t left_ns)
{
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) {
        const int64_t part_ns = e->prefix_ns[c] < left_ns ? e->prefix_ns[c] : left_ns;
        e->goodput.class_ns[c] += part_ns;
        left_ns -= part_ns;
    }
}

void muir_events_end(muir_events *e, double attempt_s, muir_attempt *a)
{
    const int64_t attempt_ns = muir_events_ns(attempt_s);
    bool is_over = false, is_stopped = false;
    memset(a, 0, sizeof *a);
    muir_servers_settle(e->servers); /* the fleet clock has taken the moves before this row */
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) a->prefix_ns += e->prefix_ns[c];
    const int64_t trained_ns = e->now_ns + a->prefix_ns + attempt_ns;
    a->checkpoint_ns = muir_checkpoints_block_ns(&e->checkpoints, e->progress + 1, trained_ns);
    note_spike(e, attempt_ns);
    while (!is_over && !is_stopped) is_stopped = happens(e, trained_ns + a->checkpoint_ns, &is_over);
    if (is_stopped)
        break_off(e, a);
    else
        keep_step(e, attempt_ns, a);
    account_prefix(e, a->prefix_ns);
    e->now_ns += a->row_ns;
    e->goodput.total_ns += a->row_ns;
    a->end_ns = e->now_ns;
    a->training_step = e->progress;
}

const muir_event *muir_events_of_row(const muir_events *e, int *n)
{
    *n = e->n_events;
    return e->event;
}

const muir_goodput *muir_events_goodput(const muir_events *e)
{
    return &e->goodput;
}

const muir_reaction *muir_events_reaction(const muir_events *e)
{
    return &e->reaction;
}

const muir_checkpoints *muir_events_checkpoints(const muir_events *e)
{
    return &e->checkpoints;
}

const muir_servers *muir_events_servers(const muir_events *e)
{
    return e->servers;
}
