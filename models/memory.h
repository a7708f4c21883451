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
 *     weights    2           shared out from zero_stage 3; and all of the tables that are updated in place
 *     gradients  grad_bytes  shared out from zero_stage 2
 *     optimizer  12: fp32 master weight and two moments, shared out from zero_stage 1
 * and the activations of a layer and microbatch, per token on the chip, split being tp with
 * sequence_parallel,
 *     8 h / split                  inputs of norms and of the products behind them; 10 h with dropout masks
 *     (gelu)
 *     (4 q + 4 kv) / tp            queries, keys, values, context; q and kv: widths of all heads
 *     2 (gate + 1) ffn / tp        around the activation
 * which is Korthikanti's s b h (10 + 24 / t) or 34 / t for GPT; with full recompute 2 h / split; scores only
 * without fused attention and recompute. All of it for as many microbatches as the stage holds at once.
 * Families without such layers say themselves how much. A stage that holds copies of others' weights has
 * them counted in all three.
 * program  in   of the job
 * held     in   [pp] microbatches of single chunks that each stage holds at most, by the schedule's lists
 * Local. Source: Korthikanti et al., "Reducing activation recomputation in large transformer models", 2022,
 * table 2. */
muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const int *held);

/* Sum of the parts [byte]. Local. */
double muir_memory_total(const muir_memory *memory);

#endif
