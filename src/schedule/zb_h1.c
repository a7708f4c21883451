/* SPDX-License-Identifier: BSD-3-Clause */
/* ZB-H1: 1F1B whose weight gradients wait, the later the stage the longer, and fill the end of the
 * pipeline. No stage holds more than the first stage of 1F1B. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks == 1) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "parallel.vpp=%d, but schedule zb-h1 has one chunk per stage (use zb-v)", shape.chunks);
}

/* Stage s runs stages - 1 - s forwards ahead and leaves s weight gradients behind: together as many
 * microbatches as there are stages. */
static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    const muir_slot *start = slots;
    const int ahead = shape.stages - 1 - stage, n = shape.microbatches;
    int forward = 0, weight = 0;
    while (forward < n && forward < ahead)
        *slots++ = (muir_slot){.phase = MUIR_FORWARD, .microbatch = forward++};
    for (int backward = 0; backward < n; backward++) {
        if (forward < n) *slots++ = (muir_slot){.phase = MUIR_FORWARD, .microbatch = forward++};
        *slots++ = (muir_slot){.phase = MUIR_BACKWARD, .microbatch = backward};
        if (backward >= stage) *slots++ = (muir_slot){.phase = MUIR_WEIGHT, .microbatch = weight++};
    }
    while (weight < n) *slots++ = (muir_slot){.phase = MUIR_WEIGHT, .microbatch = weight++};
    return (int)(slots - start);
}

static double idle(muir_shape shape, muir_equal_times t)
{
    return (shape.stages - 1) * (t.forward + t.backward - t.weight);
}

const muir_schedule muir_schedule_zb_h1 = {
    .name = "zb-h1",
    .needs = "vpp 1",
    .place = MUIR_PLACE_ROUND,
    .stage_multiple = 1,
    .check = check,
    .emit = emit,
    .bound = muir_schedule_bound_by_stages,
    .idle = idle,
    .source = "Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 2.1",
};
