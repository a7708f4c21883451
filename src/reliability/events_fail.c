/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine: failures, and what follows from one. */
#include <math.h>
#include <string.h>

#include "base/real.h"
#include "reliability/events_state.h"
#include "reliability/policy.h"

int64_t muir_events_ns(double seconds)
{
    return llrint(seconds * 1e9);
}

muir_event *muir_events_note(muir_events *e, int kind, int64_t start_ns, int64_t end_ns)
{
    const bool has_room = e->n_events < MUIR_EVENTS_OF_ROW - 1;
    /* the last is never read */
    muir_event *event = &e->event[has_room ? e->n_events++ : MUIR_EVENTS_OF_ROW - 1];
    e->goodput.unrecorded += !has_room;
    *event = (muir_event){.kind = kind,
                          .tier = MUIR_TIER_NONE,
                          .start_ns = start_ns,
                          .end_ns = end_ns,
                          .noticed_ns = -1,
                          .server = -1,
                          .chip = -1,
                          .severity = 1.0,
                          .replicas =
                              (int64_t)(muir_servers_n_units(e->servers) - muir_servers_n_down(e->servers)) *
                              muir_servers_unit_replicas(e->servers),
                          .row = e->row};
    e->goodput.events[kind]++;
    return event;
}

static int64_t memory_load_ns(const muir_events *e)
{
    for (int t = 0; t < MUIR_TIER_COUNT; t++)
        if (e->checkpoints.tier[t].is_on) return e->checkpoints.tier[t].load_ns;
    return 0;
}

int64_t muir_events_restart_ns(const muir_events *e)
{
    const muir_reaction_options *o = &e->scenario->faults.reaction;
    return muir_events_ns(o->reschedule_s) + e->reaction.init_unit_ns + memory_load_ns(e);
}

int64_t muir_events_refill_ns(const muir_events *e)
{
    return muir_events_restart_ns(e) + muir_events_ns(e->scenario->fleet.server.rewire_s);
}

/* The same right after a failure, when the spare servers may be hot. */
static int64_t hot_refill_ns(const muir_events *e)
{
    const muir_reaction_options *o = &e->scenario->faults.reaction;
    const bool is_hot = o->hot_spares > 0 && muir_servers_n_spares(e->servers) > 0;
    return muir_events_refill_ns(e) -
           (is_hot ? muir_events_ns(o->reschedule_s) - muir_events_ns(o->hot_reschedule_s) : 0);
}

/* What failed. */

static int64_t draw_detection(const muir_events *e, const muir_failure *f)
{
    const muir_detection *o = &e->scenario->faults.detection;
    if (muir_kind_noticed(f->kind) == MUIR_NOTICED_TIMEOUT) return muir_events_ns(o->hang_s);
    return muir_events_ns(
        muir_draw_lognormal(&f->draw, MUIR_PURPOSE_DETECTION, o->explicit_median_s, o->explicit_sigma));
}

int64_t muir_failure_repair_ns(const muir_events *e, const muir_failure *f)
{
    const muir_faults_top *o = &e->scenario->faults.top;
    const muir_draw d = f->draw;
    if (f->repair_ns >= 0) return f->repair_ns;
    if (f->is_retired) return muir_events_ns(e->scenario->faults.policy.replacement_s);
    const double long_s =
        muir_draw_between(&d, MUIR_PURPOSE_LONG_TIME, o->long_repair_min_s, o->long_repair_max_s);
    if (muir_draw_uniform(&d, MUIR_PURPOSE_LONG) < o->long_repair_share) return muir_events_ns(long_s);
    return muir_events_ns(
        fmin(4.0e9, muir_draw_lognormal(&d, MUIR_PURPOSE_REPAIR, o->repair_median_s, o->repair_sigma)));
}

