/* SPDX-License-Identifier: BSD-3-Clause */
/* Building step programs: emitting ops, dealing layers to stages, the ops of the end of a step. */
#include "models/program.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/emit.h"

#define FAMILY(id) extern const muir_family muir_family_##id;
#include "models/families.def"
#undef FAMILY
static const muir_family *const families[] = {
#define FAMILY(id) &muir_family_##id,
#include "models/families.def"
#undef FAMILY
};

int muir_family_count(void)
{
    return (int)(sizeof families / sizeof families[0]);
}

const muir_family *muir_family_at(int i)
{
    return families[i];
}

const muir_family *muir_family_find(const char *name)
{
    for (int i = 0; i < muir_family_count(); i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}

/* Emitting. The room for ops and blocks is fixed; a family that outgrows it is a bug in muir. */

static muir_op *new_op(muir_program *p, muir_block *block, muir_phase phase, muir_op_kind kind,
                       const char *name)
{
    assert(p->n_ops < MUIR_MAX_OPS);
    muir_op *op = &p->ops[p->n_ops++];
    op->kind = kind;
    op->launches = 1.0;
    op->name = name;
    if (block) block->phase[phase].n++;
    return op;
}

muir_block *muir_emit_block(muir_program *p, const char *name)
{
    assert(p->n_blocks < MUIR_MAX_BLOCKS);
    muir_block *block = &p->blocks[p->n_blocks++];
    block->name = name;
    return block;
}

void muir_emit_phase(muir_program *p, muir_block *block, muir_phase phase)
{
    block->phase[phase] = (muir_op_range){p->n_ops, 0};
}

void muir_emit_gemm(muir_program *p, muir_block *block, muir_phase phase, const char *name, double m,
                    double n, double k, double count)
{
    muir_op *op = new_op(p, block, phase, MUIR_OP_GEMM, name);
    op->m = m, op->n = n, op->k = k, op->count = count, op->share = 1.0, op->out_bytes = 2.0;
}

muir_op *muir_emit_last(muir_program *p)
{
    return &p->ops[p->n_ops - 1];
}

void muir_emit_product(muir_program *p, const muir_job *job, muir_block *block, muir_phase phase,
                       const char *name, double m, double n, double k, double count)
{
    /* Operands gathered over tp were quantised in their parts; what remains is to transpose them. */
    const muir_op *before = block->phase[phase].n > 0 ? muir_emit_last(p) : NULL;
    const bool is_gathered = before && before->kind == MUIR_OP_COLL && before->coll == MUIR_ALL_GATHER &&
                             before->axis == MUIR_AXIS_TP;
    if (phase != MUIR_WEIGHT && muir_job_operand_bytes(job) < 2.0) {
        const double bytes = job->stack.cast_bytes * m * k * count;
        muir_emit_mem(p, block, phase, "quantise", is_gathered ? 0.5 * bytes : bytes);
        muir_emit_last(p)->launches = job->stack.cast_kernels;
    }
    muir_emit_gemm(p, block, phase, name, m, n, k, count);
    if (phase == MUIR_WEIGHT) p->ops[p->n_ops - 1].out_bytes = 2.0 * job->parallel.grad_bytes;
}

void muir_emit_long_sum(muir_program *p, muir_block *block, const char *name, double m, double n, double k)
{
    static const double longest = 8192.0; /* rows of a part; some hundred parts are plenty for any chip */
    const double parts = ceil(k / longest);
    muir_emit_gemm(p, block, MUIR_WEIGHT, name, m, n, k / parts, parts);
    muir_emit_last(p)->is_16bit = true;
    muir_emit_last(p)->out_bytes = 4.0;
}

void muir_emit_attention(muir_program *p, muir_block *block, muir_phase phase, const char *name, double m,
                         double n, double k, double count)
{
    muir_emit_gemm(p, block, phase, name, m, n, k, count);
    p->ops[p->n_ops - 1].share = 0.5; /* causal */
    p->ops[p->n_ops - 1].is_attention = true;
    p->ops[p->n_ops - 1].is_backward = phase == MUIR_BACKWARD;
}

void muir_emit_fft(muir_program *p, muir_block *block, muir_phase phase, const char *name, double n,
                   double count, double stride)
{
    muir_op *op = new_op(p, block, phase, MUIR_OP_FFT, name);
    op->n = n, op->count = count, op->stride = stride;
}

void muir_emit_mem(muir_program *p, muir_block *block, muir_phase phase, const char *name, double bytes)
{
    new_op(p, block, phase, MUIR_OP_MEM, name)->bytes = bytes;
}

void muir_emit_coll(muir_program *p, muir_block *block, muir_phase phase, const char *name,
                    muir_coll_kind coll, muir_axis axis, int64_t axis_size, double bytes)
{
    if (axis_size < 2) return;
    muir_op *op = new_op(p, block, phase, MUIR_OP_COLL, name);
    op->coll = coll, op->axis = axis, op->bytes = bytes;
}

void muir_emit_recompute(muir_program *p, const muir_job *job, muir_block *block)
{
    if (job->parallel.recompute != MUIR_RECOMPUTE_FULL) return;
    const muir_op_range forward = block->phase[MUIR_FORWARD];
    for (int i = 0; i < forward.n; i++) {
        const muir_op op = p->ops[forward.first + i];
        if (op.kind == MUIR_OP_COLL && (op.axis == MUIR_AXIS_DP || op.axis == MUIR_AXIS_EDP)) continue;
        *new_op(p, block, MUIR_BACKWARD, op.kind, op.name) = op;
    }
}

/* Dealing layers. */

/* Where chunks divide the layers, each gets as many (Megatron-LM). Otherwise embedding and head count as a
 * layer each, which leaves the first and the last chunk one layer less; a remainder goes to the chunks after
 * the first. Source: Llama 3, arXiv 2407.21783, section 3.3.2 (126 layers on 16 stages). */
static int64_t chunk_layers(int64_t layers, int64_t chunks, int64_t chunk)
{
    if (layers % chunks == 0) return layers / chunks;
    const int64_t share = (layers + 2) / chunks, rest = (layers + 2) % chunks;
    return share + (chunk >= 1 && chunk <= rest) - (chunk == 0) - (chunk == chunks - 1);
}

static void add_part(muir_chunk *chunk, int block, int64_t repeat)
{
    if (repeat == 0) return;
    chunk->block[chunk->n_parts] = block;
    chunk->repeat[chunk->n_parts++] = (int)repeat;
}

/* Families emit three blocks: embedding, layer, head. */
static void deal_layers(muir_program *p, const muir_job *job)
{
    for (int i = 0; i < p->n_chunks; i++) {
        muir_chunk *chunk = &p->chunks[i];
        add_part(chunk, 0, i == 0);
        add_part(chunk, 1, chunk_layers(job->model.layers, p->n_chunks, i));
        add_part(chunk, 2, i == p->n_chunks - 1);
    }
}

/* A collective over the replicas that share out state (part of the axis), or over those that hold the same.
 * */
static void emit_shared(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                        const char *name, muir_coll_kind kind, muir_axis axis, double bytes)
{
    const int64_t members = muir_job_zero_size(job, axis);
    if (members < 2) return;
    muir_emit_coll(p, b, phase, name, kind, axis, members, bytes);
    if (members < muir_job_size(job, axis)) muir_emit_last(p)->members = members;
}

static void emit_across(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                        const char *name, muir_axis axis, double bytes)
{
    const int64_t members = muir_job_zero_size(job, axis), groups = muir_job_size(job, axis) / members;
    if (groups < 2) return;
    muir_emit_coll(p, b, phase, name, MUIR_ALL_REDUCE, axis, groups, bytes / (double)members);
    muir_emit_last(p)->members = groups;
    muir_emit_last(p)->apart = members;
}

static void emit_weights(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                         muir_axis axis, double params)
{
    const bool is_expert = axis == MUIR_AXIS_EDP;
    if (params <= 0.0) return;
    if (phase != MUIR_WEIGHT && job->parallel.zero_stage > 2)
        emit_shared(p, job, b, phase, is_expert ? "expert weight gather" : "weight gather", MUIR_ALL_GATHER,
                    axis, params * 2.0);
    if (phase == MUIR_WEIGHT && job->parallel.zero_stage > 1) {
        const char *name = is_expert ? "expert gradient sync" : "gradient sync";
        emit_shared(p, job, b, phase, name, MUIR_REDUCE_SCATTER, axis, params * job->parallel.grad_bytes);
        emit_across(p, job, b, phase, name, axis, params * job->parallel.grad_bytes);
    }
}

void muir_emit_weights(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase)
{
    emit_weights(p, job, b, phase, MUIR_AXIS_DP, b->dense_params);
    emit_weights(p, job, b, phase, MUIR_AXIS_EDP, b->expert_params);
}

/* Gradient sync of one kind of weights: a share for each replica, or all of it for each. */
static void emit_sync(muir_program *p, const muir_job *job, muir_axis axis, double params)
{
    const char *name = axis == MUIR_AXIS_EDP ? "expert gradient sync" : "gradient sync";
    const double bytes = params * job->parallel.grad_bytes;
    if (params <= 0.0 || job->parallel.zero_stage > 1) return; /* from stage 2 with each microbatch */
    if (job->parallel.zero_stage == 0) {
        muir_emit_coll(p, NULL, 0, name, MUIR_ALL_REDUCE, axis, muir_job_size(job, axis), bytes);
        return;
    }
    emit_shared(p, job, NULL, 0, name, MUIR_REDUCE_SCATTER, axis, bytes);
    emit_across(p, job, NULL, 0, name, axis, bytes);
}

/* The sums of gradients are cleared, and scaled before they are synchronised. Adam reads gradient, master
 * weight and two moments (16 bytes) and writes master weight, moments and bf16 weight (14 bytes), for its
 * share of the weights; then replicas gather the new bf16 weights. */
static void emit_update(muir_program *p, const muir_job *job, muir_axis axis, double params)
{
    const bool is_shared = job->parallel.zero_stage > 0;
    const double share = is_shared ? params / (double)muir_job_zero_size(job, axis) : params;
    if (params <= 0.0) return;
    muir_emit_mem(p, NULL, 0, "clear and scale gradients",
                  3.0 * job->parallel.grad_bytes * (job->parallel.zero_stage > 1 ? share : params));
    muir_emit_mem(p, NULL, 0, "optimizer", job->stack.optimizer_bytes * share);
    if (is_shared && job->parallel.zero_stage < 3)
        emit_shared(p, job, NULL, 0, axis == MUIR_AXIS_EDP ? "expert weight gather" : "weight gather",
                    job->stack.broadcast_weights ? MUIR_BROADCAST : MUIR_ALL_GATHER, axis, params * 2.0);
}

typedef void (*emit_stage)(muir_program *p, const muir_job *job, muir_axis axis, double params);

/* Stages with the same weights share their ops, so that the room for ops does not grow with the pipeline. */
static void emit_stages(muir_program *p, const muir_job *job, emit_stage emit, muir_op_range *ranges)
{
    for (int s = 0; s < p->n_stages; s++) {
        const double dense = muir_stage_params(p, s, false), expert = muir_stage_params(p, s, true);
        int twin = 0;
        while (twin < s &&
               (muir_stage_params(p, twin, false) != dense || muir_stage_params(p, twin, true) != expert))
            twin++;
        ranges[s] = ranges[twin];
        if (twin < s) continue;
        ranges[s].first = p->n_ops;
        emit(p, job, MUIR_AXIS_DP, dense);
        emit(p, job, MUIR_AXIS_EDP, expert);
        ranges[s].n = p->n_ops - ranges[s].first;
    }
}

static void emit_end_of_step(muir_program *p, const muir_job *job)
{
    emit_stages(p, job, emit_sync, p->sync_ops);
    p->norm_ops.first = p->n_ops;
    muir_emit_coll(p, NULL, 0, "gradient norm", MUIR_ALL_REDUCE, MUIR_AXIS_WORLD, muir_job_chips(job), 4.0);
    p->norm_ops.n = p->n_ops - p->norm_ops.first;
    emit_stages(p, job, emit_update, p->update_ops);
}

/* Sums over the whole model. FLOP: 6 per weight of a product and token, and 12 layers seq q_width per token
 * for attention, the full square as Megatron, PaLM and most sources count it, or what the family has in its
 * place. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *model = &job->model;
    const double tp = (double)job->parallel.tp, layers = (double)model->layers;
    const muir_block *layer = &p->blocks[1];
    const double dense = layer->dense_params * tp;
    const double experts = layer->expert_params * (double)(muir_job_etp(job) * job->parallel.ep);
    const double active_experts =
        model->experts > 0 ? experts / (double)model->experts * (double)model->topk : 0.0;
    const double embedding = (double)(model->vocab * model->hidden);
    const double tokens = (double)(job->batch.global_batch_size * job->batch.seq_len);
    const muir_family *family = muir_family_find(model->family);
    const double width = (double)model->head_dim + 0.5 * (double)model->rope_dim;
    const double attention = family->mixing_flop
                                 ? family->mixing_flop(job) / (double)job->batch.seq_len
                                 : 12.0 * layers * (double)(job->batch.seq_len * model->heads) * width;
    p->params = layers * (dense + experts) + embedding * (model->tied_embedding ? 1.0 : 2.0);
    p->active_params = layers * (dense + active_experts) + embedding * (model->tied_embedding ? 1.0 : 2.0);
    p->model_flop = tokens * (6.0 * (layers * (dense + active_experts) + embedding) + attention);
}

muir_status muir_program_create(muir_ctx *ctx, const muir_job *job, muir_program **out)
{
    muir_status st = MUIR_OK;
    muir_program *p = NULL;
    const muir_family *family = muir_family_find(job->model.family);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "the step program", &p));
    p->n_stages = (int)job->parallel.pp;
    p->n_chunks = (int)(job->parallel.pp * job->parallel.vpp);
    p->n_held = (int)job->parallel.vpp * muir_place_copies(job->place);
    p->place = job->place;
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->chunks, "the step program", &p->chunks));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->sync_ops, "the step program", &p->sync_ops));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->update_ops, "the step program", &p->update_ops));
    MUIR_TRY(family->emit(ctx, job, p));
    const muir_sizes sizes = muir_sizes_of(job);
    p->p2p_bytes = p->n_chunks > 1 ? sizes.tokens * sizes.hidden * sizes.act_bytes / sizes.split : 0.0;
    if (job->stack.scatter_messages && sizes.split == 1.0) p->p2p_bytes /= sizes.tp;
    deal_layers(p, job);
    emit_end_of_step(p, job);
    (family->add_totals ? family->add_totals : add_totals)(job, p);
    *out = p;
    p = NULL;
done:
    muir_program_destroy(&p);
    return st;
}

void muir_program_destroy(muir_program **program)
{
    if (!*program) return;
    free((*program)->chunks);
    free((*program)->sync_ops);
    free((*program)->update_ops);
    free(*program);
    *program = NULL;
}

double muir_op_flop(const muir_op *op)
{
    switch (op->kind) {
    case MUIR_OP_GEMM: return 2.0 * op->m * op->n * op->k * op->count;
    case MUIR_OP_FFT: return 5.0 * op->n * log2(op->n) * op->count;
    default: return 0.0;
    }
}

double muir_op_fft_bytes(const muir_op *op)
{
    return 16.0 * op->n * op->count;
}

double muir_chunk_flop(const muir_program *p, int chunk, muir_phase phase)
{
    const muir_chunk *c = &p->chunks[chunk];
    double flop = 0.0;
    for (int part = 0; part < c->n_parts; part++) {
        const muir_op_range range = p->blocks[c->block[part]].phase[phase];
        for (int i = range.first; i < range.first + range.n; i++)
            flop += muir_op_flop(&p->ops[i]) * c->repeat[part];
    }
    return flop;
}

int muir_program_chunk(const muir_program *p, int stage, int i)
{
    return muir_place_chunk(p->place, p->n_stages, stage, i);
}

double muir_stage_params(const muir_program *p, int stage, bool experts)
{
    double params = 0.0;
    for (int i = 0; i < p->n_held; i++) {
        const muir_chunk *c = &p->chunks[muir_program_chunk(p, stage, i)];
        for (int part = 0; part < c->n_parts; part++) {
            const muir_block *block = &p->blocks[c->block[part]];
            params += (experts ? block->expert_params : block->dense_params) * c->repeat[part];
        }
    }
    return params;
}
