/* SPDX-License-Identifier: BSD-3-Clause */
/* Reduce-scatter by recursive halving, all-gather by recursive doubling, and all-reduce by both
 * (Rabenseifner).
 *
 * A power of two of ranks, the core, exchanges with partners at distances that halve or double. Where p is
 * none, the first 2 x `extra` ranks pair up: the even one hands its part to the odd one before, which
 * stands for both, and gets its result from it after. */
#include "collectives/steps.h"

typedef struct core {
    int n;     /* places, a power of two */
    int extra; /* the first places that stand for two ranks */
    int place; /* of the steps' rank */
    bool is_paired;
    bool has_place;
    bool is_by_rank; /* a place has the blocks of its ranks; otherwise the core cuts the vector evenly */
} core;

static core core_of(const muir_coll_steps *steps, bool is_by_rank)
{
    core c = {.n = 1, .is_by_rank = is_by_rank};
    while (c.n <= steps->p / 2) c.n *= 2;
    c.extra = steps->p - c.n;
    c.is_paired = steps->rank < 2 * c.extra;
    c.has_place = !c.is_paired || steps->rank % 2 == 1;
    c.place = c.is_paired ? steps->rank / 2 : steps->rank - c.extra;
    return c;
}

static int rank_at(const core *c, int place)
{
    return place < c->extra ? 2 * place + 1 : place + c->extra;
}

/* Elements of places first .. first + n - 1. */
static muir_coll_part part_of(const muir_coll_steps *steps, const core *c, int first, int n)
{
    if (c->is_by_rank) {
        const int begin = first < c->extra ? 2 * first : first + c->extra;
        const int end = first + n < c->extra ? 2 * (first + n) : first + n + c->extra;
        return muir_coll_steps_blocks(steps, begin, end - begin);
    }
    muir_coll_part part, last;
    muir_coll_block(steps->count, c->n, first, &part.offset, &part.n);
    muir_coll_block(steps->count, c->n, first + n - 1, &last.offset, &last.n);
    part.n = last.offset + last.n - part.offset;
    return part;
}

static muir_coll_place in(muir_coll_buffer buffer, size_t offset)
{
    return (muir_coll_place){buffer, offset};
}

/* Each round sends half of the blocks that are left and keeps the sums of the other half, which land
 * behind all that is in scratch. `sums` is where the whole vector so far lies; returns where the place's
 * own part does. */
static muir_coll_place list_halving(muir_coll_steps *steps, const core *c, muir_coll_place sums)
{
    int first = 0;
    size_t start = 0; /* element at which `sums` begins */
    for (int n = c->n / 2; n >= 1; n /= 2) {
        const bool is_upper = c->place & n;
        const int peer = rank_at(c, c->place ^ n);
        const muir_coll_part keep = part_of(steps, c, is_upper ? first + n : first, n);
        const muir_coll_part give = part_of(steps, c, is_upper ? first : first + n, n);
        const muir_coll_place landing = in(MUIR_COLL_SCRATCH, steps->n_scratch);
        muir_coll_steps_add(
            steps, &(muir_coll_step){
                       .send = {peer, in(sums.buffer, sums.offset + give.offset - start), give.n},
                       .recv = {peer, landing, keep.n},
                       .local = muir_coll_reduction(
                           landing, in(sums.buffer, sums.offset + keep.offset - start), landing, keep.n),
                   });
        sums = landing;
        start = keep.offset;
        if (is_upper) first += n;
    }
    return sums;
}

/* Each round sends all that the place has and receives as much; everything lies in the output. */
static void list_doubling(muir_coll_steps *steps, const core *c)
{
    for (int n = 1; n < c->n; n *= 2) {
        const int peer = rank_at(c, c->place ^ n), first = c->place & ~(n - 1);
        const muir_coll_part mine = part_of(steps, c, first, n), theirs = part_of(steps, c, first ^ n, n);
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .send = {peer, in(MUIR_COLL_OUTPUT, mine.offset), mine.n},
                                       .recv = {peer, in(MUIR_COLL_OUTPUT, theirs.offset), theirs.n},
                                   });
    }
}

/* The even rank of a pair hands over its vector; returns where the place's sums lie. */
static muir_coll_place list_fold(muir_coll_steps *steps, const core *c)
{
    const muir_coll_place input = in(MUIR_COLL_INPUT, 0), landing = in(MUIR_COLL_SCRATCH, 0);
    if (!c->is_paired) return input;
    if (!c->has_place) {
        muir_coll_steps_add(steps, &(muir_coll_step){.send = {steps->rank + 1, input, steps->count}});
        return input;
    }
    muir_coll_steps_add(steps, &(muir_coll_step){
                                   .recv = {steps->rank - 1, landing, steps->count},
                                   .local = muir_coll_reduction(landing, landing, input, steps->count),
                               });
    return landing;
}

