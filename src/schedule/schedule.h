/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipeline schedules as lists: the order in which each stage does the forwards and backwards of its
 * microbatches and chunks. Both clocks execute the same lists. */
#ifndef MUIR_SCHEDULE_SCHEDULE_H
#define MUIR_SCHEDULE_SCHEDULE_H

#include "base/ctx.h"
#include "base/words.h"

#include <stdint.h>

/* One slot: do `phase` of microbatch `microbatch` on chunk `chunk` of this stage. A backward slot of these
 * schedules includes the weight gradient. */
typedef struct muir_slot {
    uint8_t phase; /* muir_phase */
    uint8_t unused;
    uint16_t chunk;
    int32_t microbatch;
} muir_slot;

typedef struct muir_shape {
    int stages, chunks, microbatches; /* chunks: per stage */
} muir_shape;

/* A schedule: one file and one row of schedules.def. */
typedef struct muir_schedule {
    const char *name;
    /* MUIR_ERR_ARG with one sentence if the schedule does not exist for this shape. Local. */
    muir_status (*check)(muir_ctx *ctx, muir_shape shape);
    /* The slots of one stage.
     * slots  out  [2 chunks microbatches]
     * Local. */
    void (*emit)(muir_shape shape, int stage, muir_slot *slots);
    /* Microbatches of one chunk that the first stage holds at most. Local. */
    int (*in_flight)(muir_shape shape);
    /* Idle share of a stage's busy time when all slots of a phase take as long everywhere; published formula.
     * Local. */
    double (*bubble)(muir_shape shape);
    const char *source;
} muir_schedule;

int muir_schedule_count(void);
const muir_schedule *muir_schedule_at(int i);
const muir_schedule *muir_schedule_find(const char *name); /* NULL if unknown */

/* One slot in an order in which every slot comes after all that it waits for. It waits for the slot before it
 * on its stage, and for its input: the same microbatch in the neighbouring chunk. Results travel in
 * registers: a place is taken when a slot's result is made and free again once the one slot that needs it has
 * read it, so few are ever in use. */
typedef struct muir_step {
    uint8_t phase;
    uint8_t is_remote; /* the input comes from another stage */
    uint16_t stage;
    uint16_t chunk; /* of the whole pipeline: chunk v of stage s is v stages + s */
    int32_t from;   /* register of the input, -1: none needed beyond the stage's own order */
    int32_t to;     /* register of the result, -1: nobody else waits for it */
    int32_t microbatch;
} muir_step;

typedef struct muir_order {
    muir_shape shape;
    muir_slot *slots; /* [stages, 2 chunks microbatches]: the lists themselves */
    int n_slots;      /* per stage */
    muir_step *steps; /* [stages n_slots]: all stages' slots, each after its inputs */
    int n_steps;
    int n_registers;
} muir_order;

/* Lists and order of a schedule.
 * out  out  free it with muir_order_destroy; untouched on error
 * Local. MUIR_ERR_ARG from the schedule's check, MUIR_ERR_MEM; a list that can never be finished is a bug and
 * fails with MUIR_ERR_CHECK. */
muir_status muir_order_create(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape,
                              muir_order **out);
void muir_order_destroy(muir_order **order); /* accepts NULL, leaves NULL */

#endif
