/* SPDX-License-Identifier: BSD-3-Clause */
/* Adding ops, phases and blocks to a step program. The room for ops and blocks is fixed; a family that
 * outgrows it is a bug in muir. */
#include "models/emit.h"

#include <assert.h>
#include <math.h>

muir_emitter muir_emitter_make(const muir_job *job, muir_program *program)
{
    return (muir_emitter){
        .program = program, .job = job, .sizes = muir_sizes_of(job), .attention_share = 0.5};
}

static muir_op *new_op(muir_emitter *e, muir_op_kind kind, const char *name)
{
    muir_program *p = e->program;
    assert(p->n_ops < MUIR_MAX_OPS);
    muir_op *op = &p->ops[p->n_ops++];
    *op = (muir_op){.kind = kind, .name = name, .load = e->load};
    if (e->block) e->block->phase[e->phase].n++;
    return op;
}

muir_op *muir_emit_gemm(muir_emitter *e, const char *name, double m, double n, double k, double count)
{
    muir_op *op = new_op(e, MUIR_OP_GEMM, name);
    op->gemm = (muir_op_gemm){.m = m, .n = n, .k = k, .count = count, .share = 1.0, .out_bytes = 2.0};
    return op;
}

muir_op *muir_emit_gemm_16bit(muir_emitter *e, const char *name, double m, double n, double k, double count)
{
    muir_op *op = muir_emit_gemm(e, name, m, n, k, count);
    op->gemm.is_16bit = true;
    return op;
}

muir_op *muir_emit_fft(muir_emitter *e, const char *name, double n, double count, double stride)
{
    muir_op *op = new_op(e, MUIR_OP_FFT, name);
    op->fft = (muir_op_fft){.n = n, .count = count, .stride = stride};
    return op;
}

muir_op *muir_emit_mem(muir_emitter *e, const char *name, double bytes)
{
    muir_op *op = new_op(e, MUIR_OP_MEM, name);
    op->mem = (muir_op_mem){.bytes = bytes, .launches = 1.0};
    return op;
}

muir_op *muir_emit_coll_among(muir_emitter *e, const char *name, muir_coll_kind kind, muir_axis axis,
                              int64_t members, int64_t stride, double bytes)
{
    if (members < 2) return NULL;
    muir_op *op = new_op(e, MUIR_OP_COLL, name);
    op->coll =
        (muir_op_coll){.kind = kind, .axis = axis, .members = members, .stride = stride, .bytes = bytes};
    return op;
}

muir_op *muir_emit_coll(muir_emitter *e, const char *name, muir_coll_kind kind, muir_axis axis, double bytes)
{
    return muir_emit_coll_among(e, name, kind, axis, muir_job_size(e->job, axis), 1, bytes);
}

/* Operands gathered over tp were quantised in their parts; what remains is to transpose them. */
static bool is_gathered(const muir_emitter *e)
{
    if (e->block->phase[e->phase].n == 0) return false;
    const muir_op *last = &e->program->ops[e->program->n_ops - 1];
    return last->kind == MUIR_OP_COLL && last->coll.kind == MUIR_ALL_GATHER &&
           last->coll.axis == MUIR_AXIS_TP;
}

muir_op *muir_emit_product(muir_emitter *e, const char *name, double m, double n, double k, double count)
{
    const muir_stack *stack = &e->job->stack;
    if (e->phase != MUIR_WEIGHT && muir_job_operand_bytes(e->job) < 2.0) {
        const double bytes = stack->cast_bytes * m * k * count;
        muir_emit_mem(e, "quantise", is_gathered(e) ? 0.5 * bytes : bytes)->mem.launches =
            stack->cast_kernels;
    }
    muir_op *op = muir_emit_gemm(e, name, m, n, k, count);
    if (e->phase == MUIR_WEIGHT) op->gemm.out_bytes = 2.0 * e->job->parallel.grad_bytes;
    return op;
}

