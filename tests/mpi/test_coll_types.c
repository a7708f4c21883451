/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm on every data type, against MPI's own reduction or a closed form. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "collectives/coll.h"
#include "collectives/half.h"

enum { N_ORDER = 1009 };

static float value_of(int rank, size_t i)
{
    return (float)((rank * 7 + (int)(i % 1000) * 3) % 11 - 5);
}

static MPI_Op mpi_op_of(muir_reduce reduce)
{
    return reduce == MUIR_SUM ? MPI_SUM : reduce == MUIR_MAX ? MPI_MAX : MPI_MIN;
}

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
}

/* Element i of a buffer of any type with arithmetic; small whole numbers are exact in all of them. */
static void put(muir_dtype dtype, void *buffer, size_t i, float value)
{
    switch (dtype) {
    case MUIR_FP32: ((float *)buffer)[i] = value; break;
    case MUIR_FP64: ((double *)buffer)[i] = (double)value; break;
    case MUIR_BF16: ((uint16_t *)buffer)[i] = muir_bf16_of(value); break;
    case MUIR_FP16: ((uint16_t *)buffer)[i] = muir_fp16_of(value); break;
    case MUIR_INT8: ((int8_t *)buffer)[i] = (int8_t)value; break;
    default: ((int32_t *)buffer)[i] = (int32_t)value;
    }
}

/* value_of over all ranks; for the types that MPI cannot reduce. */
static float closed_form(muir_reduce reduce, int p, size_t i)
{
    float all = value_of(0, i);
    for (int r = 1; r < p; r++) {
        const float x = value_of(r, i);
        all = reduce == MUIR_SUM ? all + x : (reduce == MUIR_MAX) == (x > all) ? x : all;
    }
    return all;
}

static void check_type(muir_coll_comm *comm, const muir_coll *coll, muir_dtype dtype, muir_reduce reduce)
{
    enum { N = 101 };
    static double send[N], recv[N], want[N]; /* room for any type */
    muir_ctx *ctx = muir_test_ctx();
    const muir_coll_spec spec = {.count = N, .dtype = dtype, .reduce = reduce, .root = comm->size / 2};
    const bool is_mpi_s = dtype != MUIR_BF16 && dtype != MUIR_FP16;
    const size_t bytes = muir_dtype_bytes(dtype);
    muir_coll_op *op = NULL;
    size_t first = 0, n = N;
    if (coll->run && !is_mpi_s) return; /* refused, see below */
    for (size_t i = 0; i < N; i++) {
        put(dtype, send, i, value_of(comm->rank, i));
        put(dtype, want, i, closed_form(reduce, comm->size, i));
    }
    if (is_mpi_s) MPI_Allreduce(send, want, N, muir_coll_mpi_type(dtype), mpi_op_of(reduce), ctx->comm);
    if (coll->kind == MUIR_REDUCE_SCATTER) muir_coll_block(N, comm->size, comm->rank, &first, &n);
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
    if (coll->kind == MUIR_REDUCE && comm->rank != spec.root) n = 0;
    CU_ASSERT(memcmp(recv, (const char *)want + first * bytes, n * bytes) == 0);
    muir_coll_op_destroy(&op);
}

static void every_reduction_works_on_every_type(void)
{
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != MUIR_ALL_REDUCE && coll->kind != MUIR_REDUCE_SCATTER && coll->kind != MUIR_REDUCE)
            continue;
        if (!muir_coll_fits(coll, comm->size) || muir_coll_why_not(coll, comm)) continue;
        for (int dtype = 0; dtype < MUIR_DTYPE_COUNT; dtype++)
            for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
                if (muir_reduce_find((muir_dtype)dtype, (muir_reduce)reduce))
                    check_type(comm, coll, (muir_dtype)dtype, (muir_reduce)reduce);
    }
    muir_coll_comm_destroy(&comm);
}