/* The odd rank of a pair hands n elements back. */
static void list_unfold(muir_coll_steps *steps, const core *c, muir_coll_place from, muir_coll_place to,
                        size_t n)
{
    if (!c->is_paired) return;
    muir_coll_steps_add(steps, c->has_place ? &(muir_coll_step){.send = {steps->rank - 1, from, n}}
                                            : &(muir_coll_step){.recv = {steps->rank + 1, to, n}});
}

static void list_all_reduce(muir_coll_steps *steps)
{
    const core c = core_of(steps, false);
    const muir_coll_place output = in(MUIR_COLL_OUTPUT, 0);
    const muir_coll_place sums = list_fold(steps, &c);
    if (c.has_place) {
        const muir_coll_part own = part_of(steps, &c, c.place, 1);
        const muir_coll_place mine = list_halving(steps, &c, sums);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, own.offset), mine, own.n);
        list_doubling(steps, &c);
    }
    list_unfold(steps, &c, output, output, steps->count);
}

static void list_reduce_scatter(muir_coll_steps *steps)
{
    const core c = core_of(steps, true);
    const muir_coll_place output = in(MUIR_COLL_OUTPUT, 0);
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    muir_coll_place sums = list_fold(steps, &c);
    if (c.has_place) sums = list_halving(steps, &c, sums);
    const size_t other = c.is_paired && c.has_place ? muir_coll_steps_block(steps, steps->rank - 1).n : 0;
    list_unfold(steps, &c, sums, output, c.has_place ? other : own.n);
    if (c.has_place) muir_coll_steps_add_copy(steps, output, in(sums.buffer, sums.offset + other), own.n);
}

static void list_all_gather(muir_coll_steps *steps)
{
    const core c = core_of(steps, true);
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    const muir_coll_place output = in(MUIR_COLL_OUTPUT, 0), input = in(MUIR_COLL_INPUT, 0);
    if (c.has_place) muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, own.offset), input, own.n);
    if (c.is_paired) {
        const muir_coll_part other = muir_coll_steps_block(steps, steps->rank - 1);
        const muir_coll_place to = in(MUIR_COLL_OUTPUT, other.offset);
        muir_coll_steps_add(steps, c.has_place ? &(muir_coll_step){.recv = {steps->rank - 1, to, other.n}}
                                               : &(muir_coll_step){.send = {steps->rank + 1, input, own.n}});
    }
    if (c.has_place) list_doubling(steps, &c);
    list_unfold(steps, &c, output, output, steps->count);
}

/* Places, and those of them that stand for two ranks. */
static int core_size(int p, int *extra)
{
    int n = 1;
    while (n <= p / 2) n *= 2;
    *extra = p - n;
    return n;
}

/* t = 2 log2 p alpha + 2 (p - 1) / p bytes / beta for a power of two. Else, with c places, 2 rounds more,
 * and a place that stands for two ranks sends the whole vector once more. */
static void traffic_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    int extra;
    const int n = core_size(p, &extra);
    *rounds = 2 * muir_coll_log2(n) + (extra ? 2 : 0);
    *bytes_sent = 2.0 * bytes * (n - 1) / n + (extra ? bytes : 0.0);
}

/* Most bytes leave the place whose own part is least, and a place that stands for two hands a block back;
 * but an even rank of a pair sends no less than the vector.
 *     t = log2 p alpha + (p - 1) / p bytes / beta for a power of two */
static void traffic_of_reduce_scatter(int p, double bytes, double *rounds, double *bytes_sent)
{
    int extra;
    const int n = core_size(p, &extra);
    *rounds = muir_coll_log2(n) + (extra ? 2 : 0);
    *bytes_sent = extra ? bytes : bytes * (p - 1) / p;
}

/* As for reduce_scatter; a place that stands for two sends what it has gathered in doublings and then all
 * of it. In place v the doublings send the blocks of the places that share its upper bits: most for place
 * 0. */
static void traffic_of_all_gather(int p, double bytes, double *rounds, double *bytes_sent)
{
    int extra;
    const int n = core_size(p, &extra);
    double blocks = extra ? p : 0;
    for (int k = 1; k < n; k *= 2) blocks += k + (k < extra ? k : extra);
    *rounds = muir_coll_log2(n) + (extra ? 2 : 0);
    *bytes_sent = bytes * blocks / p;
}

#define RABENSEIFNER "Rabenseifner, Optimization of Collective Reduction Operations, ICCS, 2004"
#define THAKUR "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005"

const muir_coll muir_coll_all_reduce_rabenseifner = {
    .name = "rabenseifner",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_all_reduce,
    .steps = list_all_reduce,
    .source = RABENSEIFNER,
};

const muir_coll muir_coll_reduce_scatter_recursive_halving = {
    .name = "recursive_halving",
    .kind = MUIR_REDUCE_SCATTER,
    .traffic = traffic_of_reduce_scatter,
    .steps = list_reduce_scatter,
    .source = THAKUR,
};

const muir_coll muir_coll_all_gather_recursive_doubling = {
    .name = "recursive_doubling",
    .kind = MUIR_ALL_GATHER,
    .traffic = traffic_of_all_gather,
    .steps = list_all_gather,
    .source = THAKUR,
};
