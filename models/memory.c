/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory of the fullest chip. */
#include "models/memory.h"

#include "models/emit.h"

/* What the feed-forward half keeps: its input, what comes into and out of the activation. */
static double mlp_activations(const muir_job *job, const muir_sizes *s)
{
    const muir_model *m = &job->model;
    const double shared = 2.0 * (s->gate + 1.0) / s->tp * s->tokens * (double)m->ffn;
    if (m->experts == 0) return shared;
    const double rows = s->tokens * (double)m->topk / (muir_job_etp(job) > 1 ? 1.0 : s->split);
    const double inner = (double)m->ffn / (double)muir_job_etp(job);
    return shared * (double)m->shared_experts + 2.0 * rows * (s->hidden + (s->gate + 1.0) * inner);
}

/* Scores that are not recomputed: softmax and dropout, 2 bytes each, and a mask of 1. */
static double score_activations(const muir_job *job, const muir_sizes *s)
{
    if (job->stack.fused_attention || job->parallel.recompute != MUIR_RECOMPUTE_NONE) return 0.0;
    return 5.0 * (double)job->model.heads / s->tp * s->tokens * (double)job->batch.seq_len;
}

static double layer_activations(const muir_job *job, const muir_program *program)
{
    if (program->activation_bytes > 0.0) return program->activation_bytes;
    const muir_sizes s = muir_sizes_of(job);
    const double vector = s.tokens * s.hidden;
    const double masks = job->model.mlp == MUIR_MLP_GELU ? 2.0 : 0.0;
    if (job->parallel.recompute == MUIR_RECOMPUTE_FULL) return 2.0 * vector / s.split;
    return (8.0 + masks) * vector / s.split + 2.0 * s.tokens * (2.0 * s.q_local + 2.0 * s.kv_local) +
           mlp_activations(job, &s) + score_activations(job, &s);
}

static int stage_layers(const muir_program *program, int stage)
{
    int layers = 0;
    for (int i = 0; i < program->n_held; i++) {
        const muir_chunk *chunk = &program->chunks[muir_program_chunk(program, stage, i)];
        for (int part = 0; part < chunk->n_parts; part++)
            if (chunk->block[part] == 1) layers += chunk->repeat[part];
    }
    return layers;
}

double muir_memory_total(const muir_memory *m)
{
    return m->weights + m->gradients + m->optimizer + m->activations;
}

/* Weights of a stage over the chips that share them out from a ZeRO stage on. */
static double held_params(const muir_job *job, const muir_program *program, int stage, int from_zero_stage)
{
    const double dense = muir_stage_params(program, stage, false),
                 expert = muir_stage_params(program, stage, true);
    if (job->parallel.zero_stage < from_zero_stage) return dense + expert;
    return dense / (double)muir_job_zero_size(job, MUIR_AXIS_DP) +
           expert / (double)muir_job_zero_size(job, MUIR_AXIS_EDP);
}

muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const int *held)
{
    muir_memory fullest = {0.0, 0.0, 0.0, 0.0, 0};
    for (int s = 0; s < program->n_stages; s++) {
        const double chunk_layers = (double)stage_layers(program, s) / program->n_held;
        const muir_memory m = {
            .weights = 2.0 * held_params(job, program, s, 3) + program->table_bytes,
            .gradients = job->parallel.grad_bytes * held_params(job, program, s, 2),
            .optimizer = 12.0 * held_params(job, program, s, 1),
            .activations = layer_activations(job, program) * chunk_layers * held[s],
            .stage = s,
        };
        if (muir_memory_total(&m) > muir_memory_total(&fullest)) fullest = m;
    }
    return fullest;
}
