/* SPDX-License-Identifier: BSD-3-Clause */
/* Bucket algorithms on a torus of ranks: a ring along one dimension after the other. A prime number of ranks
 * has one dimension and so makes a plain ring. The source also works on all dimensions and directions at the
 * same time, each with its share of the vector; this is its plain form. */
#include "collectives/line.h"

enum { MAX_DIMENSIONS = 3 };

/* Ranks 0, 1, 2, ... run along the last dimension. */
typedef struct torus {
    int n;                    /* dimensions longer than 1, or one of 1 */
    int size[MAX_DIMENSIONS]; /* longest first */
} torus;

static int longest_side(int p, int n)
{
    if (n == 1) return p;
    for (int side = 1;; side++) { /* the least side that is long enough to be the longest */
        double room = 1.0;
        for (int d = 0; d < n; d++) room *= side;
        if (p % side != 0 || room < p) continue;
        if (n == 2 || longest_side(p / side, n - 1) <= side) return side;
    }
}

/* p = size[0] x size[1] x ..., as even as its divisors allow. */
static torus torus_of(int p, int n_dimensions)
{
    torus t = {.n = 0};
    for (int left = n_dimensions; left > 0; left--) {
        const int side = longest_side(p, left);
        if (side > 1 || t.n == 0) t.size[t.n++] = side;
        p /= side;
    }
    return t;
}

/* The ring through the steps' rank along dimension d. Its parts are what reductions along the dimensions
 * before d leave to its ranks. */
static muir_coll_line line_along(const muir_coll_steps *steps, const torus *t, int d)
{
    int width = 1;
    for (int i = d + 1; i < t->n; i++) width *= t->size[i];
    const int index = steps->rank / width % t->size[d];
    return (muir_coll_line){
        .n = t->size[d],
        .index = index,
        .first_rank = steps->rank - index * width,
        .stride = width,
        .first_block = steps->rank / (width * t->size[d]) * (width * t->size[d]),
        .width = width,
        .n_lanes = 1,
    };
}

static void reduce_scatter(muir_coll_steps *steps, const torus *t, muir_coll_place result)
{
    muir_coll_place from = {MUIR_COLL_INPUT, 0};
    for (int d = 0; d < t->n; d++) {
        const muir_coll_line line = line_along(steps, t, d);
        muir_coll_place to = result;
        if (d < t->n - 1) {
            to = (muir_coll_place){MUIR_COLL_SCRATCH, steps->n_scratch};
            steps->n_scratch += muir_coll_line_own(steps, &line).n;
        }
        muir_coll_line_reduce_scatter(steps, &line, from, to);
        from = to;
    }
}

static void all_gather(muir_coll_steps *steps, const torus *t, muir_coll_place own)
{
    for (int d = t->n - 1; d >= 0; d--) {
        const muir_coll_line line = line_along(steps, t, d);
        muir_coll_line_all_gather(steps, &line, own);
        own = (muir_coll_place){MUIR_COLL_OUTPUT, muir_coll_line_whole(steps, &line).offset};
    }
}

static void list_reduce_scatter(muir_coll_steps *steps, int n_dimensions)
{
    const torus t = torus_of(steps->p, n_dimensions);
    reduce_scatter(steps, &t, (muir_coll_place){MUIR_COLL_OUTPUT, 0});
}

static void list_all_gather(muir_coll_steps *steps, int n_dimensions)
{
    const torus t = torus_of(steps->p, n_dimensions);
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    const muir_coll_place mine = {MUIR_COLL_INPUT, 0}, to = {MUIR_COLL_OUTPUT, own.offset};
    muir_coll_steps_add_copy(steps, to, mine, own.n);
    all_gather(steps, &t, to);
}

static void list_all_reduce(muir_coll_steps *steps, int n_dimensions)
{
    const torus t = torus_of(steps->p, n_dimensions);
    const muir_coll_place own = {MUIR_COLL_OUTPUT, muir_coll_steps_block(steps, steps->rank).offset};
    reduce_scatter(steps, &t, own);
    all_gather(steps, &t, own);
}

/* t = n (sum of (size - 1)) alpha + n (p - 1) / p bytes / beta for n passes over all dimensions: the bytes
 * of a ring in fewer rounds. */
static void traffic_of_passes(int p, int n_dimensions, int n_passes, double bytes, double *rounds,
                              double *bytes_sent)
{
    const torus t = torus_of(p, n_dimensions);
    *rounds = 0.0;
    for (int d = 0; d < t.n; d++) *rounds += n_passes * (t.size[d] - 1);
    *bytes_sent = n_passes * bytes * (p - 1) / p;
}

#define SOURCE                                                                                               \
    "Jain and Sabharwal, Optimal Bucket Algorithms for Large MPI Collectives on Torus Interconnects, ICS, "  \
    "2010"

/* The three rows of one number of dimensions. */
#define TORUS(n_dimensions)                                                                                  \
    static void reduce_scatter_##n_dimensions##d(muir_coll_steps *steps)                                     \
    {                                                                                                        \
        list_reduce_scatter(steps, n_dimensions);                                                            \
    }                                                                                                        \
    static void all_gather_##n_dimensions##d(muir_coll_steps *steps)                                         \
    {                                                                                                        \
        list_all_gather(steps, n_dimensions);                                                                \
    }                                                                                                        \
    static void all_reduce_##n_dimensions##d(muir_coll_steps *steps)                                         \
    {                                                                                                        \
        list_all_reduce(steps, n_dimensions);                                                                \
    }                                                                                                        \
    static void traffic_of_pass_##n_dimensions##d(int p, double bytes, double *rounds, double *bytes_sent)   \
    {                                                                                                        \
        traffic_of_passes(p, n_dimensions, 1, bytes, rounds, bytes_sent);                                    \
    }                                                                                                        \
    static void traffic_of_two_##n_dimensions##d(int p, double bytes, double *rounds, double *bytes_sent)    \
    {                                                                                                        \
        traffic_of_passes(p, n_dimensions, 2, bytes, rounds, bytes_sent);                                    \
    }                                                                                                        \
    const muir_coll muir_coll_all_reduce_torus_##n_dimensions##d = {                                         \
        .name = "torus_" #n_dimensions "d",                                                                  \
        .kind = MUIR_ALL_REDUCE,                                                                             \
        .traffic = traffic_of_two_##n_dimensions##d,                                                         \
        .steps = all_reduce_##n_dimensions##d,                                                               \
        .source = SOURCE,                                                                                    \
    };                                                                                                       \
    const muir_coll muir_coll_reduce_scatter_torus_##n_dimensions##d = {                                     \
        .name = "torus_" #n_dimensions "d",                                                                  \
        .kind = MUIR_REDUCE_SCATTER,                                                                         \
        .traffic = traffic_of_pass_##n_dimensions##d,                                                        \
        .steps = reduce_scatter_##n_dimensions##d,                                                           \
        .source = SOURCE,                                                                                    \
    };                                                                                                       \
    const muir_coll muir_coll_all_gather_torus_##n_dimensions##d = {                                         \
        .name = "torus_" #n_dimensions "d",                                                                  \
        .kind = MUIR_ALL_GATHER,                                                                             \
        .traffic = traffic_of_pass_##n_dimensions##d,                                                        \
        .steps = all_gather_##n_dimensions##d,                                                               \
        .source = SOURCE,                                                                                    \
    };

TORUS(2)
TORUS(3)
