/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory through a step: what each stage holds when, from the lists of the schedule that both clocks
 * execute, and its peak on the fullest chip. docs/memory.md has the equations and their sources. */
#ifndef MUIR_MEMORY_MEMORY_H
#define MUIR_MEMORY_MEMORY_H

#include "models/program.h"
#include "schedule/order.h"

typedef enum muir_memory_part {
#define PART(id, help) MUIR_MEMORY_##id,
#include "memory/parts.def"
#undef PART
    MUIR_MEMORY_PARTS
} muir_memory_part;

typedef enum muir_memory_moment {
#define MOMENT(id, help) MUIR_MOMENT_##id,
#include "memory/moments.def"
#undef MOMENT
    MUIR_MOMENTS
} muir_memory_moment;

/* Names and meanings, never NULL. Local. */
const char *muir_memory_part_name(muir_memory_part part);
const char *muir_memory_part_help(muir_memory_part part);
const char *muir_memory_moment_name(muir_memory_moment moment);
const char *muir_memory_moment_help(muir_memory_moment moment);

/* Chunks in flight at most, by the schedule's lists: all that depends on the schedule and the shape, and
 * not on the job. */
typedef struct muir_memory_load {
    int stages, chunks; /* chunks that a stage holds, copies included */
    int *forward;       /* [stages, chunks]: in flight at the end of a forward pass of the chunk; 0: none */
    int *backward;      /* [stages, chunks]: at the begin of one of its backward passes */
} muir_memory_load;

/* The load of a schedule.
 * load  out  free it with muir_memory_load_free; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_memory_load_make(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape,
                                  muir_memory_load *load);
void muir_memory_load_free(muir_memory_load *load);

/* A peak. All in bytes on one chip. */
typedef struct muir_memory {
    double part[MUIR_MEMORY_PARTS];
    double state;     /* what stays all the time */
    double allocated; /* by tensors: what PyTorch calls max_memory_allocated */
    double reserved;  /* by the allocator: max_memory_reserved */
    double needed;    /* allocated, communication and context: with less, the job cannot run */
    double total;     /* reserved, communication and context: what the driver shows */
    int stage;
    muir_memory_moment moment;
} muir_memory;

/* The peak of the fullest stage: over all its slots and their moments, the largest of
 *     state + activations in flight + what the moment adds
 * job      in   checked
 * program  in   of the job
 * order    in   of its schedule and shape
 * Local. */
muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const muir_order *order);

/* The peak of one stage. Local. */
muir_memory muir_memory_of_stage(const muir_job *job, const muir_program *program, const muir_order *order,
                                 int stage);

/* The same from the load alone, stages x chunks operations: chunks of a stage count as equally large, which
 * is exact where they divide the layers.
 * load  in   of the job's schedule and shape
 * Local. */
muir_memory muir_memory_screen(const muir_job *job, const muir_program *program,
                               const muir_memory_load *load);

#endif
