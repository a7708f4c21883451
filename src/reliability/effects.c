/* SPDX-License-Identifier: BSD-3-Clause */
/* Episodes of slowness and what all share. */
#include "reliability/effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/real.h"
#include "models/layout.h"

/* Places of MUIR_STREAM_COMMON. */
enum { PLACE_SWING, PLACE_SPIKE, PLACE_PAUSE };
enum { MOST_EFFECTS = 4096 };

struct muir_effects {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_effect *active;           /* [n_active], room for MOST_EFFECTS */
    int n_active;
    muir_slow_chip *slow; /* [MOST_EFFECTS] */
    double *stretch;      /* [stages] */
    int stages;
    double swing; /* the common swing, an AR(1) process */
    double spike; /* of this step; 0: none */
};

muir_status muir_effects_create(muir_ctx *ctx, const muir_scenario *scenario, muir_effects **out)
{
    muir_status st = MUIR_OK;
    muir_effects *e = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e, "events", &e));
    e->scenario = scenario;
    e->stages = (int)scenario->job.parallel.pp;
    MUIR_TRY(muir_alloc(ctx, MOST_EFFECTS, sizeof *e->active, "events", &e->active));
    MUIR_TRY(muir_alloc(ctx, MOST_EFFECTS, sizeof *e->slow, "events", &e->slow));
    MUIR_TRY(muir_alloc(ctx, (size_t)e->stages, sizeof *e->stretch, "events", &e->stretch));
    *out = e;
    e = NULL;
done:
    muir_effects_destroy(&e);
    return st;
}

void muir_effects_destroy(muir_effects **effects)
{
    if (!*effects) return;
    free((*effects)->active);
    free((*effects)->slow);
    free((*effects)->stretch);
    free(*effects);
    *effects = NULL;
}

/* Episodes. */

static double fill_compute(const muir_slow_options *o, const muir_draw *d, muir_effect *f)
{
    const double length_s =
        muir_draw_lognormal(d, MUIR_PURPOSE_LENGTH, o->compute_median_s, o->compute_sigma);
    f->severity = muir_draw_between(d, MUIR_PURPOSE_SIZE, o->compute_least, o->compute_most);
    if (o->alerts > 0 && f->severity >= o->alert_slowdown)
        f->alert_ns = f->start_ns + llrint((double)o->alerts * o->alert_s * 1e9);
    return fmin(length_s, o->longest_s);
}

static double fill_network(const muir_slow_options *o, const muir_draw *d, muir_effect *f)
{
    const double length_s =
        muir_draw_lognormal(d, MUIR_PURPOSE_LENGTH, o->network_median_s, o->network_sigma);
    f->severity = muir_draw_between(d, MUIR_PURPOSE_SIZE, o->network_least, o->network_most);
    if (o->network_patience_s > 0.0) f->alert_ns = f->start_ns + llrint(o->network_patience_s * 1e9);
    return fmin(length_s, o->longest_s);
}

/* Mean times of one episode in place of a list of all its cycles: each step meets a link that is down with
 * the share of time that it is. */
static double fill_flap(const muir_slow_options *o, const muir_draw *d, muir_effect *f)
{
    const double cycles = floor(muir_draw_between(d, MUIR_PURPOSE_CYCLES, (double)o->flap_cycles_least,
                                                  (double)o->flap_cycles_most + 1.0));
    const double down_s = muir_draw_between(d, MUIR_PURPOSE_DOWN, o->flap_down_least_s, o->flap_down_most_s),
                 up_s = muir_draw_between(d, MUIR_PURPOSE_UP, o->flap_up_least_s, o->flap_up_most_s);
    f->severity = down_s + up_s > 0.0 ? down_s / (down_s + up_s) : 0.0;
    f->most_s = down_s;
    return cycles * (down_s + up_s);
}

