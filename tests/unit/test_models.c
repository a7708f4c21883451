/* SPDX-License-Identifier: BSD-3-Clause */
/* Step programs against published formulas and published sizes of models. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "fleet_clock/prices.h"
#include "models/program.h"
#include "scenario/fit.h"

static muir_scenario load(const char *name, const char *const *overrides, int n)
{
    muir_scenario scenario;
    const muir_status st = muir_scenario_load(muir_test_ctx(), name, overrides, n, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return scenario;
}

static muir_program *program_of(const muir_scenario *scenario)
{
    muir_program *program = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &scenario->job, &program), MUIR_OK);
    return program;
}

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
                    chip_flop += 2.0 * op->m * op->n * op->k * op->count * program->chunks[c].repeat[part];
                }
            }
    const muir_parallel *p = &scenario->job.parallel;
    return chip_flop * (double)(p->tp * p->cp * p->dp * scenario->job.microbatches);
}

/* Narayanan et al., SC21: 96 B s L h^2 (1 + s / (6 h) + V / (16 L h)) counts a full recompute; without it 72
 * and 12. */
static void gpt_flop_is_the_megatron_formula(void)
{
    static const char *const base[] = {"model=gpt3-175b", "seq_len=2048",  "parallel.tp=8",
                                       "parallel.pp=8",   "parallel.dp=2", "parallel.recompute=none"};
    static const char *const full[] = {"model=gpt3-175b", "seq_len=2048",  "parallel.tp=8",
                                       "parallel.pp=8",   "parallel.dp=2", "parallel.recompute=full"};
    const muir_scenario scenario = load("rainier", base, 6), again = load("rainier", full, 6);
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
        const char *const overrides[] = {known[i].model, "parallel.tp=8", "parallel.dp=4"};
        const muir_scenario scenario = load("rainier", overrides, 3);
        muir_program *program = program_of(&scenario);
        CU_ASSERT_DOUBLE_EQUAL(program->params / known[i].params, 1.0, 2e-3);
        muir_program_destroy(&program);
    }
}

/* arXiv 2105.03824, table 1: 83 and 238 million weights, of which positions and pooling are left out here.
 * The step is 6 FLOP a weight and token, and two transforms of every hidden vector and every sequence each
 * way. */
static void fnet_mixes_by_fourier_transforms(void)
{
    static const char *const base[] = {"model=fnet-base", "seq_len=512",
                                       "parallel.tp=1",   "parallel.pp=1",
                                       "parallel.dp=4",   "parallel.sequence_parallel=false"};
    static const char *const large[] = {"model=fnet-large", "seq_len=512",
                                        "parallel.tp=1",    "parallel.pp=1",
                                        "parallel.dp=4",    "parallel.sequence_parallel=false"};
    const muir_scenario scenario = load("tiny", base, 6), again = load("tiny", large, 6);
    muir_program *program = program_of(&scenario), *larger = program_of(&again);
    CU_ASSERT(program->params / 83e6 > 0.97 && program->params / 83e6 < 1.0);
    CU_ASSERT(larger->params / 238e6 > 0.98 && larger->params / 238e6 < 1.0);
    const double tokens = (double)scenario.job.batch.global_batch_size * 512.0;
    const double mixing = 2.0 * 12 * 5.0 * 768 * (log2(768.0) + log2(512.0));
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop / (tokens * (6.0 * program->params + mixing)), 1.0, 1e-12);
    double flop = 0.0, points = 0.0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        CU_ASSERT_FALSE(op->is_attention);
        if (op->kind != MUIR_OP_FFT) continue;
        CU_ASSERT(op->stride == 1.0 || fmod(op->count, op->stride) == 0.0);
        CU_ASSERT_EQUAL(muir_op_fft_bytes(op), 16.0 * op->n * op->count);
        points += op->n * op->count;
        flop += muir_op_flop(op);
    }
    const double micro = (double)scenario.job.batch.micro_batch_size * 512.0;
    CU_ASSERT_EQUAL(points, 4.0 * micro * 768.0);
    CU_ASSERT_DOUBLE_EQUAL(flop / (micro * mixing / 12.0), 1.0, 1e-12);
    muir_program_destroy(&program);
    muir_program_destroy(&larger);
}

