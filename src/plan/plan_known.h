/* SPDX-License-Identifier: BSD-3-Clause */
/* What candidates of a search have in common, kept from one to the next. Private to the plan. */
#ifndef MUIR_PLAN_PLAN_KNOWN_H
#define MUIR_PLAN_PLAN_KNOWN_H

#include "memory/memory.h"
#include "step_time/slot_times.h"

/* A schedule and a shape. */
typedef struct muir_known_order {
    const muir_schedule *schedule;
    muir_shape shape;
    muir_memory_load load;
    muir_order *order; /* NULL until muir_known_order_make */
} muir_known_order;

/* A job's program and peak of memory, which do not depend on the order in which axes number the chips. */
typedef struct muir_known_program {
    muir_parallel parallel; /* but for its order, which is 0 */
    int64_t micro_batch_size, microbatches;
    muir_program *program; /* NULL: none yet */
    muir_memory memory;    /* screened */
} muir_known_program;

typedef struct muir_known muir_known;

/* Empty. Local. MUIR_ERR_MEM. */
muir_status muir_known_create(muir_ctx *ctx, muir_known **out);
void muir_known_destroy(muir_known **known); /* accepts NULL, leaves NULL */

/* What the job's schedule holds; with muir_known_order_make also its steps.
 * out  out  valid until the next call of muir_known_order_find
 * Local. MUIR_ERR_MEM. */
muir_status muir_known_order_find(muir_ctx *ctx, muir_known *known, const muir_job *job,
                                  muir_known_order **out);
muir_status muir_known_order_make(muir_ctx *ctx, muir_known *known, muir_known_order *order);

/* The job's program and its screened peak. All jobs of a search have one model, batch and stack.
 * out  out  valid until the next call
 * Local. MUIR_ERR_MEM. */
muir_status muir_known_program_find(muir_ctx *ctx, muir_known *known, const muir_job *job,
                                    const muir_memory_load *load, const muir_known_program **out);

/* A time that no step of the job is shorter than [s]: the slots of its busiest stage, one after the other,
 * the exchanges of experts hidden whole where two microbatches run side by side. Local. */
double muir_known_least_s(const muir_program *program, const muir_slot_times *times, int64_t microbatches);

#endif
