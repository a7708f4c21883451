/* SPDX-License-Identifier: BSD-3-Clause */
/* Slopes of the step time, and the interval that follows from them. */
#include "estimate/interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/program.h"
#include "step_time/ideal.h"

/* 80 % of Student's t with 8 degrees of freedom lie within so many deviations: spreads between stacks are
 * known from few of them, 8 generations of chips and some 20 softwares. Source: Gelman and Hill 2006,
 * chapter 12. */
static const double t_80 = 1.397;
static const double bend = 0.04; /* of a figure's logarithm, for finite differences */

double muir_interval_scatter(const muir_scenario *scenario)
{
    static const double run_80 = 1.533; /* of 4 degrees of freedom */
    return scenario->job.stack.scatter * run_80 / t_80;
}

void muir_interval_widen(muir_interval *interval, double sigma)
{
    interval->sigma_low = hypot(interval->sigma_low, sigma);
    interval->sigma_high = hypot(interval->sigma_high, sigma);
    interval->low = exp(-t_80 * interval->sigma_low);
    interval->high = exp(t_80 * interval->sigma_high);
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

/* A scenario whose figures are bent one by one. */
typedef struct bender {
    muir_scenario *work;
    muir_order *order;
    double step_s; /* unbent */
} bender;

static void free_bender(bender *b)
{
    muir_order_destroy(&b->order);
    free(b->work);
}

static muir_status make_bender(muir_ctx *ctx, const muir_scenario *scenario, bender *b)
{
    muir_status st = MUIR_OK;
    const muir_parallel *p = &scenario->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)scenario->job.microbatches};
    memset(b, 0, sizeof *b);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *b->work, "slopes", &b->work));
    *b->work = *scenario;
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &b->order));
    MUIR_TRY(muir_estimate_step_s(ctx, b->work, b->order, &b->step_s));
done:
    return st;
}

/* Log of the step with a figure bent by a factor exp(by), over the unbent one, over by. A figure that is 0 is
 * off, and no share of it is felt, nor what would lie beyond its range. */
static muir_status slope_of(muir_ctx *ctx, const bender *b, int figure, double by, double *slope)
{
    muir_status st = MUIR_OK;
    muir_stack *stack = &b->work->job.stack;
    const double value = muir_figure_get(stack, figure);
    double least = 0.0, most = 0.0, bent_s = 0.0;
    *slope = 0.0;
    if (value <= 0.0) return MUIR_OK;
    muir_figure_range(figure, &least, &most);
    const double bent = fmin(fmax(value * exp(by), least), most);
    if (bent <= 0.0 || bent == value) return MUIR_OK;
    muir_figure_set(stack, figure, bent);
    MUIR_TRY(muir_estimate_step_s(ctx, b->work, b->order, &bent_s));
    *slope = log(bent_s / b->step_s) / log(bent / value);
done:
    muir_figure_set(stack, figure, value);
    return st;
}

muir_status muir_estimate_slopes(muir_ctx *ctx, const muir_scenario *scenario, double *slope)
{
    muir_status st = MUIR_OK;
    bender b;
    MUIR_TRY(make_bender(ctx, scenario, &b));
    for (int f = 0; f < MUIR_FIGURES; f++) {
        MUIR_TRY(slope_of(ctx, &b, f, bend, &slope[f]));
        if (slope[f] == 0.0) MUIR_TRY(slope_of(ctx, &b, f, -bend, &slope[f]));
    }
done:
    free_bender(&b);
    return st;
}

muir_status muir_interval_at(muir_ctx *ctx, const muir_scenario *scenario, const muir_belief *belief,
                             double other, muir_interval *interval)
{
    muir_status st = MUIR_OK;
    bender b;
    double low[MUIR_FIGURES], high[MUIR_FIGURES];
    memset(interval, 0, sizeof *interval);
    MUIR_TRY(make_bender(ctx, scenario, &b));
    for (int f = 0; f < MUIR_FIGURES; f++) {
        const double by = fmax(bend, sqrt(fmax(belief->covariance[f][f], 0.0)));
        double more = 0.0, less = 0.0;
        MUIR_TRY(slope_of(ctx, &b, f, by, &more));
        MUIR_TRY(slope_of(ctx, &b, f, -by, &less));
        const bool is_cost = more + less > 0.0; /* a longer step with a larger figure */
        high[f] = is_cost ? more : less;
        low[f] = is_cost ? less : more;
        interval->slope[f] = 0.5 * (more + less);
    }
    interval->sigma_low = sqrt(muir_belief_variance(belief, low));
    interval->sigma_high = sqrt(muir_belief_variance(belief, high));
    muir_interval_widen(interval, other);
done:
    free_bender(&b);
    return st;
}

muir_status muir_interval_of(muir_ctx *ctx, const muir_scenario *scenario, muir_interval *interval)
{
    muir_status st = MUIR_OK;
    muir_belief belief;
    const bool is_own = scenario->job.stack.basis == MUIR_BASIS_CALIBRATED; /* its chip is in its figures */
    const double chip = is_own ? 0.0 : scenario->fleet.chip.spread;
    MUIR_TRY(muir_belief_of(ctx, &scenario->job.stack, &belief));
    MUIR_TRY(
        muir_interval_at(ctx, scenario, &belief, hypot(muir_interval_scatter(scenario), chip), interval));
done:
    return st;
}

const char *muir_basis_word(const muir_scenario *scenario)
{
    static const char *const words[] = {"assumed", "pooled", "fitted", "calibrated"};
    return words[scenario->job.stack.basis];
}
