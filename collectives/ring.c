/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring algorithms: p - 1 steps, in each of which every rank hands one block to the next rank, or half a block
 * to each of its two neighbours. */
#include "collectives/line.h"

static void list_reduce_scatter(muir_coll_steps *steps, int n_lanes)
{
    const muir_coll_line line = muir_coll_line_of_all(steps, n_lanes);
    const muir_coll_place input = {MUIR_COLL_INPUT, 0}, output = {MUIR_COLL_OUTPUT, 0};
    muir_coll_line_reduce_scatter(steps, &line, input, output);
}

static void list_all_gather(muir_coll_steps *steps, int n_lanes)
{
    const muir_coll_line line = muir_coll_line_of_all(steps, n_lanes);
    const muir_coll_part own = muir_coll_line_own(steps, &line);
    const muir_coll_place mine = {MUIR_COLL_INPUT, 0}, to = {MUIR_COLL_OUTPUT, own.offset};
    muir_coll_steps_add_copy(steps, to, mine, own.n);
    muir_coll_steps_add_rounding(steps, to, own.n);
    muir_coll_line_all_gather(steps, &line, mine);
}

/* 2 (p - 1) / p of the vector leaves each rank: as little as any algorithm can send. */
static void list_all_reduce(muir_coll_steps *steps, int n_lanes)
{
    const muir_coll_line line = muir_coll_line_of_all(steps, n_lanes);
    const muir_coll_place input = {MUIR_COLL_INPUT, 0};
    const muir_coll_part part = muir_coll_line_own(steps, &line);
    const muir_coll_place own = {MUIR_COLL_OUTPUT, part.offset};
    muir_coll_line_reduce_scatter(steps, &line, input, own);
    muir_coll_steps_add_rounding(steps, own, part.n);
    muir_coll_line_all_gather(steps, &line, own);
}

static void ring_reduce_scatter(muir_coll_steps *steps)
{
    list_reduce_scatter(steps, 1);
}

static void ring_all_gather(muir_coll_steps *steps)
{
    list_all_gather(steps, 1);
}

static void ring_all_reduce(muir_coll_steps *steps)
{
    list_all_reduce(steps, 1);
}

static void bidirectional_reduce_scatter(muir_coll_steps *steps)
{
    list_reduce_scatter(steps, 2);
}

static void bidirectional_all_gather(muir_coll_steps *steps)
{
    list_all_gather(steps, 2);
}

static void bidirectional_all_reduce(muir_coll_steps *steps)
{
    list_all_reduce(steps, 2);
}

/* t = (p - 1) alpha + (p - 1) / p bytes / beta; with two lanes each link carries half of the bytes. */
static void traffic_of_pass(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = p - 1;
    *bytes_sent = bytes * (p - 1) / p;
}

/* t = 2 (p - 1) alpha + 2 (p - 1) / p bytes / beta */
static void traffic_of_two_passes(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = 2 * (p - 1);
    *bytes_sent = 2.0 * bytes * (p - 1) / p;
}

#define PATARASUK_YUAN "Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009"
#define THAKUR "Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005"
#define JAIN_SABHARWAL                                                                                       \
    "Jain and Sabharwal, Optimal Bucket Algorithms for Large MPI Collectives on Torus Interconnects, ICS, "  \
    "2010"

const muir_coll muir_coll_all_reduce_ring = {
    .name = "ring",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_two_passes,
    .steps = ring_all_reduce,
    .may_narrow = true,
    .source = PATARASUK_YUAN,
};

const muir_coll muir_coll_reduce_scatter_ring = {
    .name = "ring",
    .kind = MUIR_REDUCE_SCATTER,
    .traffic = traffic_of_pass,
    .steps = ring_reduce_scatter,
    .may_narrow = true,
    .source = PATARASUK_YUAN,
};

const muir_coll muir_coll_all_gather_ring = {
    .name = "ring",
    .kind = MUIR_ALL_GATHER,
    .traffic = traffic_of_pass,
    .steps = ring_all_gather,
    .may_narrow = true,
    .source = THAKUR,
};

const muir_coll muir_coll_all_reduce_bidirectional_ring = {
    .name = "bidirectional_ring",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_two_passes,
    .steps = bidirectional_all_reduce,
    .may_narrow = true,
    .source = JAIN_SABHARWAL,
};

const muir_coll muir_coll_reduce_scatter_bidirectional_ring = {
    .name = "bidirectional_ring",
    .kind = MUIR_REDUCE_SCATTER,
    .traffic = traffic_of_pass,
    .steps = bidirectional_reduce_scatter,
    .may_narrow = true,
    .source = JAIN_SABHARWAL,
};

const muir_coll muir_coll_all_gather_bidirectional_ring = {
    .name = "bidirectional_ring",
    .kind = MUIR_ALL_GATHER,
    .traffic = traffic_of_pass,
    .steps = bidirectional_all_gather,
    .may_narrow = true,
    .source = JAIN_SABHARWAL,
};