muir_failure muir_failure_draw(const muir_events *e, const muir_draw *draw, int kind, int64_t start_ns)
{
    const muir_reaction_options *o = &e->scenario->faults.reaction;
    muir_failure f;
    memset(&f, 0, sizeof f);
    f.server = f.last = -1;
    f.kind = kind;
    f.draw = *draw;
    f.repair_ns = -1;
    f.is_in_place = true;
    f.start_ns = start_ns;
    f.found_ns = f.start_ns > e->now_ns ? f.start_ns : e->now_ns;
    f.served.detection_ns = draw_detection(e, &f);
    if (kind == MUIR_KIND_sdc) { /* silent until now */
        const double since_s =
            muir_draw_exponential(draw, MUIR_PURPOSE_SINCE) * e->scenario->faults.detection.sdc_s;
        f.served.detection_ns = 0;
        f.start_ns = f.found_ns > muir_events_ns(since_s) ? f.found_ns - muir_events_ns(since_s) : 0;
    }
    if (o->operator_median_s > 0.0)
        f.served.operator_ns =
            muir_events_ns(fmin(4.0e9, muir_draw_lognormal(draw, MUIR_PURPOSE_OPERATOR, o->operator_median_s,
                                                           o->operator_sigma)));
    return f;
}

muir_failure muir_failure_of_server(const muir_events *e, int32_t server)
{
    const muir_policy *policy = &e->scenario->faults.policy;
    const muir_draw draw = muir_servers_draw(e->servers, server);
    const int kind =
        muir_causes_pick(&e->scenario->faults.causes, muir_draw_uniform(&draw, MUIR_PURPOSE_CAUSE));
    muir_failure f = muir_failure_draw(e, &draw, kind, muir_servers_time_ns(e->servers, server));
    f.server = server;
    muir_reach_servers(&e->scenario->fleet, muir_cause_at(kind)->reach, server, &f.first, &f.last);
    f.is_in_place = muir_draw_uniform(&draw, MUIR_PURPOSE_IN_PLACE) < e->scenario->faults.top.in_place;
    f.is_retired = policy->retire_after > 0 &&
                   (int64_t)muir_servers_failed(e->servers, server) + 1 >= policy->retire_after;
    if (f.is_retired) f.is_in_place = false;
    f.is_misdiagnosed = !f.is_in_place && f.first == f.last &&
                        muir_draw_uniform(&draw, MUIR_PURPOSE_MISDIAGNOSED) < policy->misdiagnosis;
    return f;
}

/* Servers. */

/* A slot that was drained gets a server; returns the time until processes can start on it. */
static int64_t replace(muir_events *e, int32_t slot, int64_t now_ns, int n_taken)
{
    const muir_reaction_options *o = &e->scenario->faults.reaction;
    const int64_t rewire_ns = muir_events_ns(e->scenario->fleet.server.rewire_s);
    const int64_t reschedule_ns = muir_events_ns(o->reschedule_s) + rewire_ns;
    if (muir_servers_fill(e->servers, slot))
        return n_taken < o->hot_spares ? muir_events_ns(o->hot_reschedule_s) + rewire_ns : reschedule_ns;
    const int32_t server = muir_servers_first_back(e->servers);
    const int64_t most_ns = muir_events_ns(o->no_spare_s),
                  left_ns = muir_servers_time_ns(e->servers, server) - now_ns;
    muir_servers_return(e->servers, server, now_ns);
    muir_servers_fill(e->servers, slot);
    return (left_ns < most_ns ? left_ns > 0 ? left_ns : 0 : most_ns) + reschedule_ns;
}

/* A server that failed restarts, or goes to repair; `back_ns` is when it is whole again. */
static int64_t take_out(muir_events *e, const muir_failure *f, int32_t server, int64_t restart_ns)
{
    const bool is_origin = server == f->server; /* the others were taken along and are whole */
    if (f->is_in_place) {
        if (is_origin) muir_servers_restart(e->servers, server, f->found_ns);
        return f->found_ns + restart_ns;
    }
    const int64_t back_ns = f->found_ns + muir_failure_repair_ns(e, f);
    if (is_origin && f->is_retired) muir_servers_retire(e->servers, server);
    if (is_origin) muir_effects_repair(e->effects, server);
    muir_servers_drain(e->servers, server, back_ns, is_origin ? MUIR_SERVER_IN_REPAIR : MUIR_SERVER_CUT_OFF);
    return back_ns;
}

