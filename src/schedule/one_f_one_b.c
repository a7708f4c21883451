/* SPDX-License-Identifier: BSD-3-Clause */
/* 1F1B: each stage runs ahead just far enough to keep the stages after it busy, then alternates. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks == 1) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "parallel.vpp=%d, but schedule 1f1b has one chunk per stage (use interleaved)",
                     shape.chunks);
}

static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    const int ahead = shape.stages - stage - 1;
    const int warm_up = ahead < shape.microbatches ? ahead : shape.microbatches;
    int forward = 0, backward = 0;
    while (forward < warm_up) *slots++ = (muir_slot){.phase = MUIR_FORWARD, .microbatch = forward++};
    while (forward < shape.microbatches) {
        *slots++ = (muir_slot){.phase = MUIR_FORWARD, .microbatch = forward++};
        *slots++ = (muir_slot){.phase = MUIR_BACKWARD, .is_joined = true, .microbatch = backward++};
    }
    while (backward < shape.microbatches)
        *slots++ = (muir_slot){.phase = MUIR_BACKWARD, .is_joined = true, .microbatch = backward++};
    return 2 * shape.microbatches;
}

const muir_schedule muir_schedule_one_f_one_b = {
    .name = "1f1b",
    .needs = "vpp 1",
    .place = MUIR_PLACE_ROUND,
    .stage_multiple = 1,
    .check = check,
    .emit = emit,
    .bound = muir_schedule_bound_by_stages,
    .idle = muir_schedule_idle_to_fill,
    .source = "Narayanan et al., PipeDream-Flush, arXiv 2006.09503",
};
