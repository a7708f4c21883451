/* SPDX-License-Identifier: BSD-3-Clause */
/* Step programs against published formulas and published sizes of models. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "programs.h"
#include "memory/fit.h"

/* Products of all chips in a step; `without` names an op to leave out. */
static double job_flop(const muir_scenario *scenario, const muir_program *program, const char *without)
{
    double chip_flop = 0.0;
    for (int c = 0; c < program->n_chunks; c++)
        for (int part = 0; part < program->chunks[c].n_parts; part++)
            for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
                const muir_op_range r = program->blocks[program->chunks[c].block[part]].phase[phase];
                for (int i = r.first; i < r.first + r.n; i++) {
                    const muir_op *op = &program->ops[i];
                    if (op->kind != MUIR_OP_GEMM || strcmp(op->name, without) == 0) continue;
                    chip_flop += 2.0 * op->gemm.m * op->gemm.n * op->gemm.k * op->gemm.count *
                                 program->chunks[c].repeat[part];
                }
            }
    const muir_parallel *p = &scenario->job.parallel;
    return chip_flop * (double)(p->tp * p->cp * p->dp * scenario->job.microbatches);
}

/* Narayanan et al., SC21: 96 B s L h^2 (1 + s / (6 h) + V / (16 L h)) counts a full recompute; without it 72
 * and 12. */
static void gpt_flop_is_the_megatron_formula(void)
{
    static const char *const base[] = {"model=gpt3-175b",
                                       "seq_len=2048",
                                       "parallel.tp=8",
                                       "parallel.pp=8",
                                       "parallel.dp=2",
                                       "parallel.recompute=none",
                                       NULL};
    static const char *const full[] = {"model=gpt3-175b",
                                       "seq_len=2048",
                                       "parallel.tp=8",
                                       "parallel.pp=8",
                                       "parallel.dp=2",
                                       "parallel.recompute=full",
                                       NULL};
    const muir_scenario scenario = scenario_of("rainier-1f1b", base),
                        again = scenario_of("rainier-1f1b", full);
    muir_program *program = program_of(&scenario), *recomputing = program_of(&again);
    const double B = (double)scenario.job.batch.global_batch_size, s = 2048, L = 96, h = 12288, V = 51200;
    const double model = 72 * B * s * L * h * h * (1 + s / (6 * h) + V / (12 * L * h));
    const double hardware = 96 * B * s * L * h * h * (1 + s / (6 * h) + V / (16 * L * h));
    CU_ASSERT_DOUBLE_EQUAL(job_flop(&scenario, program, "attention scores again") / model, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(job_flop(&again, recomputing, "attention scores again") / hardware, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop / model, 1.0, 1e-4); /* norms' weights count as 6 FLOP each */
    muir_program_destroy(&program);
    muir_program_destroy(&recomputing);
}

static void weights_are_those_of_the_published_models(void)
{
    static const struct {
        const char *model;
        double params;
    } known[] = {
        {"model=gpt3-175b", 174.6e9}, {"model=llama3-405b", 405.85e9}, {"model=llama3-70b", 70.55e9}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *const overrides[] = {known[i].model, "parallel.tp=8", "parallel.dp=4", NULL};
        const muir_scenario scenario = scenario_of("rainier-1f1b", overrides);
        muir_program *program = program_of(&scenario);
        CU_ASSERT_DOUBLE_EQUAL(program->params / known[i].params, 1.0, 2e-3);
        muir_program_destroy(&program);
    }
}

/* What all stages hold on all chips of a replica is the model, padded where a chip holds a whole kv head. */
static void stages_hold_the_whole_model(void)
{
    static const char *const layouts[][2] = {{"parallel.pp=1", "parallel.tp=8"},
                                             {"parallel.pp=16", "parallel.tp=8"},
                                             {"parallel.pp=7", "parallel.tp=4"},
                                             {"parallel.pp=64", "parallel.tp=1"}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const char *const overrides[] = {"model=llama3-405b", layouts[i][0], layouts[i][1], "parallel.dp=2",
                                         NULL};
        const muir_scenario scenario = scenario_of("rainier-1f1b", overrides);
        muir_program *program = program_of(&scenario);
        double params = 0.0;
        for (int s = 0; s < program->n_stages; s++) params += muir_stage_params(program, s, false);
        CU_ASSERT_DOUBLE_EQUAL(params * (double)scenario.job.parallel.tp / program->params, 1.0, 1e-4);
        muir_program_destroy(&program);
    }
}

/* arXiv 2407.21783, 3.3.2: 126 layers on 16 stages, one less on the first and the last, which hold embedding
 * and head. */
static void llama_405b_has_uneven_stages(void)
{
    static const char *const overrides[] = {"model=llama3-405b", "parallel.tp=8", "parallel.dp=2", NULL};
    const muir_scenario scenario = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&scenario);
    int layers = 0;
    for (int c = 0; c < program->n_chunks; c++) {
        const muir_chunk *chunk = &program->chunks[c];
        for (int part = 0; part < chunk->n_parts; part++)
            if (chunk->block[part] == 1) {
                const bool is_end = c == 0 || c == program->n_chunks - 1;
                CU_ASSERT_EQUAL(chunk->repeat[part], is_end ? 7 : 8);
                layers += chunk->repeat[part];
            }
    }
    CU_ASSERT_EQUAL(layers, 126);
    CU_ASSERT_EQUAL(program->chunks[0].block[0], 0);
    CU_ASSERT_EQUAL(program->chunks[15].block[1], 2);
    muir_program_destroy(&program);
}

