/* SPDX-License-Identifier: BSD-3-Clause */
/* Weights, gradients and optimizer of a stage, and the sizes that its slots work with. */
#include "memory/stage.h"

#include <math.h>

static const double moment_bytes[] = {
#define OPTIMIZER(id, moments, moved, help) [MUIR_OPTIMIZER_##id] = moments,
#include "models/optimizers.def"
#undef OPTIMIZER
};

/* Weights of a stage on one chip. */
typedef struct weights {
    double dense, experts;            /* all, and those of experts */
    double ends;                      /* of the first and the last block, among the dense */
    double layer_dense, layer_expert; /* of the largest layer */
} weights;

muir_layers_memory muir_layers_memory_of(const muir_job *job, const muir_program *program)
{
    muir_layers_memory layers = {{{0.0, 0.0}}};
    for (int i = 0; i < program->n_blocks; i++)
        layers.block[i] = muir_layer_memory_of(job, &program->blocks[i]);
    return layers;
}

/* So many bytes a weight, shared out among replicas from a ZeRO stage on. */
static double shared(const muir_job *job, const weights *w, double bytes, int from_zero_stage)
{
    if (job->parallel.zero_stage < from_zero_stage) return bytes * (w->dense + w->experts);
    return bytes * (w->dense / (double)muir_job_zero_size(job, MUIR_AXIS_DP) +
                    w->experts / (double)muir_job_zero_size(job, MUIR_AXIS_EDP));
}

/* Adds what one of the stage's chunks holds. */
static void add_chunk(muir_stage_memory *s, weights *w, const muir_layers_memory *layers, int i, int stage)
{
    const muir_program *p = s->program;
    const muir_chunk *chunk = &p->chunks[muir_program_chunk(p, stage, i)];
    for (int part = 0; part < chunk->n_parts; part++) {
        const muir_block *block = &p->blocks[chunk->block[part]];
        const muir_layer_memory *m = &layers->block[chunk->block[part]];
        const double times = chunk->repeat[part];
        w->dense += times * block->dense_params;
        w->experts += times * block->expert_params;
        s->kept += times * m->kept / p->n_held;
        s->first_layer = fmax(s->first_layer, m->kept);
        s->working = fmax(s->working, m->working);
        if (block->role == MUIR_BLOCK_LAST) {
            s->last_chunk = i;
            s->head = p->logits > 0.0 ? block->dense_params : 0.0;
        }
        if (block->role != MUIR_BLOCK_LAYER) {
            w->ends += block->dense_params;
            continue;
        }
        if (block->dense_params + block->expert_params > w->layer_dense + w->layer_expert) {
            w->layer_dense = block->dense_params;
            w->layer_expert = block->expert_params;
        }
    }
}

/* A compiler gathers what the next products need, and lets it go. */
static bool is_gathered_for_long(const muir_job *job)
{
    return job->stack.allocator != MUIR_ALLOCATOR_COMPILER;
}

/* FSDP: embedding and head stay gathered, and two layers at a time; under a pipeline all of the stage does,
 * since each microbatch needs it. Autocast gathers fp32 and keeps a 16-bit copy of all. */
static double gathered_of(const muir_job *job, const weights *w)
{
    const muir_stack *stack = &job->stack;
    const double bytes = stack->autocast ? stack->primary_bytes : stack->weight_bytes;
    if (job->parallel.zero_stage < 3) return 0.0;
    const double layer = w->layer_dense + w->layer_expert, all = w->dense + w->experts;
    const double copies = stack->autocast ? stack->weight_bytes * all : 0.0;
    const double layers = fmin(2.0 * layer, all - w->ends);
    if (!is_gathered_for_long(job)) return bytes * fmax(w->ends, layers) + copies;
    if (job->parallel.pp > 1) return bytes * all + copies;
    return bytes * (w->ends + layers) + copies;
}

static bool is_8bit(const muir_job *job)
{
    return muir_job_operand_bytes(job) < 2.0;
}

/* Weights of layers in 8 bits: with their transposes in place of 16 bits, or beside them. */
static void add_weights(muir_stage_memory *s, const weights *w)
{
    const muir_job *job = s->job;
    const muir_stack *stack = &job->stack;
    const double layers = w->dense + w->experts - w->ends, operand = muir_job_operand_bytes(job);
    const double own = stack->primary_bytes > 0.0 ? stack->primary_bytes : stack->weight_bytes;
    s->part[MUIR_MEMORY_weights] = shared(job, w, own, 3) + s->program->table_bytes;
    if (!is_8bit(job) || job->parallel.zero_stage == 3 || stack->primary_bytes > 0.0) return;
    if (stack->fp8_primary) s->part[MUIR_MEMORY_weights] -= (stack->weight_bytes - operand) * layers;
    s->part[MUIR_MEMORY_quantised] = (stack->fp8_primary ? operand : 2.0 * operand) * layers;
}

static double local_experts(const muir_job *job)
{
    return job->model.experts > 0 ? (double)job->model.experts / (double)job->parallel.ep : 1.0;
}

static void add_gradients(muir_stage_memory *s, const weights *w)
{
    const muir_job *job = s->job;
    const muir_stack *stack = &job->stack;
    const double bytes = stack->primary_bytes > 0.0 ? stack->primary_bytes : job->parallel.grad_bytes;
    const double layer = w->layer_dense + w->layer_expert;
    const bool is_piling = job->parallel.zero_stage == 3 && job->parallel.pp > 1 &&
                           is_gathered_for_long(job); /* unsharded, until all are there */
    if (stack->keeps_gradients)
        s->part[MUIR_MEMORY_gradients] = shared(job, w, bytes, 2);
    else if (is_piling)
        s->part[MUIR_MEMORY_gradients] = bytes * (w->dense + w->experts);
    else
        s->lazy = shared(job, w, bytes, 2);
    if (job->parallel.zero_stage > 1)
        s->unsharded = (2.0 + (is_gathered_for_long(job) ? bytes : 0.0)) * layer;
    if (stack->gradient_copies == MUIR_COPIES_KEPT) /* experts are of one shape, and share it */
        s->part[MUIR_MEMORY_gradient_copies] = 2.0 * (w->layer_dense + w->layer_expert / local_experts(job));
    if (stack->gradient_copies == MUIR_COPIES_PASSING) s->passing = layer; /* half of it, in 16 bits */
    s->is_accumulating = job->microbatches > 1;
}

muir_stage_memory muir_stage_memory_of(const muir_job *job, const muir_program *program,
                                       const muir_layers_memory *layers, int stage)
{
    muir_stage_memory s = {.job = job, .program = program, .last_chunk = -1};
    const muir_stack *stack = &job->stack;
    weights w = {.dense = 0.0};
    for (int i = 0; i < program->n_held; i++) add_chunk(&s, &w, layers, i, stage);
    add_weights(&s, &w);
    add_gradients(&s, &w);
    const double optimizer = stack->master_bytes + moment_bytes[job->batch.optimizer];
    s.part[MUIR_MEMORY_optimizer] = (1.0 - job->parallel.offload_optimizer) * shared(job, &w, optimizer, 1);
    s.gathered = gathered_of(job, &w);
    s.update = shared(job, &w, stack->update_bytes, 1) + stack->bucket_bytes;
    return s;
}
