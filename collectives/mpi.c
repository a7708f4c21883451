/* SPDX-License-Identifier: BSD-3-Clause */
/* The MPI library's own collectives: the yardstick for every other row. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "collectives/op.h"

/* Rows of op->own, int [4,p]: blocks of the vector, or what goes to each rank; what comes from each rank. */
enum { BLOCK_COUNTS, BLOCK_OFFSETS, PART_COUNTS, PART_OFFSETS, N_ROWS };

static int *row_of(const muir_coll_op *op, int row)
{
    return (int *)op->own + row * op->comm->size;
}

/* The calls for equal blocks are often the faster ones, and a yardstick is used at its best. */
static bool is_even(const muir_coll_op *op)
{
    return op->spec.count % (size_t)op->comm->size == 0;
}

static int own_count(const muir_coll_op *op)
{
    return row_of(op, BLOCK_COUNTS)[op->comm->rank];
}

static muir_status prepare_blocks(muir_ctx *ctx, muir_coll_op *op)
{
    const size_t count = op->spec.count, p = (size_t)op->comm->size;
    if (count > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s mpi: %zu elements are more than MPI counts in an int",
                         muir_coll_kind_name(op->coll->kind), count);
    const muir_status st = muir_alloc(ctx, N_ROWS * p, sizeof(int), "the blocks of a collective", &op->own);
    if (st != MUIR_OK) return st;
    for (int r = 0; r < op->comm->size; r++) {
        size_t offset, n;
        muir_coll_block(count, op->comm->size, r, &offset, &n);
        row_of(op, BLOCK_COUNTS)[r] = (int)n;
        row_of(op, BLOCK_OFFSETS)[r] = (int)offset;
    }
    return MUIR_OK;
}

static muir_status prepare_exchange(muir_ctx *ctx, muir_coll_op *op)
{
    const int p = op->comm->size, rank = op->comm->rank;
    size_t n_send, n_recv, mine, its, n;
    muir_coll_spec_lengths(op->coll->kind, &op->spec, p, rank, &n_send, &n_recv);
    if (n_send > INT_MAX || n_recv > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s mpi: %zu elements are more than MPI counts in an int",
                         muir_coll_kind_name(op->coll->kind), n_send > INT_MAX ? n_send : n_recv);
    const muir_status st =
        muir_alloc(ctx, N_ROWS * (size_t)p, sizeof(int), "the parts of a collective", &op->own);
    if (st != MUIR_OK) return st;
    for (int r = 0; r < p; r++) {
        muir_coll_exchange(&op->spec, p, rank, r, &mine, &its, &n);
        row_of(op, BLOCK_COUNTS)[r] = (int)n;
        row_of(op, BLOCK_OFFSETS)[r] = (int)mine;
        muir_coll_exchange(&op->spec, p, r, rank, &mine, &its, &n);
        row_of(op, PART_COUNTS)[r] = (int)n;
        row_of(op, PART_OFFSETS)[r] = (int)its;
    }
    return MUIR_OK;
}

static MPI_Op mpi_op_of(const muir_coll_op *op)
{
    return muir_coll_mpi_op(op->comm, op->spec.dtype, op->spec.reduce);
}

/* Length of the piece that starts at element `first` of a vector that one call cannot take whole. */
static int piece_at(const muir_coll_op *op, size_t first)
{
    const size_t most = op->spec.segment && op->spec.segment < INT_MAX ? op->spec.segment : INT_MAX;
    const size_t left = op->spec.count - first;
    return (int)(left < most ? left : most);
}

static muir_status run_all_reduce(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const MPI_Op reduce = mpi_op_of(op);
    for (size_t first = 0; first < op->spec.count; first += (size_t)piece_at(op, first)) {
        const size_t skip = first * op->element_bytes;
        const void *from = send == recv ? MPI_IN_PLACE : (const char *)send + skip;
        char *to = (char *)recv + skip;
        MUIR_TRY_MPI(MPI_Allreduce(from, to, piece_at(op, first), op->type, reduce, op->comm->comm));
    }
done:
    return st;
}

static muir_status run_reduce(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const MPI_Op reduce = mpi_op_of(op);
    for (size_t first = 0; first < op->spec.count; first += (size_t)piece_at(op, first)) {
        const size_t skip = first * op->element_bytes;
        const char *from = (const char *)send + skip;
        char *to = (char *)recv + skip;
        MUIR_TRY_MPI(
            MPI_Reduce(from, to, piece_at(op, first), op->type, reduce, op->spec.root, op->comm->comm));
    }
done:
    return st;
}