static void fill_episode(const muir_effects *e, const muir_draw *d, muir_effect *f)
{
    const muir_slow_options *o = &e->scenario->faults.slow;
    const double chips = (double)muir_fleet_chips(&e->scenario->fleet);
    f->chip = (int64_t)(muir_draw_uniform(d, MUIR_PURPOSE_EVENT_CHIP) * chips);
    f->server = (int32_t)(f->chip / e->scenario->fleet.server.chips);
    f->alert_ns = INT64_MAX;
    const double length_s = f->kind == MUIR_KIND_slow_compute   ? fill_compute(o, d, f)
                            : f->kind == MUIR_KIND_slow_network ? fill_network(o, d, f)
                                                                : fill_flap(o, d, f);
    f->end_ns = f->start_ns + llrint(length_s * 1e9);
    if (f->alert_ns >= f->end_ns) f->alert_ns = INT64_MAX; /* over before anybody acts */
}

const muir_effect *muir_effects_start(muir_effects *e, int kind, int64_t start_ns, const muir_draw *draw)
{
    if (e->n_active == MOST_EFFECTS) return NULL;
    muir_effect f;
    memset(&f, 0, sizeof f);
    f.kind = kind;
    f.ordinal = draw->ordinal;
    f.start_ns = start_ns;
    fill_episode(e, draw, &f);
    e->active[e->n_active] = f;
    return &e->active[e->n_active++];
}

const muir_effect *muir_effects_add(muir_effects *e, const muir_effect *effect)
{
    const muir_slow_options *o = &e->scenario->faults.slow;
    if (e->n_active == MOST_EFFECTS) return NULL;
    muir_effect f = *effect;
    f.alert_ns = INT64_MAX;
    f.most_s = o->flap_down_most_s;
    if (f.kind == MUIR_KIND_slow_compute && o->alerts > 0 && f.severity >= o->alert_slowdown)
        f.alert_ns = f.start_ns + llrint((double)o->alerts * o->alert_s * 1e9);
    if (f.kind == MUIR_KIND_slow_network && o->network_patience_s > 0.0)
        f.alert_ns = f.start_ns + llrint(o->network_patience_s * 1e9);
    if (f.alert_ns >= f.end_ns) f.alert_ns = INT64_MAX;
    e->active[e->n_active] = f;
    return &e->active[e->n_active++];
}

static void keep_if(muir_effects *e, int64_t now_ns, int32_t repaired)
{
    int kept = 0;
    for (int i = 0; i < e->n_active; i++)
        if (e->active[i].end_ns > now_ns && e->active[i].server != repaired) e->active[kept++] = e->active[i];
    e->n_active = kept;
}

void muir_effects_expire(muir_effects *e, int64_t now_ns)
{
    keep_if(e, now_ns, -1);
}

void muir_effects_repair(muir_effects *e, int32_t server)
{
    keep_if(e, INT64_MIN, server);
}

bool muir_effects_alert(const muir_effects *e, const muir_servers *servers, int64_t now_ns,
                        muir_effect *effect)
{
    for (int i = 0; i < e->n_active; i++) {
        if (e->active[i].alert_ns > now_ns || !muir_servers_trains(servers, e->active[i].server)) continue;
        *effect = e->active[i];
        return true;
    }
    return false;
}

double muir_effects_spike(const muir_effects *e)
{
    return e->spike;
}

/* What all share. */

static double uniform_of_row(const muir_effects *e, int place, int64_t row, uint32_t which)
{
    const muir_draw d = {(uint64_t)e->scenario->run.seed, MUIR_STREAM_COMMON, (uint64_t)place, (uint32_t)row};
    return muir_draw_uniform(&d, which);
}

/* x' = phi x + sqrt(1 - phi^2) sigma z, at most half away from 1. */
static double swing(muir_effects *e, int64_t row)
{
    const muir_jitter *j = &e->scenario->faults.jitter;
    if (j->common_sigma <= 0.0) return 1.0;
    const double z = (double)muir_rng_normal_at((uint64_t)e->scenario->run.seed, MUIR_STREAM_COMMON,
                                                (uint32_t)row, PLACE_SWING);
    e->swing = j->common_phi * e->swing + sqrt(1.0 - j->common_phi * j->common_phi) * j->common_sigma * z;
    return 1.0 + fmax(-0.5, fmin(0.5, e->swing));
}

