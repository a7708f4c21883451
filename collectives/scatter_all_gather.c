/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast of long vectors: blocks are scattered down a binomial tree and gathered round a ring (van de
 * Geijn). */
#include "collectives/steps.h"

static int rank_of(const muir_coll_steps *steps, int v)
{
    return (v + steps->root) % steps->p;
}

/* With ranks counted from the root, rank v gets blocks v .. v + bit - 1, bit being its lowest, and hands
 * on the upper half of what it has until its own block is left. */
static void list_scatter(muir_coll_steps *steps, int v, muir_coll_buffer mine)
{
    const int p = steps->p;
    int bit = 1;
    while (bit < p && !(v & bit)) bit *= 2;
    if (v != 0) {
        const muir_coll_part in = muir_coll_steps_blocks(steps, v, v + bit < p ? bit : p - v);
        const muir_coll_place at = {MUIR_COLL_OUTPUT, in.offset};
        muir_coll_steps_add(steps, &(muir_coll_step){.recv = {rank_of(steps, v - bit), at, in.n}});
    }
    for (bit /= 2; bit > 0; bit /= 2) {
        const int child = v + bit;
        if (child >= p) continue;
        const muir_coll_part out = muir_coll_steps_blocks(steps, child, child + bit < p ? bit : p - child);
        const muir_coll_place at = {mine, out.offset};
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {rank_of(steps, child), at, out.n}});
    }
}

/* A ring, but for the link that ends at the root, which has all blocks. */
static void list_gather(muir_coll_steps *steps, int v, muir_coll_buffer mine)
{
    const int p = steps->p;
    for (int s = 0; s < p - 1; s++) {
        const muir_coll_part out = muir_coll_steps_block(steps, v - s),
                             in = muir_coll_steps_block(steps, v - 1 - s);
        const muir_coll_place from = {mine, out.offset}, to = {MUIR_COLL_OUTPUT, in.offset};
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .send = {rank_of(steps, v + 1), from, v == p - 1 ? 0 : out.n},
                                       .recv = {rank_of(steps, v + p - 1), to, v == 0 ? 0 : in.n},
                                   });
    }
}

static void list_broadcast(muir_coll_steps *steps)
{
    const int v = (steps->rank + steps->p - steps->root) % steps->p;
    const muir_coll_buffer mine = v == 0 ? MUIR_COLL_INPUT : MUIR_COLL_OUTPUT;
    const muir_coll_place output = {MUIR_COLL_OUTPUT, 0}, input = {MUIR_COLL_INPUT, 0};
    list_scatter(steps, v, mine);
    list_gather(steps, v, mine);
    if (v == 0) muir_coll_steps_add_copy(steps, output, input, steps->count); /* last: nobody waits for it */
}

/* t = (ceil(log2 p) + p - 1) alpha + 2 (p - 1) / p bytes / beta */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p) + p - 1;
    *bytes_sent = 2.0 * bytes * (p - 1) / p;
}

const muir_coll muir_coll_broadcast_scatter_all_gather = {
    .name = "scatter_all_gather",
    .kind = MUIR_BROADCAST,
    .traffic = traffic,
    .steps = list_broadcast,
    .source =
        "Barnett, Gupta, Payne, Shuler, van de Geijn and Watts, Interprocessor Collective Communication "
        "Library, SHPCC, 1994",
};