void muir_emit_long_sum(muir_emitter *e, const char *name, double m, double n, double k)
{
    static const double longest = 8192.0; /* rows of a part; some hundred parts are plenty for any chip */
    const double parts = ceil(k / longest);
    muir_emit_gemm_16bit(e, name, m, n, k / parts, parts)->gemm.out_bytes = 4.0;
}

void muir_emit_block(muir_emitter *e, muir_block block)
{
    muir_program *p = e->program;
    assert(p->n_blocks < MUIR_MAX_BLOCKS);
    e->block = &p->blocks[p->n_blocks++];
    *e->block = block;
}

void muir_emit_gather(muir_emitter *e, muir_axis axis, double params, muir_coll_kind kind)
{
    muir_emit_coll_among(e, axis == MUIR_AXIS_EDP ? "expert weight gather" : "weight gather", kind, axis,
                         muir_job_zero_size(e->job, axis), 1, params * 2.0);
}

void muir_emit_sync(muir_emitter *e, muir_axis axis, double params)
{
    const char *name = axis == MUIR_AXIS_EDP ? "expert gradient sync" : "gradient sync";
    const int64_t members = muir_job_zero_size(e->job, axis), groups = muir_job_size(e->job, axis) / members;
    const double bytes = params * e->job->parallel.grad_bytes;
    muir_emit_coll_among(e, name, MUIR_REDUCE_SCATTER, axis, members, 1, bytes);
    muir_emit_coll_among(e, name, MUIR_ALL_REDUCE, axis, groups, members, bytes / (double)members);
}

static void emit_weights(muir_emitter *e, muir_axis axis, double params)
{
    const int64_t zero_stage = e->job->parallel.zero_stage;
    if (params <= 0.0) return;
    if (e->phase != MUIR_WEIGHT && zero_stage > 2) muir_emit_gather(e, axis, params, MUIR_ALL_GATHER);
    if (e->phase == MUIR_WEIGHT && muir_job_syncs_microbatches(e->job)) muir_emit_sync(e, axis, params);
}

void muir_emit_phase(muir_emitter *e, muir_phase phase)
{
    e->phase = phase;
    e->block->phase[phase] = (muir_op_range){e->program->n_ops, 0};
    emit_weights(e, MUIR_AXIS_DP, e->block->dense_params);
    emit_weights(e, MUIR_AXIS_EDP, e->block->expert_params);
}

/* Op by op, what is dear to compute is kept: attention, every second product, and what scatters results.
 * Source: pytorch/torchtitan @b5bcd76, the default of its selective activation checkpointing. */
static bool is_kept(const muir_op *op, int *products)
{
    if (op->kind == MUIR_OP_COLL) return op->coll.kind == MUIR_REDUCE_SCATTER;
    return op->kind == MUIR_OP_GEMM && (op->gemm.is_attention || (*products)++ % 2 == 0);
}

void muir_emit_recompute(muir_emitter *e)
{
    const int recompute = e->job->parallel.recompute;
    int products = 0;
    if (recompute != MUIR_RECOMPUTE_FULL && recompute != MUIR_RECOMPUTE_OPS) return;
    const muir_op_range forward = e->block->phase[MUIR_FORWARD];
    for (int i = 0; i < forward.n; i++) {
        const muir_op op = e->program->ops[forward.first + i];
        if (recompute == MUIR_RECOMPUTE_OPS && is_kept(&op, &products)) continue;
        if (op.kind == MUIR_OP_COLL && (op.coll.axis == MUIR_AXIS_DP || op.coll.axis == MUIR_AXIS_EDP))
            continue;
        *new_op(e, op.kind, op.name) = op;
    }
}

void muir_emit_layer(muir_emitter *e, const muir_emit_half *halves, int n)
{
    muir_emit_phase(e, MUIR_FORWARD);
    for (int i = 0; i < n; i++) halves[i](e);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_recompute(e);
    for (int i = n - 1; i >= 0; i--) halves[i](e);
    muir_emit_phase(e, MUIR_WEIGHT);
    for (int i = n - 1; i >= 0; i--) halves[i](e);
}
