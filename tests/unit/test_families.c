/* SPDX-License-Identifier: BSD-3-Clause */
/* Families beside the dense transformer, and schedules that place chunks their own way. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "programs.h"
#include "memory/fit.h"

/* arXiv 2105.03824, table 1: 83 and 238 million weights, of which positions and pooling are left out here.
 * The step is 6 FLOP a weight and token, and two transforms of every hidden vector and every sequence each
 * way. */
static void fnet_mixes_by_fourier_transforms(void)
{
    static const char *const base[] = {"model=fnet-base",
                                       "seq_len=512",
                                       "parallel.tp=1",
                                       "parallel.pp=1",
                                       "parallel.dp=4",
                                       "parallel.sequence_parallel=false",
                                       NULL};
    static const char *const large[] = {"model=fnet-large",
                                        "seq_len=512",
                                        "parallel.tp=1",
                                        "parallel.pp=1",
                                        "parallel.dp=4",
                                        "parallel.sequence_parallel=false",
                                        NULL};
    const muir_scenario scenario = scenario_of("tiny", base), again = scenario_of("tiny", large);
    muir_program *program = program_of(&scenario), *larger = program_of(&again);
    CU_ASSERT(program->params / 83e6 > 0.97 && program->params / 83e6 < 1.0);
    CU_ASSERT(larger->params / 238e6 > 0.98 && larger->params / 238e6 < 1.0);
    const double tokens = (double)scenario.job.batch.global_batch_size * 512.0;
    const double mixing = 2.0 * 12 * 5.0 * 768 * (log2(768.0) + log2(512.0));
    const double in_products = program->params - 12 * 2 * 768; /* norms are none */
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop / (tokens * (6.0 * in_products + mixing)), 1.0, 1e-12);
    double flop = 0.0, points = 0.0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        CU_ASSERT_FALSE(op->kind == MUIR_OP_GEMM && op->gemm.is_attention);
        if (op->kind != MUIR_OP_FFT) continue;
        CU_ASSERT(op->fft.stride == 1.0 || fmod(op->fft.count, op->fft.stride) == 0.0);
        CU_ASSERT_EQUAL(muir_op_fft_bytes(op), 16.0 * op->fft.n * op->fft.count);
        points += op->fft.n * op->fft.count;
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
    static const char *const base[] = {"model=fnet-base", "seq_len=512",    "parallel.tp=1",
                                       "parallel.pp=1",   "stack=standard", NULL};
    const muir_scenario scenario = scenario_of("tiny", base);
    const muir_chip *chip = &scenario.fleet.chip;
    const muir_op op = {.kind = MUIR_OP_FFT, .fft = {.n = 512.0, .count = 768.0, .stride = 768.0}};
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
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message,
                           "model.heads=12, but family fnet has no attention heads; it must be 1");
    muir_ctx_clear(muir_test_ctx());
}

/* Two chunks a stage, there and back: embedding and head meet on the first stage. Both ends: each weight is
 * on two stages. Activations follow the schedule's lists. */
static void schedules_place_chunks_and_fill_memory(void)
{
    static const char *const plain[] = {"parallel.dp=2", "model.layers=128", NULL},
                             *const v[] = {"parallel.dp=2", "model.layers=128", "parallel.schedule=zb-v",
                                           "parallel.vpp=2", NULL},
                             *const mirror[] = {"parallel.dp=2", "model.layers=128",
                                                "parallel.schedule=dualpipe", NULL};
    const muir_scenario scenarios[] = {scenario_of("rainier-1f1b", plain), scenario_of("rainier-1f1b", v),
                                       scenario_of("rainier-1f1b", mirror)};
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
    CU_ASSERT_DOUBLE_EQUAL(memory[1].part[MUIR_MEMORY_activations] / memory[0].part[MUIR_MEMORY_activations],
                           1.0, 1e-12); /* 16 of 8, 32 of 4 */
    CU_ASSERT_DOUBLE_EQUAL(memory[2].part[MUIR_MEMORY_activations] / memory[0].part[MUIR_MEMORY_activations],
                           17.0 / 16.0, 1e-12);
    CU_ASSERT(memory[2].part[MUIR_MEMORY_weights] > 1.9 * memory[0].part[MUIR_MEMORY_weights]);
}

static double load_of(const char *imbalance, const char *ep)
{
    const char *const overrides[] = {"model=moe-5t", "parallel.tp=8", "parallel.dp=256", ep, imbalance, NULL};
    const muir_scenario scenario = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&scenario);
    double load = 0.0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        if (strcmp(op->name, "expert up") == 0) load = op->load;
        if (strcmp(op->name, "router") == 0) CU_ASSERT_EQUAL(op->load, 0.0); /* what all chips do alike */
        if (op->kind == MUIR_OP_COLL && op->coll.axis == MUIR_AXIS_EP) CU_ASSERT(op->load >= 1.0);
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
        const char *const overrides[] = {known[i].model,
                                         "seq_len=auto",
                                         "parallel.pp=1",
                                         "parallel.dp=1",
                                         "global_batch_size=1",
                                         "micro_batch_size=1",
                                         NULL};
        const muir_scenario s = scenario_of("tiny", overrides);
        muir_program *program = program_of(&s);
        const double forward = muir_chunk_flop(program, 0, MUIR_FORWARD);
        CU_ASSERT_DOUBLE_EQUAL(0.5 * forward / known[i].multiply_adds, 1.0, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(program->model_flop / (3.0 * forward), 1.0,
                               3e-3); /* pixels need no gradient */
        for (int op = 0; op < program->n_ops; op++)
            if (program->ops[op].kind == MUIR_OP_GEMM) CU_ASSERT_EQUAL(program->ops[op].gemm.share, 1.0);
        muir_program_destroy(&program);
    }
}

