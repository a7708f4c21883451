/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm against MPI's own collective; small whole numbers, so every order of sums is exact. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "check.h"
#include "collectives/coll.h"

typedef enum mode { BLOCKING, IN_PLACE, IN_PARTS } mode;

enum { GUARD = -77 }; /* no collective of the small numbers below gives it */

/* One prepared collective with its buffers; recv is one element longer than it should be, to see who writes
 * too far. */
typedef struct trial {
    muir_coll_spec spec;
    muir_coll_kind kind;
    muir_coll_op *op;
    size_t n_send, n_recv;
    float *send, *recv, *want;
} trial;

static float value_of(int rank, size_t i, int round)
{
    return (float)((rank * 7 + (int)(i % 1000) * 3 + round * 5) % 11 - 5);
}

static MPI_Op mpi_op_of(muir_reduce reduce)
{
    return reduce == MUIR_SUM ? MPI_SUM : reduce == MUIR_MAX ? MPI_MAX : MPI_MIN;
}

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

static bool has_root(muir_coll_kind kind)
{
    return kind == MUIR_BROADCAST || kind == MUIR_REDUCE;
}

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
}

/* Rows that the ranks cannot run are tested elsewhere. */
static bool is_made_for(const muir_coll *coll, const muir_coll_comm *comm)
{
    return muir_coll_fits(coll, comm->size) && !muir_coll_why_not(coll, comm);
}

static void trial_open(trial *t, muir_coll_comm *comm, const muir_coll *coll, const muir_coll_spec *spec)
{
    muir_ctx *ctx = muir_test_ctx();
    *t = (trial){.spec = *spec, .kind = coll->kind};
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, spec, &t->op), MUIR_OK);
    muir_coll_lengths(coll->kind, spec->count, ctx->size, ctx->rank, &t->n_send, &t->n_recv);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, t->n_send, sizeof(float), "send", &t->send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, t->n_recv + 1, sizeof(float), "recv", &t->recv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, t->n_recv + spec->count, sizeof(float), "want", &t->want), MUIR_OK);
}

static void trial_close(trial *t)
{
    muir_coll_op_destroy(&t->op);
    free(t->send);
    free(t->recv);
    free(t->want);
}

static void gather_blocks(const float *mine, size_t count, float *all)
{
    const muir_ctx *ctx = muir_test_ctx();
    int counts[64], offsets[64];
    for (int r = 0; r < ctx->size; r++) {
        size_t offset, n;
        muir_coll_block(count, ctx->size, r, &offset, &n);
        counts[r] = (int)n;
        offsets[r] = (int)offset;
    }
    MPI_Allgatherv(mine, counts[ctx->rank], MPI_FLOAT, all, counts, offsets, MPI_FLOAT, ctx->comm);
}

static void reduce_on_root(trial *t)
{
    const muir_ctx *ctx = muir_test_ctx();
    MPI_Reduce(t->send, t->want, (int)t->spec.count, MPI_FLOAT, mpi_op_of(t->spec.reduce), t->spec.root,
               ctx->comm);
    for (size_t i = 0; i < t->n_recv && ctx->rank != t->spec.root; i++) t->want[i] = GUARD; /* untouched */
}

/* What MPI makes of t->send. The root's rule and the blocks are those of coll.h. */
static void find_truth(trial *t, int round)
{
    const muir_ctx *ctx = muir_test_ctx();
    const int count = (int)t->spec.count;
    size_t offset, n;
    muir_coll_block(t->spec.count, ctx->size, ctx->rank, &offset, &n);
    switch (t->kind) {
    case MUIR_BARRIER: break;
    case MUIR_ALL_REDUCE:
    case MUIR_REDUCE_SCATTER:
        MPI_Allreduce(t->send, t->want, count, MPI_FLOAT, mpi_op_of(t->spec.reduce), ctx->comm);
        if (t->kind == MUIR_REDUCE_SCATTER) memmove(t->want, t->want + offset, n * sizeof(float));
        break;
    case MUIR_REDUCE: reduce_on_root(t); break;
    case MUIR_ALL_GATHER: gather_blocks(t->send, t->spec.count, t->want); break;
    case MUIR_ALL_TO_ALLV:
    case MUIR_ALL_TO_ALL: /* rank j's block `rank`: known without a message, as value_of is */
        for (size_t i = 0; i < t->n_recv; i++) t->want[i] = value_of((int)(i / n), offset + i % n, round);
        break;
    default:
        if (ctx->rank == t->spec.root && count > 0) memcpy(t->want, t->send, t->n_send * sizeof(float));
        MPI_Bcast(t->want, count, MPI_FLOAT, t->spec.root, ctx->comm);
    }
}

