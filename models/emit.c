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
    *op = (muir_op){.kind = kind, .name = name, .load = e->load, .modules = e->modules};
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
    op->again = 1.0;
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

/* Kept activations that wait in the host's memory go there while the layer computes, and come back. */
static void emit_offload(muir_emitter *e, const char *name)
{
    const double share = e->job->parallel.offload_activations;
    double bytes = 0.0;
    if (share == 0.0 || e->block->role != MUIR_BLOCK_LAYER) return;
    for (int i = 0; i < e->block->n_kept; i++)
        bytes += muir_kept_bytes(e->job, &e->block->kept[i], i == 0, e->block->is_plain);
    muir_emit_mem(e, name, share * bytes)->mem.is_host = true;
}

void muir_emit_phase(muir_emitter *e, muir_phase phase)
{
    if (phase == MUIR_BACKWARD) emit_offload(e, "activations out"); /* ends the forward phase */
    e->phase = phase;
    e->block->phase[phase] = (muir_op_range){e->program->n_ops, 0};
    emit_weights(e, MUIR_AXIS_DP, e->block->dense_params);
    emit_weights(e, MUIR_AXIS_EDP, e->block->expert_params);
    if (phase == MUIR_BACKWARD) emit_offload(e, "activations back");
}

/* What of a forward op the backward pass does again. */
static double again(const muir_op *op, muir_modules recomputed, bool is_by_op)
{
    const bool is_sync =
        op->kind == MUIR_OP_COLL && (op->coll.axis == MUIR_AXIS_DP || op->coll.axis == MUIR_AXIS_EDP);
    if (is_sync || (op->kind == MUIR_OP_MEM && op->mem.is_host)) return 0.0;
    if (is_by_op) return op->kind == MUIR_OP_COLL ? op->coll.kind == MUIR_ALL_GATHER : op->again;
    return recomputed == ~0u || (op->modules & recomputed) ? 1.0 : 0.0;
}

void muir_emit_recompute(muir_emitter *e)
{
    const muir_modules recomputed = muir_job_recomputed(e->job);
    const bool is_by_op = muir_job_is_by_op(e->job);
    const muir_op_range forward = e->block->phase[MUIR_FORWARD];
    if (e->block->is_plain || (recomputed == 0 && !is_by_op)) return;
    for (int i = 0; i < forward.n; i++) {
        muir_op op = e->program->ops[forward.first + i];
        const double share = again(&op, recomputed, is_by_op);
        if (share == 0.0) continue;
        if (op.kind == MUIR_OP_GEMM) op.gemm.n *= share;
        *new_op(e, op.kind, op.name) = op;
    }
}

static void emit_phases(muir_emitter *e, const muir_emit_half *halves, int n)
{
    muir_emit_phase(e, MUIR_FORWARD);
    for (int i = 0; i < n; i++) halves[i](e);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_recompute(e);
    for (int i = n - 1; i >= 0; i--) halves[i](e);
    muir_emit_phase(e, MUIR_WEIGHT);
    for (int i = n - 1; i >= 0; i--) halves[i](e);
}

/* Where only every so many-th layer is computed again, the others are a kind of their own. */
void muir_emit_layer(muir_emitter *e, const muir_emit_half *halves, int n)
{
    const int64_t every = e->job->parallel.recompute_every;
    muir_block others = *e->block;
    if (every > 1) e->block->layers.every = every;
    emit_phases(e, halves, n);
    if (every == 1) return;
    others.layers.except = every;
    others.is_plain = true;
    muir_emit_block(e, others);
    emit_phases(e, halves, n);
}
