/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a transformer that dense and mixture families share: norms, feed-forward, embedding, head. */
#include <math.h>

#include "models/emit.h"

muir_sizes muir_sizes_of(const muir_job *job)
{
    const muir_model *model = &job->model;
    muir_sizes s;
    s.tokens = (double)job->batch.micro_batch_size * (double)job->batch.seq_len / (double)job->parallel.cp;
    s.hidden = (double)model->hidden;
    s.tp = (double)job->parallel.tp;
    s.q_local = (double)(model->heads * model->head_dim) / s.tp;
    s.kv_local = ceil((double)model->kv_heads / s.tp) * (double)model->head_dim;
    s.act_bytes = 2.0; /* activations stay bf16 between products, also where products are fp8 */
    s.gate = model->mlp == MUIR_MLP_SWIGLU ? 2.0 : 1.0;
    s.split = job->parallel.sequence_parallel ? s.tp : 1.0;
    return s;
}

double muir_mlp_params(const muir_model *model, double width)
{
    const double matrices = model->mlp == MUIR_MLP_SWIGLU ? 3.0 : 2.0;
    return matrices * (double)model->hidden * width + (double)model->hidden;
}

/* Crossing the border of the tensor-parallel region. With sequence parallelism, going in gathers the
 * sequence and coming out reduces and scatters it, and the backward pass does the opposite. Without, only
 * coming out of a forward and of a backward (which is going in) needs an all_reduce. What is gathered is the
 * operand of a product and travels in its precision. Source: Korthikanti et
 * al., "Reducing activation recomputation in large transformer models", 2022, section 4.2. */
static void cross_tp(muir_emitter *e, bool is_entering, const char *name)
{
    const muir_sizes s = e->sizes;
    const bool is_inward = is_entering == (e->phase != MUIR_BACKWARD); /* the way that data goes */
    muir_coll_kind kind = is_inward ? MUIR_ALL_GATHER : MUIR_REDUCE_SCATTER;
    if (!e->job->parallel.sequence_parallel) {
        if (is_inward) return;
        kind = MUIR_ALL_REDUCE;
    }
    const double bytes =
        kind == MUIR_ALL_GATHER ? fmin(s.act_bytes, muir_job_operand_bytes(e->job)) : s.act_bytes;
    muir_emit_coll(e, name, kind, MUIR_AXIS_TP, s.tokens * s.hidden * bytes);
}

void muir_emit_enter_tp(muir_emitter *e, const char *name)
{
    cross_tp(e, true, name);
}

void muir_emit_leave_tp(muir_emitter *e, const char *name)
{
    cross_tp(e, false, name);
}

/* Norm, residual and dropout read and write the hidden vector a few times: 5 passes forward, 7 backward
 * (gradients of output and input, saved input). Counted from the elementwise kernels of a fused
 * implementation. */
void muir_emit_norm(muir_emitter *e, const char *name)
{
    const muir_sizes s = e->sizes;
    const double passes = e->phase == MUIR_FORWARD ? 5.0 : 7.0;
    muir_emit_mem(e, name, e->job->stack.elementwise * passes * s.tokens / s.split * s.hidden * s.act_bytes);
}

