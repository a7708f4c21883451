/* SPDX-License-Identifier: BSD-3-Clause */
/* The attention half of a layer: projections (plain, grouped, latent), scores and context, context
 * parallelism. */
#include "models/emit.h"

double muir_attention_params(const muir_model *m)
{
    const double h = (double)m->hidden, heads = (double)m->heads, d = (double)m->head_dim;
    if (m->kv_rank > 0) {
        const double rope = (double)m->rope_dim, q = (double)m->q_rank, kv = (double)m->kv_rank;
        const double down = h * (q + kv + rope);
        const double up = (q > 0.0 ? q : h) * heads * (d + rope) + kv * heads * 2.0 * d;
        return down + up + heads * d * h + h;
    }
    return h * (2.0 * heads * d + 2.0 * (double)m->kv_heads * d) + h; /* and its norm */
}

/* One product over the keys: fused, or in memory and then over the whole square. */
static void core_product(muir_emitter *e, const char *name, double m, double n, double k, double heads)
{
    muir_op *op = muir_emit_gemm(e, name, m, n, k, heads);
    op->gemm.is_attention = e->job->stack.fused_attention;
    op->gemm.is_16bit = !op->gemm.is_attention;
    op->gemm.is_backward = op->gemm.is_attention && e->phase == MUIR_BACKWARD;
    if (op->gemm.is_attention) op->gemm.share = e->attention_share;
}

/* Scores in memory, bytes an element: the softmax reads 2 and writes 2, dropout reads 2, writes 2 and a mask
 * of 1; backward, dropout reads 3 and writes 2, the softmax reads 4 and writes 2. Counted from Megatron-LM's
 * kernels of 2021. */
static void score_passes(muir_emitter *e, double elements, bool is_forward)
{
    if (!e->job->stack.fused_attention)
        muir_emit_mem(e, "scores in memory", (is_forward ? 9.0 : 11.0) * elements);
}

typedef struct core_sizes {
    double heads, queries, keys, d_key, d_value;
} core_sizes;

static core_sizes core_of(const muir_job *job)
{
    const muir_model *m = &job->model;
    const double heads = (double)m->heads / (double)job->parallel.tp * (double)job->batch.micro_batch_size;
    const double keys = (double)job->batch.seq_len, d = (double)m->head_dim;
    return (core_sizes){heads, keys / (double)job->parallel.cp, keys, d + (double)m->rope_dim, d};
}

static void core_forward(muir_emitter *e)
{
    const core_sizes c = core_of(e->job);
    core_product(e, "attention scores", c.queries, c.keys, c.d_key, c.heads);
    score_passes(e, c.heads * c.queries * c.keys, true);
    core_product(e, "attention context", c.queries, c.d_value, c.keys, c.heads);
}

/* The fused kernel computes the scores again, then four products (Dao, "FlashAttention-2", 2023, section 2).
 * Without it, selective recompute runs the whole core again (Korthikanti et al. 2022, section 5). */
static void core_backward(muir_emitter *e)
{
    const core_sizes c = core_of(e->job);
    if (e->job->stack.fused_attention) /* whether or not the core is computed again before */
        core_product(e, "attention scores again", c.queries, c.keys, c.d_key, c.heads);
    core_product(e, "attention grad probabilities", c.queries, c.keys, c.d_value, c.heads);
    core_product(e, "attention grad values", c.keys, c.d_value, c.queries, c.heads);
    score_passes(e, c.heads * c.queries * c.keys, false);
    core_product(e, "attention grad queries", c.queries, c.d_key, c.keys, c.heads);
    core_product(e, "attention grad keys", c.keys, c.d_key, c.queries, c.heads);
}

/* Keys and values of the other context parts: they go round the ring, and backward with their gradients, or
 * are gathered before and their gradients scattered after (Llama 3, arXiv 2407.21783, section 3.3.2). */
static void exchange_keys(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const double width = e->job->model.kv_rank > 0 ? 2.0 * s.q_local : 2.0 * s.kv_local;
    const double bytes = s.tokens * (double)e->job->parallel.cp * width * s.act_bytes;
    const bool is_ring = e->job->parallel.cp_exchange == MUIR_CP_RING;
    muir_coll_kind kind = MUIR_ALL_GATHER;
    if (e->phase == MUIR_BACKWARD && !is_ring) kind = MUIR_REDUCE_SCATTER;
    muir_emit_coll(e, "keys and values", kind, MUIR_AXIS_CP,
                   bytes * (e->phase == MUIR_BACKWARD && is_ring ? 2.0 : 1.0));
}

