/* SPDX-License-Identifier: BSD-3-Clause */
/* Models of several kinds of layer: dense ones in front of mixtures; and what the experts' load is of. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "host_clock/pace.h"
#include "memory/memory.h"
#include "programs.h"

/* Of a microbatch, with nothing computed again. */
static double kept_by(const muir_block *block)
{
    double bytes = 0.0;
    for (int i = 0; i < block->n_kept; i++) bytes += block->kept[i].bytes;
    return bytes;
}

/* Of the layers 0 to 9; `others` are all but each third. */
static void kinds_of_layers_are_counted(void)
{
    const muir_layers front = {0, 3, 1, 0}, rest = {3, 10, 1, 0}, second = {1, 10, 2, 0},
                      others = {0, 10, 1, 3};
    CU_ASSERT_EQUAL(muir_layers_count(front, 0, 10), 3);
    CU_ASSERT_EQUAL(muir_layers_count(front, 2, 4), 1);
    CU_ASSERT_EQUAL(muir_layers_count(front, 3, 4), 0);
    CU_ASSERT_EQUAL(muir_layers_count(rest, 0, 10), 7);
    CU_ASSERT_EQUAL(muir_layers_count(rest, 2, 2), 1);
    CU_ASSERT_EQUAL(muir_layers_count(second, 0, 10), 5);
    CU_ASSERT_EQUAL(muir_layers_count(second, 1, 1), 1);
    CU_ASSERT_EQUAL(muir_layers_count(second, 2, 1), 0);
    CU_ASSERT_EQUAL(muir_layers_count(second, 2, 5), 2);
    CU_ASSERT_EQUAL(muir_layers_count(others, 0, 10), 6);
    CU_ASSERT_EQUAL(muir_layers_count(others, 1, 3), 2);
}

/* Of a chunk, or 0. */
static int repeats(const muir_program *program, int chunk, int block)
{
    const muir_chunk *c = &program->chunks[chunk];
    for (int part = 0; part < c->n_parts; part++)
        if (c->block[part] == block) return c->repeat[part];
    return 0;
}

/* 61 layers on 16 stages: 2 on the first, which holds the embedding too, 4 on the others but the last. */
static void dense_layers_lie_in_front(void)
{
    static const char *const overrides[] = {"model=deepseek-v3-671b", "parallel.tp=1", "parallel.pp=16",
                                            "parallel.dp=16",         "parallel.ep=8", NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&s);
    double params = 0.0;
    int dense = 0, mixtures = 0;
    CU_ASSERT_EQUAL_FATAL(program->n_blocks, 4);
    CU_ASSERT_EQUAL(repeats(program, 0, 1), 2);
    CU_ASSERT_EQUAL(repeats(program, 0, 2), 0);
    CU_ASSERT_EQUAL(repeats(program, 1, 1), 1);
    CU_ASSERT_EQUAL(repeats(program, 1, 2), 3);
    for (int c = 0; c < program->n_chunks; c++) {
        dense += repeats(program, c, 1);
        mixtures += repeats(program, c, 2);
        CU_ASSERT_EQUAL(repeats(program, c, 0), c == 0);
        CU_ASSERT_EQUAL(repeats(program, c, 3), c == 15);
        params += muir_stage_params(program, c, false) + 8.0 * muir_stage_params(program, c, true);
    }
    CU_ASSERT_EQUAL(dense, 3);
    CU_ASSERT_EQUAL(mixtures, 58);
    CU_ASSERT_DOUBLE_EQUAL(params / program->params, 1.0, 1e-6); /* and a last norm */
    muir_program_destroy(&program);
}

static double block_flop(const muir_program *program, int block)
{
    double flop = 0.0;
    for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
        for (int i = 0; i < program->blocks[block].phase[phase].n; i++)
            flop += muir_op_flop(&program->ops[program->blocks[block].phase[phase].first + i]);
    return flop;
}

