/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory of the fullest chip. */
#include "models/memory.h"

static double layer_activations(const muir_job *job, const muir_program *program)
{
    if (program->activation_bytes > 0.0) return program->activation_bytes;
    const muir_parallel *p = &job->parallel;
    const double tp = (double)p->tp;
    const double sbh =
        (double)(job->batch.seq_len * job->batch.micro_batch_size * job->model.hidden) / (double)p->cp;
    if (p->recompute == MUIR_RECOMPUTE_FULL) return 2.0 * sbh / (p->sequence_parallel ? tp : 1.0);
    return sbh * (p->sequence_parallel ? 34.0 / tp : 10.0 + 24.0 / tp);
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

muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const int *held)
{
    const muir_parallel *p = &job->parallel;
    muir_memory fullest = {0.0, 0.0, 0.0, 0.0, 0};
    for (int s = 0; s < program->n_stages; s++) {
        const double dense = muir_stage_params(program, s, false),
                     expert = muir_stage_params(program, s, true);
        const double dense_group = p->zero_stage > 0 ? (double)muir_job_size(job, MUIR_AXIS_DP) : 1.0;
        const double expert_group = p->zero_stage > 0 ? (double)muir_job_size(job, MUIR_AXIS_EDP) : 1.0;
        const double chunk_layers = (double)stage_layers(program, s) / program->n_held;
        const muir_memory m = {
            .weights = 2.0 * (dense + expert) + program->table_bytes,
            .gradients = p->grad_bytes * (dense + expert),
            .optimizer = 12.0 * (dense / dense_group + expert / expert_group),
            .activations = layer_activations(job, program) * chunk_layers * held[s],
            .stage = s,
        };
        if (muir_memory_total(&m) > muir_memory_total(&fullest)) fullest = m;
    }
    return fullest;
}
