/* SPDX-License-Identifier: BSD-3-Clause */
/* Every row of all_to_allv against MPI_Alltoallv, with counts like those of tokens for experts. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "collectives/coll.h"
#include "collectives/shared.h"

enum { MAX_RANKS = 64, GUARD = -77 };

/* One table of counts with its buffers, which ranks of a host reach from each other. */
typedef struct trial {
    muir_coll_comm *comm;
    size_t counts[MAX_RANKS * MAX_RANKS];
    size_t n_send, n_recv;
    float *send, *recv, *want;
} trial;

/* How the elements of the pairs are spread. */
typedef size_t count_rule(size_t p, size_t from, size_t to);

/* Some ranks get much, one gets nothing, one sends nothing. */
static size_t uneven(size_t p, size_t from, size_t to)
{
    return to == p / 2 || from == p - 1 ? 0 : 7000 * (to + 1) + 1000 * from + to % 2;
}

static size_t none(size_t p, size_t from, size_t to)
{
    return 0 * (p + from + to);
}

static size_t all_to_the_first(size_t p, size_t from, size_t to)
{
    return to == 0 ? 100 * p + from : 0;
}

static float value_of(int rank, size_t i, int round)
{
    return (float)((size_t)(rank * 7 + round * 5 + 1) * (i + 3) % 8191);
}

/* Truth: MPI's own collective on the same table. */
static void exchange_by_mpi(const trial *t)
{
    const muir_ctx *ctx = muir_test_ctx();
    const muir_coll_spec spec = {.counts = t->counts};
    int n[4][MAX_RANKS];
    for (int r = 0; r < ctx->size; r++) {
        size_t here, there, length;
        muir_coll_exchange(&spec, ctx->size, ctx->rank, r, &here, &there, &length);
        n[0][r] = (int)length, n[1][r] = (int)here;
        muir_coll_exchange(&spec, ctx->size, r, ctx->rank, &there, &here, &length);
        n[2][r] = (int)length, n[3][r] = (int)here;
    }
    MPI_Alltoallv(t->send, n[0], n[1], MPI_FLOAT, t->want, n[2], n[3], MPI_FLOAT, ctx->comm);
}

static void trial_open(trial *t, count_rule *rule)
{
    muir_ctx *ctx = muir_test_ctx();
    const size_t p = (size_t)ctx->size;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &t->comm), MUIR_OK);
    for (size_t i = 0; i < p * p; i++) t->counts[i] = rule(p, i / p, i % p);
    muir_coll_spec_lengths(MUIR_ALL_TO_ALLV, &(muir_coll_spec){.counts = t->counts}, ctx->size, ctx->rank,
                           &t->n_send, &t->n_recv);
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, t->comm, t->n_send * sizeof(float), &t->send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, t->comm, (t->n_recv + 1) * sizeof(float), &t->recv), MUIR_OK);
    t->want = calloc(t->n_recv + 1, sizeof(float));
}

static void trial_close(trial *t)
{
    muir_coll_free(t->comm, t->send);
    muir_coll_free(t->comm, t->recv);
    free(t->want);
    muir_coll_comm_destroy(&t->comm);
}

/* Round 1 sends from memory that the others do not reach, rounds differ in their data. */
static void check_row(trial *t, const muir_coll *coll, size_t segment)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    float *own = calloc(t->n_send + 1, sizeof(float));
    const muir_coll_spec spec = {.counts = t->counts, .segment = segment};
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, t->comm, coll, &spec, &op), MUIR_OK);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < t->n_send; i++) own[i] = t->send[i] = value_of(ctx->rank, i, round);
        for (size_t i = 0; i <= t->n_recv; i++) t->recv[i] = GUARD;
        exchange_by_mpi(t);
        CU_ASSERT_EQUAL(muir_coll_start(ctx, op, round == 1 ? own : t->send, t->recv), MUIR_OK);
        while (!muir_coll_is_done(op)) CU_ASSERT_EQUAL_FATAL(muir_coll_progress(ctx, op), MUIR_OK);
        CU_ASSERT(memcmp(t->recv, t->want, t->n_recv * sizeof(float)) == 0);
        CU_ASSERT_EQUAL(t->recv[t->n_recv], (float)GUARD);
        CU_ASSERT(t->n_send == 0 || memcmp(t->send, own, t->n_send * sizeof(float)) == 0);
    }
    muir_coll_op_destroy(&op);
    free(own);
}

static void check_rule(count_rule *rule)
{
    static trial t;
    trial_open(&t, rule);
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (size_t segment = 0; segment < 1000; segment += 999)
            if (muir_coll_at(i)->kind == MUIR_ALL_TO_ALLV) check_row(&t, muir_coll_at(i), segment);
    trial_close(&t);
}

static void every_pair_may_exchange_another_number_of_elements(void)
{
    check_rule(uneven);
}

static void nobody_need_have_anything_for_anybody(void)
{
    check_rule(none);
}

static void all_may_have_everything_for_the_first(void)
{
    check_rule(all_to_the_first);
}

static void what_mpi_cannot_count_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    size_t counts[MAX_RANKS * MAX_RANKS] = {0};
    muir_coll_comm *comm = NULL;
    muir_coll_op *op = NULL;
    const muir_coll *mpi = muir_coll_find(MUIR_ALL_TO_ALLV, "mpi");
    for (int r = 0; r < ctx->size; r++) counts[r * ctx->size] = (size_t)1 << 31;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_op_create(ctx, comm, mpi, &(muir_coll_spec){.counts = counts}, &op),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message,
                           "all_to_allv mpi: 2147483648 elements are more than MPI counts in an int");
    CU_ASSERT_PTR_NULL(op);
    muir_ctx_clear(ctx);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every pair may exchange another number of elements",
         every_pair_may_exchange_another_number_of_elements},
        {"nobody need have anything for anybody", nobody_need_have_anything_for_anybody},
        {"all may have everything for the first", all_may_have_everything_for_the_first},
        {"what MPI cannot count is refused", what_mpi_cannot_count_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "all_to_allv", tests);
}
