/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives that the job hides under its products: cut into pieces, started early, moved on by the rank
 * itself between tiles of products. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "collectives/measure.h"
#include "collectives/shared.h"
#include "host_clock/ops_state.h"

enum { TRIALS = 7, MOST_ROWS = 32 };

static bool holds(muir_op_range range, int index)
{
    return index >= range.first && index < range.first + range.n;
}

/* A gather beside the product that follows it, a scatter beside the one before it. */
static bool has_product(const muir_program *program, muir_op_range range, int index)
{
    const int beside = program->ops[index].coll == MUIR_ALL_GATHER ? index + 1 : index - 1;
    return holds(range, beside) && program->ops[beside].kind == MUIR_OP_GEMM;
}

bool muir_host_is_hidable(const muir_scenario *scenario, const muir_program *program, int index,
                          int64_t job_stage)
{
    const muir_parallel *parallel = &scenario->job.parallel;
    const muir_op *op = &program->ops[index];
    if (holds(program->sync_ops[job_stage], index)) return parallel->overlap_grad_reduce;
    if (holds(program->update_ops[job_stage], index)) return parallel->overlap_param_gather;
    if (!parallel->overlap_tp || op->axis != MUIR_AXIS_TP) return false;
    if (op->coll != MUIR_ALL_GATHER && op->coll != MUIR_REDUCE_SCATTER) return false;
    for (int block = 0; block < program->n_blocks; block++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            if (holds(program->blocks[block].phase[phase], index))
                return has_product(program, program->blocks[block].phase[phase], index);
    return false;
}

/* Of the algorithms that can be moved on in parts, the one with the least median time. */
muir_status muir_host_choose_in_parts(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
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
        if (rows[n]->kind != kind || !rows[n]->plan) continue;
        if (muir_coll_op_create(ctx, comm, rows[n], spec, &ops[n]) == MUIR_OK) {
            contenders[n] = (muir_coll_sample){.op = ops[n], .time_s = time_s[n]};
            n++;
        } else {
            muir_ctx_clear(ctx);
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

/* The weights of a stage in as many pieces as the job has buckets; one piece for all else. */
static int pieces_of(const muir_host_ops *ops, const muir_host_coll *c)
{
    int64_t n = c->op->axis == MUIR_AXIS_TP ? 1 : ops->scenario->job.parallel.buckets;
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
        muir_coll_lengths(c->op->coll, b->count, c->comm->size, c->comm->rank, &n_send, &n_recv);
        MUIR_TRY(muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &b->prepared));
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
            muir_coll_op_destroy(&c->buckets[b].prepared);
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
    if (moment->is_empty || b->is_flying || ops->n_flying == MUIR_MOST_FLYING) return MUIR_OK;
    b->salt = moment->salt + 31u * (uint32_t)bucket;
    b->is_checked = muir_host_is_checked(ops->scenario, b->salt);
    double start_s = muir_now_s();
    if (b->is_checked) muir_host_coll_fill(c, b->count, b->salt, b->send, b->recv);
    tally->check_s += muir_now_s() - start_s;
    if (c->algorithm->run) MUIR_TRY(muir_host_hidden_land(ctx, ops, tally));
    b->start_s = muir_now_s();
    b->end_s = 0.0;
    MUIR_TRY(muir_coll_start(ctx, b->prepared, b->send, b->recv));
    b->is_flying = true;
    ops->flying[ops->n_flying++] = b;
    const double now_s = muir_now_s();
    if (muir_coll_is_done(b->prepared)) b->end_s = now_s;
    tally->exposed_s += now_s - b->start_s;
    tally->coll_s += now_s - b->start_s;
done:
    return st;
}

static void take_off(muir_host_ops *ops, const muir_host_bucket *b)
{
    int kept = 0;
    for (int i = 0; i < ops->n_flying; i++)
        if (ops->flying[i] != b) ops->flying[kept++] = ops->flying[i];
    ops->n_flying = kept;
}

/* One round over all that is on its way. */
static muir_status advance(muir_ctx *ctx, muir_host_ops *ops)
{
    muir_status st = MUIR_OK;
    int is_there = 0;
    for (int i = 0; i < ops->n_flying; i++) {
        muir_host_bucket *b = ops->flying[i];
        if (b->end_s > 0.0) continue;
        MUIR_TRY(muir_coll_progress(ctx, b->prepared));
        if (muir_coll_is_done(b->prepared)) b->end_s = muir_now_s();
    }
    if (ops->n_flying == 0)
        MUIR_TRY_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, ops->poked, &is_there, MPI_STATUS_IGNORE));
done:
    return st;
}

muir_status muir_host_ops_progress(muir_ctx *ctx, muir_host_ops *ops, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    const bool has_any = ops->n_flying > 0;
    MUIR_TRY(advance(ctx, ops));
    if (!has_any) return MUIR_OK;
    const double took_s = muir_now_s() - start_s;
    tally->progress_s += took_s;
    tally->exposed_s += took_s;
    tally->coll_s += took_s;
done:
    return st;
}

muir_status muir_host_ops_wait_until(muir_ctx *ctx, muir_host_ops *ops, double until_s, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    if (start_s >= until_s) return MUIR_OK;
    while (muir_now_s() < until_s) MUIR_TRY(advance(ctx, ops));
    tally->wait_s += muir_now_s() - start_s;
done:
    return st;
}

muir_status muir_host_ops_finish(muir_ctx *ctx, muir_host_ops *ops, int index, int bucket, double *begin_s,
                                 double *end_s, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_host_coll *c = &ops->colls[ops->coll_of[index]];
    muir_host_bucket *b = &c->buckets[bucket];
    if (!b->is_flying) return MUIR_OK;
    const double start_s = muir_now_s();
    while (b->end_s == 0.0) MUIR_TRY(advance(ctx, ops));
    const double waited_s = muir_now_s() - start_s, flight_s = b->end_s - b->start_s;
    *begin_s = b->start_s;
    *end_s = b->end_s;
    b->is_flying = false;
    take_off(ops, b);
    tally->exposed_s += waited_s;
    tally->coll_s += waited_s;
    tally->coll_bytes += 4.0 * (double)b->count;
    tally->flight_s += flight_s;
    c->calls += 1.0 / c->n_buckets; /* all pieces are one call */
    c->seconds += flight_s;
    if (bucket == 0) c->piece_s = 0.0;
    c->piece_s += flight_s;
    if (bucket == c->n_buckets - 1 && (c->best_s == 0.0 || c->piece_s < c->best_s)) c->best_s = c->piece_s;
    muir_host_coll_look(ops, index, b->count, b->salt, b->is_checked, b->recv, tally);
done:
    return st;
}

muir_status muir_host_hidden_land(muir_ctx *ctx, muir_host_ops *ops, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    if (ops->n_flying == 0) return MUIR_OK;
    for (int i = 0; i < ops->n_flying; i++)
        while (ops->flying[i]->end_s == 0.0) MUIR_TRY(advance(ctx, ops));
    const double took_s = muir_now_s() - start_s;
    tally->exposed_s += took_s;
    tally->coll_s += took_s;
done:
    return st;
}

muir_status muir_host_hidden_beside(muir_ctx *ctx, muir_host_ops *ops, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    while (ops->n_flying > 0 && !muir_coll_is_done(op)) {
        MUIR_TRY(muir_coll_progress(ctx, op));
        MUIR_TRY(advance(ctx, ops));
    }
    MUIR_TRY(muir_coll_wait(ctx, op));
done:
    return st;
}
