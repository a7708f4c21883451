/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a stack's figures: middles and covariance of their natural logarithms. */
#ifndef MUIR_ESTIMATE_BELIEF_H
#define MUIR_ESTIMATE_BELIEF_H

#include "models/job.h"

enum { MUIR_FIGURES = MUIR_FIGURE_COUNT };

typedef struct muir_belief {
    double middle[MUIR_FIGURES];
    double covariance[MUIR_FIGURES][MUIR_FIGURES];
} muir_belief;

/* Reads a stack's figures, its `spread` and its `correlation`.
 * belief  out  untouched on error; the middle of a figure of 0 is that of figures.def, its spread 0
 * Local. MUIR_ERR_ARG if `correlation` names an unknown figure or a number beyond -1 to 1. */
muir_status muir_belief_of(muir_ctx *ctx, const muir_stack *stack, muir_belief *belief);

/* Writes middles, spreads and the largest correlations into a stack; middles as near as stack.def's ranges
 * allow, all to 4 digits. Local. */
void muir_belief_store(const muir_belief *belief, muir_stack *stack);

/* The stack's figures at given logarithms, within stack.def's ranges. Local.
 * middle  in  [MUIR_FIGURES] */
void muir_belief_set_figures(const double *middle, muir_stack *stack);

/* Variance of a sum of figures' logarithms: d^T covariance d.
 * d  in  [MUIR_FIGURES]
 * Local. */
double muir_belief_variance(const muir_belief *belief, const double *d);

#endif
