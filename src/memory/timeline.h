/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of a stage slot by slot, as a run's file stores it and scripts/plot_memory.py draws it. */
#ifndef MUIR_MEMORY_TIMELINE_H
#define MUIR_MEMORY_TIMELINE_H

#include "memory/memory.h"

/* The fullest moment of a slot, all in bytes on one chip. */
typedef struct muir_memory_slot {
    muir_slot slot;
    muir_memory_moment moment;
    double part[MUIR_MEMORY_PARTS]; /* what tensors take; of the allocator and beyond, nothing */
    double allocated;               /* their sum */
} muir_memory_slot;

/* Walks a stage's slots, or the first of them: a forward pass adds what its chunk keeps, the pass that makes
 * its weights' gradients takes it away; each chunk with its own size.
 * list   in   [n] of the job's schedule, in its order
 * slots  out  [n]
 * Local. */
void muir_memory_timeline(const muir_job *job, const muir_program *program, int stage, const muir_slot *list,
                          int n, muir_memory_slot *slots);

#endif
