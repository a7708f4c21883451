/* SPDX-License-Identifier: BSD-3-Clause */
/* A step program on the clock of a fleet. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "network/network.h"
#include "replay/tape.h"

muir_status muir_tape_stretch(muir_ctx *ctx, muir_tape *r, int64_t ranks)
{
    if (ranks < 1) return muir_fail(ctx, MUIR_ERR_ARG, "ranks=%lld must be 1 or more", (long long)ranks);
    for (int i = 0; i < r->n_groups; i++) {
        muir_tape_group *group = &r->groups[i];
        if (!group->does_scale) continue;
        if (group->members * ranks % r->ranks != 0)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "ranks=%lld: group %s, %lld of %lld ranks, does not come out whole",
                             (long long)ranks, group->name, (long long)group->members, (long long)r->ranks);
        for (int k = 0; k < r->n && ranks != r->ranks; k++)
            if (r->nodes[k].kind == MUIR_TAPE_COLL && r->nodes[k].group == i &&
                r->nodes[k].coll == MUIR_ALL_TO_ALL)
                return muir_fail(ctx, MUIR_ERR_ARG,
                                 "group %s exchanges by all_to_all: what it would with other ranks is not "
                                 "known (scales: false keeps it as it is)",
                                 group->name);
    }
    for (int i = 0; i < r->n_groups; i++)
        if (r->groups[i].does_scale) r->groups[i].members = r->groups[i].members * ranks / r->ranks;
    r->ranks = ranks;
    return MUIR_OK;
}

muir_status muir_tape_price(muir_ctx *ctx, const muir_tape *r, const muir_fleet *fleet, double *time_s)
{
    if (r->ranks > muir_fleet_chips(fleet))
        return muir_fail(ctx, MUIR_ERR_ARG, "the step is of %lld ranks, but the fleet has %lld chips",
                         (long long)r->ranks, (long long)muir_fleet_chips(fleet));
    for (int i = 0; i < r->n; i++) {
        const muir_tape_node *node = &r->nodes[i];
        time_s[i] = node->time_s;
        if (node->kind == MUIR_TAPE_COLL) {
            const muir_tape_group *g = &r->groups[node->group];
            const muir_group group = muir_group_place(fleet, g->stride, g->members);
            time_s[i] = muir_coll_time_s(fleet, &group, node->coll, node->bytes);
        } else if (node->kind == MUIR_TAPE_MESSAGE && node->time_s == 0.0 && node->bytes > 0.0) {
            time_s[i] = muir_p2p_time_s(fleet, fleet->server.chips, node->bytes);
        }
    }
    return MUIR_OK;
}

/* What is ready, the earliest first, and of those the one that stands first in the file: a heap. */
typedef struct heap {
    int *at; /* [n] nodes */
    int n;
    const double *ready_s;
} heap;

static bool is_before(const heap *h, int a, int b)
{
    return h->ready_s[a] < h->ready_s[b] || (h->ready_s[a] == h->ready_s[b] && a < b);
}

static void push(heap *h, int node)
{
    int i = h->n++;
    for (; i > 0 && is_before(h, node, h->at[(i - 1) / 2]); i = (i - 1) / 2) h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = node;
}

static int pop(heap *h)
{
    const int first = h->at[0], last = h->at[--h->n];
    int i = 0;
    for (;;) {
        int child = 2 * i + 1;
        if (child >= h->n) break;
        if (child + 1 < h->n && is_before(h, h->at[child + 1], h->at[child])) child++;
        if (!is_before(h, h->at[child], last)) break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = last;
    return first;
}

/* Who waits for whom, the other way round: lists by node. */
static void turn_round(const muir_tape *r, int *first, int *next, int *waiter, int *left)
{
    for (int i = 0; i < r->n; i++) first[i] = -1;
    for (int i = 0; i < r->n; i++) {
        const muir_tape_node *node = &r->nodes[i];
        left[i] = node->n_waits;
        for (int k = node->first_wait; k < node->first_wait + node->n_waits; k++) {
            waiter[k] = i;
            next[k] = first[r->waits[k]];
            first[r->waits[k]] = k;
        }
    }
}

muir_status muir_tape_run(muir_ctx *ctx, const muir_tape *r, const double *time_s, double *start_s,
                          double *step_s)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)r->n, m = (size_t)r->n_waits;
    double *ready_s = NULL, free_s[MUIR_TAPE_STREAMS] = {0.0}, last_s = 0.0;
    int *first = NULL, *next = NULL, *waiter = NULL, *left = NULL;
    heap h = {.n = 0};
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ready_s, "the clock of a step", &ready_s));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *first, "the clock of a step", &first));
    MUIR_TRY(muir_alloc(ctx, m, sizeof *next, "the clock of a step", &next));
    MUIR_TRY(muir_alloc(ctx, m, sizeof *waiter, "the clock of a step", &waiter));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *left, "the clock of a step", &left));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *h.at, "the clock of a step", &h.at));
    h.ready_s = ready_s;
    turn_round(r, first, next, waiter, left);
    for (int i = 0; i < r->n; i++) {
        ready_s[i] = r->nodes[i].idle_s;
        if (left[i] == 0) push(&h, i);
    }
    while (h.n > 0) {
        const int i = pop(&h);
        const double begin_s = fmax(ready_s[i], free_s[r->nodes[i].stream]), end_s = begin_s + time_s[i];
        if (start_s) start_s[i] = begin_s;
        free_s[r->nodes[i].stream] = end_s;
        last_s = fmax(last_s, end_s);
        for (int k = first[i]; k >= 0; k = next[k]) {
            const int other = waiter[k];
            ready_s[other] = fmax(ready_s[other], end_s + r->nodes[other].idle_s);
            if (--left[other] == 0) push(&h, other);
        }
    }
    *step_s = last_s;
done:
    free(ready_s);
    free(first);
    free(next);
    free(waiter);
    free(left);
    free(h.at);
    return st;
}
