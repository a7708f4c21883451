/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast down a tree of radix 4: half the rounds of a binomial tree, with up to three messages in each. */
#include "collectives/steps.h"

enum { RADIX = 4 };

/* With ranks counted from the root and written in base 4, rank v hears from v with its lowest digit that
 * is not 0 set to 0, and tells v with a digit set below that one, the largest subtrees first. */
static void list_k_nomial(muir_coll_steps *steps)
{
    const int p = steps->p, v = (steps->rank + p - steps->root) % p;
    const size_t n = steps->count;
    const muir_coll_place output = {MUIR_COLL_OUTPUT, 0};
    const muir_coll_place mine = {v == 0 ? MUIR_COLL_INPUT : MUIR_COLL_OUTPUT, 0};
    int unit = 1;
    while (unit < p && v / unit % RADIX == 0) unit *= RADIX;
    if (v != 0) {
        const int parent = v - v / unit % RADIX * unit;
        muir_coll_steps_add(steps, &(muir_coll_step){.recv = {(parent + steps->root) % p, output, n}});
    }
    for (unit /= RADIX; unit > 0; unit /= RADIX)
        for (int digit = 1; digit < RADIX && v + digit * unit < p; digit++) {
            const muir_coll_step step = {.send = {(v + digit * unit + steps->root) % p, mine, n}};
            if (digit == 1)
                muir_coll_steps_add(steps, &step);
            else
                muir_coll_steps_add_to_round(steps, &step);
        }
    if (v == 0) muir_coll_steps_add_copy(steps, output, mine, n); /* last: nobody waits for it */
}

/* t = ceil(log4 p) alpha + (children of the root) bytes / beta, at most 3 ceil(log4 p) of them */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = *bytes_sent = 0.0;
    for (int unit = 1; unit < p; unit *= RADIX) {
        *rounds += 1.0;
        for (int digit = 1; digit < RADIX && digit * unit < p; digit++) *bytes_sent += bytes;
    }
}

const muir_coll muir_coll_broadcast_k_nomial = {
    .name = "k_nomial",
    .kind = MUIR_BROADCAST,
    .traffic = traffic,
    .steps = list_k_nomial,
    .source = "Wilkins et al., Generalized Collective Algorithms for the Exascale Era, IEEE CLUSTER, 2023",
};