static double axis_bytes(const muir_program *program, muir_axis axis, muir_coll_kind coll, muir_phase phase)
{
    double bytes = 0.0;
    const muir_op_range r = program->blocks[1].phase[phase];
    for (int i = r.first; i < r.first + r.n; i++)
        if (program->ops[i].kind == MUIR_OP_COLL && program->ops[i].coll.axis == axis &&
            program->ops[i].coll.kind == coll)
            bytes += program->ops[i].coll.bytes;
    return bytes;
}

/* Korthikanti et al. 2022, 4.2.2: two all_gathers and two reduce_scatters of s b h forward in a layer, in
 * place of two all_reduces; the same backward. */
static void tensor_parallel_traffic_is_four_messages_a_layer(void)
{
    static const char *const with[] = {"parallel.sequence_parallel=true", NULL},
                             *const without[] = {"parallel.sequence_parallel=false", NULL};
    const muir_scenario a = scenario_of("rainier-1f1b", with), b = scenario_of("rainier-1f1b", without);
    muir_program *sequence = program_of(&a), *plain = program_of(&b);
    const double sbh = 8192.0 * 1.0 * 32768.0 * 2.0;
    for (int phase = MUIR_FORWARD; phase <= MUIR_BACKWARD; phase++) {
        CU_ASSERT_EQUAL(axis_bytes(sequence, MUIR_AXIS_TP, MUIR_ALL_GATHER, (muir_phase)phase), 2.0 * sbh);
        CU_ASSERT_EQUAL(axis_bytes(sequence, MUIR_AXIS_TP, MUIR_REDUCE_SCATTER, (muir_phase)phase),
                        2.0 * sbh);
        CU_ASSERT_EQUAL(axis_bytes(sequence, MUIR_AXIS_TP, MUIR_ALL_REDUCE, (muir_phase)phase), 0.0);
        CU_ASSERT_EQUAL(axis_bytes(plain, MUIR_AXIS_TP, MUIR_ALL_REDUCE, (muir_phase)phase), 2.0 * sbh);
    }
    muir_program_destroy(&sequence);
    muir_program_destroy(&plain);
}

static void a_mixture_counts_active_experts_only(void)
{
    static const char *const overrides[] = {"model=moe-5t", "parallel.tp=8", "parallel.ep=8",
                                            "parallel.dp=16", NULL};
    const muir_scenario scenario = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&scenario);
    const double h = 12288, expert = 3 * h * 6144;
    CU_ASSERT_DOUBLE_EQUAL(
        program->params / (96 * (256 * expert) + 96 * h * (2 * h + 2 * 1024) + 2 * h * 200064), 1.0, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL((program->params - program->active_params) / (96 * 248 * expert), 1.0, 1e-3);
    CU_ASSERT(axis_bytes(program, MUIR_AXIS_EP, MUIR_ALL_TO_ALL, MUIR_FORWARD) == 2.0 * 8192 * 8 * h * 2 / 8);
    muir_program_destroy(&program);
}

/* Of a job of at most 64 chips a stage: grows the set of replica 0 by every replica that shares an expert
 * group with it. */
