/* SPDX-License-Identifier: BSD-3-Clause */
/* Every weight of an architecture, tensor by tensor, as its published files have them. */
#include <string.h>

#include "import/hf.h"

#define KIND(type, traits, notes) {type, traits, notes},
#define REFUSED(type, what)
static const hf_kind kinds[] = {
#include "import/hf_kinds.def"
};
#undef KIND
#undef REFUSED
#define KIND(type, traits, notes)
#define REFUSED(type, what) {type, what},
static const struct {
    const char *type, *what;
} refused[] = {
#include "import/hf_kinds.def"
};
#undef KIND
#undef REFUSED
enum { KINDS = sizeof kinds / sizeof kinds[0], MOST_REFUSED = sizeof refused / sizeof refused[0] };

const hf_kind *muir_hf_kind(const char *type)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].type, type) == 0) return &kinds[i];
    return NULL;
}

int muir_hf_kind_count(void)
{
    return KINDS;
}

const hf_kind *muir_hf_kind_at(int i)
{
    return &kinds[i];
}

const char *muir_hf_refused(const char *type)
{
    for (int i = 0; i < MOST_REFUSED; i++)
        if (strcmp(refused[i].type, type) == 0) return refused[i].what;
    return NULL;
}

static bool has(const hf_sizes *s, unsigned trait)
{
    return (s->traits & trait) != 0;
}

/* One norm over n channels. */
static double norm(const hf_sizes *s, double n)
{
    if (has(s, HF_NO_WEIGHTS)) return 0.0;
    return has(s, HF_LAYER_NORM) ? 2.0 * n : n;
}

static double latent_attention(const hf_sizes *s)
{
    const double h = (double)s->hidden, heads = (double)s->heads, key = (double)(s->head_dim + s->rope_dim);
    const double q = (double)s->q_rank, kv = (double)s->kv_rank, value = (double)s->value_dim;
    const double queries = q > 0.0 ? h * q + q + q * heads * key : h * heads * key;
    return queries + h * (kv + (double)s->rope_dim) + kv + kv * heads * ((double)s->head_dim + value) +
           heads * value * h;
}

static double attention(const hf_sizes *s)
{
    if (s->kv_rank > 0) return latent_attention(s);
    const double h = (double)s->hidden, q = (double)(s->heads * s->head_dim),
                 kv = (double)(s->kv_heads * s->head_dim);
    double weights = h * (q + 2.0 * kv) + q * h;
    if (has(s, HF_QKV_BIAS)) weights += q + 2.0 * kv;
    if (has(s, HF_OUT_BIAS)) weights += h;
    if (has(s, HF_QK_HEAD)) weights += 2.0 * (double)s->head_dim;
    if (has(s, HF_QK_FULL)) weights += q + kv;
    if (has(s, HF_SINKS)) weights += (double)s->heads;
    return weights;
}

static double feed_forward(const hf_sizes *s, double width, bool has_bias)
{
    const double h = (double)s->hidden, into = has(s, HF_GATED) ? 2.0 * width : width;
    return (into + width) * h + (has_bias ? into + h : 0.0);
}

static double mixture(const hf_sizes *s)
{
    const double h = (double)s->hidden, experts = (double)s->experts;
    double weights = h * experts + experts * feed_forward(s, (double)s->ffn, has(s, HF_EXPERT_BIAS));
    if (has(s, HF_EXPERT_BIAS) || has(s, HF_CORRECTION)) weights += experts;
    if (s->shared > 0) weights += feed_forward(s, (double)s->shared_ffn, false);
    if (s->shared > 0 && has(s, HF_SHARED_GATE)) weights += h;
    return weights;
}

static double norms_of_layer(const hf_sizes *s)
{
    if (has(s, HF_ONE_NORM)) return norm(s, (double)s->hidden);
    return (has(s, HF_FOUR_NORMS) ? 4.0 : 2.0) * norm(s, (double)s->hidden);
}

static double layers(const hf_sizes *s)
{
    const double every = (double)s->layers * (attention(s) + norms_of_layer(s));
    const bool has_bias = has(s, HF_MLP_BIAS);
    if (s->experts == 0) return every + (double)s->layers * feed_forward(s, (double)s->ffn, has_bias);
    double dense = (double)s->first_dense;
    if (s->dense_every > 1) dense = (double)(s->layers - s->layers / s->dense_every);
    return every + dense * feed_forward(s, (double)s->dense_ffn, has_bias) +
           ((double)s->layers - dense) * mixture(s);
}

static double vision(const hf_sizes *s)
{
    const double h = (double)s->hidden, patch = (double)(s->patch * s->patch * s->channels);
    const double side = (double)(s->image / s->patch);
    return patch * h + h + h /* class token */ + (side * side + 1.0) * h + layers(s) + norm(s, h) +
           (h + 1.0) * (double)s->vocab;
}

double muir_hf_weights(const hf_sizes *s)
{
    if (has(s, HF_VISION)) return vision(s);
    const double h = (double)s->hidden, vocab = (double)s->vocab;
    const double embed = s->embed_dim > 0 ? (double)s->embed_dim : h;
    double weights = vocab * embed + layers(s);
    if (s->embed_dim > 0)
        weights += 2.0 * embed * h; /* into the hidden size and out of it; such a model has no last norm */
    else
        weights += norm(s, h);
    if (!s->is_tied) weights += vocab * embed;
    if (has(s, HF_HEAD_BIAS)) weights += vocab;
    if (has(s, HF_POSITIONS)) weights += (double)s->positions * h;
    if (has(s, HF_EMBED_NORM)) weights += norm(s, h);
    return weights;
}
