/* SPDX-License-Identifier: BSD-3-Clause */
/* GPipe: all forwards, then all backwards in the opposite order. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks == 1) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "parallel.vpp=%d, but schedule gpipe has one chunk per stage (use interleaved)",
                     shape.chunks);
}

static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    (void)stage;
    for (int i = 0; i < shape.microbatches; i++) {
        *slots++ = (muir_slot){.phase = MUIR_FORWARD, .microbatch = i};
    }
    for (int i = shape.microbatches - 1; i >= 0; i--) {
        *slots++ = (muir_slot){.phase = MUIR_BACKWARD, .is_joined = true, .microbatch = i};
    }
    return 2 * shape.microbatches;
}

static int bound(muir_shape shape)
{
    return shape.microbatches;
}

const muir_schedule muir_schedule_gpipe = {
    .name = "gpipe",
    .needs = "vpp 1",
    .place = MUIR_PLACE_ROUND,
    .stage_multiple = 1,
    .check = check,
    .emit = emit,
    .bound = bound,
    .idle = muir_schedule_idle_to_fill,
    .source = "Huang et al., GPipe, arXiv 1811.06965",
};
