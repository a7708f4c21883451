/* SPDX-License-Identifier: BSD-3-Clause */
/* Families that mix by Fourier transforms: weights as published, operations by closed formulas, layouts that
 * are refused. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "models/program.h"
#include "scenario/fit.h"

static muir_scenario load(const char *const *overrides)
{
    muir_scenario scenario;
    int n = 0;
    while (overrides[n]) n++;
    const muir_status st = muir_scenario_load(muir_test_ctx(), "tiny", overrides, n, &scenario);
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

static void expect_refusal(const char *const *overrides, const char *message)
{
    muir_scenario scenario;
    int n = 0;
    while (overrides[n]) n++;
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "tiny", overrides, n, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, message);
    muir_ctx_clear(muir_test_ctx());
}

/* Of all chips, in a step. */
static double job_flop(const muir_scenario *s, const muir_program *program)
{
    const muir_parallel *p = &s->job.parallel;
    double chip_flop = 0.0;
    for (int c = 0; c < program->n_chunks; c++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            chip_flop += muir_chunk_flop(program, c, (muir_phase)phase);
    return chip_flop * (double)(p->tp * p->cp * p->dp * s->job.microbatches);
}

/* arXiv 2302.10866, tables 4.3, 4.4 and A.4; arXiv 2306.15794. */
static void long_convolutions_have_the_published_weights(void)
{
    static const struct {
        const char *model;
        double params, error;
    } known[] = {{"model=hyena-125m", 125e6, 0.01},
                 {"model=hyena-153m", 153e6, 0.01},
                 {"model=hyena-355m", 355e6, 0.01},
                 {"model=hyena-1.3b", 1.3e9, 0.02},
                 {"model=hyenadna-6.6m", 6.6e6, 0.015}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *const overrides[] = {known[i].model, "seq_len=2048", "parallel.tp=1", "parallel.pp=1",
                                         NULL};
        const muir_scenario s = load(overrides);
        muir_program *program = program_of(&s);
        CU_ASSERT_DOUBLE_EQUAL(program->params / known[i].params, 1.0, known[i].error);
        CU_ASSERT_DOUBLE_EQUAL(program->active_params, program->params, 0.5);
        muir_program_destroy(&program);
    }
}

/* Hyena 153M by hand: 18 layers of 864 channels, 1728 wide, 50257 words, at 2048 tokens. */
static const double hidden = 864, ffn = 1728, words = 50257, seq = 2048, layers = 18;

static void long_convolutions_cost_what_their_sizes_say(void)
{
    static const char *const overrides[] = {"model=hyena-153m",
                                            "seq_len=2048",
                                            "parallel.tp=1",
                                            "parallel.pp=1",
                                            "parallel.dp=2",
                                            "micro_batch_size=4",
                                            "global_batch_size=16",
                                            "parallel.recompute=none",
                                            NULL};
    const muir_scenario s = load(overrides);
    muir_program *program = program_of(&s);
    const double products = 4 * hidden * hidden + 2 * hidden * ffn;
    const double vectors = 3 * 3 * hidden + hidden + 2 * hidden; /* short filters, bias, two norms */
    const double filters = 33 * 64 + 2 * 64 * 64 + 64 * hidden;
    const double transform = 5.0 * 2 * seq * log2(2 * seq) * hidden / 2; /* of one sequence, real */
    CU_ASSERT_DOUBLE_EQUAL(program->params, layers * (products + vectors + filters) + words * hidden, 0.5);
    const double once = layers * ((6 * filters - 2 * 33 * 64) * seq + 2 * transform);
    const double model =
        16 * (6 * seq * (layers * (products + vectors) + words * hidden) + layers * 4 * transform) + once;
    CU_ASSERT_DOUBLE_EQUAL(program->model_flop / model, 1.0, 1e-12);
    /* Vectors are memory operations; filters are made for each of 2 x 2 microbatches; and a spectrum is
     * formed again. */
    const double executed = model - 16 * 6 * seq * layers * vectors + 3 * once + 16 * layers * transform;
    CU_ASSERT_DOUBLE_EQUAL(job_flop(&s, program) / executed, 1.0, 1e-12);
    muir_program_destroy(&program);
}

/* Each chip transforms its channels; only the filters' trunk, 10,304 weights, is on both. */
static void long_convolutions_split_channels_over_tp(void)
{
    static const char *const whole[] = {"model=hyena-153m", "seq_len=2048",  "parallel.tp=1",
                                        "parallel.pp=1",    "parallel.dp=1", NULL},
                             *const split[] = {"model=hyena-153m", "seq_len=2048",  "parallel.tp=2",
                                               "parallel.pp=1",    "parallel.dp=1", NULL};
    const muir_scenario one = load(whole), two = load(split);
    muir_program *a = program_of(&one), *b = program_of(&two);
    double points[2] = {0.0, 0.0};
    int gathers = 0;
    for (int i = 0; i < a->n_ops; i++)
        if (a->ops[i].kind == MUIR_OP_FFT) points[0] += a->ops[i].n * a->ops[i].count;
    for (int i = 0; i < b->n_ops; i++) {
        if (b->ops[i].kind == MUIR_OP_FFT) points[1] += b->ops[i].n * b->ops[i].count;
        gathers += b->ops[i].kind == MUIR_OP_COLL && strcmp(b->ops[i].name, "mixing in") == 0;
    }
    CU_ASSERT_DOUBLE_EQUAL(points[1] / points[0], 0.5, 1e-12);
    CU_ASSERT_EQUAL(gathers, 2); /* forward and backward */
    CU_ASSERT_DOUBLE_EQUAL(2 * b->blocks[1].dense_params - a->blocks[1].dense_params, 33 * 64 + 2 * 64 * 64,
                           0.5);
    CU_ASSERT_DOUBLE_EQUAL(b->model_flop, a->model_flop, 0.5);
    muir_program_destroy(&a);
    muir_program_destroy(&b);
}

static void long_convolutions_refuse_what_they_cannot_do(void)
{
    static const char *const parts[] = {"model=hyena-153m", "parallel.pp=1", "parallel.cp=2", "parallel.dp=2",
                                        NULL},
                             *const heads[] = {"model=hyena-153m", "model.heads=8", NULL},
                             *const width[] = {"model=hyena-153m", "model.hidden=865", "parallel.tp=2",
                                               "parallel.dp=1", NULL};
    expect_refusal(parts, "parallel: family long_convolution transforms whole sequences on one chip, which "
                          "needs cp=1 ep=1, but cp=2 ep=1");
    expect_refusal(heads, "model: family long_convolution has neither attention heads nor experts (heads=1, "
                          "experts=0), but heads=8 experts=0 topk=0 shared_experts=0");
    expect_refusal(width, "parallel.tp=2 does not divide model.hidden=865");
}

/* zero_stage 3: weights are gathered before they are used, forward and backward, and gradients leave with
 * each microbatch. */
static void weights_that_replicas_share_out_are_gathered(void)
{
    static const char *const models[] = {"model=fnet-base", "model=hyena-153m"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const char *const overrides[] = {models[i],       "seq_len=512",           "parallel.pp=1",
                                         "parallel.dp=4", "parallel.zero_stage=3", NULL};
        const muir_scenario s = load(overrides);
        muir_program *program = program_of(&s);
        const muir_block *layer = &program->blocks[1];
        int found[MUIR_PHASE_COUNT] = {0};
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            for (int op = 0; op < layer->phase[phase].n; op++) {
                const muir_op *at = &program->ops[layer->phase[phase].first + op];
                found[phase] += at->kind == MUIR_OP_COLL && at->axis == MUIR_AXIS_DP;
            }
        CU_ASSERT(found[MUIR_FORWARD] == 1 && found[MUIR_BACKWARD] == 1 && found[MUIR_WEIGHT] == 1);
        muir_program_destroy(&program);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"long convolutions have the published weights", long_convolutions_have_the_published_weights},
        {"long convolutions cost what their sizes say", long_convolutions_cost_what_their_sizes_say},
        {"long convolutions split channels over tp", long_convolutions_split_channels_over_tp},
        {"long convolutions refuse what they cannot do", long_convolutions_refuse_what_they_cannot_do},
        {"weights that replicas share out are gathered", weights_that_replicas_share_out_are_gathered},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "spectral", tests);
}