/* In and out once at the memory's rate: no chip of today computes a transform more slowly. */
static void transforms_cost_the_fleet_their_memory_traffic(void)
{
    static const char *const base[] = {"model=fnet-base", "seq_len=512", "parallel.tp=1", "parallel.pp=1"};
    const muir_scenario scenario = load("tiny", base, 4);
    const muir_chip *chip = &scenario.fleet.chip;
    const muir_op op = {.kind = MUIR_OP_FFT, .n = 512.0, .count = 768.0, .stride = 768.0};
    const double bytes = 2.0 * 8.0 * 512.0 * 768.0;
    CU_ASSERT_DOUBLE_EQUAL(muir_op_time_s(&scenario, &op),
                           chip->launch_s + bytes / (chip->hbm_byte_per_s * chip->hbm_fraction), 1e-15);
}

static void fnet_is_not_shared_out_within_a_sequence(void)
{
    static const char *const split[] = {"model=fnet-base", "seq_len=512",   "parallel.tp=1",
                                        "parallel.pp=1",   "parallel.dp=2", "parallel.cp=2"};
    static const char *const heads[] = {"model=fnet-base", "seq_len=512", "parallel.tp=1", "parallel.pp=1",
                                        "model.heads=12"};
    muir_scenario scenario;
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "tiny", split, 6, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(
        muir_test_ctx()->message,
        "parallel: family fnet transforms whole sequences on one chip, which needs tp=1 cp=1 "
        "ep=1, but tp=1 cp=2 ep=1");
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "tiny", heads, 5, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(
        muir_test_ctx()->message,
        "model: family fnet has neither attention heads nor experts (heads=1, experts=0), but "
        "heads=12 experts=0 topk=0 shared_experts=0");
    muir_ctx_clear(muir_test_ctx());
}

