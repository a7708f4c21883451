/* SPDX-License-Identifier: BSD-3-Clause */
/* A barrier in log2 p rounds: after round k, a rank knows of the 2^(k + 1) ranks before it. Its messages
 * carry one element that nobody looks at. */
#include "collectives/steps.h"

static void list_dissemination(muir_coll_steps *steps)
{
    size_t round = 0;
    for (int distance = 1; distance < steps->p; distance *= 2) {
        const int to = (steps->rank + distance) % steps->p,
                  from = (steps->rank - distance + steps->p) % steps->p;
        const muir_coll_place sent = {MUIR_COLL_SCRATCH, 0}, landing = {MUIR_COLL_SCRATCH, ++round};
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {to, sent, 1}, .recv = {from, landing, 1}});
    }
    steps->n_scratch = round + 1;
}

/* t = ceil(log2 p) (alpha + element / beta), with an element of 4 bytes */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    (void)bytes;
    *rounds = muir_coll_log2(p);
    *bytes_sent = 4.0 * *rounds;
}

const muir_coll muir_coll_barrier_dissemination = {
    .name = "dissemination",
    .kind = MUIR_BARRIER,
    .traffic = traffic,
    .steps = list_dissemination,
    .source = "Hensgen, Finkel and Manber, Int. J. Parallel Program. 17(1), 1988",
};
