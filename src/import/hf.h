/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations of Hugging Face: the architectures that muir knows, their sizes, and every weight counted.
 * Private to import/. */
#ifndef MUIR_IMPORT_HF_H
#define MUIR_IMPORT_HF_H

#include "import/import.h"

/* What an architecture has, where its configuration does not say otherwise. */
enum {
    HF_GATED = 1 << 0,        /* three matrices in the feed-forward layer */
    HF_TIED = 1 << 1,         /* head and embedding share their weights */
    HF_LAYER_NORM = 1 << 2,   /* norms have a bias, too */
    HF_QKV_BIAS = 1 << 3,     /* of queries, keys and values */
    HF_OUT_BIAS = 1 << 4,     /* of the attention's output */
    HF_MLP_BIAS = 1 << 5,     /* of the feed-forward layer */
    HF_HEAD_BIAS = 1 << 6,    /* of the head */
    HF_QK_HEAD = 1 << 7,      /* norms of queries and keys, one weight for each channel of a head */
    HF_QK_FULL = 1 << 8,      /* the same, one weight for each channel of all heads */
    HF_ONE_NORM = 1 << 9,     /* attention and feed-forward layer side by side, behind one norm */
    HF_FOUR_NORMS = 1 << 10,  /* before and behind each half */
    HF_NO_WEIGHTS = 1 << 11,  /* norms without weights */
    HF_POSITIONS = 1 << 12,   /* learned positions */
    HF_EMBED_NORM = 1 << 13,  /* a norm behind the embedding */
    HF_SINKS = 1 << 14,       /* one number for each head */
    HF_EXPERT_BIAS = 1 << 15, /* of the router and of experts */
    HF_SHARED_GATE = 1 << 16, /* of shared experts */
    HF_CORRECTION = 1 << 17,  /* a bias of the router that is not trained by gradients */
    HF_MIXTURE = 1 << 18,     /* experts, also where the configuration gives their number in its own way */
    HF_VISION = 1 << 19,
};

typedef struct hf_kind {
    const char *type; /* model_type */
    unsigned traits;
    const char *notes; /* what muir leaves out of it; "" for nothing */
} hf_kind;

/* Sizes in the words of muir's model files; 0 where it has none. */
typedef struct hf_sizes {
    unsigned traits;
    long long layers, hidden, heads, kv_heads, head_dim, value_dim, ffn, vocab, positions;
    long long experts, topk, shared, shared_ffn, first_dense, dense_ffn, dense_every, groups, topk_groups;
    long long q_rank, kv_rank, rope_dim, embed_dim, image, patch, channels, next_layers;
    bool is_tied;
} hf_sizes;

/* Every weight of the tensors that such a model has, without layers that predict further tokens. Local. */
double muir_hf_weights(const hf_sizes *s);

/* Row of a type; NULL: unknown. What a type is that muir does not model, or NULL. Local. */
const hf_kind *muir_hf_kind(const char *type);
const char *muir_hf_refused(const char *type);
int muir_hf_kind_count(void);
const hf_kind *muir_hf_kind_at(int i);

#endif
