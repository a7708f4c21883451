/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows named `shared` on buffers that ranks reach directly; what else they need. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"
#include "check.h"
#include "collectives/coll.h"
#include "base/half.h"
#include "collectives/shared.h"

/* Which buffers come from muir_coll_alloc. */
typedef enum memory { ALL_SHARED, SOME_SHARED, ONE_FOR_BOTH } memory;

typedef struct buffers {
    muir_coll_comm *comm;
    float *send, *recv, *own_recv; /* recv is shared; own_recv this rank's alone */
} buffers;

static const size_t longest = ((size_t)9 << 20) / sizeof(float) + 5; /* past the caches, and uneven */

static buffers buffers_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    buffers b = {NULL, NULL, NULL, NULL};
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &b.comm), MUIR_OK);
    const size_t n = longest + (size_t)ctx->size + 1; /* all_to_all takes up to p - 1 more */
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, b.comm, n * sizeof(float), &b.send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, b.comm, n * sizeof(float), &b.recv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, n, sizeof(float), "own_recv", &b.own_recv), MUIR_OK);
    return b;
}

static void buffers_close(buffers *b)
{
    muir_coll_free(b->comm, b->send); /* not in the order of muir_coll_alloc */
    muir_coll_free(b->comm, b->recv);
    free(b->own_recv);
    muir_coll_comm_destroy(&b->comm);
}

static float value_of(int rank, size_t i, int round)
{
    return (float)((size_t)(rank * 7 + round * 5 + 1) * (i + 3) % 31);
}

/* Element i of rank's result, by the table of coll.h; sums of small whole numbers are exact. */
static float expected(const muir_coll *coll, size_t count, int p, int rank, size_t i, int round)
{
    size_t offset, n, sum = 0;
    muir_coll_block(count, p, rank, &offset, &n);
    switch (coll->kind) {
    case MUIR_REDUCE_SCATTER: i += offset; /* fall through */
    case MUIR_ALL_REDUCE:
        for (int r = 0; r < p; r++) sum += (size_t)value_of(r, i, round);
        return (float)sum;
    case MUIR_ALL_TO_ALLV:
    case MUIR_ALL_TO_ALL: return value_of((int)(i / n), offset + i % n, round);
    case MUIR_ALL_GATHER:
        for (int r = 0; r < p; r++) {
            muir_coll_block(count, p, r, &offset, &n);
            if (i < offset + n) return value_of(r, i - offset, round);
        }
        return -1.0f;
    default: return value_of(p - 1, i, round); /* the root */
    }
}

/* Rank 0 alone has its own memory in SOME_SHARED: the others must not reach for it. */
static void check_round(const buffers *b, const muir_coll *coll, muir_coll_op *op, size_t count, memory how,
                        int round)
{
    muir_ctx *ctx = muir_test_ctx();
    const int p = ctx->size, rank = ctx->rank;
    size_t n_send, n_recv, wrong = 0;
    float *recv = how == SOME_SHARED && rank == 0 ? b->own_recv : b->recv;
    float *send = how == ONE_FOR_BOTH ? recv : b->send;
    muir_coll_lengths(coll->kind, count, p, rank, &n_send, &n_recv);
    for (size_t i = 0; i <= n_recv; i++) recv[i] = -77.0f;
    for (size_t i = 0; i < n_send; i++) send[i] = value_of(rank, i, round);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
    for (size_t i = 0; i < n_recv; i++) wrong += recv[i] != expected(coll, count, p, rank, i, round);
    for (size_t i = 0; i < n_send && send != recv; i++) wrong += send[i] != value_of(rank, i, round);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(recv[n_recv], how == ONE_FOR_BOTH && n_send > n_recv ? recv[n_recv] : -77.0f);
}

/* The data change from round to round, and nothing but the collectives keeps the ranks in step. */
static void check_count(const buffers *b, const muir_coll *coll, size_t count, int n_rounds)
{
    muir_ctx *ctx = muir_test_ctx();
    const bool may_be_in_place = coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_BROADCAST;
    const muir_coll_spec spec = {.count = count, .root = ctx->size - 1};
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, b->comm, coll, &spec, &op), MUIR_OK);
    for (int round = 0; round < n_rounds; round++) {
        check_round(b, coll, op, count, ALL_SHARED, round);
        check_round(b, coll, op, count, SOME_SHARED, round);
        if (may_be_in_place) check_round(b, coll, op, count, ONE_FOR_BOTH, round);
    }
    muir_coll_op_destroy(&op);
}

static void every_shared_row_gives_the_right_result_for_every_count(void)
{
    const int p = muir_test_ctx()->size;
    const size_t counts[] = {0, 1, (size_t)(p - 1), 257, 4099, 8192, 20011, 262147};
    buffers b = buffers_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        if (!muir_coll_at(i)->why_not || muir_coll_why_not(muir_coll_at(i), b.comm)) continue;
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            check_count(&b, muir_coll_at(i), counts[c], 4);
        check_count(&b, muir_coll_at(i), longest, 1);
    }
    buffers_close(&b);
}

/* Of elements whose sums show their order in the last bits. */
static void run_sum(const buffers *b, const char *name, muir_dtype dtype, size_t n, void *recv)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    const muir_coll_spec spec = {.count = n, .dtype = dtype};
    CU_ASSERT_EQUAL_FATAL(
        muir_coll_op_create(ctx, b->comm, muir_coll_find(MUIR_ALL_REDUCE, name), &spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, b->send, recv), MUIR_OK);
    muir_coll_op_destroy(&op);
}

