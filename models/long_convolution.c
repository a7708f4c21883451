/* SPDX-License-Identifier: BSD-3-Clause */
/* Long convolutions: decoders whose tokens mix by gated convolutions as long as the sequence, with filters
 * that a small network generates from positions (Hyena, order 2: one long convolution between two gates).
 * Each convolution is a product of spectra of sequences padded to twice their length. Channels do not mix in
 * it, so tp shares them out. Real sequences are transformed in pairs, as real and imaginary part of one
 * complex transform: half the work and half the bytes of complex ones. */
#include <math.h>

#include "models/emit.h"

/* Taps of the short convolution, and the filter's network: sines and cosines of the position, two hidden
 * layers and the channels. Source: Poli et al., table A.4 (width 64, depth 4); 33 features as in the
 * published settings of its language models (HazyResearch/safari), where DNA takes 5. */
enum { SHORT_TAPS = 3, FEATURES = 33, FILTER_WIDTH = 64, PROJECTIONS = 3 };

static const double trunk_params = FEATURES * FILTER_WIDTH + 2.0 * FILTER_WIDTH * FILTER_WIDTH;

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    const muir_parallel *parallel = &job->parallel;
    if (m->heads != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.heads=%lld, but family long_convolution has no attention heads; it must be 1",
                         (long long)m->heads);
    if (parallel->cp != 1 || parallel->ep != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel: family long_convolution transforms whole sequences on one chip, which "
                         "needs cp=1 ep=1, but cp=%lld ep=%lld",
                         (long long)parallel->cp, (long long)parallel->ep);
    return MUIR_OK;
}

typedef struct mixer {
    muir_sizes s;
    double seq, sequences; /* of a microbatch */
    double channels;       /* on one chip */
    double padded;         /* points of a transform */
    double pass;           /* bytes of the channels of all tokens, once through memory */
} mixer;

static mixer mixer_of(const muir_emitter *e)
{
    const muir_job *job = e->job;
    mixer m = {.s = e->sizes};
    m.seq = (double)job->batch.seq_len;
    m.sequences = (double)job->batch.micro_batch_size;
    m.channels = m.s.hidden / m.s.tp;
    m.padded = 2.0 * m.seq;
    m.pass = job->stack.elementwise * m.s.tokens * m.channels * m.s.act_bytes;
    return m;
}

/* Weights that every chip holds part of, and those of the filters among them; the trunk is on all chips. */
static double filter_params(const muir_model *model)
{
    return (double)(FILTER_WIDTH * model->hidden);
}

static double token_params(const muir_model *model)
{
    const double h = (double)model->hidden;
    return (PROJECTIONS + 1.0) * h * h + (SHORT_TAPS * PROJECTIONS + 1.0) * h + h + /* bias, norm */
           muir_mlp_params(model, (double)model->ffn);
}

/* The filters of all channels, and back to their weights: once for each microbatch, whatever its sequences.
 * Positions need no gradient. */
static void emit_filters(muir_emitter *e)
{
    const mixer m = mixer_of(e);
    const double w = FILTER_WIDTH, bytes = e->job->stack.elementwise * 4.0 * m.seq * (3.0 * w + m.channels);
    if (e->phase == MUIR_FORWARD) {
        muir_emit_gemm_16bit(e, "filter in", m.seq, w, FEATURES, 1.0);
        for (int i = 0; i < 2; i++) muir_emit_gemm_16bit(e, "filter hidden", m.seq, w, w, 1.0);
        muir_emit_gemm_16bit(e, "filter out", m.seq, m.channels, w, 1.0);
        muir_emit_mem(e, "sines and window", 2.0 * bytes);
        muir_emit_fft(e, "filter transform", m.padded, 0.5 * m.channels, 1.0);
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_fft(e, "filter transform grad", m.padded, 0.5 * m.channels, 1.0);
        muir_emit_gemm_16bit(e, "filter out grad", m.seq, w, m.channels, 1.0);
        for (int i = 0; i < 2; i++) muir_emit_gemm_16bit(e, "filter hidden grad", m.seq, w, w, 1.0);
        muir_emit_mem(e, "sines and window", 3.0 * bytes);
    } else {
        muir_emit_long_sum(e, "filter out weight", w, m.channels, m.seq);
        for (int i = 0; i < 2; i++) muir_emit_long_sum(e, "filter hidden weight", w, w, m.seq);
        muir_emit_long_sum(e, "filter in weight", FEATURES, w, m.seq);
    }
}

/* Product of spectra, half of which says all of a real sequence: those of sequences read and written so
 * often, those of filters as often. */
static void emit_spectra(muir_emitter *e, double sequences, double filters)
{
    const mixer m = mixer_of(e);
    muir_emit_mem(e, "product of spectra", 8.0 * m.channels * m.seq * (sequences * m.sequences + filters));
}

/* Forward: there and back. Backward: the input's spectrum is formed again, the filter's was kept; the
 * gradient goes there, times the filter back to the sequences, and times the input, summed over sequences,
 * back to the filters. Source: the fused kernel of the published code. */
