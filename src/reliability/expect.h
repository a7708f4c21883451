/* SPDX-License-Identifier: BSD-3-Clause */
/* What failures are expected to leave of a job's time, in closed form: for searches and for `muir check`,
 * which cannot wait for draws. */
#ifndef MUIR_RELIABILITY_EXPECT_H
#define MUIR_RELIABILITY_EXPECT_H

#include "reliability/reaction.h"

typedef struct muir_expectation {
    double goodput;     /* productive share of the fleet's time; 1 where nothing fails */
    double mtti_s;      /* time between failures of the job [s]; infinity: none */
    double saved_share; /* share of the time in which checkpoints stand in the way */
    int scope;          /* the reaction that is taken */
} muir_expectation;

/* goodput = share of the reaction (muir_reaction_init) x (1 - sum over tiers block / (interval + block)).
 * params  in   weights of the model
 * step_s  in   time of a step without failures [s]
 * Local. Modelled. */
muir_expectation muir_goodput_expect(const muir_scenario *scenario, double params, double step_s);

#endif