/* What all stages hold on all chips of a replica is the model, padded where a chip holds a whole kv head. */
static void stages_hold_the_whole_model(void)
{
    static const char *const layouts[][2] = {{"parallel.pp=1", "parallel.tp=8"},
                                             {"parallel.pp=16", "parallel.tp=8"},
                                             {"parallel.pp=7", "parallel.tp=4"},
                                             {"parallel.pp=64", "parallel.tp=1"}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const char *const overrides[] = {"model=llama3-405b", layouts[i][0], layouts[i][1], "parallel.dp=2"};
        const muir_scenario scenario = load("rainier", overrides, 4);
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
    static const char *const overrides[] = {"model=llama3-405b", "parallel.tp=8", "parallel.dp=2"};
    const muir_scenario scenario = load("rainier", overrides, 3);
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
        if (program->ops[i].kind == MUIR_OP_COLL && program->ops[i].axis == axis &&
            program->ops[i].coll == coll)
            bytes += program->ops[i].bytes;
    return bytes;
}

/* Korthikanti et al. 2022, 4.2.2: two all_gathers and two reduce_scatters of s b h forward in a layer, in
 * place of two all_reduces; the same backward. */
static void tensor_parallel_traffic_is_four_messages_a_layer(void)
{
    static const char *const with[] = {"parallel.sequence_parallel=true"},
                             *const without[] = {"parallel.sequence_parallel=false"};
    const muir_scenario a = load("rainier", with, 1), b = load("rainier", without, 1);
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
                                            "parallel.dp=16"};
    const muir_scenario scenario = load("rainier", overrides, 4);
    muir_program *program = program_of(&scenario);
    const double h = 12288, expert = 3 * h * 6144;
    CU_ASSERT_DOUBLE_EQUAL(
        program->params / (96 * (256 * expert) + 96 * h * (2 * h + 2 * 1024) + 2 * h * 200064), 1.0, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL((program->params - program->active_params) / (96 * 248 * expert), 1.0, 1e-3);
    CU_ASSERT(axis_bytes(program, MUIR_AXIS_EP, MUIR_ALL_TO_ALL, MUIR_FORWARD) == 2.0 * 8192 * 8 * h * 2 / 8);
    muir_program_destroy(&program);
}

/* Weights 2 + gradients 4 + optimizer 12 bytes: 18 a parameter without sharing, 6 + 12 / dp with. */
static void memory_follows_the_zero_stage(void)
{
    static const char *const zero0[] = {"parallel.zero_stage=0"}, *const zero1[] = {"parallel.zero_stage=1"};
    const muir_scenario a = load("rainier", zero0, 1), b = load("rainier", zero1, 1);
    muir_program *pa = program_of(&a), *pb = program_of(&b);
    const int held[16] = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    CU_ASSERT_EQUAL_FATAL(pa->n_stages, 16);
    const muir_memory ma = muir_memory_of(&a.job, pa, held), mb = muir_memory_of(&b.job, pb, held);
    CU_ASSERT_DOUBLE_EQUAL(ma.optimizer / mb.optimizer, 488.0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(ma.optimizer / ma.weights, 6.0, 1e-9);
    CU_ASSERT_EQUAL(ma.activations, mb.activations);
    muir_program_destroy(&pa);
    muir_program_destroy(&pb);
}

/* Two chunks a stage, there and back: embedding and head meet on the first stage. Both ends: each weight is
 * on two stages. Activations follow the schedule's lists. */
static void schedules_place_chunks_and_fill_memory(void)
{
    static const char *const plain[] = {"parallel.dp=2", "model.layers=128"},
                             *const v[] = {"parallel.dp=2", "model.layers=128", "parallel.schedule=zb-v",
                                           "parallel.vpp=2"},
                             *const mirror[] = {"parallel.dp=2", "model.layers=128",
                                                "parallel.schedule=dualpipe"};
    const muir_scenario scenarios[] = {load("rainier", plain, 2), load("rainier", v, 4),
                                       load("rainier", mirror, 3)};
    double params[3] = {0.0, 0.0, 0.0};
    muir_memory memory[3];
    for (int i = 0; i < 3; i++) {
        muir_program *program = program_of(&scenarios[i]);
        for (int s = 0; s < program->n_stages; s++) params[i] += muir_stage_params(program, s, false);
        CU_ASSERT_EQUAL(muir_scenario_memory(muir_test_ctx(), &scenarios[i], program, &memory[i]), MUIR_OK);
        if (i == 1) {
            CU_ASSERT_EQUAL(muir_program_chunk(program, 0, 0), 0);
            CU_ASSERT_EQUAL(muir_program_chunk(program, 0, 1), program->n_chunks - 1);
        }
        muir_program_destroy(&program);
    }
    CU_ASSERT_DOUBLE_EQUAL(params[1] / params[0], 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(params[2] / params[0], 2.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(memory[1].activations / memory[0].activations, 1.0, 1e-12); /* 16 of 8, 32 of 4 */
    CU_ASSERT_DOUBLE_EQUAL(memory[2].activations / memory[0].activations, 17.0 / 16.0, 1e-12);
    CU_ASSERT(memory[2].weights > 1.9 * memory[0].weights);
}

static double load_of(const char *imbalance, const char *ep)
{
    const char *const overrides[] = {"model=moe-5t", "parallel.tp=8", "parallel.dp=256", ep, imbalance};
    const muir_scenario scenario = load("rainier", overrides, 5);
    muir_program *program = program_of(&scenario);
    double load = 0.0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        if (strcmp(op->name, "expert up") == 0) load = op->load;
        if (strcmp(op->name, "router") == 0) CU_ASSERT_EQUAL(op->load, 0.0); /* what all chips do alike */
        if (op->axis == MUIR_AXIS_EP && op->kind == MUIR_OP_COLL) CU_ASSERT(op->load >= 1.0);
    }
    muir_program_destroy(&program);
    return load;
}

/* One expert a chip: the published figure itself. All experts on each chip: nothing. Between, many experts
 * of a chip even each other out: 4 of 256 on each of 64 chips. The largest of 64 and of 256 draws by
 * integration. */
static void busy_experts_hold_up_their_chip(void)
{
    CU_ASSERT_EQUAL(load_of("model.expert_imbalance=0", "parallel.ep=256"), 1.0);
    CU_ASSERT_DOUBLE_EQUAL(load_of("model.expert_imbalance=0.5", "parallel.ep=256"), 1.5, 1e-9);
    CU_ASSERT_EQUAL(load_of("model.expert_imbalance=0.5", "parallel.ep=1"), 1.0);
    CU_ASSERT_DOUBLE_EQUAL(load_of("model.expert_imbalance=0.5", "parallel.ep=64"),
                           1.0 + 0.5 * (2.34373 / 2.82686) * 0.5, 1e-3);
}

/* Multiply-adds of the forward pass for one image, as torchvision's model pages state them. */
static void vision_transformers_compute_what_torchvision_counts(void)
{
    static const struct {
        const char *model;
        double multiply_adds;
    } known[] = {{"model=vit-b-16", 17.56e9}, {"model=vit-l-16", 61.55e9}, {"model=vit-h-14", 1016.72e9}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *const overrides[] = {known[i].model,  "seq_len=auto",        "parallel.pp=1",
                                         "parallel.dp=1", "global_batch_size=1", "micro_batch_size=1"};
        const muir_scenario s = load("tiny", overrides, 6);
        muir_program *program = program_of(&s);
        const double forward = muir_chunk_flop(program, 0, MUIR_FORWARD);
        CU_ASSERT_DOUBLE_EQUAL(0.5 * forward / known[i].multiply_adds, 1.0, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(program->model_flop / (3.0 * forward), 1.0,
                               3e-3); /* pixels need no gradient */
        for (int op = 0; op < program->n_ops; op++)
            if (program->ops[op].kind == MUIR_OP_GEMM) CU_ASSERT_EQUAL(program->ops[op].share, 1.0);
        muir_program_destroy(&program);
    }
}

/* MLPerf's sizes by hand: 214 rows of 26 tables a sample, layers 13-512-256-128, 3 x (3456 x 512) twice, and
 * 3456-1024-1024-512-256-1. */
static void dlrm_computes_and_exchanges_by_its_sizes(void)
{
    static const char *const overrides[] = {
        "model=dlrm-dcnv2", "seq_len=auto",          "parallel.pp=1",          "parallel.dp=4",
        "parallel.ep=4",    "micro_batch_size=8192", "global_batch_size=32768"};
    const muir_scenario s = load("tiny", overrides, 7);
    muir_program *program = program_of(&s);
    const double bottom = 13 * 512 + 512 * 256 + 256 * 128, cross = 3.0 * 2 * 3456 * 512;
    const double top = 3456.0 * 1024 + 1024 * 1024 + 1024 * 512 + 512 * 256 + 256;
    const double dense = bottom + cross + top, rows = 204184588.0;
    CU_ASSERT_DOUBLE_EQUAL(program->params, dense + 128.0 * rows, 1.0);
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop, 32768 * (6.0 * dense - 2.0 * 13 * 512), 1e3);
    CU_ASSERT_DOUBLE_EQUAL(job_flop(&s, program, "") / program->model_flop, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_stage_params(program, 0, false), dense, 1e-3);
    CU_ASSERT_EQUAL(muir_stage_params(program, 0, true), 0.0); /* tables are updated where they lie */
    CU_ASSERT_DOUBLE_EQUAL(program->table_bytes, rows / 4 * 129 * 4, 1.0);
    double exchanged = 0.0;
    for (int i = 0; i < program->n_ops; i++)
        if (program->ops[i].kind == MUIR_OP_COLL && program->ops[i].coll == MUIR_ALL_TO_ALL)
            exchanged += program->ops[i].bytes;
    CU_ASSERT_EQUAL(exchanged, 8192.0 * (214 * 8 + 2 * 26 * 128 * 2));
    muir_program_destroy(&program);
}

static void expect_refusal(const char *const *overrides, int n, const char *message)
{
    muir_scenario scenario;
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "tiny", overrides, n, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, message);
    muir_ctx_clear(muir_test_ctx());
}

static void families_refuse_what_they_cannot_do(void)
{
    static const char *const length[] = {"model=vit-l-16"}, *const owner[] = {"model.patch=16"},
                             *const tables[] = {"model=dlrm-dcnv2", "seq_len=1", "parallel.pp=1",
                                                "parallel.ep=1"},
                             *const widths[] = {"model=dlrm-dcnv2", "seq_len=1", "model.bottom_mlp=512-x"};
    expect_refusal(length, 1, "seq_len=512, but an image makes 196 tokens, or 197 with a class token");
    expect_refusal(owner, 1,
                   "model.patch is for family vision_transformer, but the family is dense_transformer");
    expect_refusal(tables, 4, "parallel.ep=1, but family dlrm shares its tables out over all dp=2 replicas");
    expect_refusal(
        widths, 3,
        "model: bottom_mlp='512-x' top_mlp='1024-1024-512-256-1' must be widths like 512-256-128, the "
        "last of the bottom hidden=128");
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
        {"memory follows the zero stage", memory_follows_the_zero_stage},
        {"fnet mixes by Fourier transforms", fnet_mixes_by_fourier_transforms},
        {"transforms cost the fleet their memory traffic", transforms_cost_the_fleet_their_memory_traffic},
        {"fnet is not shared out within a sequence", fnet_is_not_shared_out_within_a_sequence},
        {"busy experts hold up their chip", busy_experts_hold_up_their_chip},
        {"vision transformers compute what torchvision counts",
         vision_transformers_compute_what_torchvision_counts},
        {"DLRM computes and exchanges by its sizes", dlrm_computes_and_exchanges_by_its_sizes},
        {"families refuse what they cannot do", families_refuse_what_they_cannot_do},
        {"schedules place chunks and fill memory", schedules_place_chunks_and_fill_memory},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "models", tests);
}