static int64_t replicas_joined(const muir_parallel *p, int64_t etp)
{
    const int64_t group = etp * p->ep, replica = p->tp * p->cp;
    bool is_joined[64] = {true};
    for (bool is_growing = true; is_growing;) {
        is_growing = false;
        for (int64_t a = 0; a < replica * p->dp; a++)
            for (int64_t b = 0; b < replica * p->dp; b++)
                if (a / group == b / group && is_joined[a / replica] && !is_joined[b / replica])
                    is_joined[b / replica] = is_growing = true;
    }
    int64_t n = 0;
    for (int64_t r = 0; r < p->dp; r++) n += is_joined[r];
    return n;
}

static void replicas_that_hold_the_experts_together_are_those_that_a_group_joins(void)
{
    static const int64_t layouts[][5] = {/* tp, cp, dp, ep, etp */
                                         {1, 1, 8, 1, 1},  {1, 1, 8, 4, 1}, {4, 1, 8, 4, 4}, {8, 1, 4, 8, 1},
                                         {2, 1, 8, 16, 1}, {2, 1, 8, 4, 2}, {2, 2, 8, 4, 2}, {4, 1, 6, 6, 1},
                                         {8, 1, 8, 4, 1},  {2, 3, 4, 4, 1}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        muir_scenario s = scenario_of("rainier-1f1b", NULL);
        muir_parallel *p = &s.job.parallel;
        p->tp = layouts[i][0], p->cp = layouts[i][1], p->dp = layouts[i][2], p->ep = layouts[i][3];
        p->etp = layouts[i][4];
        CU_ASSERT_EQUAL(muir_job_expert_replicas(&s.job), replicas_joined(p, p->etp));
    }
}

/* Stage 2 shares out gradients too, stage 3 weights too. */
static void higher_zero_stages_share_out_more(void)
{
    static const char *const zero2[] = {"parallel.zero_stage=2", NULL}, *const zero3[] = {
                                                                            "parallel.zero_stage=3", NULL};
    const muir_scenario a = scenario_of("rainier-1f1b", zero2), b = scenario_of("rainier-1f1b", zero3);
    muir_program *pa = program_of(&a), *pb = program_of(&b);
    muir_memory ma, mb;
    CU_ASSERT_EQUAL(muir_scenario_memory(muir_test_ctx(), &a, pa, &ma), MUIR_OK);
    CU_ASSERT_EQUAL(muir_scenario_memory(muir_test_ctx(), &b, pb, &mb), MUIR_OK);
    CU_ASSERT_DOUBLE_EQUAL(ma.part[MUIR_MEMORY_optimizer] / ma.part[MUIR_MEMORY_gradients], 3.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(ma.part[MUIR_MEMORY_weights] / mb.part[MUIR_MEMORY_weights], 488.0, 1e-6);
    CU_ASSERT_EQUAL(axis_bytes(pa, MUIR_AXIS_DP, MUIR_ALL_GATHER, MUIR_FORWARD), 0.0);
    CU_ASSERT_DOUBLE_EQUAL(axis_bytes(pb, MUIR_AXIS_DP, MUIR_ALL_GATHER, MUIR_FORWARD),
                           2.0 * pb->blocks[1].dense_params, 1.0);
    /* Under a pipeline, stage 2 adds its gradients up first: one sync, at the end of the step. */
    CU_ASSERT_EQUAL(axis_bytes(pa, MUIR_AXIS_DP, MUIR_REDUCE_SCATTER, MUIR_WEIGHT), 0.0);
    CU_ASSERT(axis_bytes(pb, MUIR_AXIS_DP, MUIR_REDUCE_SCATTER, MUIR_WEIGHT) > 0.0);
    CU_ASSERT(pa->sync_ops[0].n > 0 && pb->sync_ops[0].n == 0);
    muir_program_destroy(&pa);
    muir_program_destroy(&pb);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"GPT FLOP is the Megatron formula", gpt_flop_is_the_megatron_formula},
        {"weights are those of the published models", weights_are_those_of_the_published_models},
        {"stages hold the whole model", stages_hold_the_whole_model},
        {"Llama 405B has uneven stages", llama_405b_has_uneven_stages},
        {"tensor-parallel traffic is four messages a layer",
         tensor_parallel_traffic_is_four_messages_a_layer},
        {"a mixture counts active experts only", a_mixture_counts_active_experts_only},
        {"replicas that hold the experts together are those that a group joins",
         replicas_that_hold_the_experts_together_are_those_that_a_group_joins},
        {"higher ZeRO stages share out more", higher_zero_stages_share_out_more},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "models", tests);
}
