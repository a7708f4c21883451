/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory of the fullest chip. */
#include "models/memory.h"

/* What a chunk of mean size on a stage keeps of a microbatch. */
static double chunk_activations(const muir_program *program, int stage)
{
    int layers[MUIR_MAX_BLOCKS] = {0};
    for (int i = 0; i < program->n_held; i++) {
        const muir_chunk *chunk = &program->chunks[muir_program_chunk(program, stage, i)];
        for (int part = 0; part < chunk->n_parts; part++) layers[chunk->block[part]] += chunk->repeat[part];
    }
    double bytes = 0.0;
    for (int i = 0; i < program->n_blocks; i++)
        bytes += program->blocks[i].activation_bytes * ((double)layers[i] / program->n_held);
    return bytes;
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
        const muir_memory m = {
            .weights = 2.0 * held_params(job, program, s, 3) + program->table_bytes,
            .gradients = job->parallel.grad_bytes * held_params(job, program, s, 2),
            .optimizer = 12.0 * held_params(job, program, s, 1),
            .activations = chunk_activations(program, s) * held[s],
            .stage = s,
        };
        if (muir_memory_total(&m) > muir_memory_total(&fullest)) fullest = m;
    }
    return fullest;
}
