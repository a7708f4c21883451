/* SPDX-License-Identifier: BSD-3-Clause */
/* fp32 data on a narrow wire: what is rounded and when, and that all ranks get the same bits. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "collectives/coll.h"
#include "base/half.h"

enum { N = 1009, MAX_RANKS = 16 };

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
}

static float value_of(int rank, size_t i)
{
    return sinf((float)(rank * N + 1) + (float)i);
}

static float rounded(muir_wire wire, float x)
{
    return wire == MUIR_WIRE_BF16 ? muir_float_of_bf16(muir_bf16_of(x)) : muir_float_of_fp16(muir_fp16_of(x));
}

/* Owner of element i. */
static int owner_of(int p, size_t i)
{
    size_t offset, n;
    int r = 0;
    for (muir_coll_block(N, p, r, &offset, &n); i >= offset + n;) muir_coll_block(N, p, ++r, &offset, &n);
    return r;
}

/* The sum where it is made, once: only what came from others has been rounded. */
static float sum_of(muir_wire wire, int p, size_t i)
{
    const int owner = owner_of(p, i);
    float sum = 0.0f;
    for (int r = 0; r < p; r++) {
        const float x = r == owner ? value_of(r, i) : rounded(wire, value_of(r, i));
        sum = r == 0 ? x : sum + x;
    }
    return sum;
}

/* Runs a row on the values of all ranks; recv holds n_recv elements after. */
static void run(muir_coll_comm *comm, const muir_coll *coll, muir_wire wire, size_t segment, float *recv)
{
    static float send[N];
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    const muir_coll_spec spec = {.count = N, .dtype = MUIR_FP32, .wire = wire, .segment = segment};
    for (size_t i = 0; i < N; i++) send[i] = value_of(comm->rank, i);
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
    muir_coll_op_destroy(&op);
}

static void a_sum_by_all_to_all_is_made_in_fp32_and_rounded_to_travel(void)
{
    static float recv[N];
    muir_coll_comm *comm = comm_open();
    for (muir_wire wire = MUIR_WIRE_BF16; wire <= MUIR_WIRE_FP16; wire++)
        for (size_t segment = 0; segment < 20; segment += 19) {
            size_t first, n, wrong = 0;
            run(comm, muir_coll_find(MUIR_ALL_REDUCE, "all_to_all"), wire, segment, recv);
            for (size_t i = 0; i < N; i++) wrong += recv[i] != rounded(wire, sum_of(wire, comm->size, i));
            run(comm, muir_coll_find(MUIR_REDUCE_SCATTER, "all_to_all"), wire, segment, recv);
            muir_coll_block(N, comm->size, comm->rank, &first, &n);
            for (size_t i = 0; i < n; i++) wrong += recv[i] != sum_of(wire, comm->size, first + i);
            CU_ASSERT_EQUAL(wrong, 0);
        }
    muir_coll_comm_destroy(&comm);
}

static bool gives_all_the_same(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_ALL_GATHER;
}

static void whatever_all_ranks_get_has_the_same_bits_and_those_of_the_wire(void)
{
    static float recv[N], first[N];
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        int wrong = 0;
        if (!coll->may_narrow || muir_coll_why_not(coll, comm) || !gives_all_the_same(coll->kind)) continue;
        run(comm, coll, MUIR_WIRE_BF16, 0, recv);
        memcpy(first, recv, sizeof first);
        MPI_Bcast(first, N, MPI_FLOAT, 0, comm->comm);
        CU_ASSERT(memcmp(first, recv, sizeof first) == 0);
        for (size_t k = 0; k < N; k++) wrong += recv[k] != rounded(MUIR_WIRE_BF16, recv[k]);
        CU_ASSERT_EQUAL(wrong, 0);
    }
    muir_coll_comm_destroy(&comm);
}

/* Each hop rounds by at most 2^-8 of a partial sum, and none of those is larger than the number of ranks. */
static void every_narrow_sum_is_near_the_plain_one(void)
{
    static float recv[N];
    muir_coll_comm *comm = comm_open();
    const int p = comm->size;
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        size_t first = 0, n = N;
        int far = 0;
        if (!coll->may_narrow || muir_coll_why_not(coll, comm) ||
            (coll->kind != MUIR_ALL_REDUCE && coll->kind != MUIR_REDUCE_SCATTER))
            continue;
        run(comm, coll, MUIR_WIRE_BF16, 0, recv);
        if (coll->kind == MUIR_REDUCE_SCATTER) muir_coll_block(N, p, comm->rank, &first, &n);
        for (size_t k = 0; k < n; k++) {
            float sum = 0.0f;
            for (int r = 0; r < p; r++) sum += value_of(r, first + k);
            far += fabsf(recv[k] - sum) > (float)(p * p) / 256.0f;
        }
        CU_ASSERT_EQUAL(far, 0);
    }
    muir_coll_comm_destroy(&comm);
}

static void what_moves_on_a_narrow_wire_is_rounded_once(void)
{
    static float recv[N + MAX_RANKS];
    muir_coll_comm *comm = comm_open();
    const int p = comm->size, rank = comm->rank;
    size_t first, n;
    muir_coll_block(N, p, rank, &first, &n);
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        int wrong = 0;
        if (!coll->may_narrow || muir_coll_why_not(coll, comm) || coll->kind != MUIR_ALL_TO_ALL) continue;
        run(comm, coll, MUIR_WIRE_FP16, 0, recv);
        for (size_t k = 0; k < (size_t)p * n; k++) {
            const int from = (int)(k / n);
            const float x = value_of(from, first + k % n);
            wrong += recv[k] != (from == rank ? x : rounded(MUIR_WIRE_FP16, x));
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    muir_coll_comm_destroy(&comm);
}

static void expect_refusal(muir_coll_comm *comm, const char *name, muir_dtype dtype, const char *message)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    const muir_coll_spec spec = {.count = 1, .dtype = dtype, .wire = MUIR_WIRE_BF16};
    CU_ASSERT_EQUAL(muir_coll_op_create(ctx, comm, muir_coll_find(MUIR_ALL_REDUCE, name), &spec, &op),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, message);
    muir_ctx_clear(ctx);
}

static void a_narrow_wire_is_for_fp32_and_rows_that_know_of_it(void)
{
    muir_coll_comm *comm = comm_open();
    expect_refusal(comm, "ring", MUIR_BF16, "all_reduce ring: no bf16 on the wire for bf16");
    expect_refusal(comm, "mpi", MUIR_FP32, "all_reduce mpi: no bf16 on the wire for fp32");
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a sum by all_to_all is made in fp32 and rounded to travel",
         a_sum_by_all_to_all_is_made_in_fp32_and_rounded_to_travel},
        {"whatever all ranks get has the same bits and those of the wire",
         whatever_all_ranks_get_has_the_same_bits_and_those_of_the_wire},
        {"every narrow sum is near the plain one", every_narrow_sum_is_near_the_plain_one},
        {"what moves on a narrow wire is rounded once", what_moves_on_a_narrow_wire_is_rounded_once},
        {"a narrow wire is for fp32 and rows that know of it",
         a_narrow_wire_is_for_fp32_and_rows_that_know_of_it},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "collectives on a narrow wire", tests);
}
