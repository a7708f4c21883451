/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast down a binomial tree, reduction up the same tree, and all-reduce by both: ceil(log2 p) steps of
 * the whole vector each way. */
#include "collectives/steps.h"

static const muir_coll_place input = {MUIR_COLL_INPUT, 0};
static const muir_coll_place output = {MUIR_COLL_OUTPUT, 0};

/* The rank's number counted from the root, and back. */
static int number_of(const muir_coll_steps *steps, int root)
{
    return (steps->rank + steps->p - root) % steps->p;
}

static int rank_of(const muir_coll_steps *steps, int root, int v)
{
    return (v + root) % steps->p;
}

/* With ranks counted from the root, rank v hears from v without its lowest bit and tells v plus each smaller
 * power of two, the largest subtree first. `mine` is where the root's vector lies. */
static void list_down(muir_coll_steps *steps, int root, muir_coll_place mine)
{
    const int p = steps->p, v = number_of(steps, root);
    int bit = 1;
    while (bit < p && !(v & bit)) bit *= 2;
    if (v != 0) {
        const int parent = rank_of(steps, root, v - bit);
        muir_coll_steps_add(steps, &(muir_coll_step){.recv = {parent, output, steps->count}});
        mine = output;
    }
    for (bit /= 2; bit > 0; bit /= 2) {
        if (v + bit >= p) continue;
        const int child = rank_of(steps, root, v + bit);
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {child, mine, steps->count}});
    }
}

/* The same tree upwards, the smallest subtree first. `sum` is where ranks with children keep their sums; a
 * rank without sends its input. */
static void list_up(muir_coll_steps *steps, int root, muir_coll_place sum, muir_coll_place landing)
{
    const int p = steps->p, v = number_of(steps, root);
    const size_t n = steps->count;
    muir_coll_place mine = input;
    int bit = 1;
    for (; bit < p && !(v & bit); bit *= 2) {
        if (v + bit >= p) continue;
        const int child = rank_of(steps, root, v + bit);
        muir_coll_steps_add(steps, &(muir_coll_step){.recv = {child, landing, n},
                                                     .local = muir_coll_reduction(sum, mine, landing, n)});
        mine = sum;
    }
    if (v != 0)
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {rank_of(steps, root, v - bit), mine, n}});
}

static void list_broadcast(muir_coll_steps *steps)
{
    list_down(steps, steps->root, input);
    if (steps->rank == steps->root)
        muir_coll_steps_add_copy(steps, output, input, steps->count); /* last: nobody waits for it */
}

static void list_reduce(muir_coll_steps *steps)
{
    const muir_coll_place landing = {MUIR_COLL_SCRATCH, 0}, inner = {MUIR_COLL_SCRATCH, steps->count};
    if (steps->p == 1) muir_coll_steps_add_copy(steps, output, input, steps->count);
    list_up(steps, steps->root, steps->rank == steps->root ? output : inner, landing);
}

static void list_all_reduce(muir_coll_steps *steps)
{
    const muir_coll_place landing = {MUIR_COLL_SCRATCH, 0};
    if (steps->p == 1) muir_coll_steps_add_copy(steps, output, input, steps->count);
    list_up(steps, 0, output, landing);
    list_down(steps, 0, output);
}

/* t = ceil(log2 p) (alpha + bytes / beta): the root tells that many ranks. */
static void traffic_of_broadcast(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * muir_coll_log2(p);
}

/* t = ceil(log2 p) alpha + bytes / beta: nobody sends twice. */
static void traffic_of_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = p > 1 ? bytes : 0.0;
}

static void traffic_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * muir_coll_log2(p);
    *bytes_sent = bytes * muir_coll_log2(p); /* the root; every other rank has fewer children and a parent */
}

#define SOURCE "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005"

const muir_coll muir_coll_broadcast_binomial = {
    .name = "binomial",
    .kind = MUIR_BROADCAST,
    .traffic = traffic_of_broadcast,
    .steps = list_broadcast,
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_binomial = {
    .name = "binomial",
    .kind = MUIR_REDUCE,
    .traffic = traffic_of_reduce,
    .steps = list_reduce,
    .source = SOURCE,
};

const muir_coll muir_coll_all_reduce_binomial = {
    .name = "binomial",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_all_reduce,
    .steps = list_all_reduce,
    .source = SOURCE,
};
