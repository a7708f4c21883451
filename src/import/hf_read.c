/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugging Face config.json: what its words say, into sizes. */
#include "import/hf_read.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { MOST_WORDS = 6, LONGEST = 1000000000 };

#define WORD(size, ...) {offsetof(hf_sizes, size), #size, {__VA_ARGS__, NULL}},
#define FLAG(trait, ...)
#define ASIDE(word)
static const struct {
    size_t offset;
    const char *size;
    const char *words[MOST_WORDS];
} words[] = {
#include "import/hf_words.def"
};
#undef WORD
#undef FLAG
#define WORD(size, ...)
#define FLAG(trait, ...) {trait, {__VA_ARGS__, NULL}},
static const struct {
    unsigned trait;
    const char *words[MOST_WORDS];
} flags[] = {
#include "import/hf_words.def"
};
#undef FLAG
#undef ASIDE
#define FLAG(trait, ...)
#define ASIDE(word) word,
static const char *const aside[] = {
#include "import/hf_words.def"
};
#undef WORD
#undef FLAG
#undef ASIDE

static void use(hf_reader *r, const char *word)
{
    if (r->n_used < HF_MOST_USED) r->used[r->n_used++] = word;
}

static bool fits(const char *pattern, const char *word)
{
    char middle[64];
    const size_t n = strlen(pattern), length = strlen(word);
    const bool is_open = pattern[0] == '*', is_open_end = pattern[n - 1] == '*';
    if (is_open && is_open_end && n > 2) {
        snprintf(middle, sizeof middle, "%.*s", (int)n - 2, pattern + 1);
        return strstr(word, middle) != NULL;
    }
    if (is_open) return length >= n - 1 && strcmp(word + length - (n - 1), pattern + 1) == 0;
    return is_open_end ? strncmp(word, pattern, n - 1) == 0 : strcmp(word, pattern) == 0;
}

/* Whether muir has read the word, or it means nothing to muir. */
bool muir_hf_is_known(const hf_reader *r, const char *word)
{
    static const char *const read_here[] = {"model_type", "sliding_window", "layer_types", "text_config"};
    for (int i = 0; i < r->n_used; i++)
        if (strcmp(r->used[i], word) == 0) return true;
    for (size_t i = 0; i < sizeof aside / sizeof aside[0]; i++)
        if (fits(aside[i], word)) return true;
    for (size_t i = 0; i < sizeof read_here / sizeof read_here[0]; i++)
        if (strcmp(read_here[i], word) == 0) return true;
    return false;
}

/* Reads a whole number. A null, or a list that says it layer by layer, is no size. */
static muir_status read_size(muir_ctx *ctx, hf_reader *r, const char *word, long long *size)
{
    const json_t *value = json_object_get(r->config, word);
    if (!json_is_integer(value)) return muir_fail(ctx, MUIR_ERR_ARG, "%s is not a whole number", word);
    if (json_integer_value(value) < 0 || json_integer_value(value) > LONGEST)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s=%lld is not between 0 and %d", word,
                         (long long)json_integer_value(value), LONGEST);
    *size = json_integer_value(value);
    use(r, word);
    return MUIR_OK;
}

static muir_status read_words(muir_ctx *ctx, hf_reader *r)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int w = 0; words[i].words[w]; w++) {
            const json_t *value = json_object_get(r->config, words[i].words[w]);
            if (!value || json_is_null(value)) {
                if (value) use(r, words[i].words[w]);
                continue;
            }
            const muir_status st =
                read_size(ctx, r, words[i].words[w], (long long *)((char *)&r->sizes + words[i].offset));
            if (st != MUIR_OK) return st;
            break;
        }
    return MUIR_OK;
}

static void read_flags(hf_reader *r)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        for (int w = 0; flags[i].words[w]; w++) {
            const json_t *value = json_object_get(r->config, flags[i].words[w]);
            if (!json_is_boolean(value)) continue;
            use(r, flags[i].words[w]);
            if (json_is_true(value))
                r->sizes.traits |= flags[i].trait;
            else
                r->sizes.traits &= ~flags[i].trait;
        }
}

static bool is_true(hf_reader *r, const char *word, bool otherwise)
{
    const json_t *value = json_object_get(r->config, word);
    if (!json_is_boolean(value)) return otherwise;
    use(r, word);
    return json_is_true(value);
}

