/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipeline schedules as lists: the order in which each stage does the forwards, backwards and weight
 * gradients of its microbatches and chunks. Both clocks execute the same lists. */
#ifndef MUIR_SCHEDULE_SCHEDULE_H
#define MUIR_SCHEDULE_SCHEDULE_H

#include "base/ctx.h"
#include "base/place.h"
#include "base/words.h"

#include <stdint.h>

/* One slot: do `phase` of microbatch `microbatch` on the stage's `chunk`-th chunk. */
typedef struct muir_slot {
    uint8_t phase;      /* muir_phase */
    bool is_joined : 1; /* BACKWARD: the weight gradient is part of it; otherwise it has a slot of its own */
    bool is_paired : 1; /* FORWARD: done side by side with the next slot, a joined backward */
    uint16_t chunk;
    int32_t microbatch;
} muir_slot;

typedef struct muir_shape {
    int stages, chunks, microbatches; /* chunks: of layers per stage, not counting copies */
} muir_shape;

/* Times of one chunk's slots, equal on all stages, in any one unit. */
typedef struct muir_equal_times {
    double forward, backward, weight; /* backward: gradient of the inputs only */
} muir_equal_times;

/* A schedule: one file and one row of schedules.def. */
typedef struct muir_schedule {
    const char *name;
    const char *needs; /* of pp, vpp and microbatches, for people; "" if nothing */
    muir_place place;
    int stage_multiple; /* stages are 1 or a multiple of this */
    /* MUIR_ERR_ARG with one sentence if the schedule does not exist for this shape. Local. */
    muir_status (*check)(muir_ctx *ctx, muir_shape shape);
    /* Writes the slots of one stage and returns how many.
     * slots  out  room for muir_schedule_most_slots
     * Local. */
    int (*emit)(muir_shape shape, int stage, muir_slot *slots);
    /* Microbatches of single chunks that any stage holds at most, from forward to weight gradient, as the
     * source promises. The lists themselves say how many they really hold: muir_schedule_held. Local. */
    int (*bound)(muir_shape shape);
    /* Idle time of the pipeline from its first slot to its last, by the published formula: what is left of
     * the makespan beside the slots of a stage. Messages are free; microbatches are enough to fill the
     * pipeline. Local. */
    double (*idle)(muir_shape shape, muir_equal_times times);
    const char *source;
} muir_schedule;

int muir_schedule_count(void);
const muir_schedule *muir_schedule_at(int i);
const muir_schedule *muir_schedule_find(const char *name); /* NULL if unknown */

/* Slots that a stage has at most: three for each chunk and microbatch. Local. */
size_t muir_schedule_most_slots(muir_shape shape);

/* Whether the lists of a shape can be made in seconds. Local. MUIR_ERR_ARG. */
muir_status muir_schedule_check_size(muir_ctx *ctx, muir_shape shape);

/* What several schedules promise, for their rows. Local.
 * idle:   a pipeline that fills and drains, (p - 1) (F + B + W)
 * bound:  as many microbatches as stages */
double muir_schedule_idle_to_fill(muir_shape shape, muir_equal_times times);
int muir_schedule_bound_by_stages(muir_shape shape);

/* What the lists hold: microbatches of single chunks from their forward to their weight gradient, at most
 * at any time.
 * shape  in   checked with the schedule's check
 * held   out  [stages]; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_schedule_held(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape, int *held);

#endif
