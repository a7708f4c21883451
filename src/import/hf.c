/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugging Face config.json -> a model file. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "import/hf_read.h"

/* A key whose size the configuration gives, or that follows from others. */
static muir_status put(muir_ctx *ctx, const hf_reader *r, muir_import *found, const char *key,
                       const char *size, long long value, const char *rule)
{
    char path[MUIR_IMPORT_KEY];
    const char *word = muir_hf_word(r, size);
    snprintf(path, sizeof path, "model.%s", key);
    return muir_import_note_int(ctx, found, word ? MUIR_NOTE_TAKEN : MUIR_NOTE_DERIVED, path, value,
                                word ? word : rule);
}

static muir_status put_mixture(muir_ctx *ctx, hf_reader *r, muir_import *found)
{
    const hf_sizes *s = &r->sizes;
    muir_status st = MUIR_OK;
    if (s->experts == 0) return MUIR_OK;
    if (s->dense_every > 1) {
        /* muir has experts in every layer: a share of them in each, as many weights in all */
        MUIR_TRY(
            muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                             "every %lldth layer has experts, the others are dense: spread evenly over all "
                             "layers, with twice the exchange of tokens",
                             s->dense_every));
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "model.experts",
                                      s->experts / s->dense_every, "experts of a layer, spread over all"));
    } else {
        MUIR_TRY(put(ctx, r, found, "experts", "experts", s->experts, "as its architecture says"));
    }
    MUIR_TRY(put(ctx, r, found, "topk", "topk", s->topk, "as its architecture says"));
    if (s->shared > 0) {
        if (s->shared_ffn != s->shared * s->ffn)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                               "shared experts of %lld in all are no whole number of experts of %lld",
                               s->shared_ffn, s->ffn));
        MUIR_TRY(put(ctx, r, found, "shared_experts", "shared", s->shared,
                     "width of shared experts / width of an expert"));
    }
    if (s->groups > 1) MUIR_TRY(put(ctx, r, found, "expert_groups", "groups", s->groups, ""));
    if (s->groups > 1 && s->topk_groups > 0)
        MUIR_TRY(put(ctx, r, found, "topk_groups", "topk_groups", s->topk_groups, ""));
    if (s->first_dense > 0) {
        MUIR_TRY(put(ctx, r, found, "first_dense_layers", "first_dense", s->first_dense, ""));
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_TAKEN, "model.dense_ffn", s->dense_ffn,
                                      "intermediate_size"));
    }
done:
    return st;
}

static muir_status put_attention(muir_ctx *ctx, hf_reader *r, muir_import *found)
{
    const hf_sizes *s = &r->sizes;
    muir_status st = MUIR_OK;
    MUIR_TRY(put(ctx, r, found, "heads", "heads", s->heads, ""));
    if (s->kv_rank > 0) {
        MUIR_TRY(
            put(ctx, r, found, "head_dim", "head_dim", s->head_dim, "hidden_size / num_attention_heads"));
        MUIR_TRY(put(ctx, r, found, "q_rank", "q_rank", s->q_rank, "queries are not compressed"));
        MUIR_TRY(put(ctx, r, found, "kv_rank", "kv_rank", s->kv_rank, ""));
        MUIR_TRY(put(ctx, r, found, "rope_dim", "rope_dim", s->rope_dim, ""));
        if (s->value_dim != s->head_dim)
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                      "v_head_dim=%lld taken as wide as qk_nope_head_dim=%lld", s->value_dim,
                                      s->head_dim));
    } else {
        MUIR_TRY(put(ctx, r, found, "kv_heads", "kv_heads", s->kv_heads, "as its architecture says"));
        if (s->head_dim * s->heads != s->hidden || muir_hf_word(r, "head_dim"))
            MUIR_TRY(
                put(ctx, r, found, "head_dim", "head_dim", s->head_dim, "hidden_size / num_attention_heads"));
    }
done:
    return st;
}

