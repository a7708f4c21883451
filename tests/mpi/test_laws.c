/* SPDX-License-Identifier: BSD-3-Clause */
/* Lengths of sequences and loads of experts: against the published trace, against order statistics of normal
 * draws, and against themselves on one rank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fleet_clock/experts.h"
#include "fleet_clock/lengths.h"
#include "programs.h"

/* The trace's job: 128 GPUs, 32 replicas of 2 stages on 2 chips each, 8 microbatches, and a second stage
 * that has 1.5 times as much to do, by its head. Chips are alike, so that nothing else is waited for. */
static const char *const trace_job[] = {"model=llama-2-7b",
                                        "fleet=dgx-h100",
                                        "fleet.servers=16",
                                        "seq_len=8192",
                                        "model.vocab=420000",
                                        "parallel.cp=2",
                                        "parallel.pp=2",
                                        "parallel.dp=32",
                                        "micro_batch_size=1",
                                        "global_batch_size=256",
                                        "parallel.recompute=none",
                                        "faults=lengths",
                                        "fleet.variation.chip_sigma=0",
                                        "fleet.variation.drift_sigma=0",
                                        "fleet.variation.step_sigma=0",
                                        "fleet.variation.slow_share=0",
                                        NULL};
enum { REPLICAS = 32, MICROBATCHES = 8 };

static void lengths_have_mean_zero_and_deviation_one(void)
{
    enum { N = 100000 };
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < N; i++) {
        const double w = (double)muir_length_at(((float)i + 0.5f) / (float)N);
        sum += w;
        squares += w * w;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / N, 0.0, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(squares / N, 1.0, 1e-3);
    CU_ASSERT(1.0 + (double)muir_length_at(1e-7f) > 0.0); /* no microbatch takes less than nothing */
}

/* The same trace: the most that one of 32 replicas computes over their mean, summed over its
 * microbatches, is in the mean over steps 1.207 forward and 1.361 backward (1.19 and 1.36 where each
 * rank is counted alone). Lengths are drawn without the trace's weak correlation inside a replica, so 4
 * % less is right. */
static void replicas_differ_as_in_the_trace(void)
{
    enum { STEPS = 400 };
    const muir_scenario s = scenario_of("tiny", trace_job);
    const muir_slice all = {0, REPLICAS};
    muir_lengths *lengths = NULL;
    double forward = 0.0, backward = 0.0;
    CU_ASSERT_EQUAL_FATAL(muir_lengths_create(muir_test_ctx(), &s, all, &lengths), MUIR_OK);
    for (uint32_t step = 0; step < STEPS; step++) {
        double mean = 0.0, most = -1.0;
        const double truth = muir_lengths_step(lengths, step);
        for (int r = 0; r < REPLICAS; r++) {
            double w = 0.0;
            for (int m = 0; m < MICROBATCHES; m++) w += (double)lengths->w[m * 64 + r] / MICROBATCHES;
            most = fmax(most, w);
            mean += w / REPLICAS;
        }
        forward += (1.0 + 0.21 * most) / (1.0 + 0.21 * mean) / STEPS;
        backward += (1.0 + 0.37 * most) / (1.0 + 0.37 * mean) / STEPS;
        CU_ASSERT_DOUBLE_EQUAL(truth, 1.0 + (0.21 + 2.0 * 0.37) / 3.0 * most, 1e-6);
    }
    CU_ASSERT_DOUBLE_EQUAL(forward / 1.207, 1.0, 0.04);
    CU_ASSERT_DOUBLE_EQUAL(backward / 1.361, 1.0, 0.04);
    muir_lengths_destroy(&lengths);
}

/* The trace's compute in its own order, without messages: 1.35 of the step with even microbatches and
 * 1.56 of the one with even stages too (its authors' analysis: 1.54), with a coefficient of variation of
 * 7.3 %. */
