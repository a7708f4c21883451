/* SPDX-License-Identifier: BSD-3-Clause */
/* All-to-all by pairwise exchange: p - 1 steps, in step s with the ranks at distance s. */
#include "collectives/plan.h"

static void plan_pairwise(muir_coll_plan *plan)
{
    const int p = plan->p, rank = plan->rank;
    size_t own, n;
    muir_coll_block(plan->count, p, rank, &own, &n);
    muir_coll_plan_add_copy(plan, (muir_coll_place){MUIR_COLL_OUTPUT, (size_t)rank * n},
                            (muir_coll_place){MUIR_COLL_INPUT, own}, n);
    for (int s = 1; s < p; s++) {
        const int to = (rank + s) % p, from = (rank + p - s) % p;
        size_t offset, n_to;
        muir_coll_block(plan->count, p, to, &offset, &n_to);
        muir_coll_plan_add(plan, &(muir_coll_step){
                                     .send = {to, {MUIR_COLL_INPUT, offset}, n_to},
                                     .recv = {from, {MUIR_COLL_OUTPUT, (size_t)from * n}, n},
                                 });
    }
}

const muir_coll muir_coll_all_to_all_pairwise = {
    .name = "pairwise",
    .kind = MUIR_ALL_TO_ALL,
    .plan = plan_pairwise,
    .source = "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005",
};
