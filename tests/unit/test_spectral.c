/* SPDX-License-Identifier: BSD-3-Clause */
/* Families that mix by Fourier transforms: weights as published, operations by closed formulas, layouts that
 * are refused. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "models/program.h"
#include "memory/fit.h"
#include "programs.h"

static void expect_refusal(const char *const *overrides, const char *message)
{
    muir_scenario scenario;
    CU_ASSERT_EQUAL(try_scenario("tiny", overrides, NULL, &scenario), MUIR_ERR_ARG);
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
        const muir_scenario s = scenario_of("tiny", overrides);
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
    const muir_scenario s = scenario_of("tiny", overrides);
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
    const muir_scenario one = scenario_of("tiny", whole), two = scenario_of("tiny", split);
    muir_program *a = program_of(&one), *b = program_of(&two);
    double points[2] = {0.0, 0.0};
    int gathers = 0;
    for (int i = 0; i < a->n_ops; i++)
        if (a->ops[i].kind == MUIR_OP_FFT) points[0] += a->ops[i].fft.n * a->ops[i].fft.count;
    for (int i = 0; i < b->n_ops; i++) {
        if (b->ops[i].kind == MUIR_OP_FFT) points[1] += b->ops[i].fft.n * b->ops[i].fft.count;
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
    expect_refusal(heads, "model.heads=8, but family long_convolution has no attention heads; it must be 1");
    expect_refusal(width, "parallel.tp=2 does not divide model.hidden=865");
}

/* zero_stage 3: weights are gathered before they are used, forward and backward, and gradients leave with
 * each microbatch. */
static void weights_that_replicas_share_out_are_gathered(void)
{
    static const char *const models[] = {"model=fnet-base", "model=hyena-153m", "model=fno-3d"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const char *const overrides[] = {models[i],
                                         i < 2 ? "seq_len=512" : "seq_len=auto",
                                         "parallel.pp=1",
                                         "parallel.dp=4",
                                         "parallel.zero_stage=3",
                                         NULL};
        const muir_scenario s = scenario_of("tiny", overrides);
        muir_program *program = program_of(&s);
        const muir_block *layer = &program->blocks[1];
        int found[MUIR_PHASE_COUNT] = {0};
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            for (int op = 0; op < layer->phase[phase].n; op++) {
                const muir_op *at = &program->ops[layer->phase[phase].first + op];
                found[phase] += at->kind == MUIR_OP_COLL && at->coll.axis == MUIR_AXIS_DP;
            }
        CU_ASSERT(found[MUIR_FORWARD] == 1 && found[MUIR_BACKWARD] == 1 && found[MUIR_WEIGHT] == 1);
        muir_program_destroy(&program);
    }
}

/* arXiv 2010.08895, table 1, to the last weight; and what is published of the grid on 4 chips. */
static void operators_have_the_published_weights(void)
{
    static const struct {
        const char *model;
        double params, error;
    } known[] = {{"model=fno-3d", 6558537.0, 0.0},
                 {"model=fno-2d", 414517.0, 0.0},
                 {"model=fno-4d-sleipner", 4 * 2 * 400.0 * 24 * 24 * 24 * 8, 1e4}}; /* and small ones */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *const overrides[] = {known[i].model, "seq_len=auto", "parallel.pp=1", NULL};
        const muir_scenario s = scenario_of("tiny", overrides);
        muir_program *program = program_of(&s);
        CU_ASSERT_DOUBLE_EQUAL(program->params, known[i].params, known[i].error);
        muir_program_destroy(&program);
    }
}

static const char *const
    fno_whole[] = {"model=fno-3d",       "seq_len=auto",        "parallel.pp=1",           "parallel.dp=1",
                   "micro_batch_size=2", "global_batch_size=4", "parallel.recompute=none", NULL},
    *const fno_slabs[] = {"model=fno-3d",
                          "seq_len=auto",
                          "parallel.pp=1",
                          "parallel.dp=1",
                          "micro_batch_size=2",
                          "global_batch_size=4",
                          "parallel.recompute=none",
                          "parallel.cp=4",
                          "parallel.ep=4",
                          NULL},
    *const fno_pencils[] = {
        "model=fno-3d",       "seq_len=auto",        "parallel.pp=1",           "parallel.dp=1",
        "micro_batch_size=2", "global_batch_size=4", "parallel.recompute=none", "fleet=dgx-h100",
        "fleet.servers=16",   "parallel.cp=128",     "parallel.ep=128",         NULL};

/* By hand: 20 channels of 64 x 64 x 40 points, of which 16 x 16 x 8 modes are kept. The chips of any cut do
 * together what one chip does alone. */
static void operators_cost_what_their_sizes_say(void)
{
    const char *const *const cuts[] = {fno_whole, fno_slabs, fno_pencils};
    const double points = 64 * 64 * 40, modes = 16 * 16 * 8, c = 20;
    const double lines =
        5 * (0.5 * 64 * 64 * 40 * log2(40) + 64 * 8 * 64 * log2(64) + 16 * 8 * 64 * log2(64));
    const double layer = points * 6 * c * c + 24 * c * c * modes + 4 * c * lines;
    const double ends = points * (4 * 13 * c + 6 * (c * 128 + 128));
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        const muir_scenario s = scenario_of("tiny", cuts[i]);
        muir_program *program = program_of(&s);
        CU_ASSERT_DOUBLE_EQUAL(program->model_flop / (4 * (4 * layer + ends)), 1.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(job_flop(&s, program) / program->model_flop, 1.0, 1e-12);
        for (int op = 0; op < program->n_ops; op++)
            if (program->ops[op].kind == MUIR_OP_FFT)
                CU_ASSERT_EQUAL(fmod(program->ops[op].fft.count, program->ops[op].fft.stride), 0.0);
        muir_program_destroy(&program);
    }
}

