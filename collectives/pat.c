/* SPDX-License-Identifier: BSD-3-Clause */
/* Parallel aggregated trees: a binomial tree for each block, all at the same time, far steps first, so
 * that what travels far is little. Messages of one step to one rank are packed into one.
 *
 * Here the aggregation is full: ceil(log2 p) messages, and buffers of the vector's size. The source also
 * cuts long vectors into trees that follow each other, with smaller buffers. */
#include "collectives/steps.h"

static muir_coll_place in(muir_coll_buffer buffer, size_t offset)
{
    return (muir_coll_place){buffer, offset};
}

/* In the tree of block b, a rank has the number i = rank - b; numbers i = 0, 2d, 4d, ... with i + d < p
 * tell i + d in the step of distance d. This is the block in which `rank` has number i. */
static muir_coll_part block_of(const muir_coll_steps *steps, int rank, int i)
{
    return muir_coll_steps_block(steps, rank - i);
}

/* One step of the all-gather; the packed blocks lie in scratch. */
static void list_tell(muir_coll_steps *steps, int d)
{
    const int p = steps->p, rank = steps->rank, to = (rank + d) % p, from = (rank + p - d) % p;
    size_t n_out = 0, n_in = 0;
    for (int i = 0; i + d < p; i += 2 * d) {
        const muir_coll_part out = block_of(steps, rank, i);
        const muir_coll_place mine = i == 0 ? in(MUIR_COLL_INPUT, 0) : in(MUIR_COLL_OUTPUT, out.offset);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_SCRATCH, n_out), mine, out.n);
        n_out += out.n;
        n_in += block_of(steps, from, i).n;
    }
    const size_t landing = steps->count;
    muir_coll_steps_add(steps, &(muir_coll_step){
                                   .send = {to, in(MUIR_COLL_SCRATCH, 0), n_out},
                                   .recv = {from, in(MUIR_COLL_SCRATCH, landing), n_in},
                               });
    n_in = 0;
    for (int i = 0; i + d < p; i += 2 * d) {
        const muir_coll_part part = block_of(steps, from, i);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, part.offset),
                                 in(MUIR_COLL_SCRATCH, landing + n_in), part.n);
        n_in += part.n;
    }
}

static int top_distance(int p)
{
    int d = 1;
    while (2 * d < p) d *= 2;
    return d;
}

static void list_all_gather(muir_coll_steps *steps)
{
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, own.offset), in(MUIR_COLL_INPUT, 0), own.n);
    for (int d = top_distance(steps->p); d > 0 && steps->p > 1; d /= 2) list_tell(steps, d);
}

/* Where the rank's sum for the block in which it has number i lies, before the step of distance d. Numbers
 * that hear from nobody keep the input; number 0 sums where the result goes. */
static muir_coll_place sum_of(const muir_coll_steps *steps, int i, int d)
{
    if (d == 1 || i % 2 == 1 || i + 1 >= steps->p)
        return in(MUIR_COLL_INPUT, block_of(steps, steps->rank, i).offset);
    if (i == 0) return in(MUIR_COLL_OUTPUT, 0);
    return in(MUIR_COLL_SCRATCH, 2 * steps->count + (size_t)(i / 2) * muir_coll_steps_block(steps, 0).n);
}

/* One step of the reduce-scatter: the same trees upwards, near steps first. */
static void list_hear(muir_coll_steps *steps, int d)
{
    const int p = steps->p, rank = steps->rank, to = (rank + p - d) % p, from = (rank + d) % p;
    size_t n_out = 0, n_in = 0;
    for (int i = 0; i + d < p; i += 2 * d) {
        const muir_coll_part out = block_of(steps, rank, i + d);
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_SCRATCH, n_out), sum_of(steps, i + d, d), out.n);
        n_out += out.n;
        n_in += block_of(steps, rank, i).n;
    }
    const size_t landing = steps->count;
    muir_coll_steps_add(steps, &(muir_coll_step){
                                   .send = {to, in(MUIR_COLL_SCRATCH, 0), n_out},
                                   .recv = {from, in(MUIR_COLL_SCRATCH, landing), n_in},
                               });
    n_in = 0;
    for (int i = 0; i + d < p; i += 2 * d) {
        const muir_coll_part part = block_of(steps, rank, i);
        const muir_coll_place arrived = in(MUIR_COLL_SCRATCH, landing + n_in);
        muir_coll_steps_add(steps, &(muir_coll_step){
                                       .local = muir_coll_reduction(sum_of(steps, i, 2), sum_of(steps, i, d),
                                                                    arrived, part.n),
                                   });
        n_in += part.n;
    }
}

static void list_reduce_scatter(muir_coll_steps *steps)
{
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    if (steps->p == 1)
        muir_coll_steps_add_copy(steps, in(MUIR_COLL_OUTPUT, 0), in(MUIR_COLL_INPUT, own.offset), own.n);
    for (int d = 1; d < steps->p; d *= 2) list_hear(steps, d);
}

/* t = ceil(log2 p) alpha + (p - 1) / p bytes / beta */
static void traffic(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = muir_coll_log2(p);
    *bytes_sent = bytes * (p - 1) / p;
}

#define SOURCE                                                                                               \
    "Jeaugey, PAT: A New Algorithm for All-Gather and Reduce-Scatter at Scale, arXiv:2506.20252, 2025"

const muir_coll muir_coll_all_gather_pat = {
    .name = "pat",
    .kind = MUIR_ALL_GATHER,
    .traffic = traffic,
    .steps = list_all_gather,
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_scatter_pat = {
    .name = "pat",
    .kind = MUIR_REDUCE_SCATTER,
    .traffic = traffic,
    .steps = list_reduce_scatter,
    .source = SOURCE,
};
