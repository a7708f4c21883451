/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums that have the same bytes on every run, and who promises them. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "collectives/coll.h"

enum { N_ORDER = 1009 };

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
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
        CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "mpi may add in a different order on each run"));
        muir_ctx_clear(ctx);
    }
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every ordered sum has the same bytes on every run",
         every_ordered_sum_has_the_same_bytes_on_every_run},
        {"only the library's own reductions promise no order",
         only_the_librarys_own_reductions_promise_no_order},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "order of collectives", tests);
}
