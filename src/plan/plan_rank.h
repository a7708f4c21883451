/* SPDX-License-Identifier: BSD-3-Clause */
/* The best layouts found so far. Private to the plan. */
#ifndef MUIR_PLAN_PLAN_RANK_H
#define MUIR_PLAN_PLAN_RANK_H

#include "plan/plan.h"

typedef struct muir_ranking {
    muir_plan_entry *entries; /* [room], n of them in use, sorted */
    int n, room;
    bool is_pareto; /* keep what nothing beats, instead of the `room` smallest scores */
} muir_ranking;

/* room  in  most entries to keep, >= 1
 * Local. MUIR_ERR_MEM. */
muir_status muir_ranking_create(muir_ctx *ctx, int room, bool is_pareto, muir_ranking **out);
void muir_ranking_destroy(muir_ranking **ranking); /* accepts NULL, leaves NULL */

/* Whether a stands before b: smaller score, less memory, found earlier. A total order, so that any dealing of
 * candidates over ranks ends in the same ranking. Local. */
bool muir_entry_is_before(const muir_plan_entry *a, const muir_plan_entry *b);

/* Whether a layout would be kept. Local. */
bool muir_ranking_wants(const muir_ranking *ranking, const muir_plan_entry *entry);

/* Offers a layout, which is kept if it is good enough. Local. */
void muir_ranking_offer(muir_ranking *ranking, const muir_plan_entry *entry);

/* Every rank's entries into every rank's ranking. Collective over ctx->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_ranking_meet(muir_ctx *ctx, muir_ranking *ranking);

#endif