/* Straight from buffers, through slots, by messages: all add in the order of ranks, halves in fp32. */
static void every_way_gives_the_same_bits(void)
{
    enum { N = 30011 };
    static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_FP16};
    muir_ctx *ctx = muir_test_ctx();
    buffers b = buffers_open();
    float *by_messages = calloc(N, sizeof(float));
    for (int k = 0; k < 3; k++) {
        const size_t bytes = N * muir_dtype_bytes(dtypes[k]);
        for (size_t i = 0; i < N; i++) {
            const float x = 1.0f / (float)(1 + (size_t)ctx->rank * N + i);
            uint16_t *halves = (uint16_t *)(void *)b.send;
            if (dtypes[k] == MUIR_FP32) b.send[i] = x;
            if (dtypes[k] == MUIR_BF16) halves[i] = muir_bf16_of(x);
            if (dtypes[k] == MUIR_FP16) halves[i] = muir_fp16_of(x);
        }
        run_sum(&b, "shared", dtypes[k], N, b.recv);
        run_sum(&b, "shared", dtypes[k], N, b.own_recv);
        run_sum(&b, "all_to_all", dtypes[k], N, by_messages);
        CU_ASSERT(memcmp(b.recv, b.own_recv, bytes) == 0);
        CU_ASSERT(memcmp(b.recv, by_messages, bytes) == 0);
        MPI_Bcast(by_messages, (int)bytes, MPI_BYTE, 0, ctx->comm);
        CU_ASSERT(memcmp(b.recv, by_messages, bytes) == 0);
    }
    free(by_messages);
    buffers_close(&b);
}

/* The first rank sends more than fits into MPI's own buffers, and does not wait for it: the others receive
 * before they come to the collective. */
static void a_message_gets_through_while_its_sender_waits_in_a_collective(void)
{
    enum { N = 1 << 20 };
    muir_ctx *ctx = muir_test_ctx();
    buffers b = buffers_open();
    muir_coll_op *op = NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    const muir_coll *coll = muir_coll_find(MUIR_ALL_REDUCE, "shared");
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, b.comm, coll, &(muir_coll_spec){.count = 1}, &op),
                          MUIR_OK);
    const int last = ctx->size - 1;
    for (int i = 0; i < N; i++) b.own_recv[i] = (float)ctx->rank;
    if (ctx->rank == 0 && last > 0) MPI_Isend(b.own_recv, N, MPI_FLOAT, last, 0, ctx->comm, &request);
    if (ctx->rank == last && last > 0) MPI_Recv(b.own_recv, N, MPI_FLOAT, 0, 0, ctx->comm, MPI_STATUS_IGNORE);
    b.send[0] = 1.0f;
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, b.send, b.recv), MUIR_OK);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CU_ASSERT_EQUAL(b.recv[0], (float)ctx->size);
    CU_ASSERT_EQUAL(b.own_recv[N - 1], ctx->rank == last ? 0.0f : (float)ctx->rank);
    muir_coll_op_destroy(&op);
    buffers_close(&b);
}

static void buffers_are_zeroed_aligned_and_may_differ_in_length(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    const size_t bytes = (size_t)ctx->rank * 5000;
    for (int round = 0; round < 3; round++) {
        unsigned char *data = NULL, any = 0;
        CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, bytes, &data), MUIR_OK);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        CU_ASSERT_EQUAL((uintptr_t)data % MUIR_ALIGN, 0);
        for (size_t i = 0; i < bytes; i++) any |= data[i];
        CU_ASSERT_EQUAL(any, 0);
        if (bytes > 0) memset(data, 1, bytes);
        muir_coll_free(comm, data);
    }
    muir_coll_free(comm, NULL);
    muir_coll_comm_destroy(&comm);
}

/* Two turns of a slot and of the p-th part of one, a board of less than 1 KiB, and at most 128 bytes of
 * rounding for each of the four. */
static void a_rank_shares_no_more_than_its_slots(void)
{
    for (int p = 2; p <= 4096; p *= 2) {
        const size_t slots = 2 * ((size_t)MUIR_SHARED_SLOT + (size_t)MUIR_SHARED_SLOT / (size_t)p);
        CU_ASSERT(muir_shared_bytes(p) >= slots);
        CU_ASSERT(muir_shared_bytes(p) <= slots + 1024 + 4 * 128);
    }
}

static void ranks_without_shared_memory_are_refused_with_the_reason(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    CU_ASSERT_EQUAL(comm->shared == NULL, ctx->size == 1);
    muir_coll_comm far_apart = *comm;
    far_apart.shared = NULL;
    far_apart.size = 2;
    strcpy(far_apart.why_not_shared, "the ranks are not all on one host");
    const muir_coll *coll = muir_coll_find(MUIR_ALL_GATHER, "shared");
    CU_ASSERT_EQUAL(muir_coll_op_create(ctx, &far_apart, coll, &(muir_coll_spec){.count = 1}, &op),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message,
                           "all_gather shared is not available: the ranks are not all on one host");
    CU_ASSERT_PTR_NULL(op);
    muir_ctx_clear(ctx);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every shared row gives the right result for every count",
         every_shared_row_gives_the_right_result_for_every_count},
        {"every way gives the same bits", every_way_gives_the_same_bits},
        {"a message gets through while its sender waits in a collective",
         a_message_gets_through_while_its_sender_waits_in_a_collective},
        {"buffers are zeroed, aligned, and may differ in length",
         buffers_are_zeroed_aligned_and_may_differ_in_length},
        {"a rank shares no more than its slots", a_rank_shares_no_more_than_its_slots},
        {"ranks without shared memory are refused with the reason",
         ranks_without_shared_memory_are_refused_with_the_reason},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "shared", tests);
}
