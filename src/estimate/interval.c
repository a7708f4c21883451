/* SPDX-License-Identifier: BSD-3-Clause */
/* Slopes of the step time, and the interval that follows from them. */
#include "estimate/interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/program.h"
#include "step_time/ideal.h"

static const double normal_80 = 1.2816; /* 80 % of a normal distribution lie within so many deviations */
static const double bend = 0.04;        /* of a figure's logarithm, for finite differences */

double muir_interval_scatter(const muir_scenario *scenario)
{
    static const double t_80 = 1.533;
    return scenario->job.stack.scatter * t_80 / normal_80;
}

muir_interval muir_interval_make(double sigma)
{
    muir_interval interval;
    memset(&interval, 0, sizeof interval);
    interval.sigma = sigma;
    interval.low = exp(-normal_80 * sigma);
    interval.high = exp(normal_80 * sigma);
    return interval;
}

muir_status muir_estimate_step_s(muir_ctx *ctx, const muir_scenario *scenario, const muir_order *order,
                                 double *step_s)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    muir_slot_times *times = NULL;
    muir_ideal *ideal = NULL;
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    MUIR_TRY(muir_slot_times_create(ctx, scenario, program, &times));
    MUIR_TRY(muir_ideal_screen(ctx, order, times, &ideal));
    *step_s = ideal->step_s;
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&times);
    muir_program_destroy(&program);
    return st;
}

/* A figure that is 0 is off, and no share of it is felt. */
static muir_status slope_of(muir_ctx *ctx, muir_scenario *work, const muir_order *order, int figure,
                            double step_s, double *slope)
{
    muir_status st = MUIR_OK;
    const double value = muir_figure_get(&work->job.stack, figure);
    double least = 0.0, most = 0.0, bent_s = 0.0;
    *slope = 0.0;
    if (value <= 0.0) return MUIR_OK;
    muir_figure_range(figure, &least, &most);
    const double by = value * exp(bend) > most ? -bend : bend;
    muir_figure_set(&work->job.stack, figure, value * exp(by));
    MUIR_TRY(muir_estimate_step_s(ctx, work, order, &bent_s));
    *slope = log(bent_s / step_s) / by;
done:
    muir_figure_set(&work->job.stack, figure, value);
    return st;
}

muir_status muir_estimate_slopes(muir_ctx *ctx, const muir_scenario *scenario, double *slope)
{
    muir_status st = MUIR_OK;
    const muir_parallel *p = &scenario->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)scenario->job.microbatches};
    muir_order *order = NULL;
    muir_scenario *work = NULL;
    double step_s = 0.0;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *work, "slopes", &work));
    *work = *scenario;
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &order));
    MUIR_TRY(muir_estimate_step_s(ctx, work, order, &step_s));
    for (int f = 0; f < MUIR_FIGURES; f++) MUIR_TRY(slope_of(ctx, work, order, f, step_s, &slope[f]));
done:
    muir_order_destroy(&order);
    free(work);
    return st;
}

muir_status muir_interval_of(muir_ctx *ctx, const muir_scenario *scenario, muir_interval *interval)
{
    muir_status st = MUIR_OK;
    muir_belief belief;
    double slope[MUIR_FIGURES];
    const bool is_own = scenario->job.stack.basis == MUIR_BASIS_CALIBRATED; /* its chip is in its figures */
    const double scatter = muir_interval_scatter(scenario), chip = is_own ? 0.0 : scenario->fleet.chip.spread;
    MUIR_TRY(muir_belief_of(ctx, &scenario->job.stack, &belief));
    MUIR_TRY(muir_estimate_slopes(ctx, scenario, slope));
    *interval = muir_interval_make(
        sqrt(muir_belief_variance(&belief, slope) + scatter * scatter + chip * chip));
    memcpy(interval->slope, slope, sizeof interval->slope);
done:
    return st;
}

const char *muir_basis_word(const muir_scenario *scenario)
{
    static const char *const words[] = {"assumed", "pooled", "fitted", "calibrated"};
    return words[scenario->job.stack.basis];
}
