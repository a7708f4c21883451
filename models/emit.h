/* SPDX-License-Identifier: BSD-3-Clause */
/* How families write their ops down. Private to models/. */
#ifndef MUIR_MODELS_EMIT_H
#define MUIR_MODELS_EMIT_H

#include "models/program.h"

/* Keys of model files that families read whose layers have attention, or feed-forward layers with or without
 * a gate, or are a language model's. */
#define MUIR_KEYS_ATTENTION "kv_heads", "head_dim", "kv_rank", "q_rank", "rope_dim"
#define MUIR_KEYS_MLP "mlp"
#define MUIR_KEYS_LANGUAGE "tied_embedding"

/* Sizes that every family needs. */
typedef struct muir_sizes {
    double tokens; /* of a microbatch on one chip of the cp axis: micro_batch_size seq_len / cp */
    double hidden, tp;
    double q_local, kv_local; /* width of queries and of keys on one chip, which holds at least one kv head */
    double act_bytes;         /* bytes of an activation element */
    double gate;              /* matrices into the feed-forward layer: 2 with a gate, 1 without */
    double split;             /* chips that share norms and residuals: tp with sequence_parallel, else 1 */
} muir_sizes;
muir_sizes muir_sizes_of(const muir_job *job);

/* Where the next op goes: blocks and phases are opened one after the other, and ops are added to the ones
 * that were opened last. */
typedef struct muir_emitter {
    muir_program *program;
    const muir_job *job;    /* borrowed while the program is made */
    muir_sizes sizes;       /* of the job */
    muir_block *block;      /* NULL: the end of a step */
    muir_phase phase;       /* of the block */
    double attention_share; /* of queries times keys that fused attention computes: 0.5, causal; 1: all */
    double load;            /* of ops from here on; see muir_op */
    muir_modules modules;   /* of ops from here on */
    bool is_norm_kept;      /* the next half reads the norm of the one before */
} muir_emitter;

/* Local. */
muir_emitter muir_emitter_make(const muir_job *job, muir_program *program);

/* Opens a block: a copy of `block`, which says all but its ops. Local. */
void muir_emit_block(muir_emitter *e, muir_block block);

/* Opens a phase of the block, and from ZeRO stage 2 on gathers the block's weights in it, or synchronises
 * their gradients. Local. */
void muir_emit_phase(muir_emitter *e, muir_phase phase);

/* Gathers weights of an axis' kind (DP or EDP) from the replicas that share them out, as `kind` says; or
 * shares the sum of their gradients out, and adds it up across the groups that each hold all of it. Local. */
void muir_emit_gather(muir_emitter *e, muir_axis axis, double params, muir_coll_kind kind);
void muir_emit_sync(muir_emitter *e, muir_axis axis, double params);

/* Each adds one op, and returns it for whatever else it needs said; sizes and bytes are those of muir_op.
 * Local. */
muir_op *muir_emit_gemm(muir_emitter *e, const char *name, double m, double n, double k, double count);
muir_op *muir_emit_fft(muir_emitter *e, const char *name, double n, double count, double stride);
muir_op *muir_emit_mem(muir_emitter *e, const char *name, double bytes);
/* Over a whole axis. Nothing is added, and NULL returned, for an axis of one. */
muir_op *muir_emit_coll(muir_emitter *e, const char *name, muir_coll_kind kind, muir_axis axis, double bytes);
/* Among every `stride`-th of the axis, `members` of them; nothing is added for a single one. */
muir_op *muir_emit_coll_among(muir_emitter *e, const char *name, muir_coll_kind kind, muir_axis axis,
                              int64_t members, int64_t stride, double bytes);

/* A product of the job's precision: what quantises its first operand comes with it, and a weight's gradient
 * is added to a sum in memory. Returns the product. Local. */
muir_op *muir_emit_product(muir_emitter *e, const char *name, double m, double n, double k, double count);

/* A product in 16 bits whatever the job's precision. Local. */
muir_op *muir_emit_gemm_16bit(muir_emitter *e, const char *name, double m, double n, double k, double count);

/* Gradient of a small matrix [m,n] in 16 bits, which k rows share: a sum so long is made in parts side by
 * side, fp32, which libraries share out over a chip's cores (split-k). Local. */
void muir_emit_long_sum(muir_emitter *e, const char *name, double m, double n, double k);

/* Half a layer: a function that adds its ops to the open phase, whichever that is. */
typedef void (*muir_emit_half)(muir_emitter *e);

/* The phases of a layer of n halves: forward in their order, backward and weights' gradients in the opposite
 * one; with full recompute, the forward ops once more before those of the backward phase. Local. */
void muir_emit_layer(muir_emitter *e, const muir_emit_half *halves, int n);

/* Full recompute: repeats the block's forward ops at this place of its backward phase. Local. */
void muir_emit_recompute(muir_emitter *e);

/* The transformer's blocks that dense and mixture families share. Local. */
void muir_emit_embedding(muir_emitter *e);
void muir_emit_head(muir_emitter *e);

/* Norm, residual and dropout of half a layer; and the borders of its tensor-parallel region. Local. */
void muir_emit_norm(muir_emitter *e, const char *name);
void muir_emit_enter_tp(muir_emitter *e, const char *name);
void muir_emit_leave_tp(muir_emitter *e, const char *name);

/* Halves of a transformer's layer, each with its norm: attention; a feed-forward layer of model.ffn.
 * Local. */
void muir_emit_attention_half(muir_emitter *e);
void muir_emit_mlp_half(muir_emitter *e);
/* A feed-forward layer of another width. Local. */
void muir_emit_mlp(muir_emitter *e, double width);

/* Weights of the attention half and of one feed-forward layer of the given width, whole model. Local. */
double muir_attention_params(const muir_model *model);
double muir_mlp_params(const muir_model *model, double width);

/* Adds a row to what the block keeps, in the forward phase. Local. */
void muir_emit_keep(muir_emitter *e, muir_kept kept);

/* What the halves of a transformer's layer keep, each with its norm: attention; a dense feed-forward layer;
 * experts, of `rows` tokens on the chip and the width `inner` that a chip has. Local. */
void muir_emit_keep_attention(muir_emitter *e);
void muir_emit_keep_mlp(muir_emitter *e, double width);
void muir_emit_keep_experts(muir_emitter *e, double rows, double inner);

#endif
