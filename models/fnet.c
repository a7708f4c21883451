/* SPDX-License-Identifier: BSD-3-Clause */
/* FNet: encoders whose tokens mix by a two-dimensional Fourier transform in place of attention. */
#include <math.h>

#include "models/emit.h"

/* The transform runs over the whole sequence and the whole hidden vector, so neither may be shared out. */
static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *parallel = &job->parallel;
    if (job->model.heads != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.heads=%lld, but family fnet has no attention heads; it must be 1",
                         (long long)job->model.heads);
    if (parallel->tp != 1 || parallel->cp != 1 || parallel->ep != 1)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "parallel: family fnet transforms whole sequences on one chip, which needs tp=1 cp=1 "
            "ep=1, but tp=%lld cp=%lld ep=%lld",
            (long long)parallel->tp, (long long)parallel->cp, (long long)parallel->ep);
    return MUIR_OK;
}

/* Along the hidden vector of each token, then along the sequence for each hidden element, of which the real
 * part goes on. The transform is its own transpose, so the backward pass is the same in the opposite order.
 * There are no weights. Source: Lee-Thorp et al., section 3.2. */
static void emit_mixing_half(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const double seq = (double)e->job->batch.seq_len, sequences = (double)e->job->batch.micro_batch_size;
    const double vector = 2.0 * s.tokens * s.hidden;
    muir_emit_keep(e, (muir_kept){.bytes = vector, .by_op = vector, .transient = 2.0 * vector});
    muir_emit_keep(e, (muir_kept){.bytes = vector, .transient = 2.0 * vector}); /* what the norm reads */
    if (e->phase == MUIR_FORWARD) {
        muir_emit_fft(e, "mix hidden", s.hidden, s.tokens, 1.0);
        muir_emit_fft(e, "mix tokens", seq, s.hidden * sequences, s.hidden);
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_fft(e, "mix tokens grad", seq, s.hidden * sequences, s.hidden);
        muir_emit_fft(e, "mix hidden grad", s.hidden, s.tokens, 1.0);
    } else {
        return;
    }
    muir_emit_mem(e, "real part", s.tokens * s.hidden * (8.0 + s.act_bytes));
    muir_emit_norm(e, "mixing norm");
}

static void emit(muir_emitter *e)
{
    static const muir_emit_half halves[] = {emit_mixing_half, muir_emit_mlp_half};
    const muir_model *model = &e->job->model;
    const double width = (double)model->ffn;
    muir_emit_embedding(e);
    muir_emit_block(e, (muir_block){.name = "layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, model->layers, 1},
                                    .dense_params = muir_mlp_params(model, width) + e->sizes.hidden,
                                    /* and its norm */});
    muir_emit_layer(e, halves, 2);
    muir_emit_head(e);
}

/* Forward and backward. */
static double mixing_flop(const muir_job *job)
{
    const double seq = (double)job->batch.seq_len, hidden = (double)job->model.hidden;
    return 2.0 * (double)job->model.layers * 5.0 * seq * hidden * (log2(hidden) + log2(seq));
}

static const char *const keys[] = {MUIR_KEYS_MLP, MUIR_KEYS_LANGUAGE, NULL};

const muir_family muir_family_fnet = {
    .name = "fnet",
    .keys = keys,
    .is_headless = true,
    .check = check,
    .emit = emit,
    .mixing_flop = mixing_flop,
    .source = "Lee-Thorp et al., FNet: mixing tokens with Fourier transforms, arXiv 2105.03824",
};
