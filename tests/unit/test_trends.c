/* SPDX-License-Identifier: BSD-3-Clause */
/* Published ablations: what a change of layout costs or gains must have the published sign and about its
 * size. */
#include "check.h"
#include "programs.h"
#include "schedule/schedule.h"
#include "step_time/ideal.h"

/* Step time of chips of speed 1 with these keys over the defaults. */
static double step_s(const char *const *base, const char *const *change)
{
    const muir_scenario s = scenario_with(NULL, base, change);
    muir_program *program = program_of(&s);
    muir_slot_times *times = NULL;
    muir_order *order = NULL;
    muir_ideal *ideal = NULL;
    muir_ctx *ctx = muir_test_ctx();
    const muir_parallel *p = &s.job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s.job.microbatches};
    CU_ASSERT_EQUAL_FATAL(muir_slot_times_create(ctx, &s, program, &times), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &order), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_ideal_create(ctx, order, times, &ideal), MUIR_OK);
    const double result = ideal->step_s;
    muir_ideal_destroy(&ideal);
    muir_order_destroy(&order);
    muir_slot_times_destroy(&times);
    muir_program_destroy(&program);
    return result;
}

static void check_between(const char *what, double value, double low, double high)
{
    if (value < low || value > high) fprintf(stderr, "%s: %.3f, not %.2f to %.2f\n", what, value, low, high);
    CU_ASSERT(value >= low && value <= high);
}

/* SC21, section 5.3.2 and figure 12: 175B on 96 A100, interleaving gains 10 % and more at small batches,
 * and less the larger the batch. */
static void interleaving_gains_most_at_small_batches(void)
{
    const char *const *base =
        KEYS("fleet=dgx-a100-80gb", "stack=megatron-2021-a100", "model=gpt3-175b", "seq_len=2048",
             "precision=fp16", "parallel.tp=8", "parallel.pp=12", "parallel.dp=1", "parallel.recompute=full");
    const double small =
        step_s(base, KEYS("global_batch_size=12")) /
        step_s(base, KEYS("global_batch_size=12", "parallel.vpp=2", "parallel.schedule=interleaved"));
    const double large =
        step_s(base, KEYS("global_batch_size=60")) /
        step_s(base, KEYS("global_batch_size=60", "parallel.vpp=2", "parallel.schedule=interleaved"));
    check_between("gain of interleaving at batch 12", small, 1.08, 1.45);
    check_between("gain of interleaving at batch 60", large, 1.01, 1.15);
    CU_ASSERT(small > large);
}

/* Korthikanti et al. 2022, table 5: sequence parallelism with selective instead of full recompute is 29.0
 * %, 31.8 %, 29.7 % and 32.1 % faster for 22B, 175B, 530B and 1T. */
