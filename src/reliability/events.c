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
    static const char *const names[MUIR_CONSEQUENCE_COUNT] = {"none",    "slower",  "in_place",
                                                              "drained", "stopped", "migrated"};
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
    MUIR_TRY(muir_arrivals_create(ctx, scenario, &e->arrivals));
    MUIR_TRY(muir_replay_create(ctx, scenario, &e->replay));
    MUIR_TRY(muir_alloc(ctx, MUIR_MOST_PLANNED, sizeof *e->planned, "events", &e->planned));
    MUIR_TRY(muir_alloc(ctx, MUIR_MOST_MIGRATING, sizeof *e->migrating, "events", &e->migrating));
    e->n_peers = muir_servers_n_slots(e->servers) + (int32_t)scenario->job.parallel.pp;
    MUIR_TRY(muir_alloc(ctx, (size_t)e->n_peers, sizeof *e->peers, "events", &e->peers));
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
    muir_arrivals_destroy(&(*events)->arrivals);
    muir_replay_destroy(&(*events)->replay);
    free((*events)->planned);
    free((*events)->migrating);
    free((*events)->peers);
    free((*events)->event);
    free(*events);
    *events = NULL;
}

/* Between rows. */

/* Training stops after a step and starts again: in place, with its state in memory, or as a whole. */
static int64_t restart_as_planned(muir_events *e, muir_event *event)
{
    const muir_policy *policy = &e->scenario->faults.policy;
    const muir_wanted wanted = {{true, true, true}, e->now_ns, INT64_MAX, INT64_MAX};
    muir_saved saved;
    if (policy->hot_update_s > 0.0) {
        const int64_t hot_ns = muir_events_ns(policy->hot_update_s);
        e->prefix_ns[MUIR_CLASS_program_startup] += hot_ns;
        return hot_ns;
    }
    const muir_tier tier = muir_checkpoints_find(&e->checkpoints, &wanted, &saved);
    const int64_t reschedule_ns =
        muir_events_ns(e->scenario->faults.reaction.reschedule_s + policy->preflight_s);
    const int64_t load_ns = tier == MUIR_TIER_NONE ? 0 : e->checkpoints.tier[tier].load_ns;
    e->prefix_ns[MUIR_CLASS_infrastructure_recovery] += reschedule_ns;
    e->prefix_ns[MUIR_CLASS_program_startup] += e->reaction.init_job_ns;
    e->prefix_ns[MUIR_CLASS_checkpoint_restore] += load_ns;
    event->tier = (int32_t)tier;
    event->loaded_step = saved.step;
    return reschedule_ns + e->reaction.init_job_ns + load_ns;
}

static void interrupt_as_planned(muir_events *e, const muir_planned *planned)
{
    muir_event *event = muir_events_note(e, planned->kind, planned->start_ns, planned->start_ns);
    const int64_t stall_ns = planned->window_ns + restart_as_planned(e, event);
    e->window_left_ns += planned->window_ns;
    e->goodput.lost_ns[planned->kind] += stall_ns;
    e->goodput.planned++;
    event->consequence = MUIR_CONSEQUENCE_STOPPED;
    event->stall_ns = stall_ns;
    event->end_ns = e->now_ns + stall_ns;
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
    for (int i = 0; i < e->n_planned; i++) interrupt_as_planned(e, &e->planned[i]);
    e->n_planned = 0;
    e->window_part_ns = e->window_left_ns;
    e->window_left_ns = 0;
    e->prefix_ns[MUIR_CLASS_infrastructure_recovery] += e->window_part_ns;
    for (int i = 0; i < e->n_migrating; i++) muir_events_move_off(e, &e->migrating[i]);
    e->n_migrating = 0;
    evict_the_slow(e);
    muir_effects_meet(e->effects, e->servers, row, d);
    e->data_ns = e->data_due_ns;
    e->data_due_ns = 0;
    d->wait_s += 1e-9 * (double)e->data_ns;
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
    const int64_t log_ns = muir_replay_next_ns(e->replay);
    const int32_t server = muir_servers_next(e->servers, &server_ns);
    const int kind = muir_arrivals_next(e->arrivals, &kind_ns);
    *is_over = server_ns >= limit_ns && kind_ns >= limit_ns && log_ns >= limit_ns;
    if (*is_over) return false;
    if (log_ns < server_ns && log_ns < kind_ns) return muir_events_replay(e);
    if (kind_ns < server_ns) return muir_events_arrive(e, kind, kind_ns);
    if (!muir_servers_is_out(e->servers, server)) {
        muir_failure failure = muir_failure_of_server(e, server);
        return !muir_events_foresee(e, &failure) && muir_events_fail(e, &failure);
    }
    come_back(e, server, server_ns);
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
    const int64_t data_ns = e->data_ns < attempt_ns - missing_ns ? e->data_ns : attempt_ns - missing_ns;
    g->class_ns[MUIR_CLASS_missing_replicas] += missing_ns;
    g->class_ns[MUIR_CLASS_data_loading] += data_ns;
    g->class_ns[MUIR_CLASS_productive] += attempt_ns - missing_ns - data_ns;
    g->lost_ns[MUIR_KIND_data_stall] += data_ns;
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
    if (used_ns < a->prefix_ns) { /* maintenance goes on after the stall, restarts are repeated by it */
        const int64_t left_ns = a->prefix_ns - used_ns;
        e->window_left_ns = left_ns < e->window_part_ns ? left_ns : e->window_part_ns;
        a->prefix_ns = used_ns;
    }
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

void muir_events_lend(muir_events *e, int32_t server, bool is_taken)
{
    const muir_server_state state = muir_servers_state(e->servers, server);
    if (is_taken) {
        if (state == MUIR_SERVER_SPARE)
            muir_servers_drain(e->servers, server, INT64_MAX, MUIR_SERVER_CUT_OFF);
        return;
    }
    if (state == MUIR_SERVER_IN_JOB) muir_servers_restart(e->servers, server, e->now_ns);
    if (state == MUIR_SERVER_CUT_OFF) muir_servers_return(e->servers, server, e->now_ns);
    if (muir_servers_state(e->servers, server) == MUIR_SERVER_SPARE) muir_servers_hold(e->servers, server);
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
