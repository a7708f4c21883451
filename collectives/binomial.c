/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast down a binomial tree: ceil(log2 p) steps of the whole vector. */
#include "collectives/plan.h"

/* With ranks counted from the root, rank v hears from v without its lowest bit and tells v plus each smaller
 * power of two, the largest subtree first. */
static void plan_binomial(muir_coll_plan *plan)
{
    const int p = plan->p, v = (plan->rank + p - plan->root) % p;
    const muir_coll_place output = {MUIR_COLL_OUTPUT, 0};
    const muir_coll_place mine = {v == 0 ? MUIR_COLL_INPUT : MUIR_COLL_OUTPUT, 0};
    int bit = 1;
    while (bit < p && !(v & bit)) bit *= 2;
    const int parent = (v - bit + plan->root + p) % p;
    if (v != 0) muir_coll_plan_add(plan, &(muir_coll_step){.recv = {parent, output, plan->count}});
    for (bit /= 2; bit > 0; bit /= 2) {
        if (v + bit >= p) continue;
        const int child = (v + bit + plan->root) % p;
        muir_coll_plan_add(plan, &(muir_coll_step){.send = {child, mine, plan->count}});
    }
    if (v == 0) muir_coll_plan_add_copy(plan, output, mine, plan->count); /* last: nobody waits for it */
}

const muir_coll muir_coll_broadcast_binomial = {
    .name = "binomial",
    .kind = MUIR_BROADCAST,
    .plan = plan_binomial,
    .source = "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005",
};
