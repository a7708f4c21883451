/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast down a binomial tree, reduction up the same tree, and all-reduce by both: ceil(log2 p) steps of
 * the whole vector each way. */
#include "collectives/plan.h"

static const muir_coll_place input = {MUIR_COLL_INPUT, 0};
static const muir_coll_place output = {MUIR_COLL_OUTPUT, 0};

/* The rank's number counted from the root, and back. */
static int number_of(const muir_coll_plan *plan, int root)
{
    return (plan->rank + plan->p - root) % plan->p;
}

static int rank_of(const muir_coll_plan *plan, int root, int v)
{
    return (v + root) % plan->p;
}

/* With ranks counted from the root, rank v hears from v without its lowest bit and tells v plus each smaller
 * power of two, the largest subtree first. `mine` is where the root's vector lies. */
static void plan_down(muir_coll_plan *plan, int root, muir_coll_place mine)
{
    const int p = plan->p, v = number_of(plan, root);
    int bit = 1;
    while (bit < p && !(v & bit)) bit *= 2;
    if (v != 0) {
        const int parent = rank_of(plan, root, v - bit);
        muir_coll_plan_add(plan, &(muir_coll_step){.recv = {parent, output, plan->count}});
        mine = output;
    }
    for (bit /= 2; bit > 0; bit /= 2) {
        if (v + bit >= p) continue;
        const int child = rank_of(plan, root, v + bit);
        muir_coll_plan_add(plan, &(muir_coll_step){.send = {child, mine, plan->count}});
    }
}

/* The same tree upwards, the smallest subtree first. `sum` is where ranks with children keep their sums; a
 * rank without sends its input. */
static void plan_up(muir_coll_plan *plan, int root, muir_coll_place sum, muir_coll_place landing)
{
    const int p = plan->p, v = number_of(plan, root);
    const size_t n = plan->count;
    muir_coll_place mine = input;
    int bit = 1;
    for (; bit < p && !(v & bit); bit *= 2) {
        if (v + bit >= p) continue;
        const int child = rank_of(plan, root, v + bit);
        muir_coll_plan_add(plan, &(muir_coll_step){.recv = {child, landing, n},
                                                   .local = muir_coll_reduction(sum, mine, landing, n)});
        mine = sum;
    }
    if (v != 0) muir_coll_plan_add(plan, &(muir_coll_step){.send = {rank_of(plan, root, v - bit), mine, n}});
}

static void plan_broadcast(muir_coll_plan *plan)
{
    plan_down(plan, plan->root, input);
    if (plan->rank == plan->root)
        muir_coll_plan_add_copy(plan, output, input, plan->count); /* last: nobody waits for it */
}

static void plan_reduce(muir_coll_plan *plan)
{
    const muir_coll_place landing = {MUIR_COLL_SCRATCH, 0}, inner = {MUIR_COLL_SCRATCH, plan->count};
    if (plan->p == 1) muir_coll_plan_add_copy(plan, output, input, plan->count);
    plan_up(plan, plan->root, plan->rank == plan->root ? output : inner, landing);
}

static void plan_all_reduce(muir_coll_plan *plan)
{
    const muir_coll_place landing = {MUIR_COLL_SCRATCH, 0};
    if (plan->p == 1) muir_coll_plan_add_copy(plan, output, input, plan->count);
    plan_up(plan, 0, output, landing);
    plan_down(plan, 0, output);
}

/* t = ceil(log2 p) (alpha + bytes / beta): the root tells that many ranks. */
static void cost_of_broadcast(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * muir_coll_log2(p);
}

/* t = ceil(log2 p) alpha + bytes / beta: nobody sends twice. */
static void cost_of_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = p > 1 ? bytes : 0.0;
}

static void cost_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * muir_coll_log2(p);
    *bytes_sent = bytes * muir_coll_log2(p); /* the root; every other rank has fewer children and a parent */
}

#define SOURCE "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005"

const muir_coll muir_coll_broadcast_binomial = {
    .name = "binomial",
    .kind = MUIR_BROADCAST,
    .cost = cost_of_broadcast,
    .plan = plan_broadcast,
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_binomial = {
    .name = "binomial",
    .kind = MUIR_REDUCE,
    .cost = cost_of_reduce,
    .plan = plan_reduce,
    .source = SOURCE,
};

const muir_coll muir_coll_all_reduce_binomial = {
    .name = "binomial",
    .kind = MUIR_ALL_REDUCE,
    .cost = cost_of_all_reduce,
    .plan = plan_all_reduce,
    .source = SOURCE,
};
