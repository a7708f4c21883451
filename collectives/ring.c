/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring algorithms: p - 1 steps, in each of which every rank hands one block to the next rank. */
#include "collectives/plan.h"

typedef struct block {
    size_t offset, n; /* [elements] */
} block;

/* Block i of the vector, i counted round the ring. */
static block block_of(const muir_coll_plan *plan, int i)
{
    block b;
    muir_coll_block(plan->count, plan->p, (i % plan->p + plan->p) % plan->p, &b.offset, &b.n);
    return b;
}

static int next_of(const muir_coll_plan *plan)
{
    return (plan->rank + 1) % plan->p;
}

static int previous_of(const muir_coll_plan *plan)
{
    return (plan->rank + plan->p - 1) % plan->p;
}

/* In step s each rank hands on the partial result of block rank - 1 - s, to which the next rank adds its own
 * part; the last step completes the rank's own block. Partial results alternate between two places: one
 * leaves while one arrives. */
static void plan_reduce_scatter(muir_coll_plan *plan, muir_coll_place result)
{
    const block own = block_of(plan, plan->rank);
    const size_t longest = block_of(plan, 0).n;
    muir_coll_place leaving = {MUIR_COLL_INPUT, block_of(plan, plan->rank - 1).offset};
    if (plan->p == 1) muir_coll_plan_add_copy(plan, result, (muir_coll_place){MUIR_COLL_INPUT, 0}, own.n);
    for (int s = 0; s < plan->p - 1; s++) {
        const block out = block_of(plan, plan->rank - 1 - s), in = block_of(plan, plan->rank - 2 - s);
        const muir_coll_place arriving = {MUIR_COLL_SCRATCH, (size_t)(s % 2) * longest};
        const muir_coll_place mine = {MUIR_COLL_INPUT, in.offset};
        const muir_coll_place to = s == plan->p - 2 ? result : arriving;
        muir_coll_plan_add(plan, &(muir_coll_step){
                                     .send = {next_of(plan), leaving, out.n},
                                     .recv = {previous_of(plan), arriving, in.n},
                                     .local = {MUIR_COLL_REDUCE, to, mine, arriving, in.n},
                                 });
        leaving = arriving;
    }
}

/* In step s each rank hands on block rank - s; `own` is where its own block lies. */
static void plan_all_gather(muir_coll_plan *plan, muir_coll_place own)
{
    muir_coll_place leaving = own;
    for (int s = 0; s < plan->p - 1; s++) {
        const block out = block_of(plan, plan->rank - s), in = block_of(plan, plan->rank - 1 - s);
        const muir_coll_place arriving = {MUIR_COLL_OUTPUT, in.offset};
        muir_coll_plan_add(plan, &(muir_coll_step){
                                     .send = {next_of(plan), leaving, out.n},
                                     .recv = {previous_of(plan), arriving, in.n},
                                 });
        leaving = arriving;
    }
}

static void ring_reduce_scatter(muir_coll_plan *plan)
{
    plan_reduce_scatter(plan, (muir_coll_place){MUIR_COLL_OUTPUT, 0});
}

static void ring_all_gather(muir_coll_plan *plan)
{
    const block own = block_of(plan, plan->rank);
    const muir_coll_place mine = {MUIR_COLL_INPUT, 0}, to = {MUIR_COLL_OUTPUT, own.offset};
    muir_coll_plan_add_copy(plan, to, mine, own.n);
    plan_all_gather(plan, mine);
}

/* 2 (p - 1) / p of the vector leaves each rank: as little as any algorithm can send. */
static void ring_all_reduce(muir_coll_plan *plan)
{
    const muir_coll_place own = {MUIR_COLL_OUTPUT, block_of(plan, plan->rank).offset};
    plan_reduce_scatter(plan, own);
    plan_all_gather(plan, own);
}

const muir_coll muir_coll_all_reduce_ring = {
    .name = "ring",
    .kind = MUIR_ALL_REDUCE,
    .plan = ring_all_reduce,
    .source = "Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009",
};

const muir_coll muir_coll_reduce_scatter_ring = {
    .name = "ring",
    .kind = MUIR_REDUCE_SCATTER,
    .plan = ring_reduce_scatter,
    .source = "Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009",
};

const muir_coll muir_coll_all_gather_ring = {
    .name = "ring",
    .kind = MUIR_ALL_GATHER,
    .plan = ring_all_gather,
    .source = "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005",
};