/* The dense layer is that of the dense family with the same attention and width. */
static void dense_layers_are_those_of_the_dense_family(void)
{
    static const char *const mixed[] = {"model=deepseek-v3-671b", "parallel.tp=2", "parallel.dp=8", NULL},
                             *const plain[] = {"model=deepseek-v3-671b",
                                               "parallel.tp=2",
                                               "parallel.dp=8",
                                               "model.family=dense_transformer",
                                               "model.experts=0",
                                               "model.topk=0",
                                               "model.shared_experts=0",
                                               "model.expert_groups=1",
                                               "model.topk_groups=0",
                                               "model.first_dense_layers=0",
                                               "model.dense_ffn=0",
                                               "model.ffn=18432",
                                               NULL};
    const muir_scenario a = scenario_of("rainier-1f1b", mixed), b = scenario_of("rainier-1f1b", plain);
    muir_program *mixture = program_of(&a), *dense = program_of(&b);
    CU_ASSERT_EQUAL(mixture->blocks[1].dense_params, dense->blocks[1].dense_params);
    CU_ASSERT_EQUAL(mixture->blocks[1].expert_params, 0.0);
    CU_ASSERT_EQUAL(kept_by(&mixture->blocks[1]), kept_by(&dense->blocks[1]));
    CU_ASSERT_EQUAL(block_flop(mixture, 1), block_flop(dense, 1));
    CU_ASSERT(kept_by(&mixture->blocks[2]) != kept_by(&dense->blocks[1]));
    muir_program_destroy(&mixture);
    muir_program_destroy(&dense);
}

/* Activations of a stage with 2 dense layers and one with 2 mixtures. */
static void stages_keep_what_their_kinds_of_layer_keep(void)
{
    static const char *const overrides[] = {
        "model=deepseek-v3-671b", "model.layers=4",          "model.first_dense_layers=2",
        "parallel.tp=1",          "parallel.pp=2",           "parallel.ep=8",
        "parallel.dp=8",          "parallel.recompute=none", NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&s);
    int many[] = {1000000, 0, 1000000};
    const muir_memory_load in_first = {2, 1, many, many}, in_second = {2, 1, many + 1, many + 1};
    const muir_memory first = muir_memory_screen(&s.job, program, &in_first),
                      second = muir_memory_screen(&s.job, program, &in_second);
    CU_ASSERT_EQUAL(first.stage, 0);
    CU_ASSERT_EQUAL(second.stage, 1);
    CU_ASSERT_DOUBLE_EQUAL(first.part[MUIR_MEMORY_activations] / (2e6 * kept_by(&program->blocks[1])), 1.0,
                           1e-12);
    CU_ASSERT_DOUBLE_EQUAL(second.part[MUIR_MEMORY_activations] / (2e6 * kept_by(&program->blocks[2])), 1.0,
                           1e-12);
    muir_program_destroy(&program);
}

/* A rank that stands for several of the job's chunks executes each of their kinds of layer once. */
static void ranks_execute_the_kinds_that_they_stand_for(void)
{
    static const char *const overrides[] = {"model=deepseek-v3-671b", "parallel.tp=1", "parallel.pp=16",
                                            "parallel.dp=16",         "parallel.ep=8", NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&s);
    static const struct {
        int stages, chunk;
        bool has[4]; /* embedding, dense layer, mixture, head */
    } known[] = {{1, 0, {true, true, true, true}},    {2, 0, {true, true, true, false}},
                 {2, 1, {false, false, true, true}},  {16, 0, {true, true, false, false}},
                 {16, 1, {false, true, true, false}}, {16, 2, {false, false, true, false}}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        for (int block = 0; block < 4; block++)
            CU_ASSERT_EQUAL(
                muir_pace_has_block(program, (muir_shape){known[i].stages, 1, 2}, block, known[i].chunk),
                known[i].has[block]);
    muir_program_destroy(&program);
}

static bool is_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Rows of experts have it, and nothing that all chips do alike: neither the norm before the experts, nor
 * their weights and gradients on the wire. */
static void load_is_of_what_rows_of_experts_need(void)
{
    static const char *const overrides[] = {"model=deepseek-v3-671b",
                                            "parallel.tp=2",
                                            "parallel.pp=1",
                                            "parallel.ep=8",
                                            "parallel.etp=2",
                                            "parallel.dp=16",
                                            "parallel.zero_stage=3",
                                            "precision=fp8",
                                            "model.expert_imbalance=0.5",
                                            NULL};
    static const char *const loaded[] = {
        "dispatch",         "dispatch over tp", "combine",           "combine over tp", "expert activation",
        "permute tokens",   "pad tokens",       "expert up",         "expert down",     "expert up grad",
        "expert down grad", "expert up weight", "expert down weight"};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
    muir_program *program = program_of(&s);
    int n_loaded = 0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        if (strcmp(op->name, "quantise") == 0) continue; /* of every product */
        const bool is_loaded = is_of(op->name, loaded, sizeof loaded / sizeof loaded[0]);
        n_loaded += is_loaded;
        CU_ASSERT_EQUAL(op->load > 1.0, is_loaded);
        if (!is_loaded) CU_ASSERT_EQUAL(op->load, 0.0);
    }
    CU_ASSERT_EQUAL(n_loaded, 8 + 6 + 4 + 2 + 2);
    muir_program_destroy(&program);
}

