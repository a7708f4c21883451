/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock: payloads and their checks, the shrink, and executed steps of every layout that ranks can
 * form. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "collectives/coll.h"
#include "host_clock/algorithms.h"
#include "host_clock/host_clock.h"
#include "host_clock/pattern.h"

/* The real collectives on patterns give what the closed forms say, for every algorithm; one changed bit is
 * found. */
static void check_pattern(muir_coll_comm *comm, const muir_coll *coll, size_t count)
{
    muir_ctx *ctx = muir_test_ctx();
    const int p = comm->size, rank = comm->rank;
    size_t n_send = 0, n_recv = 0, offset = 0, n = 0;
    muir_coll_op *op = NULL;
    const muir_coll_spec spec = {.count = count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    muir_coll_lengths(coll->kind, count, p, rank, &n_send, &n_recv);
    float *send = calloc(n_send + 1, sizeof *send), *recv = calloc(n_recv + 1, sizeof *recv);
    if (coll->kind == MUIR_ALL_GATHER) muir_coll_block(count, p, rank, &offset, &n);
    muir_pattern_fill(send, n_send, offset, rank, 5);
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
    CU_ASSERT_EQUAL(muir_pattern_check(coll->kind, recv, count, p, rank, 5), 0);
    const bool has_result = n_recv > 0 && (coll->kind != MUIR_REDUCE || rank == 0);
    if (has_result) {
        uint32_t bits;
        memcpy(&bits, &recv[n_recv / 2], sizeof bits);
        bits ^= 1u << 20;
        memcpy(&recv[n_recv / 2], &bits, sizeof bits);
        CU_ASSERT_EQUAL(muir_pattern_check(coll->kind, recv, count, p, rank, 5), 1);
    }
    muir_coll_op_destroy(&op);
    free(send);
    free(recv);
}

static void closed_forms_hold_for_every_collective(void)
{
    static const size_t counts[] = {1, 7, 1000, 4099};
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(muir_test_ctx(), muir_test_ctx()->comm, &comm), MUIR_OK);
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            if (muir_coll_fits(muir_coll_at(i), comm->size) && !muir_coll_why_not(muir_coll_at(i), comm))
                check_pattern(comm, muir_coll_at(i), counts[c]);
    muir_coll_comm_destroy(&comm);
}

static void a_stale_result_is_wrong(void)
{
    float x[64];
    muir_pattern_fill(x, 64, 0, 3, 8);
    CU_ASSERT_EQUAL(muir_pattern_check_copy(x, 64, 0, 3, 8), 0);
    CU_ASSERT_EQUAL(muir_pattern_check_copy(x, 64, 0, 3, 9), 64);
    CU_ASSERT_EQUAL(muir_pattern_check_copy(x, 64, 0, 2, 8), 64);
}

static void shrinking_keeps_whole_vectors(void)
{
    CU_ASSERT_EQUAL(muir_shrink_size(1000.0, 1.0), 1000);
    CU_ASSERT_EQUAL(muir_shrink_size(1000.0, 3.0), 336);
    CU_ASSERT_EQUAL(muir_shrink_size(7.0, 3.0), 7);
    CU_ASSERT_EQUAL(muir_shrink_size(100.0, 1000.0), 16);
    CU_ASSERT_EQUAL(muir_shrink_elements(4096.0, 4.0), 64);
    CU_ASSERT_EQUAL(muir_shrink_elements(4.0, 8.0), 1);
    CU_ASSERT_EQUAL(muir_shrink_count(8.0, 3.0), 3);
    static const double factors[] = {1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0};
    for (int i = 0; i < 6; i++) CU_ASSERT_EQUAL(muir_shrink_next(factors[i]), factors[i + 1]);
}

