/* SPDX-License-Identifier: BSD-3-Clause */
/* All-to-all with one message for each other rank: one after the other, a few at a time, or all at once. */
#include "collectives/steps.h"

/* Messages on their way together: enough to hide one latency behind the others, few enough for every
 * network's queues. */
enum { WINDOW = 8 };

/* The s-th exchange is with the ranks at distance s: nobody is everybody's target at the same time. */
static void list_window(muir_coll_steps *steps, int window)
{
    const int p = steps->p, rank = steps->rank;
    size_t mine, its, n, n_in;
    muir_coll_exchange(steps->spec, p, rank, rank, &mine, &its, &n);
    muir_coll_steps_add_copy(steps, (muir_coll_place){MUIR_COLL_OUTPUT, its},
                             (muir_coll_place){MUIR_COLL_INPUT, mine}, n);
    for (int s = 1; s < p; s++) {
        const int to = (rank + s) % p, from = (rank + p - s) % p;
        size_t leaving, arriving, unused;
        muir_coll_exchange(steps->spec, p, rank, to, &leaving, &unused, &n);
        muir_coll_exchange(steps->spec, p, from, rank, &unused, &arriving, &n_in);
        const muir_coll_step step = {
            .send = {to, {MUIR_COLL_INPUT, leaving}, n},
            .recv = {from, {MUIR_COLL_OUTPUT, arriving}, n_in},
        };
        muir_coll_steps_add_in_window(steps, s - 1, window, &step);
    }
}

static void list_pairwise(muir_coll_steps *steps)
{
    list_window(steps, 1);
}

static void list_pairwise_window(muir_coll_steps *steps)
{
    list_window(steps, WINDOW);
}

static void list_linear(muir_coll_steps *steps)
{
    list_window(steps, steps->p);
}

/* t = ceil((p - 1) / window) alpha + (p - 1) / p bytes / beta */
static void traffic_of_window(int p, int window, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = (p - 1 + window - 1) / window;
    *bytes_sent = bytes * (p - 1) / p;
}

static void traffic_of_pairwise(int p, double bytes, double *rounds, double *bytes_sent)
{
    traffic_of_window(p, 1, bytes, rounds, bytes_sent);
}

static void traffic_of_pairwise_window(int p, double bytes, double *rounds, double *bytes_sent)
{
    traffic_of_window(p, WINDOW, bytes, rounds, bytes_sent);
}

static void traffic_of_linear(int p, double bytes, double *rounds, double *bytes_sent)
{
    traffic_of_window(p, p, bytes, rounds, bytes_sent);
}

#define SOURCE "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005"

/* The two rows of one way: all_to_all, and with counts of its own for each pair. */
#define PAIRWISE(id)                                                                                         \
    const muir_coll muir_coll_all_to_all_##id = {                                                            \
        .name = #id,                                                                                         \
        .kind = MUIR_ALL_TO_ALL,                                                                             \
        .traffic = traffic_of_##id,                                                                          \
        .steps = list_##id,                                                                                  \
        .may_narrow = true,                                                                                  \
        .source = SOURCE,                                                                                    \
    };                                                                                                       \
    const muir_coll muir_coll_all_to_allv_##id = {                                                           \
        .name = #id,                                                                                         \
        .kind = MUIR_ALL_TO_ALLV,                                                                            \
        .traffic = traffic_of_##id,                                                                          \
        .steps = list_##id,                                                                                  \
        .may_narrow = true,                                                                                  \
        .source = SOURCE,                                                                                    \
    };

PAIRWISE(pairwise)
PAIRWISE(pairwise_window)
PAIRWISE(linear)
