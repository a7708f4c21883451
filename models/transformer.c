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
static void cross_tp(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase, bool is_entering,
                     const char *name)
{
    const muir_sizes s = muir_sizes_of(job);
    const bool is_inward = is_entering == (phase != MUIR_BACKWARD); /* the way that data goes */
    muir_coll_kind kind = is_inward ? MUIR_ALL_GATHER : MUIR_REDUCE_SCATTER;
    if (!job->parallel.sequence_parallel) {
        if (is_inward) return;
        kind = MUIR_ALL_REDUCE;
    }
    const double bytes =
        kind == MUIR_ALL_GATHER ? fmin(s.act_bytes, muir_job_operand_bytes(job)) : s.act_bytes;
    muir_emit_coll(p, b, phase, name, kind, MUIR_AXIS_TP, job->parallel.tp, s.tokens * s.hidden * bytes);
}

void muir_emit_enter_tp(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                        const char *name)
{
    cross_tp(p, job, b, phase, true, name);
}

void muir_emit_leave_tp(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                        const char *name)
{
    cross_tp(p, job, b, phase, false, name);
}

/* Norm, residual and dropout read and write the hidden vector a few times: 5 passes forward, 7 backward
 * (gradients of output and input, saved input). Counted from the elementwise kernels of a fused
 * implementation. */
void muir_emit_norm(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase, const char *name)
{
    const muir_sizes s = muir_sizes_of(job);
    const double passes = phase == MUIR_FORWARD ? 5.0 : 7.0;
    muir_emit_mem(p, b, phase, name,
                  job->stack.elementwise * passes * s.tokens / s.split * s.hidden * s.act_bytes);
}

void muir_emit_mlp_half(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase, double width)
{
    const muir_sizes s = muir_sizes_of(job);
    const double inner = width / s.tp;
    if (phase == MUIR_FORWARD) {
        muir_emit_norm(p, job, b, phase, "mlp norm");
        muir_emit_enter_tp(p, job, b, phase, "mlp in");
        muir_emit_product(p, job, b, phase, "mlp up", s.tokens, s.gate * inner, s.hidden, 1.0);
        muir_emit_mem(p, b, phase, "activation",
                      job->stack.elementwise * (s.gate + 1.0) * s.tokens * inner * s.act_bytes);
        muir_emit_product(p, job, b, phase, "mlp down", s.tokens, s.hidden, inner, 1.0);
        muir_emit_leave_tp(p, job, b, phase, "mlp out");
    } else if (phase == MUIR_BACKWARD) {
        muir_emit_leave_tp(p, job, b, phase, "mlp out");
        muir_emit_product(p, job, b, phase, "mlp down grad", s.tokens, inner, s.hidden, 1.0);
        muir_emit_mem(p, b, phase, "activation",
                      job->stack.elementwise * (2.0 * s.gate + 1.0) * s.tokens * inner * s.act_bytes);
        muir_emit_product(p, job, b, phase, "mlp up grad", s.tokens, s.hidden, s.gate * inner, 1.0);
        muir_emit_enter_tp(p, job, b, phase, "mlp in");
        muir_emit_norm(p, job, b, phase, "mlp norm");
    } else {
        muir_emit_product(p, job, b, phase, "mlp down weight", inner, s.hidden, s.tokens, 1.0);
        muir_emit_product(p, job, b, phase, "mlp up weight", s.hidden, s.gate * inner, s.tokens, 1.0);
    }
}

muir_block *muir_emit_embedding(muir_program *p, const muir_job *job)
{
    const muir_sizes s = muir_sizes_of(job);
    muir_block *b = muir_emit_block(p, "embedding");
    b->dense_params = (double)job->model.vocab * s.hidden / s.tp;
    muir_emit_phase(p, b, MUIR_FORWARD);
    muir_emit_weights(p, job, b, MUIR_FORWARD);
    muir_emit_mem(p, b, MUIR_FORWARD, "embedding lookup", 2.0 * s.tokens * s.hidden * s.act_bytes);
    muir_emit_leave_tp(p, job, b, MUIR_FORWARD, "embedding out");
    muir_emit_phase(p, b, MUIR_BACKWARD);
    muir_emit_weights(p, job, b, MUIR_BACKWARD);
    muir_emit_leave_tp(p, job, b, MUIR_BACKWARD, "embedding out");
    muir_emit_phase(p, b, MUIR_WEIGHT);
    muir_emit_weights(p, job, b, MUIR_WEIGHT);
    muir_emit_mem(p, b, MUIR_WEIGHT, "embedding grad", 3.0 * s.tokens * s.hidden * s.act_bytes);
    return b;
}

/* Final norm, logits, loss over a vocabulary split by tp: maximum and sum of each token cross chips. */
muir_block *muir_emit_head(muir_program *p, const muir_job *job)
{
    const muir_sizes s = muir_sizes_of(job);
    const double logits = (double)job->model.vocab / s.tp;
    muir_block *b = muir_emit_block(p, "head");
    b->dense_params = (double)job->model.vocab * s.hidden / s.tp + s.hidden;
    if (job->model.tied_embedding && job->parallel.pp == 1) b->dense_params = s.hidden;
    muir_emit_phase(p, b, MUIR_FORWARD);
    muir_emit_weights(p, job, b, MUIR_FORWARD);
    muir_emit_norm(p, job, b, MUIR_FORWARD, "final norm");
    muir_emit_enter_tp(p, job, b, MUIR_FORWARD, "head in");
    muir_emit_gemm(p, b, MUIR_FORWARD, "logits", s.tokens, logits, s.hidden, 1.0);
    muir_emit_last(p)->is_16bit = true;
    muir_emit_mem(p, b, MUIR_FORWARD, "loss", 0.6 * job->stack.loss_bytes * s.tokens * logits);
    muir_emit_coll(p, b, MUIR_FORWARD, "loss maximum and sum", MUIR_ALL_REDUCE, MUIR_AXIS_TP,
                   job->parallel.tp, 2.0 * s.tokens * 4.0);
    muir_emit_phase(p, b, MUIR_BACKWARD);
    muir_emit_weights(p, job, b, MUIR_BACKWARD);
    muir_emit_mem(p, b, MUIR_BACKWARD, "loss", 0.4 * job->stack.loss_bytes * s.tokens * logits);
    muir_emit_gemm(p, b, MUIR_BACKWARD, "logits grad", s.tokens, s.hidden, logits, 1.0);
    muir_emit_last(p)->is_16bit = true;
    muir_emit_enter_tp(p, job, b, MUIR_BACKWARD, "head in");
    muir_emit_norm(p, job, b, MUIR_BACKWARD, "final norm");
    muir_emit_phase(p, b, MUIR_WEIGHT);
    muir_emit_weights(p, job, b, MUIR_WEIGHT);
    muir_emit_gemm(p, b, MUIR_WEIGHT, "logits weight", s.hidden, logits, s.tokens, 1.0);
    muir_emit_last(p)->is_16bit = true;
    return b;
}