static void a_job_waits_for_long_sequences_as_in_the_trace(void)
{
    enum { STEPS = 300 };
    const muir_scenario s = scenario_of("tiny", trace_job);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    const muir_slot_times *p = muir_fleet_clock_slot_times(clock);
    const double first_s = p->slot[MUIR_FORWARD][0].part_s[MUIR_SLOT_COMPUTE] +
                           p->slot[MUIR_SLOT_JOINED][0].part_s[MUIR_SLOT_COMPUTE],
                 second_s = p->slot[MUIR_FORWARD][1].part_s[MUIR_SLOT_COMPUTE] +
                            p->slot[MUIR_SLOT_JOINED][1].part_s[MUIR_SLOT_COMPUTE];
    CU_ASSERT_DOUBLE_EQUAL(second_s / first_s, 1.5, 0.02);
    double sum_s = 0.0, squares = 0.0;
    for (int step = 0; step < STEPS; step++) {
        muir_fleet_row row;
        muir_rank_row rank;
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, step, 0, &row, &rank, NULL), MUIR_OK);
        const double time_s =
            ideal->pipeline_s + row.part_s[MUIR_PART_variation] + row.part_s[MUIR_PART_straggler];
        sum_s += time_s;
        squares += time_s * time_s;
    }
    const double mean_s = sum_s / STEPS, even_s = (MICROBATCHES + 1) * 0.5 * (first_s + second_s);
    CU_ASSERT_DOUBLE_EQUAL(mean_s / ideal->pipeline_s / 1.35, 1.0, 0.04);
    CU_ASSERT_DOUBLE_EQUAL(mean_s / even_s / 1.54, 1.0, 0.04);
    CU_ASSERT_DOUBLE_EQUAL(sqrt(squares / STEPS - mean_s * mean_s) / mean_s, 0.072, 0.01);
    muir_fleet_clock_destroy(&clock);
}

/* Alone in its stage, a replica's delay is the sum of what its microbatches are longer. */
static void a_replica_of_one_stage_computes_the_sum_of_its_microbatches(void)
{
    const muir_scenario s = scenario_with("tiny", trace_job, KEYS("parallel.pp=1", "parallel.cp=4"));
    const muir_slice all = {0, REPLICAS};
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_slot_times *p = muir_fleet_clock_slot_times(clock);
    muir_lengths *lengths = NULL;
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL_FATAL(muir_lengths_create(muir_test_ctx(), &s, all, &lengths), MUIR_OK);
    muir_lengths_step(lengths, 5);
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 5, 0, &row, &rank, NULL), MUIR_OK);
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    double worst_s = -INFINITY, all_s = 0.0;
    int worst = 0;
    for (int r = 0; r < REPLICAS; r++) {
        double late_s = 0.0;
        for (int m = 0; m < MICROBATCHES; m++)
            late_s += (double)lengths->w[m * 64 + r] *
                      (0.21 * p->slot[MUIR_FORWARD][0].part_s[MUIR_SLOT_COMPUTE] +
                       0.37 * p->slot[MUIR_SLOT_JOINED][0].part_s[MUIR_SLOT_COMPUTE]);
        all_s += late_s;
        if (late_s > worst_s) worst_s = late_s, worst = r;
    }
    CU_ASSERT_DOUBLE_EQUAL((row.part_s[MUIR_PART_variation] + row.part_s[MUIR_PART_straggler]) / worst_s, 1.0,
                           1e-5);
    CU_ASSERT_DOUBLE_EQUAL(row.part_s[MUIR_PART_variation], row.replica_mean_s - ideal->step_s, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(row.part_s[MUIR_PART_variation] * REPLICAS / all_s, 1.0, 1e-5);
    CU_ASSERT_EQUAL(row.slowest_replica, worst);
    muir_lengths_destroy(&lengths);
    muir_fleet_clock_destroy(&clock);
}

/* Experts: 256 of them on 256 chips, 4 stages of 24 layers; or 64 chips with 4 each. */
#define EXPERT_JOB                                                                                           \
    "model=moe-5t", "parallel.tp=8", "parallel.pp=4", "parallel.dp=256", "faults.jitter.experts=true"
static const char *const one_a_chip[] = {EXPERT_JOB, "parallel.ep=256", "model.expert_imbalance=0.5", NULL};
static const char *const four_a_chip[] = {EXPERT_JOB, "parallel.ep=64", "model.expert_imbalance=0.5", NULL};
static const char *const balanced[] = {EXPERT_JOB, "parallel.ep=256", "model.expert_imbalance=0", NULL};

typedef struct moments {
    double mean, deviation, lag; /* lag: correlation of neighbours */
    double load, sampling;       /* of the law */
} moments;

static moments moments_of(const char *const *keys, const char *expert_steps, int steps)
{
    const muir_scenario s = scenario_with("rainier-1f1b", keys, KEYS(expert_steps));
    muir_program *program = program_of(&s);
    muir_slot_times *times = NULL;
    muir_experts *experts = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_slot_times_create(muir_test_ctx(), &s, program, &times), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_experts_create(muir_test_ctx(), &s, program, times, &experts), MUIR_OK);
    moments m = {.load = experts->load, .sampling = experts->sampling};
    double *x = malloc((size_t)steps * sizeof *x), product = 0.0;
    for (int i = 0; i < steps; i++) m.mean += (x[i] = muir_experts_step(experts, i)) / steps;
    for (int i = 0; i < steps; i++) m.deviation += (x[i] - m.mean) * (x[i] - m.mean) / steps;
    for (int i = 1; i < steps; i++) product += (x[i] - m.mean) * (x[i - 1] - m.mean) / (steps - 1);
    m.lag = product / m.deviation;
    m.deviation = sqrt(m.deviation);
    free(x);
    muir_experts_destroy(&experts);
    muir_slot_times_destroy(&times);
    muir_program_destroy(&program);
    return m;
}

