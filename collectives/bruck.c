/* SPDX-License-Identifier: BSD-3-Clause */
/* Bruck's algorithms: ceil(log2 p) messages for any p, for short vectors. */
#include "collectives/steps.h"

static muir_coll_place in(muir_coll_buffer buffer, size_t offset)
{
    return (muir_coll_place){buffer, offset};
}

/* Length of the j blocks that begin with the rank's own, counted round the vector. */
static size_t length_from_own(const muir_coll_steps *steps, int j)
{
    const int to_end = steps->p - steps->rank;
    if (j <= to_end) return muir_coll_steps_blocks(steps, steps->rank, j).n;
    return muir_coll_steps_blocks(steps, steps->rank, to_end).n +
           muir_coll_steps_blocks(steps, 0, j - to_end).n;
}

/* Scratch fills with the blocks of rank, rank + 1, ... in this order: all there are so far go to the rank at
 * distance 1, 2, 4, ... before, and as many come from the rank at that distance behind. */
static void list_all_gather(muir_coll_steps *steps)
{
    const int p = steps->p, rank = steps->rank;
    muir_coll_steps_add_copy(steps, in(MUIR_COLL_SCRATCH, 0), in(MUIR_COLL_INPUT, 0),
                             length_from_own(steps, 1));
    for (int have = 1; have < p; have *= 2) {
        const int more = have < p - have ? have : p - have;
        const size_t end = length_from_own(steps, have);
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .send = {(rank + p - have) % p, in(MUIR_COLL_SCRATCH, 0),
                                                length_from_own(steps, more)},
                                       .recv = {(rank + have) % p, in(MUIR_COLL_SCRATCH, end),
                                                length_from_own(steps, have + more) - end},
                                   });
    }
    const muir_coll_part upper = muir_coll_steps_blocks(steps, rank, p - rank);
    muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, upper.offset), in(MUIR_COLL_SCRATCH, 0), upper.n);
    muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, 0), in(MUIR_COLL_SCRATCH, upper.n), upper.offset);
}

/* Slot j begins as the block for the rank at distance j and moves by each power of two that j contains,
 * the least first. */
typedef struct rotation {
    size_t longest; /* block [elements] */
    int bit;        /* of the round */
} rotation;

/* Block that slot j of a rank holds before the round: that of the rank which it has yet to reach. */
static size_t slot_length(const muir_coll_steps *steps, const rotation *now, int rank, int j)
{
    return muir_coll_steps_block(steps, rank + (j & ~(now->bit - 1))).n;
}

/* Where slot j lies before the round: where it began, or at home in scratch once it has moved. */
static muir_coll_place slot_place(const muir_coll_steps *steps, const rotation *now, int j)
{
    if (j & (now->bit - 1)) return in(MUIR_COLL_SCRATCH, (size_t)j * now->longest);
    return in(MUIR_COLL_INPUT, muir_coll_steps_block(steps, steps->rank + j).offset);
}

/* Slots that are moved in a round travel in one message, packed behind the homes of all slots. */
static void list_round(muir_coll_steps *steps, const rotation *now)
{
    const int p = steps->p, rank = steps->rank, bit = now->bit;
    const int to = (rank + bit) % p, from = (rank + p - bit) % p;
    const size_t own = muir_coll_steps_block(steps, rank).n;
    const size_t packed = (size_t)p * now->longest, landing = packed + (size_t)p * now->longest;
    size_t n_out = 0, n_in = 0;
    for (int j = bit; j < p; j++) {
        if (!(j & bit)) continue;
        const size_t n = slot_length(steps, now, rank, j);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_SCRATCH, packed + n_out), slot_place(steps, now, j), n);
        n_out += n;
        n_in += slot_length(steps, now, from, j);
    }
    muir_coll_steps_add(steps, &(muir_coll_step){
                                   .send = {to, in(MUIR_COLL_SCRATCH, packed), n_out},
                                   .recv = {from, in(MUIR_COLL_SCRATCH, landing), n_in},
                               });
    n_in = 0;
    for (int j = bit; j < p; j++) {
        if (!(j & bit)) continue;
        const bool is_there = j < 2 * bit; /* came from the rank at distance j */
        const size_t n = slot_length(steps, now, from, j);
        const muir_coll_place home = in(MUIR_COLL_SCRATCH, (size_t)j * now->longest);
        const muir_coll_place part = in(MUIR_COLL_OUTPUT, (size_t)((rank + p - j) % p) * own);
        muir_coll_steps_add_copy(steps, is_there ? part : home, in(MUIR_COLL_SCRATCH, landing + n_in), n);
        n_in += n;
    }
}

static void list_all_to_all(muir_coll_steps *steps)
{
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    rotation now = {.longest = muir_coll_steps_block(steps, 0).n};
    muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, (size_t)steps->rank * own.n),
                             in(MUIR_COLL_INPUT, own.offset), own.n);
    for (now.bit = 1; now.bit < steps->p; now.bit *= 2) list_round(steps, &now);
}

/* t = ceil(log2 p) alpha + (p - 1) / p bytes / beta */
static void traffic_of_all_gather(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * (p - 1) / p;
}

/* t = ceil(log2 p) alpha + (ones in the binary numbers below p) / p bytes / beta; for a power of two the
 * last is log2 p / 2 bytes / beta. */
static void traffic_of_all_to_all(int p, double bytes, double *rounds, double *bytes_sent)
{
    double ones = 0.0;
    for (int bit = 1; bit < p; bit *= 2) {
        const int rest = p % (2 * bit) - bit;
        ones += p / (2 * bit) * (double)bit + (rest > 0 ? rest : 0);
    }
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * ones / p;
}

#define SOURCE "Bruck, Ho, Kipnis, Upfal and Weathersby, IEEE Trans. Parallel Distrib. Syst. 8(11), 1997"

const muir_coll muir_coll_all_gather_bruck = {
    .name = "bruck",
    .kind = MUIR_ALL_GATHER,
    .traffic = traffic_of_all_gather,
    .steps = list_all_gather,
    .source = SOURCE,
};

const muir_coll muir_coll_all_to_all_bruck = {
    .name = "bruck",
    .kind = MUIR_ALL_TO_ALL,
    .traffic = traffic_of_all_to_all,
    .steps = list_all_to_all,
    .source = SOURCE,
};
