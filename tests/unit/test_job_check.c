/* SPDX-License-Identifier: BSD-3-Clause */
/* Which layouts muir accepts, held against what frameworks say of them: whatever one of them trains, muir
 * takes, and whatever all refuse it refuses; departures have their reason. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "models/emit.h"
#include "programs.h"

typedef enum verdict { SILENT, YES, NO } verdict;

/* What each says, by the places below; SILENT: it has no such thing.
 * Megatron-LM @d98e8a6 (M): core/transformer/transformer_config.py:1446 (heads, query groups),
 *     training/arguments.py:969 (layers) and 1336 (context), core/parallel_state.py:823 and 882 (world,
 *     experts), 924 (optimizer instances), core/utils.py:590 (ensure_divisibility)
 * torchtitan @b5bcd76 (T): models/common/decoder.py:190 (heads, experts), distributed/parallel_dims.py:182
 *     (world, experts), 664 (sequence), distributed/pipeline_parallel.py:390 (layers)
 * DeepSpeed @edaa722 (D): module_inject/tp_shard.py:59 (uneven shares), moe/layer.py:59 (experts),
 *     runtime/pipe/engine.py:76 (ZeRO), runtime/engine.py:932 (batch) */
typedef struct layout {
    const char *what;
    const char *keys[7]; /* NULL-ended */
    verdict megatron, torchtitan, deepspeed;
    const char *refusal; /* NULL: muir takes it */
    const char *reason;  /* of muir's verdict where it is not that of the most lenient */
} layout;

#define DENSE "model=llama3-70b"     /* 80 layers, 64 heads, 8 of keys and values */
#define MIXTURE "model=mixtral-8x7b" /* 32 layers, 32 heads, 8 of keys and values, 8 experts */

static const layout layouts[] = {
    {"each chip one head of keys and values", {DENSE, "parallel.tp=8"}, YES, YES, YES, NULL, NULL},
    {"two chips share a head of keys and values", {DENSE, "parallel.tp=16"}, YES, NO, SILENT, NULL, NULL},
    {"6 heads of keys and values on 4 chips",
     {DENSE, "parallel.tp=4", "model.heads=48", "model.kv_heads=6", "model.head_dim=128"},
     NO,
     NO,
     YES,
     "parallel.tp=4 is neither a divisor nor a multiple of model.kv_heads=6",
     "DeepSpeed gives chips unequal shares, which muir does not model"},
    {"heads that tp does not divide",
     {DENSE, "parallel.tp=3"},
     NO,
     NO,
     SILENT,
     "parallel.tp=3 does not divide model.heads=64",
     NULL},
    {"a width that tp does not divide",
     {DENSE, "parallel.tp=8", "model.ffn=28668"},
     NO,
     SILENT,
     SILENT,
     "parallel.tp=8 does not divide model.ffn=28668",
     NULL},
    {"a sequence in pairs of parts", {DENSE, "parallel.cp=4", "seq_len=8192"}, YES, YES, SILENT, NULL, NULL},
    {"a sequence in parts, but not in pairs of them",
     {DENSE, "parallel.cp=2", "seq_len=8190"},
     NO,
     NO,
     SILENT,
     "2 x parallel.cp=4 does not divide seq_len=8190",
     NULL},
    {"a sequence whose parts tp does not divide",
     {DENSE, "parallel.tp=8", "seq_len=8196"},
     SILENT,
     NO,
     SILENT,
     "parallel.tp (sequence_parallel)=8 does not divide seq_len / cp=8196",
     NULL},
    {"chunks that divide the layers", {DENSE, "parallel.pp=16"}, YES, YES, YES, NULL, NULL},
    {"layers as if embedding and head were one each",
     {DENSE, "model.layers=126", "parallel.pp=16"},
     YES,
     YES,
     YES,
     NULL,
     NULL},
    {"other numbers of layers", {DENSE, "model.layers=81", "parallel.pp=16"}, NO, YES, YES, NULL, NULL},
    {"experts that ep divides", {MIXTURE, "parallel.ep=4", "parallel.dp=8"}, YES, YES, YES, NULL, NULL},
    {"experts that ep does not divide",
     {MIXTURE, "parallel.ep=3", "parallel.dp=6"},
     NO,
     NO,
     NO,
     "parallel.ep=3 does not divide experts=8",
     NULL},
    {"experts split as tp",
     {MIXTURE, "parallel.tp=4", "parallel.etp=4", "parallel.dp=4"},
     YES,
     SILENT,
     SILENT,
     NULL,
     NULL},
    {"experts split less than tp",
     {MIXTURE, "parallel.tp=4", "parallel.etp=2", "parallel.ep=4", "parallel.dp=4"},
     YES,
     SILENT,
     SILENT,
     NULL,
     NULL},
    {"experts split more than tp",
     {MIXTURE, "parallel.tp=1", "parallel.etp=4", "parallel.ep=2", "parallel.dp=16"},
     YES,
     SILENT,
     SILENT,
     NULL,
     NULL},
    {"experts over more chips than hold replicas",
     {MIXTURE, "parallel.tp=1", "parallel.etp=4", "parallel.ep=8", "parallel.dp=16"},
     NO,
     SILENT,
     SILENT,
     "parallel.etp=4 x ep=8 does not divide tp x cp x dp=16",
     NULL},
    {"experts split by what does not divide their width",
     {MIXTURE, "parallel.tp=1", "parallel.etp=3", "parallel.dp=12"},
     NO,
     SILENT,
     SILENT,
     "parallel.etp=3 does not divide model.ffn=14336",
     NULL},
    {"two groups that share out",
     {DENSE, "parallel.dp=16", "parallel.zero_group=8"},
     YES,
     YES,
     SILENT,
     NULL,
     NULL},
    {"groups that do not come out even",
     {DENSE, "parallel.dp=16", "parallel.zero_group=6"},
     NO,
     NO,
     SILENT,
     "parallel.zero_group=6 does not divide cp x dp=16",
     NULL},
    {"groups that experts have no part in",
     {MIXTURE, "parallel.tp=1", "parallel.ep=8", "parallel.dp=16", "parallel.zero_group=4"},
     NO,
     NO,
     SILENT,
     "parallel.zero_group=4 makes 4 groups, which do not divide the 2 chips that hold the same experts",
     NULL},
    {"weights shared out in a pipeline",
     {DENSE, "parallel.pp=2", "parallel.dp=8", "parallel.zero_stage=3"},
     SILENT,
     YES,
     NO,
     NULL,
     NULL},
    {"a batch that replicas do not divide",
     {DENSE, "parallel.dp=16", "global_batch_size=24"},
     NO,
     NO,
     NO,
     "global_batch_size=24 is not a multiple of dp=16 x micro_batch_size=1",
     NULL},
    {"experts of a model that has none",
     {DENSE, "parallel.dp=8", "parallel.ep=2"},
     NO,
     SILENT,
     SILENT,
     "parallel.ep=2, but a dense model has no experts",
     NULL},
    {"split experts of a model that has none",
     {DENSE, "parallel.dp=8", "parallel.etp=3"},
     SILENT,
     SILENT,
     SILENT,
     "parallel.etp=3, but family dense_transformer has no experts to split; leave it at auto",
     "it would change nothing"},
};

