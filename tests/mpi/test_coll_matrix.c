/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm x data type x operation x count against MPI's own result; run on many numbers of ranks. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "collectives/coll.h"
#include "base/half.h"

enum { MOST = 20011, MAX_RANKS = 32, GUARD = 0x5a };

/* Room for any type, for all_to_all's equal parts, and for a guard behind them. */
typedef struct buffer {
    double data[MOST + MAX_RANKS + 1];
} buffer;

typedef struct cell {
    muir_coll_kind kind;
    muir_coll_spec spec;
    muir_coll_comm *comm;
    size_t bytes; /* of one element */
    size_t n_send, n_recv;
    buffer *send, *want, *recv;
} cell;

/* Small whole numbers are exact in all types, and so are their sums. */
static float value_of(int rank, size_t i)
{
    return (float)((rank * 7 + (int)(i % 1000) * 3) % 11 - 5);
}

static void put(muir_dtype dtype, void *to, size_t i, float value)
{
    switch (dtype) {
    case MUIR_FP32: ((float *)to)[i] = value; break;
    case MUIR_FP64: ((double *)to)[i] = (double)value; break;
    case MUIR_BF16: ((uint16_t *)to)[i] = muir_bf16_of(value); break;
    case MUIR_FP16: ((uint16_t *)to)[i] = muir_fp16_of(value); break;
    case MUIR_INT32: ((int32_t *)to)[i] = (int32_t)value; break;
    default: ((int8_t *)to)[i] = (int8_t)value; /* int8, and bits that are called fp8 */
    }
}

static bool is_mpis(muir_dtype dtype)
{
    return dtype != MUIR_BF16 && dtype != MUIR_FP16;
}

/* For the types that MPI cannot reduce. */
static float closed_form(muir_reduce reduce, int p, size_t i)
{
    float all = value_of(0, i);
    for (int r = 1; r < p; r++) {
        const float x = value_of(r, i);
        all = reduce == MUIR_SUM ? all + x : (reduce == MUIR_MAX) == (x > all) ? x : all;
    }
    return all;
}

static void find_reduction(cell *c)
{
    static const MPI_Op ops[] = {[MUIR_SUM] = MPI_SUM, [MUIR_MAX] = MPI_MAX, [MUIR_MIN] = MPI_MIN};
    const int count = (int)c->spec.count;
    size_t first, n;
    if (is_mpis(c->spec.dtype))
        MPI_Allreduce(c->send, c->want, count, muir_coll_mpi_type(c->spec.dtype), ops[c->spec.reduce],
                      c->comm->comm);
    for (size_t i = 0; i < c->spec.count && !is_mpis(c->spec.dtype); i++)
        put(c->spec.dtype, c->want, i, closed_form(c->spec.reduce, c->comm->size, i));
    muir_coll_block(c->spec.count, c->comm->size, c->comm->rank, &first, &n);
    if (c->kind == MUIR_REDUCE_SCATTER) memmove(c->want, (char *)c->want + first * c->bytes, n * c->bytes);
    if (c->kind == MUIR_REDUCE && c->comm->rank != c->spec.root) memset(c->want, GUARD, sizeof *c->want);
}

/* What each rank has for each other one, as MPI_Alltoallv and MPI_Allgatherv want it. */
static void find_exchange(cell *c)
{
    const MPI_Datatype type = muir_coll_mpi_type(c->spec.dtype);
    const int p = c->comm->size, rank = c->comm->rank;
    int n[4][MAX_RANKS];
    for (int r = 0; r < p; r++) {
        size_t here, there, length;
        muir_coll_exchange(&c->spec, p, rank, r, &here, &there, &length);
        n[0][r] = (int)length, n[1][r] = (int)here;
        muir_coll_exchange(&c->spec, p, r, rank, &there, &here, &length);
        n[2][r] = (int)length, n[3][r] = (int)here;
    }
    if (c->kind == MUIR_ALL_GATHER)
        MPI_Allgatherv(c->send, n[0][rank], type, c->want, n[0], n[1], type, c->comm->comm);
    else
        MPI_Alltoallv(c->send, n[0], n[1], type, c->want, n[2], n[3], type, c->comm->comm);
}

