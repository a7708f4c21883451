/* SPDX-License-Identifier: BSD-3-Clause */
/* All-reduce by Swing: halving and doubling with partners that stay near each other on a ring, for powers of
 * two. */
#include "collectives/swing.h"

#include "collectives/steps.h"

bool muir_swing_fits(int p)
{
    return (p & (p - 1)) == 0;
}

int muir_swing_partner(int p, int rank, int s)
{
    int distance = 1;
    for (int k = 0; k < s; k++) distance = 1 - 2 * distance;
    const int at = rank % 2 == 0 ? rank + distance : rank - distance;
    return (at % p + p) % p;
}

/* True where block b is `rank`'s own or goes to one of its partners from step s on, or to theirs after
 * that. */
static bool is_reached(int p, int rank, int s, int b)
{
    if (b == rank) return true;
    for (; 1 << s < p; s++)
        if (is_reached(p, muir_swing_partner(p, rank, s), s + 1, b)) return true;
    return false;
}

static muir_coll_place in(muir_coll_buffer buffer, size_t offset)
{
    return (muir_coll_place){buffer, offset};
}

/* Packs the blocks that `whose` reaches after step s into scratch; returns their elements. */
static size_t pack(muir_coll_steps *steps, int whose, int s, muir_coll_buffer from)
{
    size_t n = 0;
    for (int b = 0; b < steps->p; b++) {
        if (!is_reached(steps->p, whose, s + 1, b)) continue;
        const muir_coll_part part = muir_coll_steps_block(steps, b);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_SCRATCH, n), in(from, part.offset), part.n);
        n += part.n;
    }
    return n;
}

/* Brings those blocks from where a message landed to the output: adds them to `mine` or takes them over. */
static size_t unpack(muir_coll_steps *steps, int whose, int s, muir_coll_action action, muir_coll_buffer mine)
{
    size_t n = 0;
    for (int b = 0; b < steps->p; b++) {
        if (!is_reached(steps->p, whose, s + 1, b)) continue;
        const muir_coll_part part = muir_coll_steps_block(steps, b);
        const muir_coll_place arrived = in(MUIR_COLL_SCRATCH, steps->count + n);
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .local = {.action = action,
                                                 .to = in(MUIR_COLL_OUTPUT, part.offset),
                                                 .a = arrived,
                                                 .b = in(mine, part.offset),
                                                 .count = part.n},
                                   });
        n += part.n;
    }
    return n;
}

static size_t length_of(const muir_coll_steps *steps, int whose, int s)
{
    size_t n = 0;
    for (int b = 0; b < steps->p; b++)
        if (is_reached(steps->p, whose, s + 1, b)) n += muir_coll_steps_block(steps, b).n;
    return n;
}

static void exchange(muir_coll_steps *steps, int peer, size_t n_out, size_t n_in)
{
    muir_coll_steps_add(steps, &(muir_coll_step){
                                   .send = {peer, in(MUIR_COLL_SCRATCH, 0), n_out},
                                   .recv = {peer, in(MUIR_COLL_SCRATCH, steps->count), n_in},
                               });
}

/* Reduce-scatter: each step hands over what the partner and its later partners will own. All-gather: the same
 * steps backwards, with what the rank and its later partners own. */
static void list_swing(muir_coll_steps *steps)
{
    const int p = steps->p, rank = steps->rank, n_steps = muir_coll_log2(p);
    muir_coll_buffer mine = MUIR_COLL_INPUT;
    if (p == 1)
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, 0), in(MUIR_COLL_INPUT, 0), steps->count);
    for (int s = 0; s < n_steps; s++) {
        const int peer = muir_swing_partner(p, rank, s);
        const size_t n_out = pack(steps, peer, s, mine);
        exchange(steps, peer, n_out, length_of(steps, rank, s));
        unpack(steps, rank, s, MUIR_COLL_REDUCE, mine);
        mine = MUIR_COLL_OUTPUT;
    }
    for (int s = n_steps - 1; s >= 0; s--) {
        const int peer = muir_swing_partner(p, rank, s);
        const size_t n_out = pack(steps, rank, s, mine);
        exchange(steps, peer, n_out, length_of(steps, peer, s));
        unpack(steps, peer, s, MUIR_COLL_COPY, mine);
    }
}

/* t = 2 log2 p alpha + 2 (p - 1) / p bytes / beta */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * muir_coll_log2(p);
    *bytes_sent = 2.0 * bytes * (p - 1) / p;
}

const muir_coll muir_coll_all_reduce_swing = {
    .name = "swing",
    .kind = MUIR_ALL_REDUCE,
    .fits = muir_swing_fits,
    .traffic = traffic,
    .steps = list_swing,
    .source = "De Sensi, Bonato, Saam and Hoefler, Swing: Short-cutting Rings for Higher Bandwidth "
              "Allreduce, NSDI, 2024",
};
