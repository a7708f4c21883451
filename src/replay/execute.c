/* SPDX-License-Identifier: BSD-3-Clause */
/* The collectives of a step program on real ranks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collectives/measure.h"
#include "collectives/payload.h"
#include "replay/tape.h"

enum { MOST_OPS = 512 };

static const double choice_s = 0.2; /* for finding out which algorithm is the fastest */

/* A collective of one operation and size. */
typedef struct prepared {
    muir_coll_spec spec;
    muir_coll_op *op;
    muir_payload *payload;
    size_t recv_bytes;
} prepared;

typedef struct player {
    muir_coll_comm *comm;
    prepared ops[MOST_OPS];
    muir_tape_done *done; /* [n] */
    int n;
    int *of; /* [nodes] number of the prepared collective, -1: none */
    float *send, *recv;
} player;

/* Bytes grow and shrink to whole elements, one for each rank at least. */
static size_t count_of(const muir_tape_node *node, double shrink, int ranks)
{
    const double count = floor(node->bytes / shrink / (double)sizeof(float));
    return count > ranks ? (size_t)count : (size_t)ranks;
}

/* Gives every collective its number; those of one operation and size share one. */
static muir_status collect(muir_ctx *ctx, player *w, const muir_tape *r, double shrink, size_t *most)
{
    for (int i = 0; i < r->n; i++) {
        w->of[i] = -1;
        if (r->nodes[i].kind != MUIR_TAPE_COLL) continue;
        const size_t count = count_of(&r->nodes[i], shrink, w->comm->size);
        for (int k = 0; k < w->n; k++)
            if (w->done[k].kind == r->nodes[i].coll && w->ops[k].spec.count == count) w->of[i] = k;
        if (w->of[i] >= 0) continue;
        if (w->n == MOST_OPS)
            return muir_fail(ctx, MUIR_ERR_ARG, "collectives of more than %d sizes", MOST_OPS);
        w->of[i] = w->n;
        w->ops[w->n].spec = (muir_coll_spec){.count = count, .dtype = MUIR_FP32};
        w->done[w->n++] =
            (muir_tape_done){.kind = r->nodes[i].coll, .bytes = (double)(count * sizeof(float))};
        *most = count > *most ? count : *most;
    }
    return MUIR_OK;
}

static muir_status prepare(muir_ctx *ctx, player *w, size_t most)
{
    muir_status st = MUIR_OK;
    const size_t room =
        most + (size_t)w->comm->size; /* what all_to_all receives: blocks as long as the own one */
    MUIR_TRY(muir_alloc(ctx, room, sizeof(float), "the vectors of collectives", &w->send));
    MUIR_TRY(muir_alloc(ctx, room, sizeof(float), "the vectors of collectives", &w->recv));
    for (int k = 0; k < w->n; k++) {
        prepared *p = &w->ops[k];
        muir_coll_choice choice;
        size_t n_send = 0, n_recv = 0;
        muir_coll_lengths(w->done[k].kind, p->spec.count, w->comm->size, w->comm->rank, &n_send, &n_recv);
        p->recv_bytes = n_recv * sizeof(float);
        MUIR_TRY(
            muir_payload_create(ctx, w->done[k].kind, &p->spec, w->comm->size, w->comm->rank, &p->payload));
        muir_payload_fill(p->payload, 0, w->send);
        MUIR_TRY(
            muir_coll_choose(ctx, w->comm, w->done[k].kind, &p->spec, w->send, w->recv, choice_s, &choice));
        MUIR_TRY(muir_coll_op_create(ctx, w->comm, choice.coll, &p->spec, &p->op));
        w->done[k].algorithm = choice.coll->name;
    }
done:
    return st;
}

/* One collective: filled, executed between meetings, checked. */
static muir_status play(muir_ctx *ctx, player *w, int k, uint32_t salt)
{
    muir_status st = MUIR_OK;
    prepared *p = &w->ops[k];
    muir_payload_fill(p->payload, salt, w->send);
    memset(w->recv, 0xff, p->recv_bytes);
    MUIR_TRY_MPI(MPI_Barrier(w->comm->comm));
    const double from_s = muir_now_s();
    MUIR_TRY(muir_coll_run(ctx, p->op, w->send, w->recv));
    w->done[k].time_s += muir_now_s() - from_s;
    w->done[k].calls++;
    w->done[k].wrong += (long long)muir_payload_check(p->payload, salt, w->recv);
done:
    return st;
}

typedef struct timed {
    double start_s;
    int node;
} timed;

static int compare(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->start_s != y->start_s) return x->start_s > y->start_s ? 1 : -1;
    return (x->node > y->node) - (x->node < y->node);
}

static muir_status gather(muir_ctx *ctx, player *w)
{
    muir_status st = MUIR_OK;
    for (int k = 0; k < w->n; k++) {
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &w->done[k].time_s, 1, MPI_DOUBLE, MPI_MAX, w->comm->comm));
        MUIR_TRY_MPI(
            MPI_Allreduce(MPI_IN_PLACE, &w->done[k].wrong, 1, MPI_LONG_LONG, MPI_SUM, w->comm->comm));
    }
done:
    return st;
}

static void leave(player *w)
{
    for (int k = 0; k < w->n; k++) {
        muir_coll_op_destroy(&w->ops[k].op);
        muir_payload_destroy(&w->ops[k].payload);
    }
    free(w->of);
    free(w->send);
    free(w->recv);
    free(w->done);
    muir_coll_comm_destroy(&w->comm);
    free(w);
}

muir_status muir_tape_execute(muir_ctx *ctx, const muir_tape *r, const double *start_s, double shrink,
                              int steps, muir_tape_done **done, int *n_done)
{
    muir_status st = MUIR_OK;
    player *w = NULL;
    timed *order = NULL;
    size_t most = 1;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *w, "the collectives of a step", &w));
    MUIR_TRY(muir_coll_comm_create(ctx, ctx->comm, &w->comm));
    MUIR_TRY(muir_alloc(ctx, (size_t)r->n, sizeof *w->of, "the collectives of a step", &w->of));
    MUIR_TRY(muir_alloc(ctx, MOST_OPS, sizeof *w->done, "the collectives of a step", &w->done));
    MUIR_TRY(muir_alloc(ctx, (size_t)r->n, sizeof *order, "the collectives of a step", &order));
    MUIR_TRY(collect(ctx, w, r, shrink, &most));
    MUIR_TRY(prepare(ctx, w, most));
    for (int i = 0; i < r->n; i++) order[i] = (timed){start_s[i], i};
    qsort(order, (size_t)r->n, sizeof *order, compare);
    for (int step = 0; step < steps; step++)
        for (int i = 0; i < r->n; i++)
            if (w->of[order[i].node] >= 0)
                MUIR_TRY(play(ctx, w, w->of[order[i].node], (uint32_t)(step * r->n + i + 1)));
    MUIR_TRY(gather(ctx, w));
    *done = w->done;
    *n_done = w->n;
    w->done = NULL;
done:
    free(order);
    if (w) leave(w);
    return st;
}