static double spike(const muir_effects *e, int64_t row)
{
    const muir_jitter *j = &e->scenario->faults.jitter;
    const muir_draw d = {(uint64_t)e->scenario->run.seed, MUIR_STREAM_COMMON, PLACE_SPIKE, (uint32_t)row};
    if (j->spike_share <= 0.0 || muir_draw_uniform(&d, MUIR_PURPOSE_ROW) >= j->spike_share) return 0.0;
    return fmin(j->spike_most, muir_draw_lognormal(&d, MUIR_PURPOSE_SIZE, j->spike_median, j->spike_sigma));
}

/* The longest of the pauses that fall into a step: of k uniform lengths, the largest is least + (most -
 * least) u^(1/k). Each host pauses once in gc_steps. */
static double longest_pause_s(const muir_effects *e, int64_t row)
{
    const muir_jitter *j = &e->scenario->faults.jitter;
    const double hosts = (double)muir_fleet_hosts(&e->scenario->fleet, muir_job_chips(&e->scenario->job));
    if (j->gc_steps == 0 || (j->gc_synchronised && row % j->gc_steps != 0)) return 0.0;
    const double expected = j->gc_synchronised ? hosts : hosts / (double)j->gc_steps;
    const double u = uniform_of_row(e, PLACE_PAUSE, row, MUIR_PURPOSE_ROW);
    if (u < muir_real_exp(-expected)) return 0.0;
    const double share =
        muir_real_power(uniform_of_row(e, PLACE_PAUSE, row, MUIR_PURPOSE_ROW + 1), 1.0 / fmax(1.0, expected));
    return j->gc_least_s + share * (j->gc_most_s - j->gc_least_s);
}

/* One link that is down when gradients are to be synchronised keeps all waiting until it is up again. */
static double flap_wait_s(const muir_effects *e, const muir_effect *f, int64_t row)
{
    const uint32_t which = MUIR_PURPOSE_ROW + 2 * (f->ordinal % (1u << 20));
    if (uniform_of_row(e, MUIR_KIND_flap, row, which) >= f->severity) return 0.0;
    return f->most_s * uniform_of_row(e, MUIR_KIND_flap, row, which + 1);
}

static void stretch_stages(muir_effects *e, const muir_servers *servers, int32_t slot, double factor)
{
    int64_t first, last;
    muir_servers_groups(servers, slot, &first, &last);
    for (int64_t g = first; g <= last; g++) {
        double *stretch = &e->stretch[muir_layout_stage(&e->scenario->job, g)];
        *stretch = fmax(*stretch, factor);
    }
}

void muir_effects_meet(muir_effects *e, const muir_servers *servers, int64_t row, muir_disturbance *d)
{
    const muir_jitter *j = &e->scenario->faults.jitter;
    const int64_t per_server = e->scenario->fleet.server.chips, job_chips = muir_job_chips(&e->scenario->job);
    memset(d, 0, sizeof *d);
    for (int s = 0; s < e->stages; s++) e->stretch[s] = 1.0;
    d->stretch = e->stretch;
    d->slow = e->slow;
    d->unit_replicas = 1;
    d->common = swing(e, row);
    e->spike = spike(e, row);
    d->extra = e->spike;
    if (j->period_size > 0.0 && row % j->period == 0) d->extra += j->period_size;
    d->wait_s = longest_pause_s(e, row);
    for (int i = 0; i < e->n_active; i++) {
        const muir_effect *f = &e->active[i];
        const int32_t slot = muir_servers_slot(servers, f->server);
        if (!muir_servers_trains(servers, f->server)) continue;
        const int64_t chip = slot * per_server + f->chip % per_server;
        if (f->kind == MUIR_KIND_slow_compute && chip < job_chips)
            e->slow[d->n_slow++] = (muir_slow_chip){chip, (float)f->severity};
        else if (f->kind == MUIR_KIND_slow_network)
            stretch_stages(e, servers, slot, 1.0 / f->severity);
        else if (f->kind == MUIR_KIND_flap)
            d->wait_s = fmax(d->wait_s, flap_wait_s(e, f, row));
    }
}
