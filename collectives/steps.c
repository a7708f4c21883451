/* SPDX-License-Identifier: BSD-3-Clause */
/* Appends steps to a list and cuts long ones into pieces. */
#include "collectives/steps.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of `count` elements, those of the piece that starts at element `first`. */
static size_t piece_of(size_t count, size_t first, size_t segment)
{
    return count > first ? least(count - first, segment) : 0;
}

static muir_coll_step cut(const muir_coll_step *step, size_t first, size_t segment)
{
    muir_coll_step piece = *step;
    piece.send.count = piece_of(step->send.count, first, segment);
    piece.send.at.offset += first;
    piece.recv.count = piece_of(step->recv.count, first, segment);
    piece.recv.at.offset += first;
    piece.local.count = piece_of(step->local.count, first, segment);
    piece.local.to.offset += first;
    piece.local.a.offset += first;
    piece.local.b.offset += first;
    return piece;
}

/* Scratch is what the steps write there: nothing is read that was not written. */
static void widen_scratch(muir_coll_steps *steps, muir_coll_place to, size_t count)
{
    if (to.buffer == MUIR_COLL_SCRATCH) steps->n_scratch = most(steps->n_scratch, to.offset + count);
}

void muir_coll_steps_add_to_round(muir_coll_steps *steps, const muir_coll_step *step)
{
    const size_t count = most(step->send.count, most(step->recv.count, step->local.count));
    widen_scratch(steps, step->recv.at, step->recv.count);
    widen_scratch(steps, step->local.to, step->local.count);
    for (size_t first = 0; first < count; first += steps->segment) {
        if (steps->step) {
            steps->step[steps->n] = cut(step, first, steps->segment);
            steps->step[steps->n].after = steps->round;
        }
        steps->n++;
    }
}

void muir_coll_steps_add(muir_coll_steps *steps, const muir_coll_step *step)
{
    steps->round = steps->n;
    muir_coll_steps_add_to_round(steps, step);
}

void muir_coll_steps_add_in_window(muir_coll_steps *steps, int i, int window, const muir_coll_step *step)
{
    if (i % window == 0)
        muir_coll_steps_add(steps, step);
    else
        muir_coll_steps_add_to_round(steps, step);
}

muir_coll_local muir_coll_reduction(muir_coll_place to, muir_coll_place a, muir_coll_place b, size_t count)
{
    return (muir_coll_local){.action = MUIR_COLL_REDUCE, .to = to, .a = a, .b = b, .count = count};
}

void muir_coll_steps_add_copy(muir_coll_steps *steps, muir_coll_place to, muir_coll_place from, size_t n)
{
    muir_coll_steps_add(
        steps, &(muir_coll_step){.local = {.action = MUIR_COLL_COPY, .to = to, .a = from, .count = n}});
}

void muir_coll_steps_add_rounding(muir_coll_steps *steps, muir_coll_place at, size_t n)
{
    if (steps->spec->wire == MUIR_WIRE_PLAIN) return;
    muir_coll_steps_add(
        steps, &(muir_coll_step){.local = {.action = MUIR_COLL_ROUND, .to = at, .a = at, .count = n}});
}

muir_coll_part muir_coll_steps_blocks(const muir_coll_steps *steps, int first, int n)
{
    muir_coll_part part = {steps->count, 0}, last;
    if (n == 0) return part;
    muir_coll_block(steps->count, steps->p, first, &part.offset, &part.n);
    muir_coll_block(steps->count, steps->p, first + n - 1, &last.offset, &last.n);
    part.n = last.offset + last.n - part.offset;
    return part;
}

muir_coll_part muir_coll_steps_block(const muir_coll_steps *steps, int i)
{
    return muir_coll_steps_blocks(steps, (i % steps->p + steps->p) % steps->p, 1);
}

int muir_coll_log2(int p)
{
    int k = 0;
    while (p > 1 << k) k++;
    return k;
}

muir_status muir_coll_steps_create(muir_ctx *ctx, const muir_coll *coll, const muir_coll_spec *spec, int p,
                                   int rank, muir_coll_steps **out)
{
    muir_status st = MUIR_OK;
    muir_coll_steps *steps = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *steps, "a steps", &steps));
    steps->spec = spec;
    steps->p = p;
    steps->rank = rank;
    steps->root = spec->root;
    steps->count = spec->count;
    steps->segment = spec->segment ? least(spec->segment, INT_MAX) : INT_MAX; /* MPI counts in int */
    coll->steps(steps);
    MUIR_TRY(muir_alloc(ctx, steps->n, sizeof *steps->step, "the steps of a collective", &steps->step));
    steps->n = 0;
    steps->n_scratch = 0;
    steps->round = 0;
    coll->steps(steps);
    steps->spec = NULL;
done:
    if (st != MUIR_OK)
        muir_coll_steps_destroy(&steps);
    else
        *out = steps;
    return st;
}

void muir_coll_steps_destroy(muir_coll_steps **steps)
{
    if (!*steps) return;
    free((*steps)->step);
    free(*steps);
    *steps = NULL;
}