/* The largest of 256 normal draws is 2.827 in the mean and scatters by 0.404, that of 64 is 2.344 and
 * 0.465 (order statistics, by integration); the mean over 96 layers scatters by a tenth of it. An
 * imbalance of 0.5 is the largest of 256. */
static void loads_of_experts_are_those_of_normal_draws(void)
{
    static const struct {
        const char *const *keys;
        double chips_mean, chips_deviation, experts_a_chip;
    } known[] = {{one_a_chip, 2.827, 0.404, 1.0}, {four_a_chip, 2.344, 0.465, 4.0}};
    for (int i = 0; i < 2; i++) {
        const moments m = moments_of(known[i].keys, "faults.jitter.expert_steps=1", 2000);
        const double scatter = 0.5 / 2.827 / sqrt(known[i].experts_a_chip);
        const double deviation = scatter * known[i].chips_deviation / sqrt(96.0);
        CU_ASSERT_DOUBLE_EQUAL(m.load, 1.0 + scatter * known[i].chips_mean, 2e-3);
        CU_ASSERT_DOUBLE_EQUAL(m.mean, m.load + m.sampling, 4e-3); /* Blom's quantile is 0.5 % low */
        CU_ASSERT_DOUBLE_EQUAL(m.deviation / deviation, 1.0, 0.06);
        CU_ASSERT_DOUBLE_EQUAL(m.lag, 0.0, 0.08); /* three standard errors */
    }
}

static void popular_experts_stay_popular_for_a_while(void)
{
    const moments fast = moments_of(one_a_chip, "faults.jitter.expert_steps=10", 3000),
                  slow = moments_of(one_a_chip, "faults.jitter.expert_steps=100", 3000);
    CU_ASSERT(fast.lag > 0.8 && fast.lag < slow.lag && slow.lag > 0.99);
    CU_ASSERT_DOUBLE_EQUAL(fast.mean, fast.load + fast.sampling, 4e-3);
    CU_ASSERT(slow.deviation > 0.5 * fast.deviation && slow.deviation < 2.0 * fast.deviation);
}

/* 8,192 tokens of each of 256 chips (tp shares them out) that visit 8 of 256 experts: n = 8,192 a chip
 * and microbatch. The busiest of 256 Poisson-like counts lies 2.827 standard deviations above the mean. */
static void balanced_experts_still_get_uneven_shares_of_few_tokens(void)
{
    const moments m = moments_of(balanced, "faults.jitter.expert_steps=1", 20);
    const muir_scenario s = scenario_of("rainier-1f1b", balanced);
    const double tokens =
        (double)(s.job.batch.micro_batch_size * s.job.batch.seq_len) * 8.0 * 256.0 / 256.0 / 8.0;
    CU_ASSERT_EQUAL(m.load, 1.0);
    CU_ASSERT_DOUBLE_EQUAL(m.mean / (1.0 + 2.827 * sqrt((1.0 - 8.0 / 256.0) / tokens)), 1.0, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(m.deviation, 0.0, 1e-12);
}

/* A step's compute and exchanges follow its load in a straight line through the step that
 * model.expert_imbalance makes. */
static void a_step_costs_what_its_load_costs(void)
{
    static const char *const alike[] = {EXPERT_JOB,
                                        "parallel.ep=256",
                                        "model.expert_imbalance=0.5",
                                        "faults.jitter.expert_steps=1",
                                        "fleet.variation.chip_sigma=0",
                                        "fleet.variation.drift_sigma=0",
                                        "fleet.variation.step_sigma=0",
                                        "fleet.variation.slow_share=0",
                                        NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", alike);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    double ep_s = 0.0, load = 0.0;
    for (int step = 0; step < 200; step++) {
        muir_fleet_row row;
        muir_rank_row rank;
        double sum = 0.0;
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, step, 0, &row, &rank, NULL), MUIR_OK);
        for (int i = 0; i < MUIR_PART_COUNT; i++) {
            sum += row.part_s[i];
            CU_ASSERT(row.part_s[i] >= 0.0);
        }
        CU_ASSERT_DOUBLE_EQUAL(sum / row.step_s, 1.0, 1e-12);
        CU_ASSERT(row.part_s[MUIR_PART_straggler] < 1e-6 * row.step_s); /* it is work, nobody is slow */
        CU_ASSERT(row.expert_load > 1.4 && row.expert_load < 1.6 && row.longest_replica == 1.0);
        ep_s += row.part_s[MUIR_PART_ep] / 200.0;
        load += row.expert_load / 200.0;
    }
    /* exchanges are nearly all bandwidth, and the busiest of four stages is a little above the mean */
    const double expected = load / 1.5;
    CU_ASSERT(ep_s / ideal->part_s[MUIR_PART_ep] > 1.0 + 0.8 * (expected - 1.0));
    CU_ASSERT(ep_s / ideal->part_s[MUIR_PART_ep] < expected + 0.03);
    muir_fleet_clock_destroy(&clock);
}

