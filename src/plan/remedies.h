/* SPDX-License-Identifier: BSD-3-Clause */
/* What would make a job fit its chips, and what each change costs in time. */
#ifndef MUIR_PLAN_REMEDIES_H
#define MUIR_PLAN_REMEDIES_H

#include "memory/fit.h"

enum { MUIR_MOST_REMEDIES = 32 };

/* One change, alone or on top of full recompute. */
typedef struct muir_remedy {
    const char *text, *and; /* what to change; `and`: what else, NULL: nothing */
    muir_memory memory;
    muir_memory_fit fit;
    double step_s; /* ideal step, modelled */
} muir_remedy;

/* Changes of a single kind, each alone and together with full recompute, after which the job fits, the
 * shortest step first.
 * remedies  out  [MUIR_MOST_REMEDIES]
 * n         out  how many
 * Local. MUIR_ERR_MEM. */
muir_status muir_remedies_find(muir_ctx *ctx, const muir_scenario *scenario, muir_remedy *remedies, int *n);

#endif
