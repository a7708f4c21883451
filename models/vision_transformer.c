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
    if (job->parallel.ep != 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.ep=%lld, but family vision_transformer has no experts",
                         (long long)job->parallel.ep);
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
static void emit_patches(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const muir_model *m = &e->job->model;
    const double images = (double)e->job->batch.micro_batch_size / (double)e->job->parallel.cp / s.split;
    const double patches = images * (double)patches_of(m), pixels = (double)(COLOURS * m->patch * m->patch);
    const double hidden_bytes = s.tokens / s.split * s.hidden * s.act_bytes;
    const double positions = (double)e->job->batch.seq_len * s.hidden;
    muir_emit_block(e, (muir_block){.name = "patches",
                                    .role = MUIR_BLOCK_FIRST,
                                    .dense_params = patch_params(m) + positions});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_mem(e, "cut patches", 2.0 * patches * pixels * s.act_bytes);
    muir_emit_gemm(e, "patch", patches, s.hidden, pixels, 1.0);
    muir_emit_mem(e, "add positions", 2.0 * hidden_bytes);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_mem(e, "positions grad", hidden_bytes);
    muir_emit_gemm(e, "patch weight", pixels, s.hidden, patches, 1.0);
}

static void emit_layer(muir_emitter *e)
{
    static const muir_emit_half halves[] = {muir_emit_attention_half, muir_emit_mlp_half};
    const muir_model *m = &e->job->model;
    const double width = (double)m->ffn;
    muir_emit_block(e, (muir_block){.name = "layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, m->layers, 1},
                                    .dense_params = (muir_attention_params(m) + muir_mlp_params(m, width)) /
                                                    e->sizes.tp});
    muir_emit_layer(e, halves, 2);
}

/* Every chip of a tp group does the few classes alike. */
static void emit_classes(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const double images = (double)e->job->batch.micro_batch_size, classes = (double)e->job->model.vocab;
    const double norm_bytes = s.tokens / s.split * s.hidden * s.act_bytes;
    muir_emit_block(e, (muir_block){.name = "classes",
                                    .role = MUIR_BLOCK_LAST,
                                    .dense_params = classes * s.hidden + s.hidden});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_mem(e, "final norm", 2.0 * norm_bytes);
    muir_emit_gemm(e, "classes", images, classes, s.hidden, 1.0);
    muir_emit_mem(e, "loss", 3.0 * images * classes * 4.0);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_gemm(e, "classes grad", images, s.hidden, classes, 1.0);
    muir_emit_mem(e, "final norm", 3.0 * norm_bytes);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_gemm(e, "classes weight", s.hidden, classes, images, 1.0);
}

static void emit(muir_emitter *e)
{
    e->attention_share = 1.0; /* every token sees every other */
    emit_patches(e);
    emit_layer(e);
    emit_classes(e);
}

/* As for language models, but patches have no gradient of their input, and classes are of images. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *m = &job->model;
    const double images = (double)job->batch.global_batch_size, seq = (double)job->batch.seq_len;
    const double layers = (double)m->layers, width = (double)(m->heads * m->head_dim);
    const double layer = muir_program_block(p, MUIR_BLOCK_LAYER)->dense_params * (double)job->parallel.tp;
    p->params = layers * layer + muir_program_block(p, MUIR_BLOCK_FIRST)->dense_params +
                muir_program_block(p, MUIR_BLOCK_LAST)->dense_params;
    p->active_params = p->params;
    p->model_flop =
        images * (layers * seq * (6.0 * layer + 12.0 * seq * width) +
                  4.0 * (double)patches_of(m) * patch_params(m) + 6.0 * (double)(m->hidden * m->vocab));
}

static const char *const keys[] = {MUIR_KEYS_ATTENTION, MUIR_KEYS_MLP, "image", "patch", NULL};

const muir_family muir_family_vision_transformer = {
    .name = "vision_transformer",
    .keys = keys,
    .check = check,
    .emit = emit,
    .seq_len = seq_len,
    .add_totals = add_totals,
    .source = "Dosovitskiy et al., arXiv 2010.11929; Dehghani et al., ViT-22B, arXiv 2302.05442",
};
