/* SPDX-License-Identifier: BSD-3-Clause */
/* Laying steps into samples. */
#include "power/power_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

muir_status muir_power_trace_create(muir_ctx *ctx, const muir_power *power, muir_power_trace **out)
{
    muir_status st = MUIR_OK;
    muir_power_trace *t = NULL;
    const muir_power_options *o = &power->scenario->power;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *t, "the power trace", &t));
    t->power = power;
    t->hz = o->sample_hz;
    t->room = (size_t)(o->window_s * o->sample_hz * (1.0 + 1e-12));
    MUIR_TRY(muir_alloc(ctx, t->room + 1, sizeof(double), "the power trace", &t->energy_j));
    MUIR_TRY(muir_alloc(ctx, t->room + 2, sizeof(double), "the power trace", &t->sum_j));
    *out = t;
    t = NULL;
done:
    muir_power_trace_destroy(&t);
    return st;
}

void muir_power_trace_destroy(muir_power_trace **trace)
{
    if (!*trace) return;
    free((*trace)->energy_j);
    free((*trace)->sum_j);
    free(*trace);
    *trace = NULL;
}

/* The sample that a time belongs to; the last one for all that lies beyond the window. */
static size_t sample_of(const muir_power_trace *t, double time_s)
{
    const double at = time_s * t->hz;
    return at < (double)t->room ? (size_t)at : t->room;
}

/* Evenly spread energy. */
static void add_even(muir_power_trace *t, double from_s, double to_s, double energy_j)
{
    if (!(to_s > from_s)) return;
    const double w = energy_j / (to_s - from_s);
    const size_t last = sample_of(t, to_s);
    for (size_t k = sample_of(t, from_s); k <= last; k++) {
        const double start_s = fmax(from_s, (double)k / t->hz);
        const double end_s = k == t->room ? to_s : fmin(to_s, (double)(k + 1) / t->hz);
        if (end_s > start_s) t->energy_j[k] += w * (end_s - start_s);
    }
}

void muir_power_trace_start(muir_power_trace *t, double lead_s)
{
    const muir_scenario *s = t->power->scenario;
    const muir_chip *chip = &s->fleet.chip;
    const double job_w = t->power->spread * chip->tdp_w * chip->idle_power * (double)muir_job_chips(&s->job);
    memset(t->energy_j, 0, (t->room + 1) * sizeof *t->energy_j);
    t->time_s = 0.0;
    t->steps_j = 0.0;
    t->lead_j = lead_s * s->fleet.site.pue * (t->power->base_w + job_w);
    add_even(t, 0.0, lead_s, t->lead_j);
    t->time_s = lead_s;
}

/* One group of replicas: those that start `offset_s` into the step and are late by `delay_s`. */
typedef struct lane {
    double offset_s, delay_s, replicas;
} lane;

/* Energy of a replica from the step's start to a time before the tail [J]. */
static double replica_j(const muir_power *p, const lane *l, double time_s)
{
    const double run_s = time_s - l->offset_s, wait_w = p->chip.wait * p->replica_chips;
    if (run_s <= 0.0) return wait_w * time_s;
    const double whole_s = p->pipeline.length_s, stretch = (whole_s + l->delay_s) / whole_s;
    const double ran_s = fmin(run_s, whole_s + l->delay_s);
    return wait_w * (l->offset_s + run_s - ran_s) + stretch * muir_profile_at(&p->pipeline, ran_s / stretch);
}

/* Adds what a group of replicas has used by the end of each sample; `start_s` and `end_s` bound the phase in
 * the window, `first` is the sample it starts in. */
static void add_lane(muir_power_trace *t, const lane *l, double start_s, double end_s, size_t first)
{
    const size_t last = sample_of(t, end_s);
    double before_j = 0.0;
    for (size_t k = first; k <= last; k++) {
        const double to_s = k == t->room ? end_s : fmin(end_s, (double)(k + 1) / t->hz);
        const double now_j = replica_j(t->power, l, to_s - start_s);
        t->sum_j[k - first] += l->replicas * (now_j - before_j);
        before_j = now_j;
    }
}

