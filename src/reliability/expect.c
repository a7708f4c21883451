/* SPDX-License-Identifier: BSD-3-Clause */
/* Expected goodput from the reaction's and the checkpoints' own laws. */
#include "reliability/expect.h"

#include <math.h>

static double saved_share(const muir_checkpoints *c, double step_s)
{
    double share = 0.0;
    for (int t = 0; t < MUIR_TIER_COUNT; t++) {
        const muir_checkpoint_tier *tier = &c->tier[t];
        const double block_s = 1e-9 * (double)tier->block_ns;
        if (tier->is_on) share += block_s / (step_s * (double)tier->every + block_s);
    }
    return fmin(share, 1.0);
}

muir_expectation muir_goodput_expect(const muir_scenario *scenario, double params, double step_s)
{
    muir_reaction reaction;
    muir_checkpoints checkpoints;
    muir_expectation e = {.goodput = 1.0};
    muir_reaction_init(&reaction, scenario, NULL, step_s);
    muir_checkpoints_init(&checkpoints, scenario, params, step_s, reaction.mtti_s, reaction.storage_share);
    muir_reaction_init(&reaction, scenario, &checkpoints, step_s);
    e.mtti_s = reaction.mtti_s;
    e.scope = reaction.scope;
    e.saved_share = saved_share(&checkpoints, step_s);
    if (muir_faults_has_failures(&scenario->faults)) e.goodput = reaction.share[reaction.scope];
    e.goodput *= 1.0 - e.saved_share;
    return e;
}