static void find_truth(cell *c)
{
    const MPI_Datatype type = muir_coll_mpi_type(c->spec.dtype);
    memset(c->want, GUARD, sizeof *c->want);
    switch (c->kind) {
    case MUIR_BARRIER: break;
    case MUIR_ALL_REDUCE:
    case MUIR_REDUCE_SCATTER:
    case MUIR_REDUCE: find_reduction(c); break;
    case MUIR_BROADCAST:
        if (c->comm->rank == c->spec.root) memcpy(c->want, c->send, c->n_send * c->bytes);
        MPI_Bcast(c->want, (int)c->spec.count, type, c->spec.root, c->comm->comm);
        break;
    default: find_exchange(c);
    }
}

/* What a row leaves behind its result counts, too. */
static void check_row(cell *c, const muir_coll *coll)
{
    muir_ctx *ctx = muir_test_ctx();
    const size_t seen = (c->n_recv + 1) * c->bytes;
    muir_coll_op *op = NULL;
    memset(c->recv, GUARD, seen);
    memset((char *)c->want + c->n_recv * c->bytes, GUARD, c->bytes);
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, c->comm, coll, &c->spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, c->send, c->recv), MUIR_OK);
    muir_coll_op_destroy(&op);
    const bool is_right = memcmp(c->recv, c->want, seen) == 0;
    CU_ASSERT(is_right);
    if (!is_right) /* CUnit says which assertion failed, but not for what */
        printf("rank %d of %d: %s %s, %zu of %s, %s\n", c->comm->rank, c->comm->size,
               muir_coll_kind_name(c->kind), coll->name, c->spec.count, muir_dtype_name(c->spec.dtype),
               muir_reduce_name(c->spec.reduce));
}

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

/* Rows that this communicator and this type allow; `name` NULL: all. */
static bool is_wanted(const cell *c, const muir_coll *coll, const char *name)
{
    if (coll->kind != c->kind || (name && strcmp(coll->name, name) != 0)) return false;
    return muir_coll_fits(coll, c->comm->size) && !muir_coll_why_not(coll, c->comm);
}

static void check_cell(cell *c, const char *name)
{
    const muir_coll_spec *spec = &c->spec;
    if (is_reducing(c->kind) ? !muir_reduce_find(spec->dtype, spec->reduce) : spec->reduce != MUIR_SUM)
        return;
    c->bytes = muir_dtype_bytes(spec->dtype);
    muir_coll_lengths(c->kind, spec->count, c->comm->size, c->comm->rank, &c->n_send, &c->n_recv);
    for (size_t i = 0; i < c->n_send; i++) put(spec->dtype, c->send, i, value_of(c->comm->rank, i));
    find_truth(c);
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (is_wanted(c, muir_coll_at(i), name)) check_row(c, muir_coll_at(i));
}

static void check_all(muir_coll_comm *comm, const char *name)
{
    static buffer send, want, recv;
    const size_t counts[] = {0, 1, (size_t)(comm->size - 1), 101, MOST};
    cell c = {.comm = comm, .send = &send, .want = &want, .recv = &recv};
    c.spec.root = comm->size / 2;
    for (c.kind = 0; c.kind < MUIR_COLL_KIND_COUNT; c.kind++)
        for (c.spec.dtype = 0; c.spec.dtype < MUIR_DTYPE_COUNT; c.spec.dtype++)
            for (c.spec.reduce = 0; c.spec.reduce < MUIR_REDUCE_COUNT; c.spec.reduce++)
                for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
                    c.spec.count = counts[i];
                    if (c.kind != MUIR_SEND_RECV) check_cell(&c, name);
                }
}

static void every_algorithm_gives_mpis_result_on_every_type_and_count(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_FATAL(ctx->size <= MAX_RANKS);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    check_all(comm, NULL);
    muir_coll_comm_destroy(&comm);
}

/* Ranks that are told to be on two hosts; where their number is odd, these are of different sizes. */
static void so_do_the_hierarchical_ones_on_two_hosts(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    const int host = ctx->rank < (ctx->size + 1) / 2;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create_on(ctx, ctx->comm, host, &comm), MUIR_OK);
    CU_ASSERT_EQUAL(ctx->size < 3,
                    muir_coll_why_not(muir_coll_find(MUIR_ALL_REDUCE, "hierarchical"), comm) != NULL);
    check_all(comm, "hierarchical");
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every algorithm gives MPI's result on every type and count",
         every_algorithm_gives_mpis_result_on_every_type_and_count},
        {"so do the hierarchical ones on two hosts", so_do_the_hierarchical_ones_on_two_hosts},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "matrix of collectives", tests);
}
