/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrivals of what hits all. */
#include "reliability/arrivals.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "scenario/fault_log.h"

struct muir_arrivals {
    uint64_t seed;
    double mean_gap_s[MUIR_KIND_COUNT]; /* infinity: not a process, or off */
    int64_t next_ns[MUIR_KIND_COUNT];
    uint32_t ordinal[MUIR_KIND_COUNT];
};

static muir_draw draw_of(const muir_arrivals *a, int kind)
{
    return (muir_draw){a->seed, MUIR_STREAM_EVENT, (uint64_t)kind, a->ordinal[kind]};
}

static void draw_next(muir_arrivals *a, int kind)
{
    const double most_s = 4.0e9;
    a->ordinal[kind]++;
    const muir_draw d = draw_of(a, kind);
    const double gap = kind == MUIR_KIND_window ? 1.0 : muir_draw_exponential(&d, MUIR_PURPOSE_EVENT_GAP);
    a->next_ns[kind] = isinf(a->mean_gap_s[kind])
                           ? INT64_MAX
                           : a->next_ns[kind] + llrint(fmin(gap * a->mean_gap_s[kind], most_s) * 1e9);
}

static void set_rates(muir_arrivals *a, const muir_scenario *s)
{
    const muir_faults *f = &s->faults;
    const double chips = (double)muir_fleet_chips(&s->fleet), day_s = 86400.0, month_s = 30.4375 * day_s;
    for (int k = 0; k < MUIR_KIND_COUNT; k++) a->mean_gap_s[k] = INFINITY;
    if (muir_faults_has_log(f)) return; /* its events take their place */
    a->mean_gap_s[MUIR_KIND_planned] = day_s / f->top.planned;
    a->mean_gap_s[MUIR_KIND_slow_compute] = 1000.0 * day_s / (f->slow.compute * chips);
    a->mean_gap_s[MUIR_KIND_slow_network] = 1000.0 * day_s / (f->slow.network * chips);
    a->mean_gap_s[MUIR_KIND_flap] = month_s / (f->slow.flap * chips);
    a->mean_gap_s[MUIR_KIND_crash] = day_s / f->job.crash;
    a->mean_gap_s[MUIR_KIND_job_hang] = day_s / f->job.hang;
    a->mean_gap_s[MUIR_KIND_deployment] = day_s / f->job.deployment;
    a->mean_gap_s[MUIR_KIND_loss_spike] = day_s / f->job.loss_spike;
    a->mean_gap_s[MUIR_KIND_data_stall] = day_s / f->job.data_stall;
    if (f->job.window_days > 0.0) a->mean_gap_s[MUIR_KIND_window] = day_s * f->job.window_days;
}

muir_status muir_arrivals_create(muir_ctx *ctx, const muir_scenario *scenario, muir_arrivals **out)
{
    muir_arrivals *a = NULL;
    const muir_status st = muir_alloc(ctx, 1, sizeof *a, "events", &a);
    if (st != MUIR_OK) return st;
    a->seed = (uint64_t)scenario->run.seed;
    set_rates(a, scenario);
    for (int k = 0; k < MUIR_KIND_COUNT; k++) draw_next(a, k);
    *out = a;
    return MUIR_OK;
}

void muir_arrivals_destroy(muir_arrivals **arrivals)
{
    free(*arrivals);
    *arrivals = NULL;
}

int muir_arrivals_next(const muir_arrivals *a, int64_t *time_ns)
{
    int first = 0;
    for (int k = 1; k < MUIR_KIND_COUNT; k++)
        if (a->next_ns[k] < a->next_ns[first]) first = k;
    *time_ns = a->next_ns[first];
    return first;
}

muir_draw muir_arrivals_take(muir_arrivals *a, int kind)
{
    const muir_draw taken = draw_of(a, kind);
    draw_next(a, kind);
    return taken;
}
