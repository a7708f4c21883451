/* SPDX-License-Identifier: BSD-3-Clause */
/* What the halves of a transformer's layer keep for the backward pass, counted from what their operations
 * read: Megatron-Core with Transformer Engine, unless the stack says otherwise. T tokens of a microbatch on
 * the chip, h hidden, split chips that share norms and residuals. */
#include <assert.h>

#include "models/emit.h"

void muir_emit_keep(muir_emitter *e, muir_kept kept)
{
    if (e->phase != MUIR_FORWARD) return;
    assert(e->block->n_kept < MUIR_MAX_KEPT);
    e->block->kept[e->block->n_kept++] = kept;
}

/* Bytes of a residual's element. */
static double residual_bytes(const muir_emitter *e)
{
    return e->job->stack.autocast ? 4.0 : 2.0;
}

double muir_kept_input_bytes(const muir_job *job)
{
    return job->stack.fp8_inputs && muir_job_operand_bytes(job) < 2.0 ? 1.0 : 2.0;
}

/* Gradients of the residual and of the branch beside it. */
static double passing(const muir_emitter *e)
{
    return 2.0 * residual_bytes(e) * e->sizes.tokens * e->sizes.hidden / e->sizes.split;
}

/* Sequence parallelism: the input once more, whole, for the weight's gradient; and its own gradient, whole,
 * before it is scattered. */
static double whole_input(const muir_emitter *e)
{
    return e->sizes.split > 1.0 ? 4.0 * e->sizes.tokens * e->sizes.hidden : 0.0;
}

/* Bytes of an element of what an activation reads. */
static double activation_input_bytes(const muir_emitter *e)
{
    return e->job->stack.fp8_activations ? muir_kept_input_bytes(e->job) : 2.0;
}

/* A norm: its input, which is the residual; as separate operations also the normalised one; its output, which
 * products behind it read; and of dropout a mask. */
static void keep_norm(muir_emitter *e, double transient)
{
    const muir_stack *stack = &e->job->stack;
    const double elements = e->sizes.tokens * e->sizes.hidden / e->sizes.split;
    const bool is_first = e->block->n_kept == 0;
    const double input = residual_bytes(e) * elements;
    muir_emit_keep(e, (muir_kept){.bytes = input, .by_op = is_first ? input : 0.0, .transient = passing(e)});
    if (!stack->compiled)
        muir_emit_keep(
            e, (muir_kept){.modules = MUIR_MODULE_BIT(norm), .bytes = input, .transient = passing(e)});
    if (stack->dropout) muir_emit_keep(e, (muir_kept){.bytes = elements, .transient = passing(e)});
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(norm),
                                  .bytes = muir_kept_input_bytes(e->job) * elements,
                                  .transient = passing(e) + transient});
}

/* What comes out of a half: kept by a choice by operation, which keeps the result of its last product, if it
 * is not told that nobody reads it; and scattered results of a tp group. */
static void keep_output(muir_emitter *e, bool is_product_kept)
{
    const double bytes = 2.0 * e->sizes.tokens * e->sizes.hidden / e->sizes.split;
    const double by_op = (is_product_kept && !e->job->stack.compiled ? bytes : 0.0) +
                         (is_product_kept && e->sizes.tp > 1.0 ? bytes : 0.0);
    muir_emit_keep(e, (muir_kept){.by_op = by_op});
}

typedef struct attention {
    double queries, keys, values, context; /* bytes */
    double elements;                       /* of the scores */
    double rows;                           /* of the scores */
} attention;

static attention attention_of(const muir_emitter *e)
{
    const muir_model *m = &e->job->model;
    const double t = e->sizes.tokens, heads = (double)m->heads / e->sizes.tp;
    attention a = {.queries = 2.0 * t * e->sizes.q_local,
                   .keys = 2.0 * t * e->sizes.kv_local,
                   .values = 2.0 * t * e->sizes.kv_local,
                   .context = 2.0 * t * e->sizes.q_local,
                   .elements = heads * t * (double)e->job->batch.seq_len,
                   .rows = heads * t};
    if (m->kv_rank > 0) {
        a.queries = a.keys = 2.0 * t * heads * (double)(m->head_dim + m->rope_dim);
        a.values = a.context = 2.0 * t * heads * (double)m->head_dim;
    }
    return a;
}

/* Of an element of what attention gives, where its own backward pass and the product behind it read the same
 * copy in less than 16 bits; 0: each has its own. */
static double shared_context_bytes(const muir_emitter *e)
{
    return muir_job_operand_bytes(e->job) < 2.0 ? e->job->stack.fp8_context_bytes : 0.0;
}

/* Scores in memory: what the softmax gives and what dropout gives, 2 bytes each, and a mask of 1 (Korthikanti
 * et al. 2022); fused kernels keep the logarithm of each row's sum. */
