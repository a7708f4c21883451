/* SPDX-License-Identifier: BSD-3-Clause */
/* All stages' lists of a schedule, and one order in which they can be worked off together. */
#ifndef MUIR_SCHEDULE_ORDER_H
#define MUIR_SCHEDULE_ORDER_H

#include "schedule/schedule.h"

/* What a step takes time for. */
typedef enum muir_work {
    MUIR_WORK_NONE,   /* nothing: it waits for an input, or hands on a result of the step before */
    MUIR_WORK_PHASE,  /* its phase alone */
    MUIR_WORK_JOINED, /* a backward with its weight gradient */
    MUIR_WORK_PAIR,   /* the same, side by side with the forward of chunk `partner` */
} muir_work;

/* One step of an order in which every slot comes after all that it waits for. It waits for the step before
 * it on its stage, and for its input: the same microbatch in the neighbouring chunk. Results travel in
 * registers: a place is taken when a result is made and free again once the one step that needs it has read
 * it, so few are ever in use. A slot is one step, a pair of slots up to three: wait for the forward's
 * input, do both, hand on the forward's result. */
typedef struct muir_step {
    uint8_t phase;
    uint8_t work; /* muir_work */
    uint16_t stage;
    uint16_t chunk;   /* of the whole pipeline */
    uint16_t partner; /* PAIR: chunk of the forward */
    uint16_t hops;    /* stages that the input crosses; 0: it was made on this stage */
    int32_t from;     /* register of the input, -1: none needed beyond the stage's own order */
    int32_t to;       /* register of the result, -1: nobody else waits for it */
    int32_t microbatch;
} muir_step;

typedef struct muir_order {
    muir_shape shape;
    muir_place place;
    muir_slot *slots; /* [first[stages]]: the lists, one after the other */
    int *first;       /* [stages + 1]: where each list begins */
    muir_step *steps; /* [n_steps]: all stages' slots, each after its inputs */
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

/* The slots of one stage.
 * n  out  how many
 * Local. */
const muir_slot *muir_order_slots(const muir_order *order, int stage, int *n);

/* The neighbouring chunk whose result of the same phase a forward or backward needs (inputs) or feeds
 * (outputs); -1 at the ends of the pipeline, and for weight gradients. Local. */
int muir_order_input(const muir_order *order, muir_phase phase, int chunk);
int muir_order_output(const muir_order *order, muir_phase phase, int chunk);

#endif