/* Values of one chip and sample, 8 bytes each, that each layer's transposes move there and back, forward and
 * backward. Slabs of 16: 20 channels x 16 x (16 x 8 modes). Pencils of 1 x 32: 20 x 1 x 32 x 8 modes among 2
 * neighbours, then 20 x 1 x 16 x 4 among 64, every other chip. */
static void operators_exchange_the_kept_modes_alone(void)
{
    static const struct {
        const char *const *overrides;
        int exchanges;
        double values;           /* of all exchanges of a layer, one sample */
        int64_t members, stride; /* of the last one */
        double weights;          /* that a chip has of the modes' matrices of a layer */
    } known[] = {{fno_whole, 0, 0.0, 0, 0, 0.0},
                 {fno_slabs, 4, 4 * 20.0 * 16 * 128, 4, 1, 2 * 400.0 * 2048 / 4},
                 {fno_pencils, 8, 4 * (20.0 * 32 * 8 + 20.0 * 64), 2, 1, 2 * 400.0 * 2048 / 128}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const muir_scenario s = scenario_of("tiny", known[i].overrides);
        muir_program *program = program_of(&s);
        const muir_op *last = NULL;
        double bytes = 0.0;
        int exchanges = 0;
        for (int op = 0; op < program->n_ops; op++) {
            if (program->ops[op].kind != MUIR_OP_COLL || program->ops[op].coll.kind != MUIR_ALL_TO_ALL)
                continue;
            CU_ASSERT_EQUAL(program->ops[op].coll.axis, MUIR_AXIS_CP);
            last = &program->ops[op];
            bytes += last->coll.bytes;
            exchanges++;
        }
        CU_ASSERT_EQUAL(exchanges, known[i].exchanges);
        CU_ASSERT_DOUBLE_EQUAL(bytes, 2 * 8 * known[i].values, 0.5); /* two samples */
        CU_ASSERT_EQUAL(last ? last->coll.members : 0, known[i].members);
        CU_ASSERT_EQUAL(last ? last->coll.stride : 0, known[i].stride);
        CU_ASSERT_DOUBLE_EQUAL(program->blocks[1].expert_params, known[i].weights, 0.5);
        muir_program_destroy(&program);
    }
}

static void operators_refuse_what_they_cannot_do(void)
{
    static const char *const
        thirds[] = {"model=fno-3d", "seq_len=auto", "parallel.pp=1", "parallel.cp=3", "parallel.dp=1", NULL},
        *const wide[] = {"model=fno-3d",     "seq_len=auto",   "fleet=dgx-h100", "parallel.pp=1",
                         "fleet.servers=16", "parallel.cp=80", "parallel.dp=1",  NULL},
        *const channels[] = {"model=fno-3d",  "seq_len=auto",  "parallel.pp=1",
                             "parallel.tp=2", "parallel.dp=1", NULL},
        *const shares[] = {"model=fno-3d",
                           "seq_len=auto",
                           "parallel.pp=1",
                           "parallel.cp=4",
                           "parallel.ep=2",
                           "parallel.dp=1",
                           NULL},
        *const modes[] = {"model=fno-3d", "seq_len=auto", "model.modes=8x8x22", NULL},
        *const length[] = {"model=fno-3d", NULL}, *const owner[] = {"model.grid=8x8x8", NULL};
    expect_refusal(thirds, "parallel.cp=3 does not divide seq_len=163840");
    expect_refusal(wide,
                   "parallel.cp=80 cuts grid=64x64x40 with modes=8x8x8 into equal shares neither as slabs "
                   "nor as pencils");
    expect_refusal(channels, "parallel.tp=2, but family fourier_neural_operator splits points (cp), not "
                             "channels; it must be 1");
    expect_refusal(shares,
                   "parallel.ep=2, but family fourier_neural_operator holds the matrices of all modes on "
                   "each chip (ep=1) or splits them like the points (ep=cp=4)");
    expect_refusal(modes,
                   "model: grid='64x64x40' modes='8x8x22' must be 2 to 4 sizes each, like 64x64x40 and "
                   "8x8x8, of modes at most half of the grid's");
    expect_refusal(length, "seq_len=512, but a sample has the 163840 points of grid=64x64x40");
    expect_refusal(owner, "model.grid=8x8x8, but family dense_transformer does not use it "
                          "(fourier_neural_operator would); leave it at nothing");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"long convolutions have the published weights", long_convolutions_have_the_published_weights},
        {"long convolutions cost what their sizes say", long_convolutions_cost_what_their_sizes_say},
        {"long convolutions split channels over tp", long_convolutions_split_channels_over_tp},
        {"long convolutions refuse what they cannot do", long_convolutions_refuse_what_they_cannot_do},
        {"operators have the published weights", operators_have_the_published_weights},
        {"operators cost what their sizes say", operators_cost_what_their_sizes_say},
        {"operators exchange the kept modes alone", operators_exchange_the_kept_modes_alone},
        {"operators refuse what they cannot do", operators_refuse_what_they_cannot_do},
        {"weights that replicas share out are gathered", weights_that_replicas_share_out_are_gathered},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "spectral", tests);
}