void muir_emit_mlp(muir_emitter *e, double width)
{
    const muir_sizes s = e->sizes;
    const double inner = width / s.tp;
    if (e->phase == MUIR_FORWARD) {
        muir_emit_keep_mlp(e, width);
        e->modules = MUIR_MODULE_BIT(norm);
        muir_emit_norm(e, "mlp norm");
        e->modules = MUIR_MODULE_BIT(mlp);
        muir_emit_enter_tp(e, "mlp in");
        muir_emit_product(e, "mlp up", s.tokens, s.gate * inner, s.hidden, 1.0)->again = 1.0 - 1.0 / s.gate;
        e->modules = MUIR_MODULE_BIT(mlp) | MUIR_MODULE_BIT(activation);
        muir_emit_mem(e, "activation",
                      e->job->stack.elementwise * (s.gate + 1.0) * s.tokens * inner * s.act_bytes);
        e->modules = MUIR_MODULE_BIT(mlp);
        muir_emit_product(e, "mlp down", s.tokens, s.hidden, inner, 1.0);
        muir_emit_leave_tp(e, "mlp out");
        e->modules = 0;
    } else if (e->phase == MUIR_BACKWARD) {
        muir_emit_leave_tp(e, "mlp out");
        muir_emit_product(e, "mlp down grad", s.tokens, inner, s.hidden, 1.0);
        muir_emit_mem(e, "activation",
                      e->job->stack.elementwise * (2.0 * s.gate + 1.0) * s.tokens * inner * s.act_bytes);
        muir_emit_product(e, "mlp up grad", s.tokens, s.hidden, s.gate * inner, 1.0);
        muir_emit_enter_tp(e, "mlp in");
        muir_emit_norm(e, "mlp norm");
    } else {
        muir_emit_product(e, "mlp down weight", inner, s.hidden, s.tokens, 1.0);
        muir_emit_product(e, "mlp up weight", s.hidden, s.gate * inner, s.tokens, 1.0);
    }
}

void muir_emit_mlp_half(muir_emitter *e)
{
    muir_emit_mlp(e, (double)e->job->model.ffn);
}

void muir_emit_embedding(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    muir_emit_block(e, (muir_block){.name = "embedding",
                                    .role = MUIR_BLOCK_FIRST,
                                    .dense_params = (double)e->job->model.vocab * s.hidden / s.tp});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_mem(e, "embedding lookup", 2.0 * s.tokens * s.hidden * s.act_bytes);
    muir_emit_leave_tp(e, "embedding out");
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_leave_tp(e, "embedding out");
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_mem(e, "embedding grad", 3.0 * s.tokens * s.hidden * s.act_bytes);
}

/* Full recompute leaves the head alone. */
static bool is_loss_again(const muir_job *job)
{
    return job->parallel.recompute == MUIR_RECOMPUTE_SELECTIVE &&
           (muir_job_recomputed(job) & MUIR_MODULE_BIT(loss));
}

/* Final norm, logits, loss over a vocabulary split by tp: maximum and sum of each token cross chips. */
void muir_emit_head(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const double logits = (double)e->job->model.vocab / s.tp;
    const bool is_shared = e->job->model.tied_embedding && e->job->parallel.pp == 1;
    const double params = (is_shared ? 0.0 : (double)e->job->model.vocab * s.hidden / s.tp) + s.hidden;
    muir_emit_block(e, (muir_block){.name = "head", .role = MUIR_BLOCK_LAST, .dense_params = params});
    e->program->logits = s.tokens * logits;
    e->program->head_bytes = 2.0 * s.act_bytes * s.tokens * s.hidden / s.split;
    e->program->head_whole = 2.0 * s.act_bytes * s.tokens * s.hidden;
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_norm(e, "final norm");
    muir_emit_enter_tp(e, "head in");
    muir_emit_gemm_16bit(e, "logits", s.tokens, logits, s.hidden, 1.0);
    muir_emit_mem(e, "loss", 0.6 * e->job->stack.loss_bytes * s.tokens * logits);
    muir_emit_coll(e, "loss maximum and sum", MUIR_ALL_REDUCE, MUIR_AXIS_TP, 2.0 * s.tokens * 4.0);
    muir_emit_phase(e, MUIR_BACKWARD);
    if (is_loss_again(e->job)) muir_emit_gemm_16bit(e, "logits again", s.tokens, logits, s.hidden, 1.0);
    muir_emit_mem(e, "loss", 0.4 * e->job->stack.loss_bytes * s.tokens * logits);
    muir_emit_gemm_16bit(e, "logits grad", s.tokens, s.hidden, logits, 1.0);
    muir_emit_enter_tp(e, "head in");
    muir_emit_norm(e, "final norm");
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_gemm_16bit(e, "logits weight", s.hidden, logits, s.tokens, 1.0);
}
