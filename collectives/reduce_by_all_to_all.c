/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions whose sums are made in one place: every rank gets all contributions to its own block as they
 * are, adds them in the order of the ranks, halves in fp32, and rounds once. The bytes are those of a ring,
 * which rounds a partial sum at every hop.
 *
 * The result has the same bits on every run, whatever the network does, and those of the rows `shared`. */
#include "collectives/steps.h"

enum { WINDOW = 8 }; /* messages on their way together, as in pairwise.c */

/* Contributions land in scratch, that of rank r behind those of the ranks before it. */
static void reduce_scatter(muir_coll_steps *steps, muir_coll_place to)
{
    const int p = steps->p, rank = steps->rank;
    const size_t longest = muir_coll_steps_block(steps, 0).n;
    const muir_coll_part own = muir_coll_steps_block(steps, rank);
    const muir_coll_place mine = {MUIR_COLL_INPUT, own.offset}, landing = {MUIR_COLL_SCRATCH, 0};
    for (int s = 1; s < p; s++) {
        const int peer = (rank + s) % p, from = (rank + p - s) % p;
        const muir_coll_part its = muir_coll_steps_block(steps, peer);
        muir_coll_steps_add_in_window(steps, s - 1, WINDOW,
                                      &(muir_coll_step){
                                          .send = {peer, {MUIR_COLL_INPUT, its.offset}, its.n},
                                          .recv = {from, {MUIR_COLL_SCRATCH, (size_t)from * longest}, own.n},
                                      });
    }
    muir_coll_steps_add(steps, &(muir_coll_step){.local = {.action = MUIR_COLL_ACCUMULATE,
                                                           .to = to,
                                                           .a = mine,
                                                           .b = landing,
                                                           .count = own.n,
                                                           .stride = longest}});
}

/* Every rank hands its own block, which is in place, to each of the others. */
static void all_gather(muir_coll_steps *steps)
{
    const int p = steps->p, rank = steps->rank;
    const muir_coll_part own = muir_coll_steps_block(steps, rank);
    for (int s = 1; s < p; s++) {
        const int to = (rank + s) % p, from = (rank + p - s) % p;
        const muir_coll_part its = muir_coll_steps_block(steps, from);
        muir_coll_steps_add_in_window(steps, s - 1, WINDOW,
                                      &(muir_coll_step){
                                          .send = {to, {MUIR_COLL_OUTPUT, own.offset}, own.n},
                                          .recv = {from, {MUIR_COLL_OUTPUT, its.offset}, its.n},
                                      });
    }
}

static void list_reduce_scatter(muir_coll_steps *steps)
{
    reduce_scatter(steps, (muir_coll_place){MUIR_COLL_OUTPUT, 0});
}

static void list_all_reduce(muir_coll_steps *steps)
{
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    const muir_coll_place to = {MUIR_COLL_OUTPUT, own.offset};
    reduce_scatter(steps, to);
    muir_coll_steps_add_rounding(steps, to, own.n);
    all_gather(steps);
}

static int windows_of(int p)
{
    return (p - 1 + WINDOW - 1) / WINDOW;
}

/* t = ceil((p - 1) / window) alpha + (p - 1) / p bytes / beta */
static void traffic_of_reduce_scatter(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = windows_of(p);
    *bytes_sent = bytes * (p - 1) / p;
}

/* Twice that. */
static void traffic_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * windows_of(p);
    *bytes_sent = 2.0 * bytes * (p - 1) / p;
}

#define SOURCE                                                                                               \
    "Wang et al., ZeRO++: Extremely Efficient Collective Communication for Giant Model Training, "           \
    "arXiv:2306.10209, 2023"

const muir_coll muir_coll_all_reduce_all_to_all = {
    .name = "all_to_all",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_all_reduce,
    .steps = list_all_reduce,
    .may_narrow = true,
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_scatter_all_to_all = {
    .name = "all_to_all",
    .kind = MUIR_REDUCE_SCATTER,
    .traffic = traffic_of_reduce_scatter,
    .steps = list_reduce_scatter,
    .may_narrow = true,
    .source = SOURCE,
};