/* What single architectures say in their own way. */
static void adapt(hf_reader *r)
{
    hf_sizes *s = &r->sizes;
    const char *type = r->kind->type;
    json_t *own = NULL;
    if (strcmp(type, "falcon") == 0) {
        const bool is_new = is_true(r, "new_decoder_architecture", false);
        if (!is_new) s->kv_heads = is_true(r, "multi_query", true) ? 1 : s->heads;
        if (!is_new && is_true(r, "parallel_attn", true)) s->traits |= HF_ONE_NORM;
        use(r, "num_kv_heads");
    } else if (strcmp(type, "gpt_bigcode") == 0 && is_true(r, "multi_query", true)) {
        s->kv_heads = 1;
    } else if (strcmp(type, "qwen") == 0) {
        s->ffn /= 2; /* it counts gate and up together */
        s->traits &= ~(unsigned)(HF_OUT_BIAS | HF_MLP_BIAS);
        s->traits |= HF_QKV_BIAS;
        use(r, "no_bias");
    } else if (strcmp(type, "opt") == 0) {
        s->positions += 2; /* the table starts at 2 */
        if (s->embed_dim == s->hidden) s->embed_dim = 0;
    } else if (strcmp(type, "glm4_moe") == 0 || strncmp(type, "glm", 3) == 0) {
        s->traits &= ~(unsigned)HF_OUT_BIAS; /* attention_bias is of queries, keys and values there */
        if (is_true(r, "use_qk_norm", false)) s->traits |= HF_QK_HEAD;
    } else if (strncmp(type, "cohere", 6) == 0 && is_true(r, "use_qk_norm", false)) {
        s->traits |= HF_QK_FULL;
    } else if (strcmp(type, "mpt") == 0) {
        const json_t *ratio = json_object_get(r->config, "expansion_ratio");
        s->ffn = (json_is_integer(ratio) ? json_integer_value(ratio) : 4) * s->hidden;
        use(r, "expansion_ratio");
        use(r, "no_bias");
    } else if (strcmp(type, "dbrx") == 0) {
        if ((own = json_object_get(r->config, "ffn_config"))) {
            s->ffn = json_integer_value(json_object_get(own, "ffn_hidden_size"));
            s->experts = json_integer_value(json_object_get(own, "moe_num_experts"));
            s->topk = json_integer_value(json_object_get(own, "moe_top_k"));
        }
        if ((own = json_object_get(r->config, "attn_config")))
            s->kv_heads = json_integer_value(json_object_get(own, "kv_n_heads"));
        use(r, "ffn_config");
        use(r, "attn_config");
    }
}

/* Sizes that follow from others; what the configuration leaves out. */
static void derive(hf_reader *r)
{
    hf_sizes *s = &r->sizes;
    const bool is_vision = (s->traits & HF_VISION) != 0;
    json_t *labels = json_object_get(r->config, "id2label");
    long long wide = 0;
    if (is_vision && s->vocab == 0)
        s->vocab = json_is_object(labels) ? (long long)json_object_size(labels) : 0;
    if (is_vision && json_is_integer(json_object_get(r->config, "num_labels"))) {
        s->vocab = json_integer_value(json_object_get(r->config, "num_labels"));
        use(r, "num_labels");
    }
    if (is_vision && s->channels == 0) s->channels = 3;
    if (s->kv_heads == 0) s->kv_heads = s->heads;
    if (s->head_dim == 0 && s->heads > 0) s->head_dim = s->hidden / s->heads;
    if (s->value_dim == 0) s->value_dim = s->head_dim;
    if (s->ffn == 0) s->ffn = 4 * s->hidden;
    const bool is_mixture = s->experts > 0 && (s->traits & HF_MIXTURE) != 0;
    if (!is_mixture) s->experts = 0;
    /* next to the width of an expert, intermediate_size is that of dense layers */
    if (is_mixture && json_is_integer(json_object_get(r->config, "intermediate_size"))) {
        wide = json_integer_value(json_object_get(r->config, "intermediate_size"));
        use(r, "intermediate_size");
    }
    if (is_mixture && s->first_dense > 0) s->dense_ffn = wide;
    if (is_mixture && s->dense_every > 1)
        s->dense_ffn = json_integer_value(json_object_get(r->config, "intermediate_size_mlp"));
    use(r, "intermediate_size_mlp");
    if (is_mixture && strncmp(r->kind->type, "llama4", 6) == 0) s->shared = 1;
    if (is_mixture && s->shared == 0 && s->shared_ffn > 0 && s->ffn > 0) s->shared = s->shared_ffn / s->ffn;
    if (s->shared > 0 && s->shared_ffn == 0) s->shared_ffn = s->shared * s->ffn;
    if (!is_mixture) s->shared = 0;
}

