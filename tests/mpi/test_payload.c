/* SPDX-License-Identifier: BSD-3-Clause */
/* Payloads of every type: real collectives pass, one changed element does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "collectives/payload.h"

enum { MOST = 10007, WIDEST = 8 };

static char *make(size_t bytes)
{
    char *made = calloc(bytes + 1, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

/* Local; every element of the own result is changed in turn, some of them at least. */
static void check_one(muir_coll_comm *comm, const muir_coll *coll, const muir_coll_spec *spec)
{
    muir_ctx *ctx = muir_test_ctx();
    const size_t width = muir_dtype_bytes(spec->dtype);
    size_t n_send, n_recv;
    muir_coll_op *op = NULL;
    muir_payload *payload = NULL;
    if (muir_coll_op_create(ctx, comm, coll, spec, &op) != MUIR_OK) {
        muir_ctx_clear(ctx); /* not for this type or number of ranks */
        return;
    }
    muir_coll_lengths(coll->kind, spec->count, comm->size, comm->rank, &n_send, &n_recv);
    char *send = make(n_send * width), *recv = make(n_recv * width);
    CU_ASSERT_EQUAL_FATAL(muir_payload_create(ctx, coll->kind, spec, comm->size, comm->rank, &payload),
                          MUIR_OK);
    for (uint32_t salt = 1; salt < 3; salt++) {
        memset(recv, 0xff, n_recv * width);
        muir_payload_fill(payload, salt, send);
        CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
        CU_ASSERT_EQUAL(muir_payload_check(payload, salt, recv), 0);
        const bool has_result = coll->kind != MUIR_REDUCE || comm->rank == spec->root;
        if (n_recv < 1000 || !has_result) continue;
        CU_ASSERT(muir_payload_check(payload, salt + 1, recv) > n_recv / 2); /* an old result */
        recv[(n_recv / 2) * width] = (char)(recv[(n_recv / 2) * width] ^ 1);
        recv[(n_recv - 1) * width] = (char)(recv[(n_recv - 1) * width] ^ 1);
        CU_ASSERT_EQUAL(muir_payload_check(payload, salt, recv), 2);
    }
    muir_payload_destroy(&payload);
    muir_coll_op_destroy(&op);
    free(send);
    free(recv);
}

static void results_pass_in_every_type_and_one_changed_bit_does_not(void)
{
    static const size_t counts[] = {0, 1, 100, MOST};
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (muir_dtype dtype = 0; dtype < MUIR_DTYPE_COUNT; dtype++)
            for (muir_reduce reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
                for (size_t c = 0; c < 4; c++)
                    check_one(comm, muir_coll_at(i),
                              &(muir_coll_spec){.count = counts[c],
                                                .dtype = dtype,
                                                .reduce = reduce,
                                                .root = (comm->size - 1) / 2});
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"results pass in every type and one changed bit does not",
         results_pass_in_every_type_and_one_changed_bit_does_not},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "payloads", tests);
}
