/* SPDX-License-Identifier: BSD-3-Clause */
/* How far a modelled step time may be off: what is known of the stack's figures, as the job feels them. */
#ifndef MUIR_ESTIMATE_INTERVAL_H
#define MUIR_ESTIMATE_INTERVAL_H

#include "estimate/belief.h"
#include "scenario/scenario.h"
#include "schedule/order.h"

/* The 80 % interval of a step time, as factors on the modelled one. It reaches further up than down: a cost
 * that is three times as large adds more to a step than one of a third takes away. */
typedef struct muir_interval {
    double low, high;             /* exp(-1.4 sigma_low), exp(1.4 sigma_high); 1 where all is certain */
    double sigma_low, sigma_high; /* standard deviations of the logarithm of real over modelled */
    double slope[MUIR_FIGURES];   /* d log step / d log figure, over the figure's spread */
} muir_interval;

/* What single runs add to the variance of an interval, as a standard deviation: the stack's scatter has the
 * tails of Student's t with 4 degrees of freedom, of which 80 % lie within 1.533 scatters. Local. */
double muir_interval_scatter(const muir_scenario *scenario);

/* Adds an independent standard deviation to both sides. Local. */
void muir_interval_widen(muir_interval *interval, double sigma);

/* Seconds of the ideal step: equal chips, no faults.
 * order   in   of the job's schedule and shape
 * step_s  out  untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_estimate_step_s(muir_ctx *ctx, const muir_scenario *scenario, const muir_order *order,
                                 double *step_s);

/* Slopes by finite differences: every figure 4 % up (down where stack.def ends), the step priced again.
 * slope  out  [MUIR_FIGURES]
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG. */
muir_status muir_estimate_slopes(muir_ctx *ctx, const muir_scenario *scenario, double *slope);

/* The interval of a scenario at the figures of its stack, which the belief is about: the step is priced
 * again with each figure a spread up and down, which gives a slope for each side of the interval.
 *     sigma^2 = slope^T covariance slope + other^2
 * other     in   what else there is, as a standard deviation
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG. */
muir_status muir_interval_at(muir_ctx *ctx, const muir_scenario *scenario, const muir_belief *belief,
                             double other, muir_interval *interval);

/* The interval of a scenario's mean step time without faults: the stack's spreads and correlations,
 * 1.097 times its scatter, and what the chip's own file leaves open (chip.spread).
 * Calibrated figures hold what the chip adds.
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG. */
muir_status muir_interval_of(muir_ctx *ctx, const muir_scenario *scenario, muir_interval *interval);

/* What the figures rest on, in a word: "assumed", "pooled", "fitted" or "calibrated". Local. */
const char *muir_basis_word(const muir_scenario *scenario);

#endif
