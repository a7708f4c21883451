/* SPDX-License-Identifier: BSD-3-Clause */
/* Interleaved 1F1B: each stage holds several chunks of layers, so that the pipeline fills and drains in
 * smaller pieces. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks < 2)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.vpp=%d, but schedule interleaved needs at least 2 chunks per stage",
                         shape.chunks);
    if (shape.microbatches % shape.stages != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%d microbatches per replica are not a multiple of pp=%d, which schedule "
                         "interleaved needs",
                         shape.microbatches, shape.stages);
    return MUIR_OK;
}

/* The i-th forward (or backward, which visits the chunks in the opposite order) of a stage: rounds of
 * `stages` microbatches on each chunk in turn. */
static muir_slot slot_of(muir_shape shape, muir_phase phase, int i)
{
    const int round = shape.stages * shape.chunks, within = i % round;
    const int turn = within / shape.stages;
    muir_slot slot = {.phase = (uint8_t)phase,
                      .microbatch = i / round * shape.stages + within % shape.stages};
    slot.chunk = (uint16_t)(phase == MUIR_FORWARD ? turn : shape.chunks - 1 - turn);
    slot.is_joined = phase == MUIR_BACKWARD;
    return slot;
}

static int warm_up_of(muir_shape shape, int stage)
{
    const int total = shape.microbatches * shape.chunks;
    const int ahead = 2 * (shape.stages - stage - 1) + (shape.chunks - 1) * shape.stages;
    return ahead < total ? ahead : total;
}

static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    const int total = shape.microbatches * shape.chunks, warm_up = warm_up_of(shape, stage);
    int forward = 0, backward = 0;
    while (forward < warm_up) *slots++ = slot_of(shape, MUIR_FORWARD, forward++);
    while (forward < total) {
        *slots++ = slot_of(shape, MUIR_FORWARD, forward++);
        *slots++ = slot_of(shape, MUIR_BACKWARD, backward++);
    }
    while (backward < total) *slots++ = slot_of(shape, MUIR_BACKWARD, backward++);
    return 2 * total;
}

/* What the first stage runs ahead by, and the forward after it. */
static int bound(muir_shape shape)
{
    const int total = shape.microbatches * shape.chunks, held = warm_up_of(shape, 0) + 1;
    return held < total ? held : total;
}

const muir_schedule muir_schedule_interleaved = {
    .name = "interleaved",
    .needs = "vpp 2 or more, microbatches a multiple of pp",
    .place = MUIR_PLACE_ROUND,
    .stage_multiple = 1,
    .check = check,
    .emit = emit,
    .bound = bound,
    .idle = muir_schedule_idle_to_fill, /* a stage's time divides by its chunks, and this with it */
    .source = "Narayanan et al., SC21, arXiv 2104.04473, section 2.2.2",
};
