/* SPDX-License-Identifier: BSD-3-Clause */
/* DualPipe: microbatches enter the pipeline at both ends. Each stage holds a chunk of either direction, so
 * that weights are held twice, and does a forward of one side by side with a backward of the other, whose
 * exchanges of experts run under each other's compute. */
#include "schedule/schedule.h"

static muir_status check(muir_ctx *ctx, muir_shape shape)
{
    if (shape.chunks != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.vpp=%d, but schedule dualpipe has one chunk per stage and direction",
                         shape.chunks);
    if (shape.stages > 1 && shape.stages % 2 != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.pp=%d is odd, but schedule dualpipe needs an even number of stages",
                         shape.stages);
    if (shape.microbatches % 2 != 0)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "%d microbatches per replica are odd, but schedule dualpipe feeds as many from either "
            "end",
            shape.microbatches);
    return MUIR_OK;
}

/* A list in the making. Its two ways are those of the first half of the stages; on the second half, way 0
 * is the direction that starts at the last stage. Microbatches of direction 1 are numbered after those of
 * direction 0. */
typedef struct list {
    muir_slot *end;
    muir_shape shape;
    bool is_second_half;
    int forward[2], backward[2]; /* done of each way */
    const muir_slot *start;
    int caught_up; /* slots before this one owe no weight gradient */
} list;

/* The i-th microbatch of a way; false if the step has none, whose place in the list then stays empty. */
static bool make(const list *l, muir_phase phase, int way, int i, muir_slot *slot)
{
    const int direction = l->is_second_half ? 1 - way : way, n = l->shape.microbatches;
    const int before = direction == 0 ? 0 : n / 2, last = direction == 0 ? n / 2 : n;
    *slot = (muir_slot){.phase = (uint8_t)phase, .chunk = (uint16_t)direction, .microbatch = before + i};
    return slot->microbatch < last;
}

static bool put_forward(list *l, int way)
{
    muir_slot slot;
    if (!make(l, MUIR_FORWARD, way, l->forward[way]++, &slot)) return false;
    *l->end++ = slot;
    return true;
}

static bool put_backward(list *l, int way, bool is_joined)
{
    muir_slot slot;
    if (!make(l, MUIR_BACKWARD, way, l->backward[way]++, &slot)) return false;
    slot.is_joined = is_joined;
    *l->end++ = slot;
    return true;
}

/* The weight gradient of the first backward that still lacks it. */
static void put_weight(list *l)
{
    const muir_slot *b = l->start + l->caught_up;
    while (b < l->end && (b->phase != MUIR_BACKWARD || b->is_joined)) b++;
    if (b == l->end) return;
    l->caught_up = (int)(b - l->start) + 1;
    *l->end++ = (muir_slot){.phase = MUIR_WEIGHT, .chunk = b->chunk, .microbatch = b->microbatch};
}

static void put_pair(list *l, int forward_way, int backward_way)
{
    muir_slot *slot = l->end;
    const bool is_forward = put_forward(l, forward_way), is_backward = put_backward(l, backward_way, true);
    if (is_forward && is_backward) slot->is_paired = true;
}

/* depth: of the stage from its own end of the pipeline, 0 at the ends; half: stages of one half. */
static void put_warm_up(list *l, int half, int depth)
{
    for (int i = 0; i < 2 * (half - depth - 1); i++) put_forward(l, 0);
    for (int i = 0; i < depth + 1; i++) {
        put_forward(l, 0);
        put_forward(l, 1);
    }
    for (int i = 0; i < half - depth - 1; i++) {
        put_backward(l, 1, false);
        put_weight(l);
        put_forward(l, 1);
    }
}

/* n: microbatches of a way. The innermost stages keep their first forward and backward apart. */
static void put_steady(list *l, int half, int depth, int n)
{
    for (int i = 0; i < n - 2 * half + depth + 1; i++) {
        if (i == 0 && depth == half - 1) {
            put_forward(l, 0);
            put_backward(l, 1, true);
        } else {
            put_pair(l, 0, 1);
        }
        put_pair(l, 1, 0);
    }
    for (int i = 0; i < half - depth - 1; i++) {
        put_backward(l, 1, true);
        put_pair(l, 1, 0);
    }
}

/* The last backwards; the weight gradients of the second half of them wait for the end. */
static void put_end(list *l, int half, int depth)
{
    for (int i = 0; i < depth + 1; i++) {
        put_backward(l, 1, i < (depth + 2) / 2);
        put_backward(l, 0, i < (depth + 1) / 2);
    }
    for (int i = 0; i < half - depth - 1; i++) {
        put_weight(l);
        put_backward(l, 0, false);
    }
    for (int i = 0; i < depth + 1; i++) put_weight(l);
}

/* The lists are those of at least two microbatches a stage; what a shorter step lacks is left out of them. A
 * pipeline of one stage is the innermost one, of both halves. */
static int emit(muir_shape shape, int stage, muir_slot *slots)
{
    const int half = (shape.stages + 1) / 2, n = shape.microbatches / 2;
    const int depth = stage < half ? stage : shape.stages - 1 - stage;
    list l = {.end = slots, .start = slots, .shape = shape, .is_second_half = stage >= half};
    put_warm_up(&l, half, depth);
    put_steady(&l, half, depth, n > 2 * half ? n : 2 * half);
    put_end(&l, half, depth);
    return (int)(l.end - slots);
}

static int bound(muir_shape shape)
{
    const int most = 2 * ((shape.stages + 1) / 2) + 1;
    return most < shape.microbatches ? most : shape.microbatches;
}

/* With backwards that include the weight gradient, (stages / 2 - 1) (pair + backward - 3 weight). */
static double idle(muir_shape shape, muir_equal_times t)
{
    const double pair = t.forward + t.backward + t.weight, backward = t.backward + t.weight;
    return shape.stages < 2 ? 0.0 : (shape.stages / 2 - 1) * (pair + backward - 3.0 * t.weight);
}

const muir_schedule muir_schedule_dual_pipe = {
    .name = "dualpipe",
    .needs = "vpp 1, even pp and microbatches, weights twice",
    .place = MUIR_PLACE_MIRROR,
    .stage_multiple = 2,
    .check = check,
    .emit = emit,
    .bound = bound,
    .idle = idle,
    .source = "DeepSeek-V3, arXiv 2412.19437, section 3.2.1; deepseek-ai/DualPipe",
};
