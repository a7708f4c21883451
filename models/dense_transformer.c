/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense decoder-only transformers: GPT, Llama and their like. */
#include "models/emit.h"

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    if (job->model.experts != 0 || job->model.topk != 0 || job->model.shared_experts != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: family dense_transformer has no experts, but experts=%lld topk=%lld "
                         "shared_experts=%lld",
                         (long long)job->model.experts, (long long)job->model.topk,
                         (long long)job->model.shared_experts);
    if (job->parallel.ep != 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.ep=%lld, but a dense model has no experts to share out",
                         (long long)job->parallel.ep);
    return MUIR_OK;
}

/* Full recompute runs the layer's forward again before its backward. */
static void emit_layer(muir_program *program, const muir_job *job, muir_block *layer)
{
    const double width = (double)job->model.ffn;
    muir_emit_phase(program, layer, MUIR_FORWARD);
    muir_emit_weights(program, job, layer, MUIR_FORWARD);
    muir_emit_attention_half(program, job, layer, MUIR_FORWARD);
    muir_emit_mlp_half(program, job, layer, MUIR_FORWARD, width);
    muir_emit_phase(program, layer, MUIR_BACKWARD);
    muir_emit_weights(program, job, layer, MUIR_BACKWARD);
    muir_emit_recompute(program, job, layer);
    muir_emit_mlp_half(program, job, layer, MUIR_BACKWARD, width);
    muir_emit_attention_half(program, job, layer, MUIR_BACKWARD);
    muir_emit_phase(program, layer, MUIR_WEIGHT);
    muir_emit_weights(program, job, layer, MUIR_WEIGHT);
    muir_emit_mlp_half(program, job, layer, MUIR_WEIGHT, width);
    muir_emit_attention_half(program, job, layer, MUIR_WEIGHT);
}

static muir_status emit(muir_ctx *ctx, const muir_job *job, muir_program *program)
{
    (void)ctx;
    muir_emit_embedding(program, job);
    muir_block *layer = muir_emit_block(program, "layer");
    layer->dense_params =
        (muir_attention_params(&job->model) + muir_mlp_params(&job->model, (double)job->model.ffn)) /
        (double)job->parallel.tp;
    emit_layer(program, job, layer);
    muir_emit_head(program, job);
    return MUIR_OK;
}

const muir_family muir_family_dense_transformer = {
    .name = "dense_transformer",
    .check = check,
    .emit = emit,
    .source = "Narayanan et al., SC21; Korthikanti et al., 2022; Llama 3, arXiv 2407.21783",
};