static void run_trial(trial *t, mode how)
{
    muir_ctx *ctx = muir_test_ctx();
    const float *send = how == IN_PLACE ? t->recv : t->send;
    if (how == IN_PLACE && t->n_send > 0) memcpy(t->recv, t->send, t->n_send * sizeof(float));
    if (how != IN_PARTS) {
        CU_ASSERT_EQUAL(muir_coll_run(ctx, t->op, send, t->recv), MUIR_OK);
        return;
    }
    CU_ASSERT_EQUAL(muir_coll_start(ctx, t->op, send, t->recv), MUIR_OK);
    while (!muir_coll_is_done(t->op)) CU_ASSERT_EQUAL_FATAL(muir_coll_progress(ctx, t->op), MUIR_OK);
}

static void check_mode(trial *t, mode how, int round)
{
    const int rank = muir_test_ctx()->rank;
    int changed = 0;
    for (size_t i = 0; i <= t->n_recv; i++) t->recv[i] = GUARD;
    run_trial(t, how);
    CU_ASSERT(t->n_recv == 0 || memcmp(t->recv, t->want, t->n_recv * sizeof(float)) == 0);
    CU_ASSERT_EQUAL(t->recv[t->n_recv], (float)GUARD);
    for (size_t i = 0; i < t->n_send; i++) changed += t->send[i] != value_of(rank, i, round);
    CU_ASSERT_EQUAL(changed, 0);
}

/* Several times with the same prepared collective, and with changed data. */
static void check_spec(muir_coll_comm *comm, const muir_coll *coll, const muir_coll_spec *spec)
{
    const bool may_be_in_place = coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_BROADCAST;
    trial t;
    if (!is_made_for(coll, comm)) return; /* refused, see below */
    trial_open(&t, comm, coll, spec);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < t.n_send; i++) t.send[i] = value_of(comm->rank, i, round);
        find_truth(&t, round);
        check_mode(&t, BLOCKING, round);
        check_mode(&t, IN_PARTS, round);
        if (may_be_in_place) check_mode(&t, IN_PLACE, round);
    }
    trial_close(&t);
}

static void every_algorithm_equals_mpis_collective_for_every_count(void)
{
    muir_coll_comm *comm = comm_open();
    const int p = comm->size;
    const size_t counts[] = {0, 1, 3, (size_t)(p - 1), 1000, 4099};
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            check_spec(comm, muir_coll_at(i), &(muir_coll_spec){.count = counts[c], .root = p - 1});
    muir_coll_comm_destroy(&comm);
}

static void every_reduction_equals_mpis_for_every_operation(void)
{
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (!is_reducing(coll->kind)) continue;
        for (int reduce = 0; reduce < MUIR_REDUCE_COUNT; reduce++)
            check_spec(comm, coll, &(muir_coll_spec){.count = 101, .reduce = (muir_reduce)reduce});
    }
    muir_coll_comm_destroy(&comm);
}

static void whatever_has_a_root_equals_mpis_for_every_root(void)
{
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int root = 0; root < comm->size && has_root(muir_coll_at(i)->kind); root++)
            check_spec(comm, muir_coll_at(i), &(muir_coll_spec){.count = 101, .root = root});
    muir_coll_comm_destroy(&comm);
}

static void long_messages_go_in_pieces(void)
{
    static const size_t segments[] = {1, 16};
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (size_t s = 0; s < 2; s++)
            check_spec(comm, muir_coll_at(i), &(muir_coll_spec){.count = 53, .segment = segments[s]});
    muir_coll_comm_destroy(&comm);
}

static void an_all_gather_works_on_its_own_block_in_place(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != MUIR_ALL_GATHER || !is_made_for(coll, comm)) continue;
        trial t;
        size_t offset, n;
        trial_open(&t, comm, coll, &(muir_coll_spec){.count = 103});
        muir_coll_block(103, ctx->size, ctx->rank, &offset, &n);
        for (size_t j = 0; j < n; j++) t.send[j] = t.recv[offset + j] = value_of(ctx->rank, j, 0);
        find_truth(&t, 0);
        CU_ASSERT_EQUAL(muir_coll_run(ctx, t.op, t.recv + offset, t.recv), MUIR_OK);
        CU_ASSERT(memcmp(t.recv, t.want, t.n_recv * sizeof(float)) == 0);
        trial_close(&t);
    }
    muir_coll_comm_destroy(&comm);
}

