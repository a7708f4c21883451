/* SPDX-License-Identifier: BSD-3-Clause */
/* What failures are expected to leave of a job's time, in closed form: for searches and for `muir check`,
 * which cannot wait for draws. */
#ifndef MUIR_RELIABILITY_EXPECT_H
#define MUIR_RELIABILITY_EXPECT_H

#include "reliability/reaction.h"

typedef struct muir_expectation {
    double goodput;       /* productive share of the fleet's time; 1 where nothing fails */
    double mtti_s;        /* time between failures of the job, lemons among them [s]; infinity: none */
    double stalled_share; /* of the time: failures noticed and mended */
    double planned_share; /* planned stops, evictions, migrations, joins, waits for data */
    double wasted_share;  /* steps broken off, and steps done again */
    double missing_share; /* replicas that are not there while the others train */
    double saved_share;   /* checkpoints stand in the way */
    int scope;            /* the reaction that is taken */
} muir_expectation;

/* With l = 1 / mtti failures per second, each of which stalls the job by D (one that happens during a stall
 * is found when that is over), o the share of planned stops, and n steps of S seconds between saves that
 * hold it up by b per step and take w to be written, a failure starts n steps over:
 *     goodput = ((1 - l D - o) S / (S + b) x / (exp(x) - 1) - l L) (1 - missing),  x = l (n (S + b) + 2 w)
 * L: what failures lose beyond that after which fewer tiers are left. `missing` holds replicas that start
 * again after the others, and servers in repair beyond the spares.
 * Slowness is not in S but for waits that all share; servers of age `new` fail more often at first, which is
 * not counted.
 * params  in   weights of the model
 * step_s  in   time of a step without failures [s]
 * Local. Modelled. */
muir_expectation muir_goodput_expect(const muir_scenario *scenario, double params, double step_s);

#endif
