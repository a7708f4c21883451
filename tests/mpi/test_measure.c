/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring collectives in turns, and choosing among them. */
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "check.h"
#include "collectives/measure.h"

static void the_median_is_the_middle_one(void)
{
    double odd[] = {5.0, 1.0, 3.0}, even[] = {4.0, 1.0, 3.0, 2.0};
    CU_ASSERT_EQUAL(muir_median(odd, 3), 3.0);
    CU_ASSERT_EQUAL(muir_median(even, 4), 2.5);
    CU_ASSERT_EQUAL(muir_percentile(odd, 3, 0.5), 3.0);
    CU_ASSERT_EQUAL(muir_percentile(odd, 3, 0.99), 5.0);
}

/* Whatever is measured, all ranks choose the same row, of the right kind. */
static void all_ranks_choose_the_same_algorithm(void)
{
    static const size_t counts[] = {0, 1, 1000, 100000};
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    float *send = calloc(100000, sizeof *send), *recv = calloc(100000 + 8, sizeof *recv);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (muir_coll_kind kind = MUIR_ALL_REDUCE; kind <= MUIR_BROADCAST; kind++) {
            const muir_coll_spec spec = {.count = counts[i], .dtype = MUIR_FP32, .reduce = MUIR_SUM};
            muir_coll_choice choice;
            CU_ASSERT_EQUAL_FATAL(
                muir_coll_choose(ctx, comm, kind, &spec, send, recv, i % 2 ? 1.0 : 0.0, &choice), MUIR_OK);
            CU_ASSERT_EQUAL(choice.coll->kind, kind);
            CU_ASSERT(choice.time_s > 0.0 && choice.mpi_s > 0.0);
            CU_ASSERT(choice.n_trials >= 1 && (i % 2 || choice.n_trials <= 2));
            char mine[64] = "", roots[64];
            strncpy(mine, choice.coll->name, sizeof mine - 1);
            memcpy(roots, mine, sizeof roots);
            MPI_Bcast(roots, sizeof roots, MPI_CHAR, 0, comm->comm);
            CU_ASSERT_STRING_EQUAL(mine, roots);
        }
    free(send);
    free(recv);
    muir_coll_comm_destroy(&comm);
}

/* The rows named in measure.h have run whatever time there was, and what has not is counted. */
static void slow_links_do_not_leave_mpi_alone(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    float *send = calloc(1000, sizeof *send), *recv = calloc(1000 + 8, sizeof *recv);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create_on(ctx, ctx->comm, ctx->rank / 2, &comm), MUIR_OK);
    const muir_coll_spec spec = {.count = 1000, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    muir_coll_choice none, enough;
    CU_ASSERT_EQUAL_FATAL(muir_coll_choose(ctx, comm, MUIR_ALL_REDUCE, &spec, send, recv, -1.0, &none),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_choose(ctx, comm, MUIR_ALL_REDUCE, &spec, send, recv, 60.0, &enough),
                          MUIR_OK);
    bool has_mpi = false, has_hierarchical = false;
    for (int i = 0; i < none.n_trials; i++) {
        has_mpi = has_mpi || strcmp(none.trials[i].coll->name, "mpi") == 0;
        has_hierarchical = has_hierarchical || strcmp(none.trials[i].coll->name, "hierarchical") == 0;
    }
    CU_ASSERT(has_mpi);
    CU_ASSERT_EQUAL(enough.n_untried, 0);
    if (ctx->size > 2) {
        CU_ASSERT_EQUAL(has_hierarchical, comm->why_not_hierarchical[0] == '\0');
        CU_ASSERT(none.n_trials >= 2 && none.n_untried > 0);
        for (int i = 0; i < none.n_trials; i++)
            if (strcmp(none.trials[i].coll->name, "mpi") == 0) CU_ASSERT(none.trials[i].is_in_full);
    }
    free(send);
    free(recv);
    muir_coll_comm_destroy(&comm);
}

/* 100 us a sample, 50 ms of turns. */
static void turns_fill_their_time(void)
{
    static const struct {
        double round_s;
        int n, samples, calls;
    } known[] = {{1e-6, 1, 15, 20},  /* 100 calls would fill a sample; 20 are the most */
                 {40e-6, 4, 15, 10}, /* 10 us a call */
                 {1e-3, 2, 15, 1},   {5e-3, 2, 10, 1},  {15e-3, 3, 7, 1},
                 {30e-3, 2, 3, 1},   {250e-3, 2, 1, 1}, {250e-3, 3, 3, 1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const muir_coll_turns t = muir_coll_turns_for(known[i].round_s, known[i].n);
        CU_ASSERT_EQUAL(t.samples, known[i].samples);
        CU_ASSERT_EQUAL(t.calls, known[i].calls);
    }
}

typedef struct calls {
    int changed, looked_at;
} calls;

static void count_change(int sample, int contender, void *data)
{
    (void)sample, (void)contender;
    ((calls *)data)->changed++;
}

static void count_look(int sample, int contender, void *data)
{
    (void)sample, (void)contender;
    ((calls *)data)->looked_at++;
}

static void contenders_run_in_turns_and_times_are_the_slowest_ranks(void)
{
    enum { SAMPLES = 4, COUNT = 100 };
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    muir_coll_op *ops[2] = {NULL, NULL};
    double time_s[2][SAMPLES], roots[2][SAMPLES];
    float send[COUNT] = {0.0f}, recv[COUNT];
    calls count = {0, 0};
    const muir_coll_spec spec = {.count = COUNT, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(
        muir_coll_op_create(ctx, comm, muir_coll_find(MUIR_ALL_REDUCE, "ring"), &spec, &ops[0]), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(
        muir_coll_op_create(ctx, comm, muir_coll_find(MUIR_ALL_REDUCE, "mpi"), &spec, &ops[1]), MUIR_OK);
    const muir_coll_sample contenders[2] = {{.op = ops[0], .time_s = time_s[0]},
                                            {.op = ops[1], .time_s = time_s[1]}};
    CU_ASSERT_EQUAL(
        muir_coll_measure(ctx, comm, contenders, 2, SAMPLES, 3, send, recv, count_change, count_look, &count),
        MUIR_OK);
    CU_ASSERT_EQUAL(count.changed, 2 * SAMPLES);
    CU_ASSERT_EQUAL(count.looked_at, 2 * SAMPLES);
    memcpy(roots, time_s, sizeof roots);
    MPI_Bcast(roots, sizeof roots, MPI_BYTE, 0, comm->comm);
    CU_ASSERT(memcmp(roots, time_s, sizeof roots) == 0);
    for (int s = 0; s < SAMPLES; s++) CU_ASSERT(time_s[0][s] > 0.0 && time_s[1][s] > 0.0);
    muir_coll_op_destroy(&ops[0]);
    muir_coll_op_destroy(&ops[1]);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"the median is the middle one", the_median_is_the_middle_one},
        {"all ranks choose the same algorithm", all_ranks_choose_the_same_algorithm},
        {"slow links do not leave mpi alone", slow_links_do_not_leave_mpi_alone},
        {"turns fill their time", turns_fill_their_time},
        {"contenders run in turns and times are the slowest rank's",
         contenders_run_in_turns_and_times_are_the_slowest_ranks},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "measure", tests);
}
