/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives that the job hides under its products: cut into pieces, started early, and finished when the
 * job needs them. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host_clock/ops_state.h"

/* The weights of a stage in as many pieces as the job has buckets; one piece for all else. */
static int pieces_of(const muir_host_ops *ops, const muir_host_coll *c)
{
    int64_t n = c->op->coll.axis == MUIR_AXIS_TP ? 1 : ops->scenario->job.parallel.buckets;
    if (n > MUIR_MOST_BUCKETS) n = MUIR_MOST_BUCKETS;
    if (n > (int64_t)c->count) n = (int64_t)c->count;
    return (int)n;
}

static muir_status prepare_pieces(muir_ctx *ctx, muir_host_ops *ops, muir_host_coll *c)
{
    muir_status st = MUIR_OK;
    const int n = pieces_of(ops, c);
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *c->buckets, "pieces of a collective", &c->buckets));
    for (c->n_buckets = 0; c->n_buckets < n; c->n_buckets++) {
        muir_host_bucket *b = &c->buckets[c->n_buckets];
        size_t first = 0, n_send = 0, n_recv = 0;
        muir_coll_block(c->count, n, c->n_buckets, &first, &b->count);
        const muir_coll_spec spec = {.count = b->count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
        muir_coll_lengths(c->op->coll.kind, b->count, c->comm->size, c->comm->rank, &n_send, &n_recv);
        MUIR_TRY(muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &b->flight.op));
        MUIR_TRY(muir_alloc(ctx, n_send + 1, sizeof(float), "pieces of a collective", &b->send));
        MUIR_TRY(muir_alloc(ctx, n_recv + 1, sizeof(float), "pieces of a collective", &b->recv));
    }
done:
    return st;
}

muir_status muir_host_hidden_prepare(muir_ctx *ctx, muir_host_ops *ops)
{
    muir_status st = MUIR_OK;
    for (int i = 0; ops->scenario->host.overlap && i < ops->n_colls; i++)
        if (ops->colls[i].is_hidable) MUIR_TRY(prepare_pieces(ctx, ops, &ops->colls[i]));
done:
    return st;
}

void muir_host_hidden_destroy(muir_host_ops *ops)
{
    for (int i = 0; i < ops->n_colls; i++) {
        muir_host_coll *c = &ops->colls[i];
        /* a failed preparation leaves one more, half made */
        for (int b = 0; c->buckets && b < pieces_of(ops, c); b++) {
            muir_coll_op_destroy(&c->buckets[b].flight.op);
            free(c->buckets[b].send);
            free(c->buckets[b].recv);
        }
        free(c->buckets);
        c->buckets = NULL;
    }
}

int muir_host_ops_buckets(const muir_host_ops *ops, int index)
{
    const int coll = ops->coll_of[index];
    return ops->is_overlapped && coll >= 0 ? ops->colls[coll].n_buckets : 0;
}

void muir_host_ops_set_overlap(muir_host_ops *ops, bool is_on)
{
    ops->is_overlapped = is_on;
}

muir_status muir_host_ops_start(muir_ctx *ctx, muir_host_ops *ops, int index, int bucket,
                                const muir_host_moment *moment, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_host_coll *c = &ops->colls[ops->coll_of[index]];
    muir_host_bucket *b = &c->buckets[bucket];
    if (moment->is_empty || b->flight.is_flying || ops->flights.n == MUIR_MOST_FLYING) return MUIR_OK;
    b->salt = moment->salt + 31u * (uint32_t)bucket;
    b->is_checked = muir_host_is_checked(ops->scenario, b->salt);
    double start_s = muir_now_s();
    if (b->is_checked) muir_host_coll_fill(c, b->count, b->salt, b->send, b->recv);
    tally->check_s += muir_now_s() - start_s;
    if (c->algorithm->run) MUIR_TRY(muir_flights_land(ctx, &ops->flights, tally));
    MUIR_TRY(muir_flights_start(ctx, &ops->flights, &b->flight, b->send, b->recv, tally));
done:
    return st;
}

muir_status muir_host_ops_finish(muir_ctx *ctx, muir_host_ops *ops, int index, int bucket, double *begin_s,
                                 double *end_s, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_host_coll *c = &ops->colls[ops->coll_of[index]];
    muir_host_bucket *b = &c->buckets[bucket];
    if (!b->flight.is_flying) return MUIR_OK;
    MUIR_TRY(muir_flights_finish(ctx, &ops->flights, &b->flight, tally));
    const double flight_s = b->flight.end_s - b->flight.start_s;
    *begin_s = b->flight.start_s;
    *end_s = b->flight.end_s;
    tally->coll_bytes += 4.0 * (double)b->count;
    c->calls += 1.0 / c->n_buckets; /* all pieces are one call */
    c->seconds += flight_s;
    if (bucket == 0) c->piece_s = 0.0;
    c->piece_s += flight_s;
    if (bucket == c->n_buckets - 1 && (c->best_s == 0.0 || c->piece_s < c->best_s)) c->best_s = c->piece_s;
    muir_host_coll_look(ops, index, b->count, b->salt, b->is_checked, b->recv, tally);
done:
    return st;
}
