/* SPDX-License-Identifier: BSD-3-Clause */
/* Appends steps to a plan and cuts long ones into pieces. */
#include "collectives/plan.h"

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
static void widen_scratch(muir_coll_plan *plan, muir_coll_place to, size_t count)
{
    if (to.buffer == MUIR_COLL_SCRATCH) plan->n_scratch = most(plan->n_scratch, to.offset + count);
}

void muir_coll_plan_add_beside(muir_coll_plan *plan, const muir_coll_step *step)
{
    const size_t count = most(step->send.count, most(step->recv.count, step->local.count));
    widen_scratch(plan, step->recv.at, step->recv.count);
    widen_scratch(plan, step->local.to, step->local.count);
    for (size_t first = 0; first < count; first += plan->segment) {
        if (plan->steps) {
            plan->steps[plan->n_steps] = cut(step, first, plan->segment);
            plan->steps[plan->n_steps].after = plan->round;
        }
        plan->n_steps++;
    }
}

void muir_coll_plan_add(muir_coll_plan *plan, const muir_coll_step *step)
{
    plan->round = plan->n_steps;
    muir_coll_plan_add_beside(plan, step);
}

void muir_coll_plan_add_in_window(muir_coll_plan *plan, int i, int window, const muir_coll_step *step)
{
    if (i % window == 0)
        muir_coll_plan_add(plan, step);
    else
        muir_coll_plan_add_beside(plan, step);
}

muir_coll_local muir_coll_reduction(muir_coll_place to, muir_coll_place a, muir_coll_place b, size_t count)
{
    return (muir_coll_local){.action = MUIR_COLL_REDUCE, .to = to, .a = a, .b = b, .count = count};
}

void muir_coll_plan_add_copy(muir_coll_plan *plan, muir_coll_place to, muir_coll_place from, size_t n)
{
    muir_coll_plan_add(
        plan, &(muir_coll_step){.local = {.action = MUIR_COLL_COPY, .to = to, .a = from, .count = n}});
}

void muir_coll_plan_add_rounding(muir_coll_plan *plan, muir_coll_place at, size_t n)
{
    if (plan->spec->wire == MUIR_WIRE_PLAIN) return;
    muir_coll_plan_add(
        plan, &(muir_coll_step){.local = {.action = MUIR_COLL_ROUND, .to = at, .a = at, .count = n}});
}

muir_coll_part muir_coll_plan_blocks(const muir_coll_plan *plan, int first, int n)
{
    muir_coll_part part = {plan->count, 0}, last;
    if (n == 0) return part;
    muir_coll_block(plan->count, plan->p, first, &part.offset, &part.n);
    muir_coll_block(plan->count, plan->p, first + n - 1, &last.offset, &last.n);
    part.n = last.offset + last.n - part.offset;
    return part;
}

muir_coll_part muir_coll_plan_block(const muir_coll_plan *plan, int i)
{
    return muir_coll_plan_blocks(plan, (i % plan->p + plan->p) % plan->p, 1);
}

int muir_coll_log2(int p)
{
    int k = 0;
    while (p > 1 << k) k++;
    return k;
}

muir_status muir_coll_plan_create(muir_ctx *ctx, const muir_coll *coll, const muir_coll_spec *spec, int p,
                                  int rank, muir_coll_plan **out)
{
    muir_status st = MUIR_OK;
    muir_coll_plan *plan = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *plan, "a plan", &plan));
    plan->spec = spec;
    plan->p = p;
    plan->rank = rank;
    plan->root = spec->root;
    plan->count = spec->count;
    plan->segment = spec->segment ? least(spec->segment, INT_MAX) : INT_MAX; /* MPI counts in int */
    coll->plan(plan);
    MUIR_TRY(muir_alloc(ctx, plan->n_steps, sizeof *plan->steps, "the steps of a collective", &plan->steps));
    plan->n_steps = 0;
    plan->n_scratch = 0;
    plan->round = 0;
    coll->plan(plan);
    plan->spec = NULL;
done:
    if (st != MUIR_OK)
        muir_coll_plan_destroy(&plan);
    else
        *out = plan;
    return st;
}

void muir_coll_plan_destroy(muir_coll_plan **plan)
{
    if (!*plan) return;
    free((*plan)->steps);
    free(*plan);
    *plan = NULL;
}
