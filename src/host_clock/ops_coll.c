/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives of the host clock: which algorithm, which data, runs and checks. */
#include "host_clock/ops_state.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "collectives/shared.h"
#include "host_clock/algorithms.h"
#include "host_clock/hidable.h"
#include "host_clock/pattern.h"

muir_coll_spec muir_host_coll_spec(const muir_host_coll *c)
{
    return (muir_coll_spec){.count = c->count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
}

/* The first row of the table that does this here. */
static muir_status prepare_first(muir_ctx *ctx, muir_host_coll *c)
{
    const muir_coll_spec spec = muir_host_coll_spec(c);
    for (size_t i = 0; i < muir_coll_count(); i++) {
        c->algorithm = muir_coll_at(i);
        if (c->algorithm->kind != c->op->coll.kind) continue;
        const muir_status st = muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &c->prepared);
        if (st != MUIR_ERR_ARG) return st;
        muir_ctx_clear(ctx);
    }
    return muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s", muir_coll_kind_name(c->op->coll.kind));
}

muir_status muir_host_coll_prepare(muir_ctx *ctx, muir_host_ops *ops, int index, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    const muir_op *op = &ops->program->ops[index];
    muir_host_coll *c = &ops->colls[ops->n_colls];
    c->op = op;
    c->comm = comm;
    c->is_hidable = muir_host_is_hidable(ops->scenario, ops->program, index, ops->job_stage);
    c->count = muir_shrink_elements(op->coll.bytes, ops->shrink.factor);
    ops->coll_of[index] = ops->n_colls++;
    c->algorithm = muir_host_algorithm(ops->scenario, op->coll.axis, op->coll.kind);
    c->chosen = c->algorithm ? MUIR_CHOSEN_FORCED : MUIR_CHOSEN_UNTUNED;
    c->choice.time_s = c->choice.mpi_s = NAN;
    if (!c->algorithm) {
        MUIR_TRY(prepare_first(ctx, c));
    } else {
        const muir_coll_spec spec = muir_host_coll_spec(c);
        MUIR_TRY(muir_coll_op_create(ctx, comm, c->algorithm, &spec, &c->prepared));
    }
done:
    return st;
}

/* Room for the longest collective of a communicator, in memory that its ranks can reach from each other. */
static muir_status prepare_payload(muir_ctx *ctx, muir_host_ops *ops, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    size_t most_send = 0, most_recv = 0;
    payload *p = &ops->payloads[ops->n_payloads];
    for (int i = 0; i < ops->n_colls; i++) {
        const muir_host_coll *c = &ops->colls[i];
        size_t n_send = 0, n_recv = 0;
        if (c->comm != comm) continue;
        muir_coll_lengths(c->op->coll.kind, c->count, comm->size, comm->rank, &n_send, &n_recv);
        if (n_send > most_send) most_send = n_send;
        if (n_recv > most_recv) most_recv = n_recv;
    }
    p->comm = comm;
    ops->n_payloads++;
    MUIR_TRY(muir_coll_alloc(ctx, comm, most_send * sizeof(float), &p->send));
    MUIR_TRY(muir_coll_alloc(ctx, comm, most_recv * sizeof(float), &p->recv));
done:
    return st;
}

static const payload *payload_of(const muir_host_ops *ops, const muir_coll_comm *comm)
{
    for (int i = 0; i < ops->n_payloads; i++)
        if (ops->payloads[i].comm == comm) return &ops->payloads[i];
    return NULL;
}

muir_status muir_host_payloads_prepare(muir_ctx *ctx, muir_host_ops *ops)
{
    for (int i = 0; i < ops->n_colls; i++) {
        muir_host_coll *c = &ops->colls[i];
        if (!payload_of(ops, c->comm)) {
            const muir_status st = prepare_payload(ctx, ops, c->comm);
            if (st != MUIR_OK) return st;
        }
        c->send = payload_of(ops, c->comm)->send;
        c->recv = payload_of(ops, c->comm)->recv;
    }
    return MUIR_OK;
}

void muir_host_coll_fill(const muir_host_coll *c, size_t count, uint32_t salt, float *send, float *recv)
{
    const int p = c->comm->size, rank = c->comm->rank;
    size_t n_send = 0, n_recv = 0, offset = 0, n = 0;
    muir_coll_lengths(c->op->coll.kind, count, p, rank, &n_send, &n_recv);
    if (c->op->coll.kind == MUIR_ALL_GATHER) muir_coll_block(count, p, rank, &offset, &n);
    muir_pattern_fill(send, n_send, offset, rank, salt);
    memset(recv, 0xff, n_recv * sizeof(float));
}

void muir_host_coll_look(muir_host_ops *ops, int index, size_t count, uint32_t salt, bool is_checked,
                         float *recv, muir_tally *tally)
{
    const muir_host_coll *c = &ops->colls[ops->coll_of[index]];
    const int p = c->comm->size, rank = c->comm->rank;
    size_t n_send = 0, n_recv = 0, n_wrong = 0;
    const double start_s = muir_now_s();
    muir_coll_lengths(c->op->coll.kind, count, p, rank, &n_send, &n_recv);
    const int planted =
        ops->flips ? muir_flips_plant(ops->flips, index, MUIR_FLIP_COLLECTIVE, recv, n_recv) : 0;
    if (is_checked) n_wrong = muir_pattern_check(c->op->coll.kind, recv, count, p, rank, salt);
    muir_host_book(ops->flips, is_checked, n_wrong, planted, tally);
    tally->check_s += muir_now_s() - start_s;
}

muir_status muir_host_coll_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                               muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_host_coll *c = &ops->colls[ops->coll_of[index]];
    const bool is_checked = muir_host_is_checked(ops->scenario, moment->salt);
    double start_s = muir_now_s();
    if (moment->is_empty) return MUIR_OK;
    if (is_checked) muir_host_coll_fill(c, c->count, moment->salt, c->send, c->recv);
    tally->check_s += muir_now_s() - start_s;
    if (c->algorithm->run) MUIR_TRY(muir_flights_land(ctx, &ops->flights, tally));
    start_s = muir_now_s();
    MUIR_TRY(muir_coll_start(ctx, c->prepared, c->send, c->recv));
    MUIR_TRY(muir_flights_block(ctx, &ops->flights, c->prepared));
    const double took_s = muir_now_s() - start_s;
    c->calls += 1.0;
    c->seconds += took_s;
    if (c->calls == 1.0 || took_s < c->best_s) c->best_s = took_s;
    tally->coll_s += took_s;
    tally->coll_bytes += 4.0 * (double)c->count;
    if (c->is_hidable) tally->exposed_s += took_s;
    muir_host_coll_look(ops, index, c->count, moment->salt, is_checked, c->recv, tally);
done:
    return st;
}