static muir_status put_model(muir_ctx *ctx, hf_reader *r, muir_import *found)
{
    const hf_sizes *s = &r->sizes;
    muir_status st = MUIR_OK;
    const char *family = s->traits & HF_VISION ? "vision_transformer"
                         : s->experts > 0      ? "moe_transformer"
                                               : "dense_transformer";
    const bool is_gated = (s->traits & HF_GATED) != 0;
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model.family", family, "model_type %s",
                              r->kind->type));
    MUIR_TRY(put(ctx, r, found, "layers", "layers", s->layers, ""));
    MUIR_TRY(put(ctx, r, found, "hidden", "hidden", s->hidden, ""));
    MUIR_TRY(put_attention(ctx, r, found));
    MUIR_TRY(put(ctx, r, found, "ffn", "ffn", s->ffn, "4 times the hidden size"));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model.mlp", is_gated ? "swiglu" : "gelu",
                              is_gated ? "%s: three matrices, with a gate" : "%s: two matrices",
                              r->kind->type));
    MUIR_TRY(put(ctx, r, found, "vocab", "vocab", s->vocab, "classes"));
    if (s->traits & HF_VISION) {
        MUIR_TRY(put(ctx, r, found, "image", "image", s->image, ""));
        MUIR_TRY(put(ctx, r, found, "patch", "patch", s->patch, ""));
    } else {
        const bool is_said = json_is_boolean(json_object_get(r->config, "tie_word_embeddings"));
        MUIR_TRY(muir_import_note(ctx, found, is_said ? MUIR_NOTE_TAKEN : MUIR_NOTE_DERIVED,
                                  "model.tied_embedding", s->is_tied ? "true" : "false", "%s",
                                  is_said ? "tie_word_embeddings" : "as its architecture does"));
    }
    MUIR_TRY(put_mixture(ctx, r, found));
done:
    return st;
}

/* What the configuration says and muir does without. */
static muir_status put_rest(muir_ctx *ctx, hf_reader *r, muir_import *found)
{
    muir_status st = MUIR_OK;
    const char *key;
    json_t *value;
    const bool is_windowed = json_is_true(json_object_get(r->config, "use_sliding_window")) ||
                             !json_object_get(r->config, "use_sliding_window");
    if (json_is_integer(json_object_get(r->config, "sliding_window")) && is_windowed)
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_ASSUMED, "", "", "sliding_window=%lld: layers attend to all tokens here",
            (long long)json_integer_value(json_object_get(r->config, "sliding_window"))));
    if (r->sizes.next_layers > 0)
        MUIR_TRY(
            muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                             "num_nextn_predict_layers=%lld: without the layers that predict further tokens",
                             r->sizes.next_layers));
    if (r->kind->notes[0])
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s", r->kind->notes));
    json_object_foreach(r->config, key, value)
    {
        if (!muir_hf_is_known(r, key))
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%s", muir_quote(key).s));
    }
done:
    return st;
}

static muir_status find_kind(muir_ctx *ctx, const json_t *config, const hf_kind **kind)
{
    const char *type = json_string_value(json_object_get(config, "model_type"));
    const char *names[128];
    const int n = muir_hf_kind_count();
    if (!type)
        return muir_fail(ctx, MUIR_ERR_ARG, "model_type is missing: is this a config.json of Hugging Face?");
    const char *what = muir_hf_refused(type);
    if (what)
        return muir_fail(ctx, MUIR_ERR_ARG, "model_type=%s is %s, which muir does not model", type, what);
    *kind = muir_hf_kind(type);
    if (*kind) return MUIR_OK;
    for (int i = 0; i < n && i < 128; i++) names[i] = muir_hf_kind_at(i)->type;
    const char *closest = muir_closest(type, names, n);
    return muir_fail(ctx, MUIR_ERR_ARG, "model_type=%s is unknown%s%s%s (see `muir import hf --help`)",
                     muir_quote(type).s, closest ? "; did you mean " : "", closest ? closest : "",
                     closest ? "?" : "");
}

static muir_status read_config(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    hf_reader r = {.config = source->document};
    json_t *text = json_object_get(source->document, "text_config");
    MUIR_TRY(find_kind(ctx, source->document, &r.kind));
    if (json_is_object(text)) {
        r.config = text;
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "text_config only: no vision part"));
    }
    MUIR_TRY(muir_hf_read_sizes(ctx, &r));
    MUIR_TRY(put_model(ctx, &r, found));
    MUIR_TRY(put_rest(ctx, &r, found));
    found->weights = muir_hf_weights(&r.sizes);
done:
    return st;
}

const muir_importer muir_importer_hf = {
    .name = "hf",
    .reads = "a model's config.json of Hugging Face",
    .writes = "model",
    .form = MUIR_IMPORT_DOCUMENT,
    .read = read_config,
};
