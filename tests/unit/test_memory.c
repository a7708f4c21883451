/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory against published formulas, measured peaks and its own laws. */
#include "memory/fit.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "programs.h"

static const double gib = 1073741824.0;

static muir_memory memory_of(const muir_scenario *s)
{
    muir_memory memory = {.stage = -1};
    muir_program *program = program_of(s);
    CU_ASSERT_EQUAL(muir_scenario_memory(muir_test_ctx(), s, program, &memory), MUIR_OK);
    muir_program_destroy(&program);
    return memory;
}

/* Of a job that some keys describe, ended by NULL, and one more. */
static muir_memory with(const char *const *keys, const char *more)
{
    const muir_scenario s = scenario_with(NULL, keys, KEYS(more));
    return memory_of(&s);
}

static const char *const gpt[] = {"model=gpt3-175b",
                                  "seq_len=2048",
                                  "parallel.tp=8",
                                  "parallel.pp=8",
                                  "parallel.dp=2",
                                  "stack=standard",
                                  "fleet=dgx-h100",
                                  "parallel.recompute=none",
                                  NULL};

/* Weights 2, gradients 4, optimizer 12 bytes; from stage 1, 2, 3 on the optimizer, gradients and weights are
 * shared out over dp. */
static void zero_stages_share_state_out(void)
{
    static const char *const stages[] = {"parallel.zero_stage=0", "parallel.zero_stage=1",
                                         "parallel.zero_stage=2", "parallel.zero_stage=3"};
    const muir_memory plain = with(gpt, stages[0]);
    CU_ASSERT_DOUBLE_EQUAL(plain.part[MUIR_MEMORY_optimizer] / plain.part[MUIR_MEMORY_weights], 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(plain.part[MUIR_MEMORY_gradients] / plain.part[MUIR_MEMORY_weights], 2.0, 1e-12);
    for (int stage = 1; stage < 4; stage++) {
        const muir_memory m = with(gpt, stages[stage]);
        CU_ASSERT_DOUBLE_EQUAL(plain.part[MUIR_MEMORY_optimizer] / m.part[MUIR_MEMORY_optimizer], 2.0, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(plain.part[MUIR_MEMORY_gradients] / m.part[MUIR_MEMORY_gradients],
                               stage > 1 ? 2.0 : 1.0, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(plain.part[MUIR_MEMORY_weights] / m.part[MUIR_MEMORY_weights],
                               stage > 2 ? 2.0 : 1.0, 1e-9);
    }
}

/* Korthikanti et al. 2022, table 2: a GPT layer keeps s b h (34 / t) with sequence parallelism, s b h (10 +
 * 24 / t) without, 2 s b h with full recompute; and 5 a s^2 b / t of scores that are not recomputed. */
static void activations_are_those_of_korthikanti(void)
{
    static const struct {
        const char *sequence_parallel, *recompute;
        double vectors;
    } rows[] = {{"parallel.sequence_parallel=true", "parallel.recompute=selective", 34.0 / 8.0},
                {"parallel.sequence_parallel=false", "parallel.recompute=selective", 10.0 + 24.0 / 8.0},
                {"parallel.sequence_parallel=false", "parallel.recompute=none",
                 10.0 + (24.0 + 5.0 * 96.0 * 2048.0 / 12288.0) / 8.0},
                {"parallel.sequence_parallel=false", "parallel.recompute=full", 2.0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const keys[] = {"fleet=dgx-h100",
                                    "model=gpt3-175b",
                                    "seq_len=2048",
                                    "parallel.tp=8",
                                    "parallel.pp=8",
                                    "parallel.dp=2",
                                    rows[i].sequence_parallel,
                                    rows[i].recompute,
                                    "stack.fused_attention=false",
                                    "stack.dropout=true",
                                    NULL};
        const muir_memory m = with(keys, NULL);
        CU_ASSERT_DOUBLE_EQUAL(
            m.part[MUIR_MEMORY_activations] / (rows[i].vectors * 2048.0 * 12288.0 * 12.0 * 8.0), 1.0, 1e-12);
    }
}

/* Peaks that others measured on three stacks: SimuMax on B200, allocated; torchtitan on H100, reserved;
 * BigScience on A100, by the driver. */
static void peaks_are_those_that_were_measured(void)
{
    static const char *const simumax[] = {
        "fleet=dgx-b200",          "fleet.servers=1",     "stack=megatron-core-b200",
        "model=llama3-70b",        "model.layers=12",     "seq_len=4096",
        "global_batch_size=16",    "parallel.tp=2",       "parallel.dp=4",
        "parallel.recompute=none", "stack.loss=in_place", NULL};
    static const char *const titan[] = {"fleet=h100-96gb-500w",
                                        "fleet.servers=1",
                                        "stack=torchtitan-h100",
                                        "model=llama-3.1-8b",
                                        "seq_len=32768",
                                        "global_batch_size=8",
                                        "precision=fp8",
                                        "parallel.dp=8",
                                        "parallel.zero_stage=3",
                                        "parallel.recompute=full",
                                        NULL};
    static const char *const bloom[] = {"fleet=jean-zay-a100",
                                        "fleet.servers=48",
                                        "stack=megatron-deepspeed-2022-a100",
                                        "model=bloom-176b",
                                        "model.layers=72",
                                        "model.hidden=14336",
                                        "model.heads=64",
                                        "model.ffn=57344",
                                        "model.head_dim=auto",
                                        "seq_len=2048",
                                        "micro_batch_size=4",
                                        "global_batch_size=2048",
                                        "parallel.tp=8",
                                        "parallel.pp=12",
                                        "parallel.dp=4",
                                        "parallel.zero_stage=1",
                                        "parallel.recompute=full",
                                        "precision=fp16",
                                        NULL};
    const muir_memory a = with(simumax, NULL), b = with(titan, NULL), c = with(bloom, NULL);
    CU_ASSERT_DOUBLE_EQUAL(a.allocated / gib, 60.68, 0.02 * 60.68);
    CU_ASSERT_DOUBLE_EQUAL(b.reserved / gib, 83.9, 0.05 * 83.9);
    CU_ASSERT_DOUBLE_EQUAL(c.total / gib, 49.0, 0.08 * 49.0);
}

static const char *const llama[] = {"fleet=dgx-h100",
                                    "model=llama-3.1-8b",
                                    "fleet.servers=1",
                                    "parallel.tp=2",
                                    "parallel.dp=4",
                                    "seq_len=8192",
                                    "stack=standard",
                                    "parallel.recompute=selective",
                                    NULL};

/* A module that is computed again is not kept, and takes time. */
static void recompute_by_module_saves_what_the_module_keeps(void)
{
    char key[80];
    const muir_memory none = with(llama, "parallel.recompute=none"),
                      full = with(llama, "parallel.recompute=full");
    for (int i = 0; i < MUIR_MODULE_COUNT; i++) {
        if (i == MUIR_MODULE_experts || i == MUIR_MODULE_loss)
            continue; /* a dense model, and not of a layer */
        snprintf(key, sizeof key, "parallel.recompute_modules=%s", muir_module_name((muir_module)i));
        const muir_memory m = with(llama, key);
        CU_ASSERT(m.part[MUIR_MEMORY_activations] < none.part[MUIR_MEMORY_activations]);
        CU_ASSERT(m.part[MUIR_MEMORY_activations] > full.part[MUIR_MEMORY_activations]);
    }
    const muir_memory some = with(llama, "parallel.recompute_modules=norm+mlp"),
                      more = with(llama, "parallel.recompute_modules=norm+mlp+qkv");
    CU_ASSERT(more.part[MUIR_MEMORY_activations] < some.part[MUIR_MEMORY_activations]);
}

/* 32 layers of 8,192 tokens, tp 2 with sequence parallelism: norm outputs are 2 x 2 T h / 2 bytes. */
static void norms_keep_two_vectors_of_a_layer(void)
{
    const muir_memory none = with(llama, "parallel.recompute=none"),
                      norm = with(llama, "parallel.recompute_modules=norm");
    CU_ASSERT_DOUBLE_EQUAL(none.part[MUIR_MEMORY_activations] - norm.part[MUIR_MEMORY_activations],
                           32.0 * 2.0 * 2.0 * 8192.0 * 4096.0 / 2.0, 1.0);
}

/* Of 32 layers 11 are computed again, and 21 not; a stage has them as they come. */
static void every_third_layer_is_computed_again(void)
{
    static const char *const keys[] = {
        "fleet=dgx-h100", "model=llama-3.1-8b", "fleet.servers=1", "parallel.tp=2",
        "parallel.dp=4",  "seq_len=8192",       "stack=standard",  NULL};
    const char *const third[] = {"fleet=dgx-h100", "model=llama-3.1-8b",      "fleet.servers=1",
                                 "parallel.tp=2",  "parallel.dp=4",           "seq_len=8192",
                                 "stack=standard", "parallel.recompute=full", NULL};
    const double none = with(keys, "parallel.recompute=none").part[MUIR_MEMORY_activations],
                 full = with(keys, "parallel.recompute=full").part[MUIR_MEMORY_activations],
                 some = with(third, "parallel.recompute_every=3").part[MUIR_MEMORY_activations];
    CU_ASSERT_DOUBLE_EQUAL(some / (11.0 / 32.0 * full + 21.0 / 32.0 * none), 1.0, 1e-12);
}

static void an_unknown_module_is_answered_with_the_known_ones(void)
{
    muir_scenario s;
    static const char *const wrong[] = {"parallel.recompute=selective",
                                        "parallel.recompute_modules=norm+mpl"};
    static const char *const useless[] = {"parallel.recompute=full", "parallel.recompute_modules=norm"};
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", wrong, 2, &s), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "'mpl' is not a module (norm, qkv, core, mlp"));
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", useless, 2, &s), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "but recompute is full"));
    muir_ctx_clear(muir_test_ctx());
}

/* Logits of every token are there in some copies; pieces of them, one after the other, in fewer bytes. */
static void the_vocabulary_moves_the_peak(void)
{
    static const char *const keys[] = {"fleet=dgx-h100",     "fleet.servers=1",
                                       "model=llama-3.2-1b", "parallel.dp=8",
                                       "micro_batch_size=4", "global_batch_size=32",
                                       "seq_len=8192",       "parallel.recompute=full",
                                       "stack=standard",     NULL};
    const double small = with(keys, "model.vocab=32000").allocated,
                 medium = with(keys, "model.vocab=151936").allocated,
                 large = with(keys, "model.vocab=1000000").allocated;
    const double tokens = 4.0 * 8192.0;
    CU_ASSERT(medium - small > 6.0 * tokens * (151936.0 - 32000.0));
    CU_ASSERT(large - medium > 6.0 * tokens * (1000000.0 - 151936.0));
    const char *const pieces[] = {"fleet=dgx-h100",
                                  "fleet.servers=1",
                                  "model=llama-3.2-1b",
                                  "parallel.dp=8",
                                  "micro_batch_size=4",
                                  "global_batch_size=32",
                                  "seq_len=8192",
                                  "parallel.recompute=full",
                                  "stack=standard",
                                  "model.vocab=1000000",
                                  NULL};
    CU_ASSERT(with(pieces, "parallel.loss_pieces=16").allocated < large - 5.0 * tokens * 1e6 * 15.0 / 16.0);
}

/* What stays and what passes add up, in every moment that can be the fullest. */
static void parts_add_up(void)
{
    static const char *const more[] = {
        "parallel.recompute=full", "stack.loss=eager",           "parallel.zero_stage=3", "precision=fp8",
        "optimizer=adam_8bit",     "stack.allocator=expandable", "stack.update_bytes=30"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        const muir_memory m = with(llama, more[i]);
        double sum = 0.0;
        for (int part = 0; part < MUIR_MEMORY_PARTS; part++) {
            CU_ASSERT(m.part[part] >= -1.0);
            sum += m.part[part];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum / m.total, 1.0, 1e-12);
        CU_ASSERT(m.state < m.allocated && m.allocated <= m.reserved && m.reserved < m.total);
        CU_ASSERT(m.needed <= m.total);
    }
}

/* What waits in the host's memory is not on the chip. */
static void offloading_moves_state_and_activations_away(void)
{
    const muir_memory all = with(llama, NULL), half = with(llama, "parallel.offload_optimizer=0.5"),
                      away = with(llama, "parallel.offload_activations=1");
    CU_ASSERT_DOUBLE_EQUAL(half.part[MUIR_MEMORY_optimizer], 0.5 * all.part[MUIR_MEMORY_optimizer], 1.0);
    CU_ASSERT_EQUAL(away.part[MUIR_MEMORY_activations], 0.0);
    CU_ASSERT(away.allocated < all.allocated - 0.9 * all.part[MUIR_MEMORY_activations]);
}

/* karpathy/nanochat#443: 20 layers of 1,280 with 65,536 words on 8 H100: 32 sequences run out of memory, 16
 * do not. */
static void the_published_job_that_ran_out_of_memory_does_so_here(void)
{
    static const char *const keys[] = {"fleet=dgx-h100",
                                       "fleet.servers=1",
                                       "model=gpt2-xl",
                                       "model.layers=20",
                                       "model.hidden=1280",
                                       "model.heads=10",
                                       "model.head_dim=128",
                                       "model.ffn=5120",
                                       "model.vocab=65536",
                                       "model.tied_embedding=false",
                                       "seq_len=2048",
                                       "global_batch_size=256",
                                       "parallel.dp=8",
                                       "parallel.recompute=none",
                                       "stack=pytorch-fsdp-h100",
                                       NULL};
    const muir_scenario fits = scenario_with(NULL, keys, KEYS("micro_batch_size=16")),
                        fails = scenario_with(NULL, keys, KEYS("micro_batch_size=32"));
    const muir_memory a = memory_of(&fits), b = memory_of(&fails);
    CU_ASSERT_NOT_EQUAL(muir_memory_fit_of(&a, &fits.fleet.chip).verdict, MUIR_DOES_NOT_FIT);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&b, &fails.fleet.chip).verdict, MUIR_DOES_NOT_FIT);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"ZeRO stages share state out", zero_stages_share_state_out},
        {"activations are those of Korthikanti", activations_are_those_of_korthikanti},
        {"peaks are those that were measured", peaks_are_those_that_were_measured},
        {"recompute by module saves what the module keeps", recompute_by_module_saves_what_the_module_keeps},
        {"norms keep two vectors of a layer", norms_keep_two_vectors_of_a_layer},
        {"every third layer is computed again", every_third_layer_is_computed_again},
        {"an unknown module is answered with the known ones",
         an_unknown_module_is_answered_with_the_known_ones},
        {"the vocabulary moves the peak", the_vocabulary_moves_the_peak},
        {"parts add up", parts_add_up},
        {"offloading moves state and activations away", offloading_moves_state_and_activations_away},
        {"the published job that ran out of memory does so here",
         the_published_job_that_ran_out_of_memory_does_so_here},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "memory", tests);
}
