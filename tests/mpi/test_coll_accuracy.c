/* SPDX-License-Identifier: BSD-3-Clause */
/* What rounding to 16 bits costs: sums rounded at every hop against sums in fp32 that are rounded once.
 *
 * Prediction. Let c be the relative rms error of one rounding, and the inputs of N ranks independent with
 * mean 0: a ring rounds partial sums of 2, 3, ... N terms, whose variances are 2, 3, ... N times one's, so
 *     ring:        c sqrt(sum_(k = 2 .. N) k / N) = c sqrt((N + 1) / 2 - 1 / N), that is, as sqrt(N)
 *     all_to_all:  c
 * Source: NVIDIA/Megatron-LM docs/api-guide/core/generalized_tensor_parallel.md, sections 2.6 and 2.7. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "collectives/coll.h"
#include "base/half.h"

enum { N = 20000 };

/* Uniform in (-1, 1), the same on all ranks for one rank and element. */
static float value_of(int rank, int i)
{
    uint64_t x = (uint64_t)rank * N + (uint64_t)i + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    x ^= x >> 31;
    return (float)(int32_t)(x >> 32) / 2147483648.0f;
}

static float rounded(int rank, int i)
{
    return muir_float_of_bf16(muir_bf16_of(value_of(rank, i)));
}

/* Relative rms error of a sum, in place, of halves that are exact before it. */
static double error_of(muir_coll_comm *comm, const char *name)
{
    static uint16_t x[N];
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    double error = 0.0, size = 0.0;
    const muir_coll *coll = muir_coll_find(MUIR_ALL_REDUCE, name);
    const muir_coll_spec spec = {.count = N, .dtype = MUIR_BF16};
    for (int i = 0; i < N; i++) x[i] = muir_bf16_of(value_of(comm->rank, i));
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, x, x), MUIR_OK);
    muir_coll_op_destroy(&op);
    for (int i = 0; i < N; i++) {
        double exact = 0.0;
        for (int r = 0; r < comm->size; r++) exact += (double)rounded(r, i);
        const double off = (double)muir_float_of_bf16(x[i]) - exact;
        error += off * off;
        size += exact * exact;
    }
    return sqrt(error / size);
}

/* All ranks hold the same sums, so all find the same errors. */
static void check_errors(muir_coll_comm *comm, double *ring, double *once)
{
    const double n = comm->size, predicted = sqrt((n + 1.0) / 2.0 - 1.0 / n);
    *ring = error_of(comm, "ring");
    *once = error_of(comm, "all_to_all");
    if (muir_is_root(muir_test_ctx()))
        printf("bf16 all_reduce on %2d ranks, relative rms error: ring %.3e, all_to_all %.3e, ratio %.2f "
               "(predicted %.2f)\n",
               comm->size, *ring, *once, *ring / *once, predicted);
    CU_ASSERT_DOUBLE_EQUAL(*ring / *once, predicted, 0.1 * predicted);
    CU_ASSERT_EQUAL(*once, error_of(comm, "shared"));
}

static void a_ring_of_bf16_errs_as_the_root_of_its_ranks_and_all_to_all_does_not(void)
{
    muir_ctx *ctx = muir_test_ctx();
    double ring[2], once[2];
    MPI_Comm half = MPI_COMM_NULL;
    CU_ASSERT_FATAL(ctx->size >= 16);
    MPI_Comm_split(ctx->comm, ctx->rank < ctx->size / 2, ctx->rank, &half);
    for (int k = 0; k < 2; k++) {
        muir_coll_comm *comm = NULL;
        CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, k == 0 ? half : ctx->comm, &comm), MUIR_OK);
        check_errors(comm, &ring[k], &once[k]);
        muir_coll_comm_destroy(&comm);
    }
    MPI_Comm_free(&half);
    CU_ASSERT_DOUBLE_EQUAL(once[1] / once[0], 1.0, 0.1);
    CU_ASSERT_DOUBLE_EQUAL(ring[1] / ring[0], sqrt(2.0), 0.1 * sqrt(2.0));
    CU_ASSERT(once[0] <
              1.0 / 256.0); /* half of the distance of two numbers, the largest error of one rounding */
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a ring of bf16 errs as the root of its ranks, and all_to_all does not",
         a_ring_of_bf16_errs_as_the_root_of_its_ranks_and_all_to_all_does_not},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "accuracy of collectives", tests);
}