static void keep_core(muir_emitter *e, const attention *a)
{
    const bool is_fused = e->job->stack.fused_attention, is_split = e->job->parallel.cp > 1;
    const double qkv = a->queries + a->keys + a->values;
    const bool is_own = /* not what the product reads */
        (muir_kept_input_bytes(e->job) < 2.0 && shared_context_bytes(e) == 0.0) || is_split;
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(core),
                                  .bytes = is_fused ? 4.0 * a->rows : 5.0 * a->elements,
                                  .by_op = 4.0 * a->rows,
                                  .transient = passing(e) + a->context + qkv * (is_split ? 3.0 : 1.0) +
                                               (is_fused ? 0.0 : 4.0 * a->elements)});
    muir_emit_keep(e, (muir_kept){.bytes = is_own && is_fused ? a->context : 0.0, .transient = passing(e)});
}

void muir_emit_keep_attention(muir_emitter *e)
{
    if (e->phase != MUIR_FORWARD) return;
    const muir_model *m = &e->job->model;
    const attention a = attention_of(e);
    const double low = (double)(m->q_rank + m->kv_rank + m->rope_dim);
    keep_norm(e, a.queries + a.keys + a.values + whole_input(e));
    if (m->kv_rank > 0) { /* what is projected down, and its norm */
        const double latent = 2.0 * e->sizes.tokens * low;
        muir_emit_keep(e, (muir_kept){.bytes = latent, .transient = passing(e)});
        muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(norm) | MUIR_MODULE_BIT(qkv),
                                      .bytes = latent,
                                      .transient = passing(e)});
    }
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(qkv),
                                  .bytes = a.queries + a.keys + a.values,
                                  .by_op = a.queries + a.values, /* the second of three products is not */
                                  .transient = passing(e) + a.queries + a.keys + a.values});
    keep_core(e, &a);
    const double element = shared_context_bytes(e);
    muir_emit_keep(
        e, (muir_kept){.bytes = 0.5 * a.context * (element > 0.0 ? element : muir_kept_input_bytes(e->job)),
                       .by_op = a.context,
                       .transient = passing(e)});
    keep_output(e, false);
}

void muir_emit_keep_mlp(muir_emitter *e, double width)
{
    if (e->phase != MUIR_FORWARD) return;
    const muir_sizes s = e->sizes;
    const double inner = s.tokens * width / s.tp;
    const double gated = !e->job->stack.compiled && s.gate > 1.0 ? 2.0 : 0.0; /* the gate's own activation */
    if (!e->is_norm_kept) keep_norm(e, whole_input(e) + 2.0 * s.gate * inner);
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(mlp),
                                  .bytes = activation_input_bytes(e) * s.gate * inner,
                                  .by_op = 2.0 * inner,
                                  .transient = passing(e) + 2.0 * (s.gate + 1.0) * inner});
    muir_emit_keep(e, (muir_kept){.modules = MUIR_MODULE_BIT(mlp) | MUIR_MODULE_BIT(activation),
                                  .bytes = (muir_kept_input_bytes(e->job) + gated) * inner,
                                  .transient = passing(e) + 4.0 * inner});
    keep_output(e, true);
}

void muir_emit_keep_experts(muir_emitter *e, double rows, double inner)
{
    if (e->phase != MUIR_FORWARD) return;
    const muir_sizes s = e->sizes;
    const double experts = (double)e->job->model.experts, input = muir_kept_input_bytes(e->job);
    const muir_modules all = MUIR_MODULE_BIT(experts);
    if (!e->is_norm_kept) keep_norm(e, 0.0);
    /* scores of the router, what the softmax makes of them, and the map of who goes where: fp32 */
    muir_emit_keep(e, (muir_kept){.bytes = 12.0 * s.tokens / s.split * experts,
                                  .by_op = 4.0 * s.tokens / s.split * experts,
                                  .transient = passing(e) + 4.0 * s.tokens / s.split * experts});
    muir_emit_keep(e, (muir_kept){.modules = all,
                                  .bytes = input * rows * s.hidden,
                                  .transient = passing(e) + 2.0 * rows * (s.hidden + s.gate * inner)});
    muir_emit_keep(e, (muir_kept){.modules = all,
                                  .bytes = activation_input_bytes(e) * s.gate * rows * inner,
                                  .by_op = 2.0 * rows * inner,
                                  .transient = passing(e) + 2.0 * (s.gate + 1.0) * rows * inner});
    muir_emit_keep(e, (muir_kept){.modules = all | MUIR_MODULE_BIT(activation),
                                  .bytes = input * rows * inner,
                                  .transient = passing(e) + 4.0 * rows * inner});
    keep_output(e, true);
}