static void every_rank_gets_the_same_bits_of_an_all_reduce(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    for (size_t i = 0; i < muir_coll_count(); i++) {
        if (muir_coll_at(i)->kind != MUIR_ALL_REDUCE || !is_made_for(muir_coll_at(i), comm)) continue;
        trial t;
        trial_open(&t, comm, muir_coll_at(i), &(muir_coll_spec){.count = 1003});
        for (size_t j = 0; j < t.n_send; j++) t.send[j] = 1.0f / (float)(1 + ctx->rank * 1003 + (int)j);
        CU_ASSERT_EQUAL(muir_coll_run(ctx, t.op, t.send, t.recv), MUIR_OK);
        memcpy(t.want, t.recv, t.n_recv * sizeof(float));
        MPI_Bcast(t.want, (int)t.n_recv, MPI_FLOAT, 0, ctx->comm);
        CU_ASSERT(memcmp(t.recv, t.want, t.n_recv * sizeof(float)) == 0);
        trial_close(&t);
    }
    muir_coll_comm_destroy(&comm);
}

/* Two of one communicator, started and finished in opposite orders by even and odd ranks. */
static void run_two(muir_coll_op *const ops[2])
{
    enum { N = 997 };
    static float send[2][N], recv[2][N];
    muir_ctx *ctx = muir_test_ctx();
    const int first = ctx->rank % 2, second = 1 - first;
    int wrong = 0;
    for (int i = 0; i < N; i++) send[0][i] = 1.0f, send[1][i] = 2.0f;
    CU_ASSERT_EQUAL(muir_coll_start(ctx, ops[first], send[first], recv[first]), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_start(ctx, ops[second], send[second], recv[second]), MUIR_OK);
    while (!muir_coll_is_done(ops[0]) || !muir_coll_is_done(ops[1])) {
        CU_ASSERT_EQUAL_FATAL(muir_coll_progress(ctx, ops[second]), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_coll_progress(ctx, ops[first]), MUIR_OK);
    }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < N; i++) wrong += recv[k][i] != (float)((k + 1) * ctx->size);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void collectives_on_their_way_together_do_not_mix(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    const muir_coll_spec spec = {.count = 997};
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        muir_coll_op *ops[2] = {NULL, NULL};
        if (coll->kind != MUIR_ALL_REDUCE || coll->run || !is_made_for(coll, comm)) continue;
        for (int k = 0; k < 2; k++)
            CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &ops[k]), MUIR_OK);
        run_two(ops);
        for (int k = 0; k < 2; k++) muir_coll_op_destroy(&ops[k]);
    }
    muir_coll_comm_destroy(&comm);
}

static void a_collective_on_its_way_is_not_started_again(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    trial t;
    trial_open(&t, comm, muir_coll_find(MUIR_BROADCAST, "binomial"), &(muir_coll_spec){.count = 5});
    if (ctx->rank > 0) { /* cannot be done: the root has not started */
        CU_ASSERT_EQUAL(muir_coll_start(ctx, t.op, t.send, t.recv), MUIR_OK);
        CU_ASSERT_FALSE(muir_coll_is_done(t.op));
        CU_ASSERT_EQUAL(muir_coll_start(ctx, t.op, t.send, t.recv), MUIR_ERR_ARG);
        CU_ASSERT_STRING_EQUAL(ctx->message, "broadcast binomial was started again before it was done");
        muir_ctx_clear(ctx);
    }
    MPI_Barrier(ctx->comm);
    if (ctx->rank == 0) CU_ASSERT_EQUAL(muir_coll_start(ctx, t.op, t.send, t.recv), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_wait(ctx, t.op), MUIR_OK);
    CU_ASSERT_TRUE(muir_coll_is_done(t.op));
    trial_close(&t);
    muir_coll_comm_destroy(&comm);
}

static void expect_refusal(muir_coll_comm *comm, const muir_coll *coll, const muir_coll_spec *spec,
                           const char *message)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL(muir_coll_op_create(ctx, comm, coll, spec, &op), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, message);
    CU_ASSERT_PTR_NULL(op);
    muir_ctx_clear(ctx);
}

