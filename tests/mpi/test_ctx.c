/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreement of ranks on errors. */
#include "check.h"

static void agreement_is_ok_when_all_are_ok(void)
{
    CU_ASSERT_EQUAL(muir_agree(muir_test_ctx(), MUIR_OK), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, "");
}

static void the_last_ranks_failure_reaches_every_rank_with_its_message(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_status st = MUIR_OK;
    if (ctx->rank == ctx->size - 1) st = muir_fail(ctx, MUIR_ERR_ARG, "tp=%d does not divide heads=%d", 3, 8);
    CU_ASSERT_EQUAL(muir_agree(ctx, st), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "tp=3 does not divide heads=8");
    muir_ctx_clear(ctx);
}

static void of_several_failures_the_lowest_ranks_is_told(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_status st =
        muir_fail(ctx, ctx->rank == 0 ? MUIR_ERR_FILE : MUIR_ERR_MEM, "rank %d", ctx->rank);
    CU_ASSERT_EQUAL(muir_agree(ctx, st), MUIR_ERR_FILE);
    CU_ASSERT_STRING_EQUAL(ctx->message, "rank 0");
    muir_ctx_clear(ctx);
}

static void the_first_cause_is_kept(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_fail(ctx, MUIR_ERR_ARG, "first");
    muir_fail(ctx, MUIR_ERR_ARG, "second");
    CU_ASSERT_STRING_EQUAL(ctx->message, "first");
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"agreement is ok when all are ok", agreement_is_ok_when_all_are_ok},
        {"the last rank's failure reaches every rank with its message",
         the_last_ranks_failure_reaches_every_rank_with_its_message},
        {"of several failures the lowest rank's is told", of_several_failures_the_lowest_ranks_is_told},
        {"the first cause is kept", the_first_cause_is_kept},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "ctx", tests);
}