/* Every slot gets a server and every replica trains again; the time until processes can start. */
static int64_t restore_all(muir_events *e, int64_t now_ns)
{
    int64_t longest_ns = muir_events_ns(e->scenario->faults.reaction.reschedule_s);
    if (muir_servers_n_empty(e->servers) > 0) longest_ns = 0;
    for (int n_taken = 0; muir_servers_n_empty(e->servers) > 0; n_taken++) {
        const int64_t wait_ns = replace(e, muir_servers_an_empty(e->servers), now_ns, n_taken);
        longest_ns = wait_ns > longest_ns ? wait_ns : longest_ns;
    }
    muir_servers_raise_all(e->servers);
    return longest_ns;
}

/* Units of replicas go, the others stay; `is_last` if none would. Servers of a failure in order. */
void muir_events_drop(muir_events *e, const muir_failure *f, int32_t slot, int64_t restart_ns)
{
    muir_servers_down(e->servers, slot, f->found_ns + f->served.detection_ns + restart_ns, f->kind);
}

/* State. */

/* The newest state that is left; silent corruption and a loss that diverges may ask for one from before. */
static void find_state(muir_events *e, muir_failure *f)
{
    const bool is_wide = f->first < f->last;
    const muir_faults *o = &e->scenario->faults;
    muir_wanted w = {
        {!is_wide || o->checkpoint.memory_remote, f->is_in_place, true}, f->found_ns, INT64_MAX, INT64_MAX};
    if (f->kind == MUIR_KIND_sdc && o->reaction.sdc_rollback) w.before_ns = f->start_ns;
    if (f->kind == MUIR_KIND_loss_spike) w.most_step = e->progress - o->job.spike_rewind;
    f->tier = muir_checkpoints_find(&e->checkpoints, &w, &f->saved);
}

static void go_back(muir_events *e, const muir_failure *f)
{
    muir_goodput *g = &e->goodput;
    const int64_t lost_ns = g->class_ns[MUIR_CLASS_productive] - f->saved.productive_ns;
    e->lost_steps = e->progress - f->saved.step;
    g->class_ns[MUIR_CLASS_productive] -= lost_ns;
    g->class_ns[MUIR_CLASS_wasted_progress] += lost_ns;
    g->lost_ns[f->kind] += lost_ns;
    g->trained_ns[f->kind] += lost_ns;
    e->lost_ns = lost_ns;
    g->kept_steps -= e->lost_steps;
    g->lost_steps += e->lost_steps;
    e->progress = f->saved.step;
    muir_checkpoints_rewind(&e->checkpoints, e->progress, f->found_ns);
}

/* Stopping the job. */

static void note_failure(muir_events *e, const muir_failure *f, int64_t end_ns, int64_t stall_ns, bool is_hit)
{
    muir_event *event = muir_events_note(e, f->kind, f->start_ns, end_ns);
    const int64_t chips = e->scenario->fleet.server.chips;
    event->server = f->server;
    if (f->server >= 0)
        event->chip =
            f->server * chips + (int64_t)(muir_draw_uniform(&f->draw, MUIR_PURPOSE_CHIP) * (double)chips);
    event->servers = f->last - f->first + 1;
    event->stall_ns = stall_ns;
    if (!is_hit) return;
    event->noticed = muir_kind_noticed(f->kind);
    event->noticed_ns = f->found_ns + f->served.detection_ns;
    event->consequence = f->is_in_place ? MUIR_CONSEQUENCE_IN_PLACE : MUIR_CONSEQUENCE_DRAINED;
    event->tier = (int32_t)f->tier;
    event->loaded_step = f->saved.step;
    event->lost_steps = e->lost_steps;
    event->trained_ns = e->lost_ns;
    e->failed_event = event;
}

