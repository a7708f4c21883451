/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine: what hits the fleet or the job as a whole, drawn or replayed. */
#include <math.h>
#include <string.h>

#include "reliability/events_state.h"

static void note_slow(muir_events *e, const muir_effect *effect)
{
    const bool is_met = muir_servers_trains(e->servers, effect->server);
    muir_event *event = muir_events_note(e, effect->kind, effect->start_ns, effect->end_ns);
    event->server = effect->server;
    event->chip = effect->chip;
    event->servers = 1;
    event->severity = effect->severity;
    event->consequence = is_met ? MUIR_CONSEQUENCE_SLOWER : MUIR_CONSEQUENCE_NONE;
    if (!is_met || effect->alert_ns == INT64_MAX) return;
    event->noticed = MUIR_NOTICED_ALERT;
    event->noticed_ns = effect->alert_ns;
}

/* The next attempt waits for its data. */
static void wait_for_data(muir_events *e, int64_t start_ns, int64_t wait_ns)
{
    muir_event *event = muir_events_note(e, MUIR_KIND_data_stall, start_ns, start_ns + wait_ns);
    event->consequence = MUIR_CONSEQUENCE_SLOWER;
    e->data_due_ns += wait_ns;
}

static int64_t draw_wait(const muir_events *e, const muir_draw *draw)
{
    const muir_job_faults *o = &e->scenario->faults.job;
    return muir_events_ns(
        fmin(1e7, muir_draw_lognormal(draw, MUIR_PURPOSE_WAIT, o->data_median_s, o->data_sigma)));
}

/* Interruptions wait for the end of the row; beyond the room there is for them they are one. */
static void plan(muir_events *e, int kind, int64_t start_ns, int64_t window_ns)
{
    const int at = e->n_planned < MUIR_MOST_PLANNED ? e->n_planned++ : MUIR_MOST_PLANNED - 1;
    e->planned[at] = (muir_planned){kind, start_ns, window_ns};
}

bool muir_events_arrive(muir_events *e, int kind, int64_t start_ns)
{
    const muir_draw draw = muir_arrivals_take(e->arrivals, kind);
    if (muir_kind_is_of_job(kind)) {
        muir_failure failure = muir_failure_draw(e, &draw, kind, start_ns);
        return muir_events_fail_job(e, &failure);
    }
    if (kind == MUIR_KIND_planned) {
        plan(e, kind, start_ns, 0);
    } else if (kind == MUIR_KIND_window) {
        plan(e, kind, start_ns, muir_events_ns(e->scenario->faults.job.window_s));
    } else if (kind == MUIR_KIND_data_stall) {
        wait_for_data(e, start_ns, draw_wait(e, &draw));
    } else {
        const muir_effect *effect = muir_effects_start(e->effects, kind, start_ns, &draw);
        if (effect) note_slow(e, effect);
    }
    return false;
}

/* Replay. */

/* Of a server that is out already a log says nothing new. */
static bool replay_failure(muir_events *e, const muir_log_entry *entry, muir_draw draw)
{
    if (muir_servers_is_out(e->servers, entry->server)) return false;
    muir_failure f = muir_failure_draw(e, &draw, entry->kind, entry->start_ns);
    f.server = entry->server;
    muir_reach_servers(&e->scenario->fleet, muir_cause_at(entry->kind)->reach, f.server, &f.first, &f.last);
    f.is_in_place = entry->outcome == MUIR_LOG_UNKNOWN
                        ? muir_draw_uniform(&draw, MUIR_PURPOSE_IN_PLACE) < e->scenario->faults.top.in_place
                        : entry->outcome == MUIR_LOG_IN_PLACE;
    if (entry->until_ns >= 0) f.repair_ns = entry->until_ns > f.found_ns ? entry->until_ns - f.found_ns : 0;
    return muir_events_fail(e, &f);
}

/* What the log does not say of an episode is the middle of what the preset allows. */
static void replay_slow(muir_events *e, const muir_log_entry *entry, uint32_t ordinal)
{
    const muir_slow_options *o = &e->scenario->faults.slow;
    muir_effect f;
    memset(&f, 0, sizeof f);
    f.kind = entry->kind;
    f.ordinal = ordinal;
    f.server = entry->server;
    f.chip = (int64_t)entry->server * e->scenario->fleet.server.chips;
    f.start_ns = entry->start_ns;
    const double median_s = f.kind == MUIR_KIND_slow_compute ? o->compute_median_s : o->network_median_s;
    f.end_ns = entry->until_ns >= 0 ? entry->until_ns : f.start_ns + muir_events_ns(median_s);
    f.severity = !isnan(entry->severity)            ? entry->severity
                 : f.kind == MUIR_KIND_slow_compute ? 0.5 * (o->compute_least + o->compute_most)
                 : f.kind == MUIR_KIND_slow_network ? 0.5 * (o->network_least + o->network_most)
                                                    : 0.1;
    const muir_effect *effect = muir_effects_add(e->effects, &f);
    if (effect) note_slow(e, effect);
}

bool muir_events_replay(muir_events *e)
{
    muir_draw draw;
    const muir_log_entry entry = muir_replay_take(e->replay, &draw);
    const int64_t length_ns = entry.until_ns >= 0 ? entry.until_ns - entry.start_ns : -1;
    if (entry.kind < MUIR_CAUSE_COUNT) return replay_failure(e, &entry, draw);
    if (muir_kind_is_of_job(entry.kind)) {
        muir_failure failure = muir_failure_draw(e, &draw, entry.kind, entry.start_ns);
        return muir_events_fail_job(e, &failure);
    }
    if (entry.kind == MUIR_KIND_planned)
        plan(e, entry.kind, entry.start_ns, 0);
    else if (entry.kind == MUIR_KIND_window)
        plan(e, entry.kind, entry.start_ns,
             length_ns >= 0 ? length_ns : muir_events_ns(e->scenario->faults.job.window_s));
    else if (entry.kind == MUIR_KIND_data_stall)
        wait_for_data(e, entry.start_ns, length_ns >= 0 ? length_ns : draw_wait(e, &draw));
    else
        replay_slow(e, &entry, draw.ordinal);
    return false;
}