static int count_of(const muir_program *program, const char *name, muir_phase phase)
{
    const muir_op_range r = muir_program_block(program, MUIR_BLOCK_LAYER)->phase[phase];
    int n = 0;
    for (int i = r.first; i < r.first + r.n; i++) n += strcmp(program->ops[i].name, name) == 0;
    return n;
}

/* Both products of an expert pad their rows on the way there and back; gradients of weights take what is
 * there. With 16 bits nothing is padded. */
static void rows_are_padded_where_they_are_quantised(void)
{
    static const char *const narrow[] = {"model=mixtral-8x7b", "parallel.tp=8", "precision=fp8", NULL},
                             *const wide[] = {"model=mixtral-8x7b", "parallel.tp=8", NULL};
    const muir_scenario a = scenario_of("rainier-1f1b", narrow), b = scenario_of("rainier-1f1b", wide);
    muir_program *fp8 = program_of(&a), *bf16 = program_of(&b);
    CU_ASSERT_EQUAL(count_of(fp8, "pad tokens", MUIR_FORWARD), 2);
    CU_ASSERT_EQUAL(count_of(fp8, "pad tokens", MUIR_BACKWARD), 2);
    CU_ASSERT_EQUAL(count_of(fp8, "pad tokens", MUIR_WEIGHT), 0);
    CU_ASSERT_EQUAL(count_of(bf16, "pad tokens", MUIR_FORWARD), 0);
    muir_program_destroy(&fp8);
    muir_program_destroy(&bf16);
}

static void halves_of_a_kind_of_layer_are_refused(void)
{
    static const struct {
        const char *const keys[3];
        const char *message;
    } bad[] = {
        {{"model=mixtral-8x7b", "model.first_dense_layers=2", "parallel.tp=2"},
         "model: first_dense_layers=2 dense_ffn=0: one needs the other, the number of dense layers and their "
         "width"},
        {{"model=mixtral-8x7b", "model.dense_ffn=4096", "parallel.tp=2"},
         "model: first_dense_layers=0 dense_ffn=4096: one needs the other, the number of dense layers and "
         "their width"},
        {{"model=deepseek-v3-671b", "model.first_dense_layers=61", "parallel.tp=2"},
         "model.first_dense_layers=61 leaves none of layers=61 with experts (use family dense_transformer)"},
        {{"model=deepseek-v3-671b", "model.dense_ffn=18433", "parallel.tp=2"},
         "parallel.tp=2 does not divide model.dense_ffn=18433"},
        {{"model=gpt3-5b", "model.first_dense_layers=2", "parallel.tp=2"},
         "model.first_dense_layers=2, but family dense_transformer does not use it (moe_transformer would); "
         "leave it at 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        muir_scenario s;
        CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", bad[i].keys, 3, &s),
                        MUIR_ERR_ARG);
        CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, bad[i].message);
        muir_ctx_clear(muir_test_ctx());
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"kinds of layers are counted", kinds_of_layers_are_counted},
        {"dense layers lie in front", dense_layers_lie_in_front},
        {"dense layers are those of the dense family", dense_layers_are_those_of_the_dense_family},
        {"stages keep what their kinds of layer keep", stages_keep_what_their_kinds_of_layer_keep},
        {"ranks execute the kinds that they stand for", ranks_execute_the_kinds_that_they_stand_for},
        {"load is of what rows of experts need", load_is_of_what_rows_of_experts_need},
        {"rows are padded where they are quantised", rows_are_padded_where_they_are_quantised},
        {"halves of a kind of layer are refused", halves_of_a_kind_of_layer_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "layers", tests);
}