/* All servers of the failure; the end of the longest repair. */
static int64_t take_all_out(muir_events *e, const muir_failure *f)
{
    const int64_t restart_ns = muir_events_restart_ns(e) + f->served.retry_ns;
    int64_t end_ns = f->found_ns;
    for (int32_t s = f->first; s <= f->last; s++) {
        const int32_t slot = muir_servers_slot(e->servers, s);
        if (muir_servers_is_out(e->servers, s)) continue;
        /* an empty slot is ready when it is filled */
        if (slot >= 0 && e->reaction.scope == MUIR_SCOPE_ELASTIC)
            muir_events_drop(e, f, slot, f->is_in_place ? restart_ns : 0);
        const int64_t back_ns = take_out(e, f, s, f->served.detection_ns + restart_ns);
        end_ns = back_ns > end_ns ? back_ns : end_ns;
    }
    return end_ns;
}

static bool is_met(const muir_events *e, const muir_failure *f)
{
    for (int32_t s = f->first; s <= f->last; s++)
        if (muir_servers_trains(e->servers, s)) return true;
    return false;
}

/* The servers are out; the job goes on with what is left, or waits until it is whole. */
static void react(muir_events *e, muir_failure *f)
{
    int scope = e->reaction.scope;
    const bool is_replicated = e->scenario->job.parallel.zero_stage == 0;
    if (scope == MUIR_SCOPE_ELASTIC && muir_servers_n_down(e->servers) == muir_servers_n_units(e->servers))
        scope = MUIR_SCOPE_SYNC;
    find_state(e, f);
    const bool is_back = scope == MUIR_SCOPE_SYNC || (!is_replicated && f->saved.step < e->progress);
    if (f->tier != MUIR_TIER_NONE) f->served.load_ns = e->checkpoints.tier[f->tier].load_ns;
    if (scope == MUIR_SCOPE_ELASTIC && !is_back) f->served.load_ns = 0; /* only the replica that left loads */
    if (scope == MUIR_SCOPE_ELASTIC)
        muir_servers_refill(e->servers,
                            f->found_ns + f->served.detection_ns + f->served.retry_ns + hot_refill_ns(e));
    else
        f->served.server_ns = restore_all(e, f->found_ns);
    if (is_back) go_back(e, f);
    e->failed_ns = f->found_ns;
    e->failed_kind = f->kind;
    e->stall_ns = muir_reaction_stall(&e->reaction, e->scenario, scope, &f->served, e->stall_class_ns);
    e->goodput.interruptions++;
}

int64_t muir_events_retry_ns(muir_events *e, const muir_failure *f, int scope)
{
    bool is_rescued = false;
    const double attempt_s =
        muir_reaction_restart_s(&e->reaction, e->scenario, scope, 1e-9 * (double)memory_load_ns(e));
    const double retry_s = muir_policy_retry_s(&e->scenario->faults.policy, attempt_s, &f->draw, &is_rescued);
    e->goodput.rescues += is_rescued;
    return muir_events_ns(retry_s);
}

bool muir_events_fail(muir_events *e, muir_failure *f)
{
    const bool is_hit = is_met(e, f);
    e->lost_steps = e->lost_ns = 0;
    if (is_hit) f->served.retry_ns = muir_events_retry_ns(e, f, e->reaction.scope);
    muir_servers_note_failure(e->servers, f->server);
    const bool is_wrong = f->is_misdiagnosed && is_hit;
    const bool is_group = e->scenario->faults.policy.evict == MUIR_EVICT_GROUP;
    if (is_wrong && is_group) muir_events_evict_group(e, f);
    f->is_in_place = f->is_in_place || (is_wrong && !is_group); /* the bad one stays */
    const int64_t end_ns = take_all_out(e, f);
    if (is_wrong && !is_group) muir_events_evict_wrong(e, f);
    if (is_hit)
        react(e, f);
    else if (muir_servers_n_empty(e->servers) > 0)
        muir_servers_refill(e->servers, f->found_ns + f->served.detection_ns + muir_events_refill_ns(e));
    note_failure(e, f, end_ns, is_hit ? e->stall_ns : 0, is_hit);
    return is_hit;
}