/* What the most lenient of those that have an opinion says. */
static verdict lenient(const layout *l)
{
    if (l->megatron == YES || l->torchtitan == YES || l->deepspeed == YES) return YES;
    return l->megatron == NO || l->torchtitan == NO || l->deepspeed == NO ? NO : SILENT;
}

static void check_layout(const layout *l)
{
    muir_scenario s;
    const muir_status st =
        try_scenario(NULL, KEYS("fleet=dgx-h100", "fleet.servers=64", "global_batch_size=auto"), l->keys, &s);
    const char *said = st == MUIR_OK ? "" : muir_test_ctx()->message;
    if (strcmp(said, l->refusal ? l->refusal : "") != 0) printf("%s: '%s'\n", l->what, said);
    CU_ASSERT_STRING_EQUAL(said, l->refusal ? l->refusal : "");
    if (!l->reason) CU_ASSERT_EQUAL(lenient(l), l->refusal ? NO : YES);
    muir_ctx_clear(muir_test_ctx());
}

static void layouts_are_judged_as_frameworks_do(void)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) check_layout(&layouts[i]);
}

/* Chips of one group of experts hold the tokens of all of them: what a chip's products compute for a
 * replica's tokens does not depend on how experts are split, and neither does what all of them weigh. */
static void splitting_experts_changes_no_work(void)
{
    static const char *const splits[] = {"parallel.etp=1", "parallel.etp=2", "parallel.etp=4",
                                         "parallel.etp=8"};
    double flop[4], weights[4];
    for (int i = 0; i < 4; i++) {
        const char *const keys[] = {MIXTURE,   "fleet=dgx-h100", "fleet.servers=4", "parallel.tp=4",
                                    splits[i], "parallel.ep=2",  "parallel.dp=4",   NULL};
        const muir_scenario s = scenario_of(NULL, keys);
        muir_program *program = program_of(&s);
        flop[i] = muir_chunk_flop(program, 0, MUIR_FORWARD);
        weights[i] = program->blocks[1].expert_params * (double)(2 << i);
        muir_program_destroy(&program);
    }
    for (int i = 1; i < 4; i++) {
        CU_ASSERT_DOUBLE_EQUAL(flop[i] / flop[0], 1.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(weights[i] / weights[0], 1.0, 1e-12);
    }
}

/* 8 chips of 2 replicas split each expert: its group needs both, in one piece. */
static void split_experts_bind_replicas_together(void)
{
    static const char *const keys[] = {
        MIXTURE, "fleet=dgx-h100", "fleet.servers=4", "parallel.tp=4", "parallel.etp=8", "parallel.dp=4",
        NULL};
    const muir_scenario s = scenario_of(NULL, keys);
    CU_ASSERT_EQUAL(muir_job_expert_replicas(&s.job), 2);
    CU_ASSERT_EQUAL(muir_job_size(&s.job, MUIR_AXIS_EDP), 2);
}

/* As many groups hold the same experts as hold the same of the rest. */
static void groups_of_experts_are_those_of_the_rest(void)
{
    static const char *const keys[] = {
        MIXTURE,         "fleet=dgx-h100", "fleet.servers=4",        "parallel.tp=1",
        "parallel.ep=4", "parallel.dp=32", "parallel.zero_group=16", NULL};
    const muir_scenario s = scenario_of(NULL, keys);
    CU_ASSERT_EQUAL(muir_job_zero_size(&s.job, MUIR_AXIS_DP), 16);
    CU_ASSERT_EQUAL(muir_job_zero_size(&s.job, MUIR_AXIS_EDP), 4);
}

/* Every family refuses every key with a default that it does not read, and names who would. */
static void keys_of_other_families_are_refused(void)
{
    static const struct {
        const char *model, *key, *refusal;
    } bad[] = {
        {"model=gpt3-5b", "model.experts=8",
         "model.experts=8, but family dense_transformer does not use it (moe_transformer would); leave it at "
         "0"},
        {"model=gpt3-5b", "model.expert_groups=2",
         "model.expert_groups=2, but family dense_transformer does not use it (moe_transformer would); leave "
         "it "
         "at 1"},
        {"model=vit-l-16", "model.tied_embedding=true",
         "model.tied_embedding=true, but family vision_transformer does not use it (dense_transformer, fnet, "
         "long_convolution, moe_transformer would); leave it at false"},
        {"model=fnet-base", "model.head_dim=64",
         "model.head_dim=64, but family fnet does not use it (dense_transformer, moe_transformer, "
         "vision_transformer would); leave it at 768"},
        {"model=dlrm-dcnv2", "model.mlp=gelu",
         "model.mlp=gelu, but family dlrm does not use it (dense_transformer, fnet, long_convolution, "
         "moe_transformer, vision_transformer would); leave it at swiglu"},
        {"model=gpt3-5b", "model.top_mlp=4-1",
         "model.top_mlp=4-1, but family dense_transformer does not use it (dlrm would); leave it at nothing"},
        {"model=gpt3-5b", "model.rope_dim=64",
         "model: q_rank=0 rope_dim=64 are for latent attention, which needs kv_rank"},
        {"model=fno-3d", "parallel.cp_exchange=all_gather",
         "parallel.cp_exchange=all_gather, but family fourier_neural_operator has no keys and values to "
         "exchange; leave it at ring"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *const keys[] = {bad[i].model, "parallel.pp=1", "seq_len=auto", bad[i].key, NULL};
        muir_scenario s;
        CU_ASSERT_EQUAL(try_scenario("tiny", keys, NULL, &s), MUIR_ERR_ARG);
        CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, bad[i].refusal);
        muir_ctx_clear(muir_test_ctx());
    }
}

/* Queries that are not compressed come from the hidden vector (DeepSeek-V2-Lite): h heads (d + rope). */
static void uncompressed_queries_have_their_weights(void)
{
    static const char *const keys[] = {"model=deepseek-v2", "model.q_rank=0", "parallel.tp=1",
                                       "parallel.pp=1",     "parallel.dp=8",  NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", keys);
    const double h = 5120, heads = 128, d = 128, rope = 64, kv = 512;
    CU_ASSERT_EQUAL(muir_attention_params(&s.job.model),
                    h * heads * (d + rope) + h * (kv + rope) + kv * heads * 2 * d + heads * d * h + h);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"layouts are judged as frameworks do", layouts_are_judged_as_frameworks_do},
        {"splitting experts changes no work", splitting_experts_changes_no_work},
        {"split experts bind replicas together", split_experts_bind_replicas_together},
        {"groups of experts are those of the rest", groups_of_experts_are_those_of_the_rest},
        {"keys of other families are refused", keys_of_other_families_are_refused},
        {"uncompressed queries have their weights", uncompressed_queries_have_their_weights},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "job check", tests);
}