/* The pipelines of all replicas, with what they wait for each other. */
static void add_replicas(muir_power_trace *t, double length_s, const muir_delay_bins *bins)
{
    const muir_power_options *o = &t->power->scenario->power;
    const int64_t groups = o->stagger_s > 0.0 ? o->stagger_groups : 1;
    const double start_s = t->time_s, end_s = start_s + length_s;
    const double scale = t->power->spread;
    const size_t first = sample_of(t, start_s), n = sample_of(t, end_s) - first + 1;
    memset(t->sum_j, 0, n * sizeof *t->sum_j);
    for (int b = 0; b < MUIR_DELAY_BINS; b++)
        for (int64_t g = 0; g < groups && bins->count[b] > 0; g++) {
            const double count = (double)bins->count[b];
            const lane l = {groups > 1 ? o->stagger_s * (double)g / (double)(groups - 1) : 0.0,
                            1e-9 * (double)bins->sum_ns[b] / count, count / (double)groups};
            add_lane(t, &l, start_s, end_s, first);
        }
    for (size_t k = 0; k < n; k++) t->energy_j[first + k] += scale * t->sum_j[k];
    t->time_s = end_s;
}

/* The tail of all replicas together. */
static void add_tail(muir_power_trace *t, double replicas)
{
    const muir_power *p = t->power;
    const double scale = p->spread * replicas;
    const double start_s = t->time_s, end_s = start_s + p->tail.length_s;
    const size_t last = sample_of(t, end_s);
    double before_j = 0.0;
    for (size_t k = sample_of(t, start_s); k <= last; k++) {
        const double to_s = k == t->room ? end_s : fmin(end_s, (double)(k + 1) / t->hz);
        const double now_j = muir_profile_at(&p->tail, to_s - start_s);
        t->energy_j[k] += scale * (now_j - before_j);
        before_j = now_j;
    }
    t->time_s = end_s;
}

static void add_pause(muir_power_trace *t, double length_s, double chip_j)
{
    const double chips = (double)muir_job_chips(&t->power->scenario->job);
    add_even(t, t->time_s, t->time_s + length_s, t->power->spread * chips * chip_j);
    t->time_s += length_s;
}

void muir_power_trace_add(muir_power_trace *t, const muir_power_step *step, const muir_delay_bins *bins)
{
    const muir_power *p = t->power;
    const double start_s = t->time_s, length_s = muir_power_step_s(p, step);
    const double gap_s = fmin(step->evaluation_s, p->scenario->evaluation.gap_s);
    const double gap_j = muir_power_evaluation_j(p, gap_s);
    const double meter_j = muir_power_meter_j(p, step), equipment_j = muir_power_equipment_j(p, step);
    add_even(t, start_s, start_s + length_s, p->base_w * length_s + meter_j - equipment_j);
    const double training_s = muir_power_training_s(p, step);
    const double down = (double)p->scenario->job.parallel.dp - step->replicas;
    add_even(t, start_s, start_s + training_s,
             p->spread * down * p->replica_chips * p->chip.idle * training_s);
    if (step->replicas > 0.0) {
        add_replicas(t, training_s - p->tail.length_s, bins);
        add_tail(t, step->replicas);
    }
    add_even(t, t->time_s, t->time_s + step->broken_s, step->broken_s * (step->broken_w - p->base_w));
    t->time_s += step->broken_s;
    add_pause(t, step->checkpoint_s, step->checkpoint_s * p->chip.checkpoint);
    add_pause(t, gap_s, gap_j);
    add_pause(t, step->evaluation_s - gap_s, muir_power_evaluation_j(p, step->evaluation_s) - gap_j);
    add_pause(t, step->recovery_s, step->recovery_s * p->chip.restart);
    t->time_s = start_s + length_s;
    t->steps_j += meter_j;
}

size_t muir_power_trace_samples(const muir_power_trace *t)
{
    return sample_of(t, t->time_s * (1.0 + 1e-12));
}

void muir_power_trace_read(const muir_power_trace *t, double *w)
{
    const size_t n = muir_power_trace_samples(t);
    for (size_t k = 0; k < n; k++) w[k] = t->energy_j[k] * t->hz;
}

double muir_power_trace_difference(const muir_power_trace *t)
{
    double laid_j = 0.0;
    for (size_t k = 0; k <= t->room; k++) laid_j += t->energy_j[k];
    return laid_j / (t->steps_j + t->lead_j) - 1.0;
}