static void what_cannot_be_done_is_refused(void)
{
    muir_coll_comm *comm = comm_open();
    const muir_coll *ring = muir_coll_find(MUIR_ALL_REDUCE, "ring");
    char message[80];
    expect_refusal(comm, NULL, &(muir_coll_spec){.count = 1}, "no algorithm given for a collective");
    expect_refusal(comm, ring, &(muir_coll_spec){.dtype = MUIR_FP8}, "all_reduce ring: no sum of fp8");
    expect_refusal(comm, muir_coll_find(MUIR_REDUCE_SCATTER, "mpi"),
                   &(muir_coll_spec){.count = 5, .dtype = MUIR_FP8, .reduce = MUIR_MAX},
                   "reduce_scatter mpi: no max of fp8");
    expect_refusal(comm, ring, &(muir_coll_spec){.dtype = MUIR_DTYPE_COUNT},
                   "all_reduce ring: unknown data type 7");
    expect_refusal(comm, muir_coll_find(MUIR_ALL_TO_ALL, "mpi"), &(muir_coll_spec){.count = (size_t)1 << 31},
                   "all_to_all mpi: 2147483648 elements are more than MPI counts in an int");
    if ((comm->size & (comm->size - 1)) != 0) {
        snprintf(message, sizeof message, "all_reduce swing does not work on %d ranks", comm->size);
        expect_refusal(comm, muir_coll_find(MUIR_ALL_REDUCE, "swing"), &(muir_coll_spec){.count = 1},
                       message);
    }
    snprintf(message, sizeof message, "broadcast binomial: root 99 is not one of the %d ranks", comm->size);
    expect_refusal(comm, muir_coll_find(MUIR_BROADCAST, "binomial"), &(muir_coll_spec){.root = 99}, message);
    muir_coll_comm_destroy(&comm);
}

static void an_unknown_algorithm_is_not_found(void)
{
    CU_ASSERT_PTR_NULL(muir_coll_find(MUIR_ALL_REDUCE, "square"));
    CU_ASSERT_PTR_NULL(muir_coll_find(MUIR_BROADCAST, "ring"));
    for (size_t i = 0; i < muir_coll_count(); i++)
        CU_ASSERT_PTR_EQUAL(muir_coll_find(muir_coll_at(i)->kind, muir_coll_at(i)->name), muir_coll_at(i));
}

/* Ranks of one machine share its clock. */
static void a_barrier_lets_nobody_through_before_all_have_come(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll_spec spec = {.count = 0, .dtype = MUIR_FP32};
        muir_coll_op *op = NULL;
        if (muir_coll_at(i)->kind != MUIR_BARRIER) continue;
        CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, muir_coll_at(i), &spec, &op), MUIR_OK);
        for (int late = 0; late < ctx->size; late++) {
            if (ctx->rank == late) usleep(5000);
            double came_s = muir_now_s(), last_s = 0.0;
            CU_ASSERT_EQUAL(muir_coll_run(ctx, op, NULL, NULL), MUIR_OK);
            const double left_s = muir_now_s();
            MPI_Allreduce(&came_s, &last_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm);
            CU_ASSERT(left_s >= last_s);
        }
        muir_coll_op_destroy(&op);
    }
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every algorithm equals MPI's collective for every count",
         every_algorithm_equals_mpis_collective_for_every_count},
        {"every reduction equals MPI's for every operation", every_reduction_equals_mpis_for_every_operation},
        {"whatever has a root equals MPI's for every root", whatever_has_a_root_equals_mpis_for_every_root},
        {"long messages go in pieces", long_messages_go_in_pieces},
        {"an all_gather works on its own block in place", an_all_gather_works_on_its_own_block_in_place},
        {"every rank gets the same bits of an all_reduce", every_rank_gets_the_same_bits_of_an_all_reduce},
        {"collectives on their way together do not mix", collectives_on_their_way_together_do_not_mix},
        {"a collective on its way is not started again", a_collective_on_its_way_is_not_started_again},
        {"an unknown algorithm is not found", an_unknown_algorithm_is_not_found},
        {"what cannot be done is refused", what_cannot_be_done_is_refused},
        {"a barrier lets nobody through before all have come",
         a_barrier_lets_nobody_through_before_all_have_come},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "collectives", tests);
}