/* FLOP of the products that a rank executes in a step, summed here anew. */
static double executed_flop(const muir_program *program, muir_shape shape, double factor)
{
    double flop = 0.0;
    for (int block = 0; block < program->n_blocks; block++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            for (int i = 0; i < program->blocks[block].phase[phase].n; i++) {
                const muir_op *op = &program->ops[program->blocks[block].phase[phase].first + i];
                if (op->kind != MUIR_OP_GEMM) continue;
                flop += 2.0 * (double)muir_shrink_count(op->gemm.count, factor) *
                        (double)(muir_shrink_size(op->gemm.m, factor) * muir_shrink_size(op->gemm.n, factor) *
                                 muir_shrink_size(op->gemm.k, factor));
            }
    return flop * shape.chunks * shape.microbatches;
}

/* Half of a budget is for products, and half of a dilated step's time is the budget. */
static void the_shrink_is_the_smallest_that_fits(void)
{
    static const char *const overrides[] = {"host.budget=0.01"};
    muir_ctx *ctx = muir_test_ctx();
    muir_scenario scenario;
    muir_program *program = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(ctx, "tiny", overrides, 1, &scenario), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(ctx, &scenario.job, &program), MUIR_OK);
    const muir_fold fold = muir_fold_make(&scenario, ctx->size, 0);
    const double peak = 50e9;
    const muir_shrink asap = muir_shrink_choose(&scenario, &fold, program, peak, 0.0);
    const muir_shrink dilated = muir_shrink_choose(&scenario, &fold, program, peak, 0.02);
    CU_ASSERT_EQUAL(asap.budget_s, 0.01);
    CU_ASSERT_EQUAL(dilated.budget_s, 0.01);
    CU_ASSERT_EQUAL(dilated.factor, asap.factor);
    CU_ASSERT(asap.factor > 1.0);
    CU_ASSERT(executed_flop(program, asap.shape, asap.factor) <= 0.5 * peak * 0.01);
    double before = 1.0;
    while (muir_shrink_next(before) < asap.factor) before = muir_shrink_next(before);
    CU_ASSERT(executed_flop(program, asap.shape, before) > 0.5 * peak * 0.01);
    muir_program_destroy(&program);
}

static bool has_transforms(const muir_program *program)
{
    for (int i = 0; i < program->n_ops; i++)
        if (program->ops[i].kind == MUIR_OP_FFT) return true;
    return false;
}

static void check_steps(const char *name, const char *const *overrides, int n)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_scenario scenario;
    muir_program *program = NULL;
    muir_host_clock *clock = NULL;
    const muir_status st = muir_scenario_load(ctx, name, overrides, n, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(ctx, &scenario.job, &program), MUIR_OK);
    const muir_fold fold = muir_fold_make(&scenario, ctx->size, ctx->rank);
    const muir_status made = muir_host_clock_create(ctx, &scenario, program, &fold, NULL, &clock);
    if (made != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(made, MUIR_OK);
    const bool is_member = fold.place[0] >= 0;
    for (int64_t step = 0; step < 3; step++) {
        muir_host_row row;
        CU_ASSERT_EQUAL(muir_host_clock_step(ctx, clock, step, &row), MUIR_OK);
        CU_ASSERT_EQUAL(row.tally.wrong, 0);
        CU_ASSERT_EQUAL(row.tally.checked > 0, is_member);
        CU_ASSERT_EQUAL(row.tally.gemm_flop > 0.0, is_member);
        CU_ASSERT_EQUAL(row.tally.p2p_bytes > 0.0, is_member && fold.mesh[MUIR_MESH_PP] > 1);
        CU_ASSERT(row.step_s >= row.tally.gemm_s + row.tally.fft_s);
        CU_ASSERT_EQUAL(row.tally.fft_flop > 0.0, is_member && has_transforms(program));
    }
    const int colls = is_member ? muir_host_ops_coll_count(muir_host_clock_ops(clock)) : 0;
    CU_ASSERT(fold.mesh_ranks == 1 || !is_member || colls > 0);
    muir_host_clock_destroy(&clock);
    muir_program_destroy(&program);
}