static double job_flop(const muir_scenario *s, const muir_program *program)
{
    const muir_parallel *p = &s->job.parallel;
    double chip_flop = 0.0;
    for (int c = 0; c < program->n_chunks; c++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            chip_flop += muir_chunk_flop(program, c, (muir_phase)phase);
    return chip_flop * (double)(p->tp * p->cp * p->dp * s->job.microbatches);
}

/* MLPerf's sizes by hand: 214 rows of 26 tables a sample, layers 13-512-256-128, 3 x (3456 x 512) twice, and
 * 3456-1024-1024-512-256-1. */
static void dlrm_computes_and_exchanges_by_its_sizes(void)
{
    static const char *const overrides[] = {
        "model=dlrm-dcnv2", "seq_len=auto",          "parallel.pp=1",           "parallel.dp=4",
        "parallel.ep=4",    "micro_batch_size=8192", "global_batch_size=32768", NULL};
    const muir_scenario s = scenario_of("tiny", overrides);
    muir_program *program = program_of(&s);
    const double bottom = 13 * 512 + 512 * 256 + 256 * 128, cross = 3.0 * 2 * 3456 * 512;
    const double top = 3456.0 * 1024 + 1024 * 1024 + 1024 * 512 + 512 * 256 + 256;
    const double dense = bottom + cross + top, rows = 204184588.0;
    CU_ASSERT_DOUBLE_EQUAL(program->params, dense + 128.0 * rows, 1.0);
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop, 32768 * (6.0 * dense - 2.0 * 13 * 512), 1e3);
    CU_ASSERT_DOUBLE_EQUAL(job_flop(&s, program) / program->model_flop, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_stage_params(program, 0, false), dense, 1e-3);
    CU_ASSERT_EQUAL(muir_stage_params(program, 0, true), 0.0); /* tables are updated where they lie */
    CU_ASSERT_DOUBLE_EQUAL(program->table_bytes, rows / 4 * 129 * 4, 1.0);
    double exchanged = 0.0;
    for (int i = 0; i < program->n_ops; i++)
        if (program->ops[i].kind == MUIR_OP_COLL && program->ops[i].coll.kind == MUIR_ALL_TO_ALL)
            exchanged += program->ops[i].coll.bytes;
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
                   "model.patch=16, but family dense_transformer does not use it (vision_transformer would); "
                   "leave it at 0");
    expect_refusal(tables, 4, "parallel.ep=1, but family dlrm spreads its tables over all dp=2 replicas");
    expect_refusal(
        widths, 3,
        "model: bottom_mlp='512-x' top_mlp='1024-1024-512-256-1' must be widths like 512-256-128, the "
        "last of the bottom hidden=128");
}

/* DeepSeek-V2, arXiv 2405.04434: 236B weights, 21B active; DeepSeek-V3, arXiv 2412.19437: 671B and 37B;
 * Kimi K2, arXiv 2507.20534: 1.04T and 32.6B. */
static void latent_attention_has_the_published_weights(void)
{
    static const struct {
        const char *model;
        double params, active;
    } known[] = {{"model=deepseek-v2", 236e9, 21.4e9},
                 {"model=deepseek-v3-671b", 671e9, 37.6e9},
                 {"model=kimi-k2", 1.03e12, 32.9e9}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *const overrides[] = {known[i].model, "parallel.tp=1", "parallel.dp=16", NULL};
        const muir_scenario s = scenario_of("rainier-1f1b", overrides);
        muir_program *program = program_of(&s);
        CU_ASSERT_DOUBLE_EQUAL(program->params / known[i].params, 1.0, 5e-3);
        CU_ASSERT_DOUBLE_EQUAL(program->active_params / known[i].active, 1.0, 5e-3);
        muir_program_destroy(&program);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"fnet mixes by Fourier transforms", fnet_mixes_by_fourier_transforms},
        {"transforms cost the fleet their memory traffic", transforms_cost_the_fleet_their_memory_traffic},
        {"fnet is not shared out within a sequence", fnet_is_not_shared_out_within_a_sequence},
        {"busy experts hold up their chip", busy_experts_hold_up_their_chip},
        {"vision transformers compute what torchvision counts",
         vision_transformers_compute_what_torchvision_counts},
        {"DLRM computes and exchanges by its sizes", dlrm_computes_and_exchanges_by_its_sizes},
        {"families refuse what they cannot do", families_refuse_what_they_cannot_do},
        {"schedules place chunks and fill memory", schedules_place_chunks_and_fill_memory},
        {"latent attention has the published weights", latent_attention_has_the_published_weights},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "families", tests);
}