/* The servers stay as they are; replicas that are down stay down. */
bool muir_events_fail_job(muir_events *e, muir_failure *f)
{
    const muir_faults *o = &e->scenario->faults;
    const double start_s = o->reaction.reschedule_s + 1e-9 * (double)e->reaction.init_job_ns;
    e->lost_steps = e->lost_ns = 0;
    find_state(e, f);
    if (f->tier != MUIR_TIER_NONE) f->served.load_ns = e->checkpoints.tier[f->tier].load_ns;
    f->served.server_ns = muir_events_ns(o->reaction.reschedule_s);
    f->served.retry_ns = muir_events_retry_ns(e, f, MUIR_SCOPE_SYNC);
    if (f->kind == MUIR_KIND_deployment)
        f->served.retry_ns += o->job.deployment_tries *
                              muir_events_ns(o->policy.hot_update_s > 0.0 ? o->policy.hot_update_s : start_s);
    if (f->kind == MUIR_KIND_loss_spike) e->goodput.skipped_batches += o->job.spike_skip;
    go_back(e, f);
    e->failed_ns = f->found_ns;
    e->failed_kind = f->kind;
    e->stall_ns =
        muir_reaction_stall(&e->reaction, e->scenario, MUIR_SCOPE_SYNC, &f->served, e->stall_class_ns);
    e->goodput.interruptions++;
    note_failure(e, f, f->found_ns, e->stall_ns, true);
    e->failed_event->consequence = MUIR_CONSEQUENCE_IN_PLACE;
    return true;
}

void muir_events_evict(muir_events *e, const muir_effect *effect)
{
    int64_t class_ns[MUIR_CLASS_COUNT], prefix_ns = 0;
    muir_failure f;
    memset(&f, 0, sizeof f);
    f.repair_ns = -1;
    f.server = f.first = f.last = effect->server;
    f.kind = MUIR_KIND_eviction;
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) prefix_ns += e->prefix_ns[c];
    f.start_ns = f.found_ns = e->now_ns + prefix_ns;
    f.tier = MUIR_TIER_NONE;
    f.draw = muir_servers_draw(e->servers, effect->server);
    int scope = e->reaction.scope;
    const int64_t end_ns = take_all_out(e, &f);
    if (scope == MUIR_SCOPE_ELASTIC && muir_servers_n_down(e->servers) == muir_servers_n_units(e->servers))
        scope = MUIR_SCOPE_SYNC;
    if (scope == MUIR_SCOPE_ELASTIC)
        muir_servers_refill(e->servers, f.found_ns + muir_events_refill_ns(e));
    else
        f.served.server_ns = restore_all(e, f.found_ns), f.served.load_ns = memory_load_ns(e);
    const int64_t stall_ns = muir_reaction_stall(&e->reaction, e->scenario, scope, &f.served, class_ns);
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) e->prefix_ns[c] += class_ns[c];
    e->goodput.lost_ns[MUIR_KIND_eviction] += stall_ns;
    e->goodput.planned++;
    muir_event *event = muir_events_note(e, MUIR_KIND_eviction, f.start_ns, end_ns);
    event->server = effect->server;
    event->chip = effect->chip;
    event->servers = 1;
    event->severity = effect->severity;
    event->noticed = MUIR_NOTICED_ALERT;
    event->noticed_ns = effect->alert_ns;
    event->consequence = MUIR_CONSEQUENCE_DRAINED;
    event->stall_ns = stall_ns;
}