static void every_layout_executes_and_checks(void)
{
    static const char *const tiny[] = {"host.budget=0.001"};
    static const char *const one[] = {"host.budget=0.001", "host.ranks=1"};
    static const char *const interleaved[] = {"host.budget=0.002", "parallel.schedule=interleaved",
                                              "parallel.vpp=2"};
    static const char *const gpipe[] = {"host.budget=0.001", "parallel.schedule=gpipe",
                                        "parallel.recompute=full"};
    static const char *const tensor[] = {"host.budget=0.001", "parallel.tp=4", "parallel.pp=1",
                                         "parallel.dp=1"};
    static const char *const plain[] = {"host.budget=0.001",
                                        "parallel.tp=2",
                                        "parallel.pp=2",
                                        "parallel.dp=1",
                                        "parallel.sequence_parallel=false",
                                        "parallel.zero_stage=0"};
    static const char *const context[] = {"host.budget=0.001", "parallel.cp=2", "parallel.pp=1",
                                          "parallel.dp=2"};
    static const char *const mixture[] = {"host.budget=0.005", "model=moe-5t", "parallel.tp=8",
                                          "parallel.ep=8", "parallel.dp=16"};
    static const char *const library[] = {"host.budget=0.001", "host.all_reduce=mpi",
                                          "host.reduce_scatter=mpi", "host.all_gather=mpi",
                                          "host.all_to_all=mpi"};
    static const char *const spectral[] = {"host.budget=0.002", "model=fnet-base", "seq_len=512",
                                           "parallel.tp=1", "parallel.pp=2"};
    static const char *const convolutions[] = {"host.budget=0.005", "model=hyena-153m", "seq_len=1024",
                                               "parallel.tp=2", "parallel.dp=1"};
    static const char *const slabs[] = {"host.budget=0.005", "model=fno-3d",  "seq_len=auto", "parallel.pp=1",
                                        "parallel.dp=1",     "parallel.cp=4", "parallel.ep=4"};
    static const char *const narrow[] = {"host.budget=0.001", "precision=fp8"};
    static const char *const there_and_back[] = {"host.budget=0.002", "parallel.schedule=zb-v",
                                                 "parallel.vpp=2"};
    static const char *const both_ends[] = {"host.budget=0.001", "parallel.schedule=dualpipe",
                                            "parallel.pp=4", "parallel.tp=1", "parallel.dp=1"};
    static const char *const recommender[] = {"host.budget=0.005",   "model=dlrm-dcnv2",      "seq_len=1",
                                              "micro_batch_size=64", "global_batch_size=256", "parallel.pp=1",
                                              "parallel.dp=4",       "parallel.ep=4"};
    check_steps("tiny", recommender, 8);
    check_steps("tiny", there_and_back, 3);
    check_steps("tiny", both_ends, 5);
    check_steps("tiny", tiny, 1);
    check_steps("tiny", spectral, 5);
    check_steps("tiny", convolutions, 5);
    check_steps("tiny", slabs, 7);
    check_steps("tiny", narrow, 2);
    check_steps("tiny", one, 2);
    check_steps("tiny", interleaved, 3);
    check_steps("tiny", gpipe, 3);
    check_steps("tiny", tensor, 4);
    check_steps("tiny", plain, 6);
    check_steps("tiny", context, 4);
    check_steps("tiny", library, 5);
    check_steps("rainier-1f1b", mixture, 5);
}

static void unknown_algorithms_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    static const char *const overrides[] = {"host.all_gather=tree"};
    muir_scenario scenario;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(ctx, "tiny", overrides, 1, &scenario), MUIR_OK);
    CU_ASSERT_EQUAL(muir_host_algorithms_check(ctx, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_NSTRING_EQUAL(ctx->message, "host.all_gather 'tree' is unknown; known: auto, ring, ", 54);
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"closed forms hold for every collective", closed_forms_hold_for_every_collective},
        {"a stale result is wrong", a_stale_result_is_wrong},
        {"shrinking keeps whole vectors", shrinking_keeps_whole_vectors},
        {"the shrink is the smallest that fits", the_shrink_is_the_smallest_that_fits},
        {"every layout executes and checks", every_layout_executes_and_checks},
        {"unknown algorithms are refused", unknown_algorithms_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "host_clock", tests);
}
