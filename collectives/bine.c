/* SPDX-License-Identifier: BSD-3-Clause */
/* Bine butterflies and trees, for powers of two: partners are as far apart as negabinary numbers say.
 *
 * All-reduce halves and doubles, with near partners while messages are long. Ranks own blocks in an order in
 * which what is sent lies together, so nothing is packed. */
#include "collectives/steps.h"
#include "collectives/swing.h"

/* Lowest of the ranks that `rank` reaches in steps s and later; those that reach each other have the same. */
static int lowest_of(int p, int rank, int s)
{
    if (1 << s >= p) return rank;
    const int one = lowest_of(p, rank, s + 1), other = lowest_of(p, muir_swing_partner(p, rank, s), s + 1);
    return one < other ? one : other;
}

/* Blocks that a rank shares with those that it reaches from a step on; `first` of them goes to the half with
 * the lower ranks. */
typedef struct range {
    int first, n;
} range;

/* What `rank` keeps of a range in step s, or what its partner keeps. */
static range half_of(int p, int rank, int s, range all, bool is_partner)
{
    const int mine = lowest_of(p, rank, s + 1), other = lowest_of(p, muir_swing_partner(p, rank, s), s + 1);
    const bool is_upper = (mine > other) != is_partner;
    return (range){is_upper ? all.first + all.n / 2 : all.first, all.n / 2};
}

static muir_coll_place in(muir_coll_buffer buffer, size_t offset)
{
    return (muir_coll_place){buffer, offset};
}

/* Each step sends the partner's half and keeps the sums of the other, which land behind all that is in
 * scratch; the last ones go to their place in the output. */
static range list_halving(muir_coll_steps *steps, range kept[])
{
    const int p = steps->p, rank = steps->rank, n_steps = muir_coll_log2(p);
    muir_coll_place sums = in(MUIR_COLL_INPUT, 0);
    size_t start = 0; /* element at which `sums` begins */
    range all = {0, p};
    for (int s = 0; s < n_steps; s++) {
        const int peer = muir_swing_partner(p, rank, s);
        const range keep = half_of(p, rank, s, all, false), give = half_of(p, rank, s, all, true);
        const muir_coll_part in_part = muir_coll_steps_blocks(steps, keep.first, keep.n);
        const muir_coll_part out_part = muir_coll_steps_blocks(steps, give.first, give.n);
        const muir_coll_place landing = in(MUIR_COLL_SCRATCH, steps->n_scratch);
        const muir_coll_place mine = in(sums.buffer, sums.offset + in_part.offset - start);
        const bool is_last = s == n_steps - 1;
        const muir_coll_place to = is_last ? in(MUIR_COLL_OUTPUT, in_part.offset) : landing;
        muir_coll_steps_add(
            steps, &(muir_coll_step){
                       .send = {peer, in(sums.buffer, sums.offset + out_part.offset - start), out_part.n},
                       .recv = {peer, landing, in_part.n},
                       .local = muir_coll_reduction(to, mine, landing, in_part.n),
                   });
        kept[s] = all;
        all = keep;
        sums = landing;
        start = in_part.offset;
    }
    return all;
}

/* The same steps backwards: all that a rank has goes to the partner, and as much comes. */
static void list_doubling(muir_coll_steps *steps, const range kept[], range mine)
{
    for (int s = muir_coll_log2(steps->p) - 1; s >= 0; s--) {
        const int peer = muir_swing_partner(steps->p, steps->rank, s);
        const range its = half_of(steps->p, steps->rank, s, kept[s], true);
        const muir_coll_part out = muir_coll_steps_blocks(steps, mine.first, mine.n);
        const muir_coll_part come = muir_coll_steps_blocks(steps, its.first, its.n);
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .send = {peer, in(MUIR_COLL_OUTPUT, out.offset), out.n},
                                       .recv = {peer, in(MUIR_COLL_OUTPUT, come.offset), come.n},
                                   });
        mine = kept[s];
    }
}

static void list_all_reduce(muir_coll_steps *steps)
{
    range kept[32]; /* before each step */
    if (steps->p == 1)
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, 0), in(MUIR_COLL_INPUT, 0), steps->count);
    const range own = list_halving(steps, kept);
    list_doubling(steps, kept, own);
}

/* True where `rank` is reached from the root's number, 0, by steps s and later. */
static bool is_reached(int p, int rank, int s)
{
    return lowest_of(p, rank, s) == lowest_of(p, 0, s);
}

/* With ranks counted from the root, the farthest step comes first: whoever has the vector tells its
 * partner. */
static void list_broadcast(muir_coll_steps *steps)
{
    const int p = steps->p, root = steps->root, v = (steps->rank + p - root) % p;
    const muir_coll_place output = in(MUIR_COLL_OUTPUT, 0), input = in(MUIR_COLL_INPUT, 0);
    const size_t n = steps->count;
    for (int s = muir_coll_log2(p) - 1; s >= 0; s--) {
        const int peer = (muir_swing_partner(p, v, s) + root) % p;
        if (is_reached(p, v, s + 1))
            muir_coll_steps_add(steps, &(muir_coll_step){.send = {peer, v == 0 ? input : output, n}});
        else if (is_reached(p, v, s))
            muir_coll_steps_add(steps, &(muir_coll_step){.recv = {peer, output, n}});
    }
    if (v == 0) muir_coll_steps_add_copy(steps, output, input, n); /* last: nobody waits for it */
}

/* t = log2 p (alpha + bytes / beta): the root tells that many ranks. */
static void traffic_of_broadcast(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * muir_coll_log2(p);
}

/* t = 2 log2 p alpha + 2 (p - 1) / p bytes / beta */
static void traffic_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * muir_coll_log2(p);
    *bytes_sent = 2.0 * bytes * (p - 1) / p;
}

#define SOURCE                                                                                               \
    "De Sensi et al., Bine Trees: Enhancing Collective Operations by Optimizing Communication Locality, "    \
    "SC, "                                                                                                   \
    "2025"

const muir_coll muir_coll_all_reduce_bine = {
    .name = "bine",
    .kind = MUIR_ALL_REDUCE,
    .fits = muir_swing_fits,
    .traffic = traffic_of_all_reduce,
    .steps = list_all_reduce,
    .source = SOURCE,
};

const muir_coll muir_coll_broadcast_bine = {
    .name = "bine",
    .kind = MUIR_BROADCAST,
    .fits = muir_swing_fits,
    .traffic = traffic_of_broadcast,
    .steps = list_broadcast,
    .source = SOURCE,
};
