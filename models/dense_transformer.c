/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense decoder-only transformers: GPT, Llama and their like. */
#include "models/emit.h"

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    if (job->parallel.ep != 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.ep=%lld, but a dense model has no experts",
                         (long long)job->parallel.ep);
    return MUIR_OK;
}

static void emit(muir_emitter *e)
{
    static const muir_emit_half halves[] = {muir_emit_attention_half, muir_emit_mlp_half};
    const muir_model *model = &e->job->model;
    const double width = (double)model->ffn;
    muir_emit_embedding(e);
    muir_emit_block(
        e, (muir_block){.name = "layer",
                        .role = MUIR_BLOCK_LAYER,
                        .layers = {0, model->layers, 1},
                        .dense_params =
                            (muir_attention_params(model) + muir_mlp_params(model, width)) / e->sizes.tp});
    muir_emit_layer(e, halves, 2);
    muir_emit_head(e);
}

static const char *const keys[] = {MUIR_KEYS_ATTENTION, MUIR_KEYS_MLP, MUIR_KEYS_LANGUAGE, NULL};

const muir_family muir_family_dense_transformer = {
    .name = "dense_transformer",
    .keys = keys,
    .is_causal = true,
    .check = check,
    .emit = emit,
    .source = "Narayanan et al., SC21; Korthikanti et al., 2022; Llama 3, arXiv 2407.21783",
};