/* Products into queries, keys and values; backward with m the width that gradients come from. */
static void project_in(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const muir_model *m = &e->job->model;
    const double qkv = s.q_local + 2.0 * s.kv_local, heads = (double)m->heads / s.tp, t = s.tokens;
    if (m->kv_rank == 0) {
        if (e->phase == MUIR_FORWARD)
            muir_emit_product(e, "qkv", t, qkv, s.hidden, 1.0)->again = s.kv_local / qkv;
        else if (e->phase == MUIR_BACKWARD)
            muir_emit_product(e, "qkv grad", t, s.hidden, qkv, 1.0);
        else
            muir_emit_product(e, "qkv weight", s.hidden, qkv, t, 1.0);
        return;
    }
    const double down = (double)(m->q_rank + m->kv_rank + m->rope_dim);
    const double q_up = heads * (double)(m->head_dim + m->rope_dim),
                 kv_up = heads * 2.0 * (double)m->head_dim;
    const double q = m->q_rank > 0 ? (double)m->q_rank : s.hidden, kv = (double)m->kv_rank;
    if (e->phase == MUIR_FORWARD) {
        const muir_modules modules = e->modules;
        e->modules = 0; /* what is projected down is kept */
        muir_emit_product(e, "latent down", t / s.split, down, s.hidden, 1.0);
        muir_emit_mem(e, "latent norm", 2.0 * t * down * s.act_bytes * e->job->stack.elementwise);
        e->modules = modules;
        muir_emit_product(e, "query up", t, q_up, q, 1.0);
        muir_emit_product(e, "key and value up", t, kv_up, kv, 1.0);
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_product(e, "key and value up grad", t, kv, kv_up, 1.0);
        muir_emit_product(e, "query up grad", t, q, q_up, 1.0);
        muir_emit_mem(e, "latent norm", 3.0 * t * down * s.act_bytes * e->job->stack.elementwise);
        muir_emit_product(e, "latent down grad", t / s.split, s.hidden, down, 1.0);
    } else {
        muir_emit_product(e, "key and value up weight", kv, kv_up, t, 1.0);
        muir_emit_product(e, "query up weight", q, q_up, t, 1.0);
        muir_emit_product(e, "latent down weight", s.hidden, down, t / s.split, 1.0);
    }
}

/* Rotation of queries and keys, and what brings heads into the kernel's order: a pass over all three. */
static void rotate(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const double width = e->job->model.kv_rank > 0 ? 3.0 * s.q_local : s.q_local + 2.0 * s.kv_local;
    muir_emit_mem(e, "rotary", 2.0 * s.tokens * width * s.act_bytes * e->job->stack.elementwise);
}

void muir_emit_attention_half(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    if (e->phase == MUIR_FORWARD) {
        muir_emit_keep_attention(e);
        e->modules = MUIR_MODULE_BIT(norm);
        muir_emit_norm(e, "attention norm");
        e->modules = MUIR_MODULE_BIT(qkv);
        muir_emit_enter_tp(e, "attention in");
        project_in(e);
        rotate(e);
        e->modules = e->job->stack.fused_attention ? 0 : MUIR_MODULE_BIT(core);
        exchange_keys(e);
        core_forward(e);
        e->modules = 0;
        muir_emit_product(e, "out", s.tokens, s.hidden, s.q_local, 1.0)->again = 1.0;
        muir_emit_leave_tp(e, "attention out");
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_leave_tp(e, "attention out");
        muir_emit_product(e, "out grad", s.tokens, s.q_local, s.hidden, 1.0);
        exchange_keys(e);
        core_backward(e);
        rotate(e);
        project_in(e);
        muir_emit_enter_tp(e, "attention in");
        muir_emit_norm(e, "attention norm");
    } else {
        muir_emit_product(e, "out weight", s.q_local, s.hidden, s.tokens, 1.0);
        project_in(e);
    }
}
