/* SPDX-License-Identifier: BSD-3-Clause */
/* Vision transformers: an image's patches are the tokens of an encoder without a causal mask, and one
 * vector per image goes into the classes. A sequence is an image; vocab counts classes. */
#include "models/emit.h"

enum { COLOURS = 3 };

static int64_t patches_of(const muir_model *model)
{
    const int64_t edge = model->patch > 0 ? model->image / model->patch : 0;
    return edge * edge;
}

static int64_t seq_len(const muir_model *model)
{
    return patches_of(model) + 1;
}

static double patch_params(const muir_model *model)
{
    return (double)(COLOURS * model->patch * model->patch * model->hidden);
}

/* A token per patch, and with a class token one more. */
static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    const int64_t patches = patches_of(m), tokens = job->batch.seq_len;
    if (m->experts != 0 || job->parallel.ep != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: family vision_transformer has no experts, but experts=%lld ep=%lld",
                         (long long)m->experts, (long long)job->parallel.ep);
    if (patches == 0 || m->image % m->patch != 0)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "model: image=%lld is not a multiple of patch=%lld, which family vision_transformer needs",
            (long long)m->image, (long long)m->patch);
    if (tokens != patches && tokens != patches + 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "seq_len=%lld, but an image makes %lld tokens, or %lld with a class token",
                         (long long)tokens, (long long)patches, (long long)patches + 1);
    return MUIR_OK;
}

/* Patches are cut out and projected where their part of the sequence lies; the image needs no gradient. */
static void emit_patches(muir_program *p, const muir_job *job)
{
    const muir_sizes s = muir_sizes_of(job);
    const muir_model *m = &job->model;
    const double images = (double)job->batch.micro_batch_size / (double)job->parallel.cp / s.split;
    const double patches = images * (double)patches_of(m), pixels = (double)(COLOURS * m->patch * m->patch);
    const double hidden_bytes = s.tokens / s.split * s.hidden * s.act_bytes;
    muir_block *b = muir_emit_block(p, "patches");
    b->dense_params = patch_params(m) + (double)job->batch.seq_len * s.hidden; /* and positions */
    muir_emit_phase(p, b, MUIR_FORWARD);
    muir_emit_weights(p, job, b, MUIR_FORWARD);
    muir_emit_mem(p, b, MUIR_FORWARD, "cut patches", 2.0 * patches * pixels * s.act_bytes);
    muir_emit_gemm(p, b, MUIR_FORWARD, "patch", patches, s.hidden, pixels, 1.0);
    muir_emit_mem(p, b, MUIR_FORWARD, "add positions", 2.0 * hidden_bytes);
    muir_emit_phase(p, b, MUIR_BACKWARD);
    muir_emit_weights(p, job, b, MUIR_BACKWARD);
    muir_emit_phase(p, b, MUIR_WEIGHT);
    muir_emit_weights(p, job, b, MUIR_WEIGHT);
    muir_emit_mem(p, b, MUIR_WEIGHT, "positions grad", hidden_bytes);
    muir_emit_gemm(p, b, MUIR_WEIGHT, "patch weight", pixels, s.hidden, patches, 1.0);
}

static void emit_layer(muir_program *p, const muir_job *job)
{
    const double width = (double)job->model.ffn;
    muir_block *b = muir_emit_block(p, "layer");
    b->dense_params =
        (muir_attention_params(&job->model) + muir_mlp_params(&job->model, width)) / (double)job->parallel.tp;
    muir_emit_phase(p, b, MUIR_FORWARD);
    muir_emit_weights(p, job, b, MUIR_FORWARD);
    muir_emit_attention_half(p, job, b, MUIR_FORWARD);
    muir_emit_mlp_half(p, job, b, MUIR_FORWARD, width);
    muir_emit_phase(p, b, MUIR_BACKWARD);
    muir_emit_weights(p, job, b, MUIR_BACKWARD);
    muir_emit_recompute(p, job, b);
    muir_emit_mlp_half(p, job, b, MUIR_BACKWARD, width);
    muir_emit_attention_half(p, job, b, MUIR_BACKWARD);
    muir_emit_phase(p, b, MUIR_WEIGHT);
    muir_emit_weights(p, job, b, MUIR_WEIGHT);
    muir_emit_mlp_half(p, job, b, MUIR_WEIGHT, width);
    muir_emit_attention_half(p, job, b, MUIR_WEIGHT);
}

/* Every chip of a tp group does the few classes alike. */
static void emit_classes(muir_program *p, const muir_job *job)
{
    const muir_sizes s = muir_sizes_of(job);
    const double images = (double)job->batch.micro_batch_size, classes = (double)job->model.vocab;
    const double norm_bytes = s.tokens / s.split * s.hidden * s.act_bytes;
    muir_block *b = muir_emit_block(p, "classes");
    b->dense_params = classes * s.hidden + s.hidden;
    muir_emit_phase(p, b, MUIR_FORWARD);
    muir_emit_weights(p, job, b, MUIR_FORWARD);
    muir_emit_mem(p, b, MUIR_FORWARD, "final norm", 2.0 * norm_bytes);
    muir_emit_gemm(p, b, MUIR_FORWARD, "classes", images, classes, s.hidden, 1.0);
    muir_emit_mem(p, b, MUIR_FORWARD, "loss", 3.0 * images * classes * 4.0);
    muir_emit_phase(p, b, MUIR_BACKWARD);
    muir_emit_weights(p, job, b, MUIR_BACKWARD);
    muir_emit_gemm(p, b, MUIR_BACKWARD, "classes grad", images, s.hidden, classes, 1.0);
    muir_emit_mem(p, b, MUIR_BACKWARD, "final norm", 3.0 * norm_bytes);
    muir_emit_phase(p, b, MUIR_WEIGHT);
    muir_emit_weights(p, job, b, MUIR_WEIGHT);
    muir_emit_gemm(p, b, MUIR_WEIGHT, "classes weight", s.hidden, classes, images, 1.0);
}

static muir_status emit(muir_ctx *ctx, const muir_job *job, muir_program *p)
{
    (void)ctx;
    emit_patches(p, job);
    emit_layer(p, job);
    emit_classes(p, job);
    for (int i = 0; i < p->n_ops; i++)
        if (p->ops[i].is_attention) p->ops[i].share = 1.0; /* every token sees every other */
    return MUIR_OK;
}

/* As for language models, but patches have no gradient of their input, and classes are of images. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *m = &job->model;
    const double images = (double)job->batch.global_batch_size, seq = (double)job->batch.seq_len;
    const double layers = (double)m->layers, width = (double)(m->heads * m->head_dim);
    const double layer = p->blocks[1].dense_params * (double)job->parallel.tp;
    p->params = layers * layer + p->blocks[0].dense_params + p->blocks[2].dense_params;
    p->active_params = p->params;
    p->model_flop =
        images * (layers * seq * (6.0 * layer + 12.0 * seq * width) +
                  4.0 * (double)patches_of(m) * patch_params(m) + 6.0 * (double)(m->hidden * m->vocab));
}

const muir_family muir_family_vision_transformer = {
    .name = "vision_transformer",
    .check = check,
    .emit = emit,
    .seq_len = seq_len,
    .add_totals = add_totals,
    .source = "Dosovitskiy et al., arXiv 2010.11929; Dehghani et al., ViT-22B, arXiv 2302.05442",
};