static double step_of(const char *change)
{
    const char *const keys[] = {EXPERT_JOB,       "parallel.ep=64", "model.expert_imbalance=0.5",
                                "faults=lengths", change,           NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", keys);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 7, 0, &row, &rank, NULL), MUIR_OK);
    muir_fleet_clock_destroy(&clock);
    return row.step_s;
}

static void every_key_of_the_laws_moves_the_step(void)
{
    static const char *const changes[] = {"faults.jitter.length_forward=0.3",
                                          "faults.jitter.length_backward=0.3", "faults.jitter.experts=false",
                                          "faults.jitter.expert_steps=3"};
    const double base_s = step_of("seed=1");
    for (int i = 0; i < 4; i++) CU_ASSERT(fabs(step_of(changes[i]) / base_s - 1.0) > 1e-5);
}

/* Expert groups of 96 replicas cross the blocks of 64 in which replicas are computed. */
static void any_number_of_ranks_draws_the_same(void)
{
    static const char *const groups[][2] = {{"parallel.ep=8", "parallel.dp=64"},
                                            {"parallel.ep=96", "parallel.dp=384"}};
    muir_ctx *alone = NULL, *all = muir_test_ctx();
    CU_ASSERT_EQUAL_FATAL(muir_ctx_create(MPI_COMM_SELF, &alone), MUIR_OK);
    for (int i = 0; i < 2; i++) {
        const char *const keys[] = {"model=moe-5t",
                                    "parallel.tp=8",
                                    "parallel.pp=4",
                                    "model.experts=192",
                                    "model.expert_imbalance=0.5",
                                    "faults=lengths",
                                    "faults.jitter.experts=true",
                                    groups[i][0],
                                    groups[i][1],
                                    NULL};
        const muir_scenario s = scenario_of("rainier-1f1b", keys);
        muir_fleet_clock *one = clock_of(alone, &s), *many = clock_of(all, &s);
        for (int64_t step = 0; step < 4; step++) {
            muir_fleet_row a, b;
            muir_rank_row rank;
            memset(&a, 0, sizeof a);
            memset(&b, 0, sizeof b);
            CU_ASSERT_EQUAL(muir_fleet_clock_step(alone, one, step * 77, 0, &a, &rank, NULL), MUIR_OK);
            CU_ASSERT_EQUAL(muir_fleet_clock_step(all, many, step * 77, 0, &b, &rank, NULL), MUIR_OK);
            CU_ASSERT(memcmp(&a, &b, sizeof a) == 0);
            CU_ASSERT(a.longest_replica > 1.0 && a.part_s[MUIR_PART_straggler] > 0.0);
        }
        muir_fleet_clock_destroy(&one);
        muir_fleet_clock_destroy(&many);
    }
    muir_ctx_destroy(&alone);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"lengths have mean zero and deviation one", lengths_have_mean_zero_and_deviation_one},
        {"replicas differ as in the trace", replicas_differ_as_in_the_trace},
        {"a job waits for long sequences as in the trace", a_job_waits_for_long_sequences_as_in_the_trace},
        {"a replica of one stage computes the sum of its microbatches",
         a_replica_of_one_stage_computes_the_sum_of_its_microbatches},
        {"loads of experts are those of normal draws", loads_of_experts_are_those_of_normal_draws},
        {"popular experts stay popular for a while", popular_experts_stay_popular_for_a_while},
        {"balanced experts still get uneven shares of few tokens",
         balanced_experts_still_get_uneven_shares_of_few_tokens},
        {"a step costs what its load costs", a_step_costs_what_its_load_costs},
        {"every key of the laws moves the step", every_key_of_the_laws_moves_the_step},
        {"any number of ranks draws the same", any_number_of_ranks_draws_the_same},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "laws", tests);
}
