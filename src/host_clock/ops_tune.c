/* SPDX-License-Identifier: BSD-3-Clause */
/* Settling which algorithm each collective of the host clock runs. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "collectives/measure.h"
#include "collectives/shared.h"
#include "host_clock/ops_state.h"

enum { TRIALS = 7, MOST_ROWS = 32 };

/* Of the algorithms that can be moved on in parts, the one with the least median time. */
static muir_status fastest_in_parts(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                                    const muir_coll_spec *spec, const muir_coll **out)
{
    muir_status st = MUIR_OK;
    muir_coll_op *ops[MOST_ROWS] = {NULL};
    const muir_coll *rows[MOST_ROWS];
    double time_s[MOST_ROWS][TRIALS];
    muir_coll_sample contenders[MOST_ROWS];
    float *send = NULL, *recv = NULL;
    size_t n_send = 0, n_recv = 0;
    int n = 0, best = 0;
    muir_coll_lengths(kind, spec->count, comm->size, comm->rank, &n_send, &n_recv);
    for (size_t i = 0; i < muir_coll_count() && n < MOST_ROWS; i++) {
        rows[n] = muir_coll_at(i);
        if (rows[n]->kind != kind || !rows[n]->steps) continue;
        st = muir_coll_op_create(ctx, comm, rows[n], spec, &ops[n]);
        if (st == MUIR_OK) {
            contenders[n] = (muir_coll_sample){.op = ops[n], .time_s = time_s[n]};
            n++;
        } else if (st == MUIR_ERR_ARG) {
            muir_ctx_clear(ctx);
            st = MUIR_OK;
        } else {
            goto done;
        }
    }
    if (n == 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s in parts", muir_coll_kind_name(kind)));
    MUIR_TRY(muir_coll_alloc(ctx, comm, n_send * sizeof(float), &send));
    MUIR_TRY(muir_coll_alloc(ctx, comm, n_recv * sizeof(float), &recv));
    memset(send, 0, n_send * sizeof(float));
    MUIR_TRY(muir_coll_measure(ctx, comm, contenders, n, TRIALS, 1, send, recv, NULL, NULL, NULL));
    for (int i = 0; i < n; i++) time_s[i][0] = muir_median(time_s[i], TRIALS);
    for (int i = 1; i < n; i++)
        if (time_s[i][0] < time_s[best][0]) best = i;
    *out = rows[best];
done:
    for (int i = 0; i < n; i++) muir_coll_op_destroy(&ops[i]);
    muir_coll_free(comm, send);
    muir_coll_free(comm, recv);
    return st;
}

/* Overlap wants algorithms that can be moved on in parts, which no table of whole calls knows. */
static muir_status choose_in_parts(muir_ctx *ctx, muir_host_coll *c, const muir_coll_spec *spec)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(fastest_in_parts(ctx, c->comm, c->op->coll.kind, spec, &c->choice.coll));
    c->choice.time_s = c->choice.mpi_s = NAN;
    c->chosen = MUIR_CHOSEN_MEASURED;
done:
    return st;
}

muir_status muir_host_ops_tune(muir_ctx *ctx, muir_host_ops *ops, muir_tuning *tuning)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < ops->n_colls; i++) {
        muir_host_coll *c = &ops->colls[i];
        const muir_coll_spec spec = muir_host_coll_spec(c);
        if (c->chosen == MUIR_CHOSEN_FORCED) continue;
        if (ops->scenario->host.overlap)
            MUIR_TRY(choose_in_parts(ctx, c, &spec));
        else
            MUIR_TRY(muir_tuning_pick(ctx, tuning, c->comm, c->op->coll.kind, &spec, c->send, c->recv,
                                      &c->choice, &c->chosen));
        c->algorithm = c->choice.coll;
        muir_coll_op_destroy(&c->prepared);
        MUIR_TRY(muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &c->prepared));
        c->calls = c->seconds = c->best_s = 0.0;
    }
    MUIR_TRY(muir_host_hidden_prepare(ctx, ops));
done:
    return st;
}
