/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between two ranks: order, pieces, and what is refused. */
#include <stdio.h>

#include "check.h"
#include "collectives/p2p.h"

enum { N = 1000, N_MESSAGES = 3 };

static float value_of(int rank, int message, size_t i)
{
    return (float)(rank * 100000 + message * 10000) + (float)i;
}

/* Each rank sends to the next; the receives are posted in the opposite order of the sends, so only the
 * microbatch tells the messages apart. */
static void pass_round(muir_p2p *const *out, muir_p2p *const *in, muir_tag tag, const int *microbatches)
{
    muir_ctx *ctx = muir_test_ctx();
    static float send[N_MESSAGES][N], recv[N_MESSAGES][N];
    const int next = (ctx->rank + 1) % ctx->size, previous = (ctx->rank + ctx->size - 1) % ctx->size;
    for (int k = N_MESSAGES - 1; k >= 0; k--) {
        const muir_p2p_envelope from = {previous, tag, microbatches[k]};
        CU_ASSERT_EQUAL_FATAL(muir_p2p_start_recv(ctx, in[k], &from, recv[k], N), MUIR_OK);
    }
    for (int k = 0; k < N_MESSAGES; k++) {
        const muir_p2p_envelope to = {next, tag, microbatches[k]};
        for (size_t i = 0; i < N; i++) send[k][i] = value_of(ctx->rank, k, i);
        CU_ASSERT_EQUAL_FATAL(muir_p2p_start_send(ctx, out[k], &to, send[k], N), MUIR_OK);
    }
    bool is_done = false;
    while (!is_done) CU_ASSERT_EQUAL_FATAL(muir_p2p_test(ctx, in[0], &is_done), MUIR_OK);
    int wrong = 0;
    for (int k = 0; k < N_MESSAGES; k++) {
        CU_ASSERT_EQUAL(muir_p2p_wait(ctx, in[k]), MUIR_OK);
        CU_ASSERT_EQUAL(muir_p2p_wait(ctx, out[k]), MUIR_OK);
        for (size_t i = 0; i < N; i++) wrong += recv[k][i] != value_of(previous, k, i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_segment(size_t segment)
{
    muir_ctx *ctx = muir_test_ctx();
    static const int few[N_MESSAGES] = {0, 1, 2}, many[N_MESSAGES] = {1000000005, 1000000006, 1000000007};
    muir_coll_comm *comm = NULL;
    muir_p2p *out[N_MESSAGES] = {NULL}, *in[N_MESSAGES] = {NULL};
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    for (int k = 0; k < N_MESSAGES; k++) {
        CU_ASSERT_EQUAL_FATAL(muir_p2p_create(ctx, comm, MUIR_FP32, N, segment, &out[k]), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_p2p_create(ctx, comm, MUIR_FP32, N, segment, &in[k]), MUIR_OK);
    }
    pass_round(out, in, MUIR_TAG_FORWARD, few);
    pass_round(out, in, MUIR_TAG_BACKWARD, many);
    for (int k = 0; k < N_MESSAGES; k++) {
        muir_p2p_destroy(&out[k]);
        muir_p2p_destroy(&in[k]);
    }
    muir_coll_comm_destroy(&comm);
}

static void the_microbatch_tells_messages_apart(void)
{
    check_segment(0);
}

static void long_messages_go_in_pieces(void)
{
    check_segment(7);
    check_segment(N);
}

static void expect_refusal(muir_p2p *p2p, const muir_p2p_envelope *envelope, size_t count,
                           const char *message)
{
    muir_ctx *ctx = muir_test_ctx();
    float data[8] = {0};
    CU_ASSERT_EQUAL(muir_p2p_start_send(ctx, p2p, envelope, data, count), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, message);
    muir_ctx_clear(ctx);
}

static void wrong_messages_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    muir_p2p *p2p = NULL;
    char message[80];
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_p2p_create(ctx, comm, MUIR_BF16, 4, 0, &p2p), MUIR_OK);
    expect_refusal(p2p, &(muir_p2p_envelope){0, MUIR_TAG_FORWARD, 0}, 5,
                   "a message of 5 elements where 4 were prepared");
    expect_refusal(p2p, &(muir_p2p_envelope){0, MUIR_TAG_FORWARD, -1}, 1, "microbatch -1 is negative");
    snprintf(message, sizeof message, "peer %d is not one of the %d ranks", ctx->size, ctx->size);
    expect_refusal(p2p, &(muir_p2p_envelope){ctx->size, MUIR_TAG_FORWARD, 0}, 1, message);
    muir_p2p_destroy(&p2p);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"the microbatch tells messages apart", the_microbatch_tells_messages_apart},
        {"long messages go in pieces", long_messages_go_in_pieces},
        {"wrong messages are refused", wrong_messages_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "p2p", tests);
}
