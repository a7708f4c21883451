/* SPDX-License-Identifier: BSD-3-Clause */
/* All-reduce by recursive doubling: log2 p steps of the whole vector, for short vectors. */
#include "collectives/steps.h"

static const muir_coll_place input = {MUIR_COLL_INPUT, 0};
static const muir_coll_place output = {MUIR_COLL_OUTPUT, 0};
static const muir_coll_place landing = {MUIR_COLL_SCRATCH, 0};

/* Both sides of an exchange must compute the same bits, so the lower rank's part stands on the left. */
static muir_coll_local join(const muir_coll_steps *steps, int peer, muir_coll_place mine)
{
    const muir_coll_place left = peer < steps->rank ? landing : mine,
                          right = peer < steps->rank ? mine : landing;
    return muir_coll_reduction(output, left, right, steps->count);
}

/* A power of two of ranks exchanges with partners at distance 1, 2, 4, ... Where p is none, the first 2 x
 * `extra` ranks pair up: the even one hands its vector to the odd one before, and gets the result after. */
static void list_recursive_doubling(muir_coll_steps *steps)
{
    int core = 1;
    while (core <= steps->p / 2) core *= 2;
    const int rank = steps->rank, extra = steps->p - core;
    const bool is_paired = rank < 2 * extra;
    const size_t n = steps->count;
    muir_coll_place mine = input;

    if (steps->p == 1) muir_coll_steps_add_copy(steps, output, input, n);
    if (is_paired && rank % 2 == 0) {
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {rank + 1, input, n}});
        muir_coll_steps_add(steps, &(muir_coll_step){.recv = {rank + 1, output, n}});
        return;
    }
    if (is_paired) {
        muir_coll_steps_add(
            steps, &(muir_coll_step){.recv = {rank - 1, landing, n}, .local = join(steps, rank - 1, mine)});
        mine = output;
    }
    const int place = is_paired ? rank / 2 : rank - extra;
    for (int distance = 1; distance < core; distance *= 2) {
        const int partner = place ^ distance;
        const int peer = partner < extra ? 2 * partner + 1 : partner + extra;
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .send = {peer, mine, n},
                                       .recv = {peer, landing, n},
                                       .local = join(steps, peer, mine),
                                   });
        mine = output;
    }
    if (is_paired) muir_coll_steps_add(steps, &(muir_coll_step){.send = {rank - 1, output, n}});
}

/* t = log2 p (alpha + bytes / beta) for a power of two, else 2 rounds more, one of them sent by a rank that
 * stands for two. */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    int levels = muir_coll_log2(p);
    const bool is_folded = 1 << levels != p;
    if (is_folded) levels--;
    *rounds = levels + 2 * is_folded;
    *bytes_sent = bytes * (levels + is_folded);
}

const muir_coll muir_coll_all_reduce_recursive_doubling = {
    .name = "recursive_doubling",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic,
    .steps = list_recursive_doubling,
    .source = "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005",
};
