/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory that a job needs on its fullest chip. */
#ifndef MUIR_MODELS_MEMORY_H
#define MUIR_MODELS_MEMORY_H

#include "models/program.h"

typedef struct muir_memory {
    double weights, gradients, optimizer, activations; /* [byte] */
    int stage;                                         /* the fullest stage */
} muir_memory;

/* Memory of the fullest chip. A parameter takes [byte]
 *     weights    2, and all of the embedding tables that are updated where they lie
 *     gradients  grad_bytes
 *     optimizer  12: fp32 master weight and two moments, shared out over the gradient group from zero_stage 1
 * and the activations of a layer and microbatch, s being the part of a sequence on one chip of the cp axis,
 *     s b h (34 / t)       with sequence parallelism
 *     s b h (10 + 24 / t)  without
 *     2 s b h              with full recompute; 2 s b h / t with sequence parallelism too
 * (families without such layers say themselves how much) for as many microbatches as the stage holds at
 * once. Attention scores are never stored (fused attention). A stage that holds copies of other stages'
 * weights has them counted in all three.
 * program  in   of the job
 * held     in   [pp] microbatches of single chunks that each stage holds at most, by the schedule's lists
 * Local. Source: Korthikanti et al., "Reducing activation recomputation in large transformer models", 2022,
 * table 2. */
muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const int *held);

/* Sum of the parts [byte]. Local. */
double muir_memory_total(const muir_memory *memory);

#endif
