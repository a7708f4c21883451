/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepares a collective and carries out its steps. */
#include "collectives/op.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tags.h"
#include "collectives/accumulate.h"

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

static bool has_root(muir_coll_kind kind)
{
    return kind == MUIR_BROADCAST || kind == MUIR_REDUCE;
}

static muir_status check(muir_ctx *ctx, const muir_coll_comm *comm, const muir_coll *coll,
                         const muir_coll_spec *spec)
{
    if (!coll) return muir_fail(ctx, MUIR_ERR_ARG, "no algorithm given for a collective");
    const char *kind = muir_coll_kind_name(coll->kind);
    if (!muir_coll_fits(coll, comm->size))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s does not work on %d ranks", kind, coll->name, comm->size);
    if (spec->dtype >= MUIR_DTYPE_COUNT)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s: unknown data type %d", kind, coll->name,
                         (int)spec->dtype);
    if (is_reducing(coll->kind) && !muir_reduce_find(spec->dtype, spec->reduce))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s: no %s of %s", kind, coll->name,
                         muir_reduce_name(spec->reduce), muir_dtype_name(spec->dtype));
    if (has_root(coll->kind) && (spec->root < 0 || spec->root >= comm->size))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s: root %d is not one of the %d ranks", kind, coll->name,
                         spec->root, comm->size);
    if (spec->is_ordered && coll->may_reorder)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s may add in a different order on each run", kind,
                         coll->name);
    if (spec->wire != MUIR_WIRE_PLAIN && (!coll->may_narrow || spec->dtype != MUIR_FP32))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s: no %s on the wire for %s", kind, coll->name,
                         muir_wire_name(spec->wire), muir_dtype_name(spec->dtype));
    const char *why = muir_coll_why_not(coll, comm);
    if (why) return muir_fail(ctx, MUIR_ERR_ARG, "%s %s is not available: %s", kind, coll->name, why);
    return MUIR_OK;
}

/* Collectives on their way at the same time must not take each other's messages. */
static int take_tag(muir_coll_comm *comm)
{
    const int tag = comm->next_tag;
    comm->next_tag = tag < comm->tag_max ? tag + 1 : MUIR_TAG_COLL;
    return tag;
}

/* Messages that are on their way together are those of one round: each round uses the same memory. */
static muir_status prepare_wire(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    const muir_coll_steps *steps = op->steps;
    size_t used = 0, most = 0;
    if (op->spec.wire == MUIR_WIRE_PLAIN) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, steps->n, 2 * sizeof *op->wire_at, "a narrow wire", &op->wire_at));
    for (size_t i = 0; i < steps->n; i++) {
        if (i == steps->step[i].after) used = 0;
        op->wire_at[2 * i] = used;
        op->wire_at[2 * i + 1] = used + steps->step[i].recv.count;
        used += steps->step[i].recv.count + steps->step[i].send.count;
        if (used > most) most = used;
    }
    MUIR_TRY(muir_alloc(ctx, most, sizeof *op->wire, "a narrow wire", &op->wire));
done:
    return st;
}

static muir_status prepare_steps(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_coll_steps_create(ctx, op->coll, &op->spec, op->comm->size, op->comm->rank, &op->steps));
    const size_t n_steps = op->steps->n, n_scratch = op->steps->n_scratch;
    MUIR_TRY(
        muir_alloc(ctx, n_scratch, op->element_bytes, "the scratch buffer of a collective", &op->scratch));
    MUIR_TRY(
        muir_alloc(ctx, n_steps, 2 * sizeof *op->requests, "the requests of a collective", &op->requests));
    MUIR_TRY(muir_alloc(ctx, (size_t)op->comm->size, sizeof *op->sources, "a collective", &op->sources));
    for (size_t i = 0; i < 2 * n_steps; i++) op->requests[i] = MPI_REQUEST_NULL;
    op->n_started = op->n_done = n_steps;
    MUIR_TRY(prepare_wire(ctx, op));
done:
    return st;
}

muir_status muir_coll_op_create(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll *coll,
                                const muir_coll_spec *spec, muir_coll_op **out)
{
    return muir_coll_op_create_cut(ctx, comm, coll, spec, NULL, out);
}

muir_status muir_coll_op_create_cut(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll *coll,
                                    const muir_coll_spec *spec, const struct muir_shared_cut *cut,
                                    muir_coll_op **out)
{
    muir_status st = MUIR_OK;
    muir_coll_op *op = NULL;

    MUIR_TRY(check(ctx, comm, coll, spec));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *op, "a collective", &op));
    op->coll = coll;
    op->comm = comm;
    op->spec = *spec;
    op->cut = cut;
    op->type = muir_coll_mpi_type(spec->dtype);
    op->element_bytes = muir_dtype_bytes(spec->dtype);
    op->reduce = is_reducing(coll->kind) ? muir_reduce_find(spec->dtype, spec->reduce) : NULL;
    op->tag = take_tag(comm);
    if (coll->steps) MUIR_TRY(prepare_steps(ctx, op));
    if (coll->prepare) MUIR_TRY(coll->prepare(ctx, op));
    op->spec.counts = NULL; /* borrowed until here */
    op->spec.file = NULL;
done:
    if (st != MUIR_OK)
        muir_coll_op_destroy(&op);
    else
        *out = op;
    return st;
}

