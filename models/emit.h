/* SPDX-License-Identifier: BSD-3-Clause */
/* How families write their ops down. Private to models/. */
#ifndef MUIR_MODELS_EMIT_H
#define MUIR_MODELS_EMIT_H

#include "models/program.h"

/* Opens a phase of a block: ops added from here on belong to it. Local. */
void muir_emit_phase(muir_program *program, muir_block *block, muir_phase phase);

/* Each adds one op to the phase that was opened last; sizes and bytes are those of muir_op. Local. */
void muir_emit_gemm(muir_program *program, muir_block *block, muir_phase phase, const char *name, double m,
                    double n, double k, double count);
/* A product of the job's precision: what quantises its first operand comes with it, and a weight's gradient
 * is added to a sum in memory. Local. */
void muir_emit_product(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase,
                       const char *name, double m, double n, double k, double count);
/* Gradient of a small matrix [m,n] in 16 bits, which k rows share: a sum so long is made in parts side by
 * side, fp32, which libraries share out over a chip's cores (split-k). Adds to phase MUIR_WEIGHT. */
void muir_emit_long_sum(muir_program *program, muir_block *block, const char *name, double m, double n,
                        double k);
void muir_emit_attention(muir_program *program, muir_block *block, muir_phase phase, const char *name,
                         double m, double n, double k, double count);
void muir_emit_mem(muir_program *program, muir_block *block, muir_phase phase, const char *name,
                   double bytes);
void muir_emit_fft(muir_program *program, muir_block *block, muir_phase phase, const char *name, double n,
                   double count, double stride);
/* As above; nothing is added for an axis of one. Local. */
void muir_emit_coll(muir_program *program, muir_block *block, muir_phase phase, const char *name,
                    muir_coll_kind coll, muir_axis axis, int64_t axis_size, double bytes);

/* The op that was added last. Local. */
muir_op *muir_emit_last(muir_program *program);

/* ZeRO stages 2 and 3: gathers the block's weights, or synchronises its gradients, in the phase that was
 * opened last. Call it right after muir_emit_phase, with the block's weights already set. Local. */
void muir_emit_weights(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase);

/* Full recompute: repeats the block's forward ops at this place of its backward phase. Local. */
void muir_emit_recompute(muir_program *program, const muir_job *job, muir_block *block);

/* The transformer's parts that dense and mixture families share; each adds a block and returns it. Local. */
muir_block *muir_emit_embedding(muir_program *program, const muir_job *job);
muir_block *muir_emit_head(muir_program *program, const muir_job *job);

/* Norm, residual and dropout of half a layer; and the borders of its tensor-parallel region. Local. */
void muir_emit_norm(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase,
                    const char *name);
void muir_emit_enter_tp(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase,
                        const char *name);
void muir_emit_leave_tp(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase,
                        const char *name);

/* Attention with its norm, for one phase of a layer. Local. */
void muir_emit_attention_half(muir_program *program, const muir_job *job, muir_block *block,
                              muir_phase phase);

/* The dense feed-forward half with its norm; width is its ffn size. Local. */
void muir_emit_mlp_half(muir_program *program, const muir_job *job, muir_block *block, muir_phase phase,
                        double width);

/* A new, empty block. Local. */
muir_block *muir_emit_block(muir_program *program, const char *name);

/* Sizes that every emitter needs. */
typedef struct muir_sizes {
    double tokens; /* of a microbatch on one chip of the cp axis: micro_batch_size seq_len / cp */
    double hidden, tp;
    double q_local, kv_local; /* width of queries and of keys on one chip, which holds at least one kv head */
    double act_bytes;         /* bytes of an activation element */
    double gate;              /* matrices into the feed-forward layer: 2 with a gate, 1 without */
    double split;             /* chips that share norms and residuals: tp with sequence_parallel, else 1 */
} muir_sizes;
muir_sizes muir_sizes_of(const muir_job *job);

/* Weights of the attention half and of one feed-forward layer of the given width, whole model. Local. */
double muir_attention_params(const muir_model *model);
double muir_mlp_params(const muir_model *model, double width);

#endif