/* Ranks come late by turns, in another way on each run. */
static void run_late(muir_coll_comm *comm, const muir_coll *coll, const float *send, float *recv, int turn)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_coll_spec spec = {.count = N_ORDER, .is_ordered = true};
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
    if ((comm->rank + turn) % 3 == 0) usleep(2000);
    CU_ASSERT_EQUAL(muir_coll_start(ctx, op, send, recv), MUIR_OK);
    if ((comm->rank + turn) % 2 == 0) usleep(1000);
    CU_ASSERT_EQUAL(muir_coll_wait(ctx, op), MUIR_OK);
    muir_coll_op_destroy(&op);
}

static void every_ordered_sum_has_the_same_bytes_on_every_run(void)
{
    static float send[N_ORDER], recv[N_ORDER], again[N_ORDER];
    muir_coll_comm *comm = comm_open();
    for (int i = 0; i < N_ORDER; i++) send[i] = 1.0f / (float)(1 + comm->rank * N_ORDER + i);
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != MUIR_ALL_REDUCE && coll->kind != MUIR_REDUCE_SCATTER) continue;
        if (coll->may_reorder || !muir_coll_fits(coll, comm->size) || muir_coll_why_not(coll, comm)) continue;
        run_late(comm, coll, send, recv, 0);
        for (int turn = 1; turn < 4; turn++) {
            run_late(comm, coll, send, again, turn);
            CU_ASSERT(memcmp(recv, again, sizeof recv) == 0);
        }
    }
    muir_coll_comm_destroy(&comm);
}

static void only_the_librarys_own_reductions_promise_no_order(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        muir_coll_op *op = NULL;
        const bool is_reducing =
            coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_REDUCE_SCATTER || coll->kind == MUIR_REDUCE;
        CU_ASSERT_EQUAL(coll->may_reorder, is_reducing && strcmp(coll->name, "mpi") == 0);
        if (!coll->may_reorder) continue;
        CU_ASSERT_EQUAL(muir_coll_op_create(ctx, comm, coll, &(muir_coll_spec){.is_ordered = true}, &op),
                        MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "mpi may add in another order on another run"));
        muir_ctx_clear(ctx);
    }
    muir_coll_comm_destroy(&comm);
}

static void move_bytes(muir_coll_comm *comm, const muir_coll *coll, muir_dtype dtype)
{
    enum { N = 1001 };
    static unsigned char send[8 * N], recv[8 * N];
    muir_ctx *ctx = muir_test_ctx();
    const size_t bytes = N * muir_dtype_bytes(dtype);
    muir_coll_op *op = NULL;
    int wrong = 0;
    for (size_t i = 0; i < bytes; i++) send[i] = (unsigned char)(ctx->rank == 0 ? i % 251 : 0);
    CU_ASSERT_EQUAL_FATAL(
        muir_coll_op_create(ctx, comm, coll, &(muir_coll_spec){.count = N, .dtype = dtype}, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
    for (size_t i = 0; i < bytes; i++) wrong += recv[i] != i % 251;
    CU_ASSERT_EQUAL(wrong, 0);
    muir_coll_op_destroy(&op);
}

static void what_is_only_moved_may_have_any_type(void)
{
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int dtype = MUIR_BF16; dtype < MUIR_DTYPE_COUNT; dtype++)
            if (muir_coll_at(i)->kind == MUIR_BROADCAST && muir_coll_fits(muir_coll_at(i), comm->size) &&
                !muir_coll_why_not(muir_coll_at(i), comm))
                move_bytes(comm, muir_coll_at(i), (muir_dtype)dtype);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every reduction works on every type", every_reduction_works_on_every_type},
        {"every ordered sum has the same bytes on every run",
         every_ordered_sum_has_the_same_bytes_on_every_run},
        {"only the library's own reductions promise no order",
         only_the_librarys_own_reductions_promise_no_order},
        {"what is only moved may have any type", what_is_only_moved_may_have_any_type},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "data types of collectives", tests);
}