void muir_coll_op_destroy(muir_coll_op **op)
{
    if (!*op) return;
    if ((*op)->coll->release && (*op)->own) (*op)->coll->release(*op);
    muir_coll_steps_destroy(&(*op)->steps);
    free((*op)->requests);
    free((*op)->scratch);
    free((*op)->sources);
    free((*op)->wire);
    free((*op)->wire_at);
    free((*op)->own);
    free(*op);
    *op = NULL;
}

static char *address(const muir_coll_op *op, muir_coll_place place)
{
    return op->buffers[place.buffer] + place.offset * op->element_bytes;
}

/* The receive goes first, so that a message never arrives before its buffer is known. */
static muir_status start_step(muir_ctx *ctx, muir_coll_op *op, size_t i)
{
    muir_status st = MUIR_OK;
    const muir_coll_message *recv = &op->steps->step[i].recv, *send = &op->steps->step[i].send;
    const MPI_Comm comm = op->comm->comm;
    MPI_Request *pair = &op->requests[2 * i];
    void *to = address(op, recv->at), *from = address(op, send->at);
    MPI_Datatype type = op->type;
    if (op->wire) {
        type = MPI_UINT16_T;
        to = op->wire + op->wire_at[2 * i];
        from = op->wire + op->wire_at[2 * i + 1];
        muir_wire_narrow(op->spec.wire, send->count, (const float *)(const void *)address(op, send->at),
                         from);
    }
    if (recv->count > 0)
        MUIR_TRY_MPI(MPI_Irecv(to, (int)recv->count, type, recv->peer, op->tag, comm, &pair[0]));
    if (send->count > 0)
        MUIR_TRY_MPI(MPI_Isend(from, (int)send->count, type, send->peer, op->tag, comm, &pair[1]));
done:
    return st;
}

static void widen_received(const muir_coll_op *op, size_t i)
{
    const muir_coll_message *recv = &op->steps->step[i].recv;
    if (op->wire)
        muir_wire_widen(op->spec.wire, recv->count, op->wire + op->wire_at[2 * i],
                        (float *)(void *)address(op, recv->at));
}

static void accumulate(const muir_coll_op *op, const muir_coll_local *local)
{
    const int p = op->comm->size, rank = op->comm->rank;
    for (int r = 0; r < p; r++)
        op->sources[r] =
            address(op, (muir_coll_place){local->b.buffer, local->b.offset + (size_t)r * local->stride});
    op->sources[rank] = address(op, local->a);
    muir_accumulate(op->spec.dtype, op->spec.reduce, local->count, op->sources, p, address(op, local->to));
}

static void do_local_work(const muir_coll_op *op, const muir_coll_local *local)
{
    if (local->count == 0) return;
    char *to = address(op, local->to);
    const char *a = address(op, local->a);
    switch (local->action) {
    case MUIR_COLL_REDUCE: op->reduce(local->count, a, address(op, local->b), to); break;
    case MUIR_COLL_ACCUMULATE: accumulate(op, local); break;
    case MUIR_COLL_ROUND:
        muir_wire_round(op->spec.wire, local->count, (const float *)(const void *)a, (float *)(void *)to);
        break;
    case MUIR_COLL_COPY:
        if (to != a) memcpy(to, a, local->count * op->element_bytes);
    }
}

/* Starts what may start and completes what is through, in order; with is_waiting, to the last step. */
static muir_status advance(muir_ctx *ctx, muir_coll_op *op, bool is_waiting)
{
    muir_status st = MUIR_OK;
    while (!muir_coll_is_done(op)) {
        const muir_coll_step *step = op->steps->step;
        while (op->n_started < op->steps->n && step[op->n_started].after <= op->n_done) {
            MUIR_TRY(start_step(ctx, op, op->n_started));
            op->n_started++;
        }
        MPI_Request *pair = &op->requests[2 * op->n_done];
        int is_through = 1;
        if (is_waiting)
            MUIR_TRY(muir_coll_wait_all(ctx, 2, pair));
        else
            MUIR_TRY_MPI(MPI_Testall(2, pair, &is_through, MPI_STATUSES_IGNORE));
        if (!is_through) break;
        widen_received(op, op->n_done);
        do_local_work(op, &step[op->n_done].local);
        op->n_done++;
    }
done:
    return st;
}

muir_status muir_coll_start(muir_ctx *ctx, muir_coll_op *op, const void *send, void *recv)
{
    if (!muir_coll_is_done(op))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s %s was started again before it was done",
                         muir_coll_kind_name(op->coll->kind), op->coll->name);
    if (op->coll->run) return op->coll->run(ctx, op, send, recv);
    op->buffers[MUIR_COLL_INPUT] = (char *)send; /* steps only read it */
    op->buffers[MUIR_COLL_OUTPUT] = recv;
    op->buffers[MUIR_COLL_SCRATCH] = op->scratch;
    op->n_started = op->n_done = 0;
    return advance(ctx, op, false);
}

muir_status muir_coll_progress(muir_ctx *ctx, muir_coll_op *op)
{
    return advance(ctx, op, false);
}

muir_status muir_coll_wait(muir_ctx *ctx, muir_coll_op *op)
{
    return advance(ctx, op, true);
}

muir_status muir_coll_run(muir_ctx *ctx, muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_coll_start(ctx, op, send, recv));
    MUIR_TRY(muir_coll_wait(ctx, op));
done:
    return st;
}

bool muir_coll_is_done(const muir_coll_op *op)
{
    return !op->steps || op->n_done == op->steps->n;
}