static muir_status run_broadcast(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const int root = op->spec.root;
    if (op->comm->rank == root && send != recv && op->spec.count > 0)
        memcpy(recv, send, op->spec.count * op->element_bytes);
    for (size_t first = 0; first < op->spec.count; first += (size_t)piece_at(op, first)) {
        char *at = (char *)recv + first * op->element_bytes;
        MUIR_TRY_MPI(MPI_Bcast(at, piece_at(op, first), op->type, root, op->comm->comm));
    }
done:
    return st;
}

static muir_status run_reduce_scatter(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const MPI_Comm comm = op->comm->comm;
    const MPI_Op reduce = mpi_op_of(op);
    const int *counts = row_of(op, BLOCK_COUNTS);
    if (is_even(op))
        MUIR_TRY_MPI(MPI_Reduce_scatter_block(send, recv, counts[0], op->type, reduce, comm));
    else
        MUIR_TRY_MPI(MPI_Reduce_scatter(send, recv, counts, op->type, reduce, comm));
done:
    return st;
}

static muir_status run_all_gather(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const MPI_Comm comm = op->comm->comm;
    const MPI_Datatype type = op->type;
    const int *counts = row_of(op, BLOCK_COUNTS), *offsets = row_of(op, BLOCK_OFFSETS);
    const char *own = (const char *)recv + (size_t)offsets[op->comm->rank] * op->element_bytes;
    const void *from = send == own ? MPI_IN_PLACE : send;
    if (is_even(op))
        MUIR_TRY_MPI(MPI_Allgather(from, counts[0], type, recv, counts[0], type, comm));
    else
        MUIR_TRY_MPI(MPI_Allgatherv(from, own_count(op), type, recv, counts, offsets, type, comm));
done:
    return st;
}

static muir_status run_all_to_all(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const MPI_Comm comm = op->comm->comm;
    const MPI_Datatype type = op->type;
    const int *counts = row_of(op, BLOCK_COUNTS), *offsets = row_of(op, BLOCK_OFFSETS);
    const int *part_counts = row_of(op, PART_COUNTS), *part_offsets = row_of(op, PART_OFFSETS);
    if (op->coll->kind == MUIR_ALL_TO_ALL && is_even(op))
        MUIR_TRY_MPI(MPI_Alltoall(send, counts[0], type, recv, counts[0], type, comm));
    else
        MUIR_TRY_MPI(MPI_Alltoallv(send, counts, offsets, type, recv, part_counts, part_offsets, type, comm));
done:
    return st;
}

static muir_status run_barrier(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    (void)send;
    (void)recv;
    MUIR_TRY_MPI(MPI_Barrier(op->comm->comm));
done:
    return st;
}

#define SOURCE "MPI Forum, MPI: A Message-Passing Interface Standard 3.1, chapter 5, 2015"

const muir_coll muir_coll_all_reduce_mpi = {
    .name = "mpi",
    .kind = MUIR_ALL_REDUCE,
    .run = run_all_reduce,
    .may_reorder = true, /* the standard advises against it, and allows it */
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_scatter_mpi = {
    .name = "mpi",
    .kind = MUIR_REDUCE_SCATTER,
    .prepare = prepare_blocks,
    .run = run_reduce_scatter,
    .may_reorder = true, /* the standard advises against it, and allows it */
    .source = SOURCE,
};

const muir_coll muir_coll_all_gather_mpi = {
    .name = "mpi",
    .kind = MUIR_ALL_GATHER,
    .prepare = prepare_blocks,
    .run = run_all_gather,
    .source = SOURCE,
};

const muir_coll muir_coll_all_to_all_mpi = {
    .name = "mpi",
    .kind = MUIR_ALL_TO_ALL,
    .prepare = prepare_exchange,
    .run = run_all_to_all,
    .source = SOURCE,
};

const muir_coll muir_coll_all_to_allv_mpi = {
    .name = "mpi",
    .kind = MUIR_ALL_TO_ALLV,
    .prepare = prepare_exchange,
    .run = run_all_to_all,
    .source = SOURCE,
};

const muir_coll muir_coll_broadcast_mpi = {
    .name = "mpi",
    .kind = MUIR_BROADCAST,
    .run = run_broadcast,
    .source = SOURCE,
};

const muir_coll muir_coll_reduce_mpi = {
    .name = "mpi",
    .kind = MUIR_REDUCE,
    .run = run_reduce,
    .may_reorder = true, /* the standard advises against it, and allows it */
    .source = SOURCE,
};

const muir_coll muir_coll_barrier_mpi = {
    .name = "mpi",
    .kind = MUIR_BARRIER,
    .run = run_barrier,
    .source = SOURCE,
};
