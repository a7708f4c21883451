/* SPDX-License-Identifier: BSD-3-Clause */
/* What all measured runs say together of the figures of every stack, also of those that none of them ran on.
 *
 * In logarithms a step time is linear in the stack's figures, and a figure is the sum of what all software
 * has in common, its kind, its chips, the software, the stack and the release have of their own (figures.def
 * says how far each goes). So runs are normal and correlated through what they share, and what is known of
 * any stack, given the runs, is one linear system. Sources: Rasmussen and Williams, "Gaussian Processes for
 * Machine Learning", 2006, section 2.7; Gelman and Hill, "Data Analysis Using Regression and Multilevel
 * Models", 2006 (the hierarchy). */
#ifndef MUIR_VALIDATION_POOL_H
#define MUIR_VALIDATION_POOL_H

#include "estimate/belief.h"

/* Whose figures they are. An empty name is like no other. */
typedef struct muir_address {
    char kind[MUIR_NAME_SIZE], generation[MUIR_NAME_SIZE], software[MUIR_NAME_SIZE], stack[MUIR_NAME_SIZE];
    int64_t release; /* a number for each document in one version that rows come from; 0: none of them */
} muir_address;

/* A measured run, modelled at some figures of its stack. */
typedef struct muir_pool_row {
    muir_address address;
    double log_ratio;            /* log(measured / modelled) */
    double figure[MUIR_FIGURES]; /* logarithms of the figures that it was modelled at */
    double slope[MUIR_FIGURES];
    double prior[MUIR_FIGURES]; /* logarithms of the middles before any run is seen */
    double variance;            /* of its logarithm at known figures */
} muir_pool_row;

typedef struct muir_pool muir_pool;

/* Makes room and computes what rows share.
 * rows  in   [n], borrowed; they outlive the pool
 * out   out  free it with muir_pool_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_pool_create(muir_ctx *ctx, const muir_pool_row *rows, int n, muir_pool **out);
void muir_pool_destroy(muir_pool **pool); /* accepts NULL, leaves NULL */

/* Learns from the rows that are used. Rows far off weigh less (Student's t with 4 degrees of freedom).
 * is_used  in   [n]; NULL: all
 * Local. MUIR_ERR_CHECK if the rows contradict each other beyond what numbers hold. */
muir_status muir_pool_learn(muir_ctx *ctx, muir_pool *pool, const bool *is_used);

/* What is known of a stack after the last muir_pool_learn; without a release, of any of its releases.
 * prior   in   [MUIR_FIGURES] logarithms
 * belief  out
 * Local. MUIR_ERR_MEM. */
muir_status muir_pool_belief(muir_ctx *ctx, const muir_pool *pool, const muir_address *address,
                             const double *prior, muir_belief *belief);

/* Log of measured over modelled at a row's prior middles. Local. */
double muir_pool_off(const muir_pool_row *row);

/* Prior middles of a stack: its own where it has them, else those of figures.def. Logarithms. Local.
 * prior  out  [MUIR_FIGURES] */
void muir_pool_prior(const muir_stack *stack, double *prior);

/* How many of the used rows are of the stack. Local. */
int muir_pool_rows_of(const muir_pool *pool, const char *stack);

#endif
