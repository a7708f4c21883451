/* SPDX-License-Identifier: BSD-3-Clause */
/* What a stage holds all the time, and what its slots add. Private to src/memory. */
#ifndef MUIR_MEMORY_STAGE_H
#define MUIR_MEMORY_STAGE_H

#include "memory/layer.h"

/* Of each block of a program. */
typedef struct muir_layers_memory {
    muir_layer_memory block[MUIR_MAX_BLOCKS];
} muir_layers_memory;

/* A stage. Bytes on one chip; chunks of a stage count as equal, of their mean size. */
typedef struct muir_stage_memory {
    const muir_job *job;            /* borrowed */
    const muir_program *program;    /* borrowed */
    double part[MUIR_MEMORY_PARTS]; /* that stays all the time */
    double kept;                    /* by a chunk, of a microbatch, from forward to backward */
    double first_layer;             /* of that, by its first layer */
    double working;                 /* most while the backward pass of a layer runs */
    double gathered;                /* weights of others, all along */
    double unsharded;               /* gradients of a layer before they are shared out */
    double passing;                 /* 16-bit gradient beside its sum, of the largest weight of a layer */
    double lazy;                    /* gradients that come with the backward pass, once all are there */
    double update;                  /* made while weights are updated, buffers of the sync among it */
    double head;                    /* weights of the head */
    int last_chunk;                 /* that of the stage's chunks which has the head; -1: none */
    bool is_accumulating;           /* gradients of earlier microbatches are there when a pass begins */
} muir_stage_memory;

muir_layers_memory muir_layers_memory_of(const muir_job *job, const muir_program *program);

muir_stage_memory muir_stage_memory_of(const muir_job *job, const muir_program *program,
                                       const muir_layers_memory *layers, int stage);

#endif