static void sequence_parallel_and_selective_recompute_gain_a_third(void)
{
    static const struct {
        const char *model, *tp, *pp, *vpp, *batch, *micro, *schedule;
    } rows[] = {{"model=gpt-22b", "parallel.tp=8", "parallel.pp=1", "parallel.vpp=1", "global_batch_size=4",
                 "micro_batch_size=4", "parallel.schedule=1f1b"},
                {"model=gpt3-175b", "parallel.tp=8", "parallel.pp=8", "parallel.vpp=3",
                 "global_batch_size=64", "micro_batch_size=1", "parallel.schedule=interleaved"},
                {"model=gpt-529.6b", "parallel.tp=8", "parallel.pp=35", "parallel.vpp=3",
                 "global_batch_size=280", "micro_batch_size=1", "parallel.schedule=interleaved"},
                {"model=gpt-1008b", "parallel.tp=8", "parallel.pp=64", "parallel.vpp=1",
                 "global_batch_size=512", "micro_batch_size=1", "parallel.schedule=1f1b"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const *base = KEYS("fleet=dgx-a100-80gb", "stack=megatron-2022-a100", "seq_len=2048",
                                       "precision=fp16", rows[i].model, rows[i].tp, rows[i].pp, rows[i].vpp,
                                       rows[i].batch, rows[i].micro, rows[i].schedule, "parallel.dp=1");
        const double gain =
            step_s(base, KEYS("parallel.recompute=full", "parallel.sequence_parallel=false")) /
            step_s(base, KEYS("parallel.recompute=selective", "parallel.sequence_parallel=true"));
        check_between(rows[i].model, gain, 1.20, 1.42);
    }
}

/* Korthikanti et al. 2022, table 4, a 22B layer: full recompute costs 39 %, selective 7 %. */
static void recompute_costs_a_forward(void)
{
    const char *const *base =
        KEYS("fleet=dgx-a100-80gb", "stack=megatron-2022-a100", "model=gpt-22b", "seq_len=2048",
             "precision=fp16", "parallel.tp=8", "parallel.dp=1", "global_batch_size=4", "micro_batch_size=4",
             "parallel.sequence_parallel=false");
    const double none = step_s(base, KEYS("parallel.recompute=none"));
    check_between("full recompute", step_s(base, KEYS("parallel.recompute=full")) / none, 1.25, 1.45);
    check_between("selective recompute", step_s(base, KEYS("parallel.recompute=selective")) / none, 1.02,
                  1.12);
}

/* SC21, figure 13 and introduction: a 162B model on 64 A100 does best with tp 8, a server; less of it pays
 * more pipeline, more of it leaves the server, and the worst combination has up to half the throughput. */
static void tensor_parallel_is_best_inside_a_server(void)
{
    const char *const *base =
        KEYS("fleet=dgx-a100-80gb", "stack=megatron-2021-a100", "model=gpt3-175b", "seq_len=2048",
             "precision=fp16", "model.layers=32", "model.hidden=20480", "model.heads=128", "model.ffn=81920",
             "parallel.dp=1", "global_batch_size=32", "parallel.recompute=full");
    const double time_s[] = {step_s(base, KEYS("parallel.tp=2", "parallel.pp=32")),
                             step_s(base, KEYS("parallel.tp=4", "parallel.pp=16")),
                             step_s(base, KEYS("parallel.tp=8", "parallel.pp=8")),
                             step_s(base, KEYS("parallel.tp=16", "parallel.pp=4")),
                             step_s(base, KEYS("parallel.tp=32", "parallel.pp=2"))};
    CU_ASSERT(time_s[2] < time_s[1] && time_s[1] < time_s[0]);
    CU_ASSERT(time_s[2] < time_s[3] && time_s[3] < time_s[4]);
    check_between("tp 2 over tp 8", time_s[0] / time_s[2], 1.25, 2.0);
    check_between("tp 32 over tp 8", time_s[4] / time_s[2], 1.25, 2.0);
}

/* MLPerf 3.1, GPT-3 at a batch of 2,048: 512 chips 11.05 s, 4,096 chips 1.608 s. */
static void strong_scaling_loses_a_little(void)
{
    const char *const *base = KEYS("fleet=dgx-h100", "stack=mlperf-h100", "model=gpt3-175b", "seq_len=2048",
                                   "precision=fp8", "parallel.tp=4", "parallel.pp=8", "parallel.vpp=12",
                                   "parallel.schedule=interleaved", "global_batch_size=2048");
    check_between("512 to 4,096 chips",
                  step_s(base, KEYS("parallel.dp=16")) / step_s(base, KEYS("parallel.dp=128")), 6.0, 7.6);
}

/* SimuMax on B200, 12 layers of Llama 3.1 70B, cp 8: 32,768 tokens 1.768 s, 131,072 tokens 11.30 s. */
static void long_sequences_cost_their_square(void)
{
    const char *const *base =
        KEYS("fleet=dgx-b200", "stack=megatron-core-b200", "model=llama3-70b", "model.layers=12",
             "parallel.cp=8", "parallel.dp=1", "global_batch_size=4", "parallel.recompute=none");
    check_between("32,768 to 131,072 tokens",
                  step_s(base, KEYS("seq_len=131072")) / step_s(base, KEYS("seq_len=32768")), 5.4, 7.4);
}

/* dgxc 25.02, Llama 3.1 70B on 256 H100: bf16 14.72 s, fp8 10.75 s. */
static void fp8_gains_a_third(void)
{
    const char *const *base =
        KEYS("fleet=dgx-h100", "stack=megatron-core-h100", "model=llama3-70b", "seq_len=8192",
             "parallel.tp=4", "parallel.pp=4", "parallel.vpp=5", "parallel.cp=2",
             "parallel.schedule=interleaved", "parallel.dp=8", "global_batch_size=512");
    check_between("bf16 over fp8", step_s(base, KEYS("precision=bf16")) / step_s(base, KEYS("precision=fp8")),
                  1.25, 1.55);
}

/* InternEvo on 1,024 A800: optimizer states shared out over all replicas 7.21 s, over groups of 8 4.52 s. */
static void small_zero_groups_spare_the_fabric(void)
{
    const char *const *base =
        KEYS("fleet=internevo-a800", "stack=internevo-a800", "model=internlm-7b", "seq_len=2048",
             "micro_batch_size=2", "global_batch_size=8192", "parallel.dp=1024");
    check_between("groups of 1,024 over groups of 8",
                  step_s(base, KEYS("parallel.zero_group=auto")) /
                      step_s(base, KEYS("parallel.zero_group=8")),
                  1.35, 1.85);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"interleaving gains most at small batches", interleaving_gains_most_at_small_batches},
        {"sequence parallel and selective recompute gain a third",
         sequence_parallel_and_selective_recompute_gain_a_third},
        {"recompute costs a forward", recompute_costs_a_forward},
        {"tensor parallel is best inside a server", tensor_parallel_is_best_inside_a_server},
        {"strong scaling loses a little", strong_scaling_loses_a_little},
        {"long sequences cost their square", long_sequences_cost_their_square},
        {"fp8 gains a third", fp8_gains_a_third},
        {"small ZeRO groups spare the fabric", small_zero_groups_spare_the_fabric},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "trends", tests);
}