static void emit_convolution(muir_emitter *e)
{
    const mixer m = mixer_of(e);
    const double pairs = 0.5 * m.sequences * m.channels;
    if (e->phase == MUIR_FORWARD) {
        emit_filters(e);
        muir_emit_fft(e, "transform", m.padded, pairs, 1.0);
        emit_spectra(e, 2.0, 1.0);
        muir_emit_fft(e, "inverse transform", m.padded, pairs, 1.0);
    } else {
        muir_emit_fft(e, "transform again", m.padded, pairs, 1.0);
        muir_emit_fft(e, "transform of grad", m.padded, pairs, 1.0);
        emit_spectra(e, 3.0, 2.0);
        muir_emit_fft(e, "inverse transform of grad", m.padded, pairs, 1.0);
        emit_filters(e);
    }
}

/* Input and output of the norm; projections before and after the short convolution, what goes into and comes
 * out of the long one, and what comes out of the gates; and the filters' spectra, fp32. */
static void keep_mixing(muir_emitter *e)
{
    const mixer m = mixer_of(e);
    const double vector = 2.0 * m.s.tokens * m.s.hidden / m.s.split;
    muir_emit_keep(e, (muir_kept){.bytes = vector, .by_op = vector, .transient = 2.0 * vector});
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(norm), .bytes = vector});
    muir_emit_keep(e, (muir_kept){.bytes = 2.0 * m.s.tokens * (2.0 * PROJECTIONS + 3.0) * m.channels +
                                           8.0 * m.channels * m.seq,
                                  .transient = 2.0 * vector});
}

/* Short convolutions and gates read and write what they need once: 6 passes and 3, 4 forward (the second gate
 * adds the biased input), 9 and 5, 6 backward. */
static void emit_mixing_half(muir_emitter *e)
{
    const mixer m = mixer_of(e);
    const double t = m.s.tokens, h = m.s.hidden, in = PROJECTIONS * m.channels;
    if (e->phase == MUIR_FORWARD) {
        keep_mixing(e);
        muir_emit_norm(e, "mixing norm");
        muir_emit_enter_tp(e, "mixing in");
        muir_emit_product(e, "projections", t, in, h, 1.0);
        muir_emit_mem(e, "short convolution", 6.0 * m.pass);
        muir_emit_mem(e, "gate in", 3.0 * m.pass);
        emit_convolution(e);
        muir_emit_mem(e, "gate out", 4.0 * m.pass);
        muir_emit_product(e, "out", t, h, m.channels, 1.0);
        muir_emit_leave_tp(e, "mixing out");
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_leave_tp(e, "mixing out");
        muir_emit_product(e, "out grad", t, m.channels, h, 1.0);
        muir_emit_mem(e, "gate out", 6.0 * m.pass);
        emit_convolution(e);
        muir_emit_mem(e, "gate in", 5.0 * m.pass);
        muir_emit_mem(e, "short convolution", 9.0 * m.pass);
        muir_emit_product(e, "projections grad", t, h, in, 1.0);
        muir_emit_enter_tp(e, "mixing in");
        muir_emit_norm(e, "mixing norm");
    } else {
        muir_emit_product(e, "out weight", m.channels, h, t, 1.0);
        emit_filters(e);
        muir_emit_product(e, "projections weight", h, in, t, 1.0);
    }
}

static void emit(muir_emitter *e)
{
    static const muir_emit_half halves[] = {emit_mixing_half, muir_emit_mlp_half};
    const muir_model *model = &e->job->model;
    muir_emit_embedding(e);
    muir_emit_block(e,
                    (muir_block){.name = "layer",
                                 .role = MUIR_BLOCK_LAYER,
                                 .layers = {0, model->layers, 1},
                                 .dense_params = (token_params(model) + filter_params(model)) / e->sizes.tp +
                                                 trunk_params});
    muir_emit_layer(e, halves, 2);
    muir_emit_head(e);
}

/* 6 FLOP a weight and token, and two transforms there and two back for each pair of channels and each
 * sequence. Filters are needed once a step: 6 FLOP a weight and position, less the gradient of positions, and
 * a transform each way. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *m = &job->model;
    const double layers = (double)m->layers, seq = (double)job->batch.seq_len;
    const double sequences = (double)job->batch.global_batch_size;
    const double embedding = (double)(m->vocab * m->hidden);
    const double filters = filter_params(m) + trunk_params;
    const double transform = 0.5 * (double)m->hidden * 5.0 * 2.0 * seq * log2(2.0 * seq);
    p->params = layers * (token_params(m) + filters) + embedding * (m->tied_embedding ? 1.0 : 2.0);
    p->active_params = p->params;
    p->model_flop =
        sequences * (6.0 * seq * (layers * token_params(m) + embedding) + layers * 4.0 * transform) +
        layers * ((6.0 * filters - 2.0 * FEATURES * FILTER_WIDTH) * seq + 2.0 * transform);
}

static const char *const keys[] = {MUIR_KEYS_MLP, MUIR_KEYS_LANGUAGE, NULL};

const muir_family muir_family_long_convolution = {
    .name = "long_convolution",
    .keys = keys,
    .is_headless = true,
    .check = check,
    .emit = emit,
    .add_totals = add_totals,
    .source = "Poli et al., Hyena Hierarchy, arXiv 2302.10866; Nguyen et al., HyenaDNA, arXiv 2306.15794",
};