static muir_status check_sizes(muir_ctx *ctx, const hf_reader *r)
{
    const hf_sizes *s = &r->sizes;
    const struct {
        const char *name;
        long long size;
    } needed[] = {{"num_hidden_layers", s->layers},
                  {"hidden_size", s->hidden},
                  {"num_attention_heads", s->heads},
                  {"vocab_size", s->vocab},
                  {"intermediate_size", s->ffn}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (needed[i].size < 1) return muir_fail(ctx, MUIR_ERR_ARG, "%s is missing, or 0", needed[i].name);
    if (s->head_dim < 1 || s->kv_heads > s->heads || s->heads % s->kv_heads != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "num_key_value_heads=%lld does not divide num_attention_heads=%lld", s->kv_heads,
                         s->heads);
    if (s->experts > 0 && (s->topk < 1 || s->topk > s->experts))
        return muir_fail(ctx, MUIR_ERR_ARG, "num_experts_per_tok=%lld is not between 1 and %lld experts",
                         s->topk, s->experts);
    if (s->experts > 0 && (s->first_dense > 0 || s->dense_every > 1) && s->dense_ffn < 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "the width of dense layers, intermediate_size, is missing");
    if ((s->traits & HF_VISION) && (s->patch < 1 || s->image < s->patch))
        return muir_fail(ctx, MUIR_ERR_ARG, "image_size=%lld holds no patch of patch_size=%lld", s->image,
                         s->patch);
    return MUIR_OK;
}

/* Layers that muir cannot tell from attention, whatever the type. */
static muir_status check_layers(muir_ctx *ctx, const hf_reader *r)
{
    const char *key;
    json_t *value, *kinds = json_object_get(r->config, "layer_types"), *kind;
    size_t i;
    json_object_foreach(r->config, key,
                        value) if (strncmp(key, "ssm_", 4) == 0 || strncmp(key, "mamba_", 6) == 0 ||
                                   strncmp(key, "linear_num_", 11) ==
                                       0) return muir_fail(ctx, MUIR_ERR_ARG,
                                                           "%s says that layers are not attention "
                                                           "(state-space or linear attention), which muir "
                                                           "does not model",
                                                           key);
    json_array_foreach(kinds, i,
                       kind) if (json_is_string(kind) &&
                                 strstr(json_string_value(kind), "_attention") ==
                                     NULL) return muir_fail(ctx, MUIR_ERR_ARG,
                                                            "layer %zu is '%s', which muir does not model", i,
                                                            muir_quote(json_string_value(kind)).s);
    else if (json_is_string(kind) &&
             strcmp(json_string_value(kind), "linear_attention") ==
                 0) return muir_fail(ctx, MUIR_ERR_ARG,
                                     "layer %zu is linear attention, which muir does not model", i);
    return MUIR_OK;
}

const char *muir_hf_word(const hf_reader *r, const char *size)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int w = 0; strcmp(words[i].size, size) == 0 && words[i].words[w]; w++)
            if (json_is_integer(json_object_get(r->config, words[i].words[w]))) return words[i].words[w];
    return NULL;
}

muir_status muir_hf_read_sizes(muir_ctx *ctx, hf_reader *r)
{
    muir_status st = MUIR_OK;
    r->sizes.traits = r->kind->traits;
    r->sizes.is_tied = is_true(r, "tie_word_embeddings", (r->kind->traits & HF_TIED) != 0);
    MUIR_TRY(check_layers(ctx, r));
    MUIR_TRY(read_words(ctx, r));
    read_flags(r);
    adapt(r);
    derive(r);
    MUIR_TRY(check_sizes(ctx, r));
done:
    return st;
}
