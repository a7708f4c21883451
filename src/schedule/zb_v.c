/* SPDX-License-Identifier: BSD-3-Clause */
/* ZB-V: two chunks per stage, placed there and back, so that a stage's second chunk can start its backwards
 * while others still fill. Weight gradients fill the end. Memory of 1F1B, and no idle slot between a
 * stage's first and last where forward, backward and weight gradient take equally long. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks == 2) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "parallel.vpp=%d, but schedule zb-v needs 2 chunks per stage",
                     shape.chunks);
}

/* A list in the making: the next microbatch of each phase and chunk. */
typedef struct list {
    muir_slot *end;
    int microbatches;
    int next[MUIR_PHASE_COUNT][2];
} list;

/* The lists are those of at least 2 stages - 1 microbatches; what a shorter step lacks is left out. */
static void put(list *l, muir_phase phase, int chunk)
{
    const int microbatch = l->next[phase][chunk]++;
    if (microbatch >= l->microbatches) return;
    *l->end++ = (muir_slot){.phase = (uint8_t)phase, .chunk = (uint16_t)chunk, .microbatch = microbatch};
}

static void put_backward_and_weight(list *l, int chunk)
{
    put(l, MUIR_BACKWARD, chunk);
    put(l, MUIR_WEIGHT, chunk);
}

/* Forwards of the way there until the first comes back, then in turn, then the first backwards of the way
 * back. */
static void put_warm_up(list *l, int stages, int stage)
{
    for (int i = 0; i < 2 * (stages - stage) - 1; i++) put(l, MUIR_FORWARD, 0);
    for (int i = 0; i < stage; i++) {
        put(l, MUIR_FORWARD, 1);
        put(l, MUIR_FORWARD, 0);
    }
    for (int i = 0; i < stages - stage; i++) {
        put(l, MUIR_FORWARD, 1);
        put_backward_and_weight(l, 1);
    }
}

static void put_steady(list *l, int n)
{
    while (l->next[MUIR_FORWARD][1] < n) {
        if (l->next[MUIR_FORWARD][0] < n) put(l, MUIR_FORWARD, 0);
        put_backward_and_weight(l, 0);
        put(l, MUIR_FORWARD, 1);
        put_backward_and_weight(l, 1);
    }
}

/* Backwards as fast as they come, and then the weight gradients that waited. */
static void put_end(list *l, int stages, int stage, int n)
{
    for (int i = 0; i < stage; i++) {
        put(l, MUIR_BACKWARD, 0);
        put(l, MUIR_BACKWARD, 1);
    }
    for (int i = 0; i < stages - stage; i++) put_backward_and_weight(l, 0);
    while (l->next[MUIR_WEIGHT][1] < n) put(l, MUIR_WEIGHT, 1);
    while (l->next[MUIR_WEIGHT][0] < n) put(l, MUIR_WEIGHT, 0);
}

static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    list l = {.end = slots, .microbatches = shape.microbatches};
    const int least = 2 * shape.stages - 1, n = shape.microbatches > least ? shape.microbatches : least;
    put_warm_up(&l, shape.stages, stage);
    put_steady(&l, n);
    put_end(&l, shape.stages, stage, n);
    return (int)(l.end - slots);
}

/* As much as the first stage of 1F1B: stages microbatches of both chunks. */
static int bound(muir_shape shape)
{
    return 2 * (shape.stages < shape.microbatches ? shape.stages : shape.microbatches);
}

/* None on any stage from its own first slot to its last where all slots take equally long; the last stage
 * starts stages - 1 forwards after the first. */
static double idle(muir_shape shape, muir_equal_times t)
{
    return (shape.stages - 1) * t.forward;
}

const muir_schedule muir_schedule_zb_v = {
    .name = "zb-v",
    .needs = "vpp 2",
    .place = MUIR_PLACE_V,
    .stage_multiple = 1,
    .check = check,
    .emit = emit,
    .bound = bound,
    .idle = idle,
    .source = "Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 6; arXiv 2405.15362",
};
