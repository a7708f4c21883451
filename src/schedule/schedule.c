/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of schedules, and the order in which all stages' slots can be worked off. */
#include "schedule/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SCHEDULE(id) extern const muir_schedule muir_schedule_##id;
#include "schedule/schedules.def"
#undef SCHEDULE
static const muir_schedule *const schedules[] = {
#define SCHEDULE(id) &muir_schedule_##id,
#include "schedule/schedules.def"
#undef SCHEDULE
};

int muir_schedule_count(void)
{
    return (int)(sizeof schedules / sizeof schedules[0]);
}

const muir_schedule *muir_schedule_at(int i)
{
    return schedules[i];
}

const muir_schedule *muir_schedule_find(const char *name)
{
    for (int i = 0; i < muir_schedule_count(); i++)
        if (strcmp(schedules[i]->name, name) == 0) return schedules[i];
    return NULL;
}

/* Where the working-off stands. `result` holds, for each (phase, chunk of the pipeline, microbatch), the
 * register + 1 of a finished result that waits for its reader, or 0. */
typedef struct worker {
    muir_order *order;
    int *next;       /* [stages]: first slot not yet done */
    int32_t *result; /* [2, chunks stages, microbatches] */
    int32_t *free_registers;
    int n_free;
} worker;

static int32_t *result_at(const worker *w, int phase, int chunk, int microbatch)
{
    const muir_shape s = w->order->shape;
    return &w->result[((size_t)phase * (size_t)(s.chunks * s.stages) + (size_t)chunk) *
                          (size_t)s.microbatches +
                      (size_t)microbatch];
}

static int32_t take_register(worker *w)
{
    return w->n_free > 0 ? w->free_registers[--w->n_free] : (int32_t)w->order->n_registers++;
}

/* The chunk whose result (of the same phase) this slot needs: the one before it forward, the one after it
 * backward; -1 at the ends, where a forward needs data only and the last chunk's backward its own forward,
 * which its stage did before. */
static int input_chunk(muir_shape s, int phase, int chunk)
{
    const int input = phase == MUIR_FORWARD ? chunk - 1 : chunk + 1;
    return input < s.chunks * s.stages ? input : -1;
}

/* Does the next slot of a stage if its input is there. */
static bool work_one(worker *w, int stage)
{
    const muir_shape s = w->order->shape;
    if (w->next[stage] == w->order->n_slots) return false;
    const muir_slot slot =
        w->order->slots[(size_t)stage * (size_t)w->order->n_slots + (size_t)w->next[stage]];
    const int chunk = slot.chunk * s.stages + stage, input = input_chunk(s, slot.phase, chunk);
    const int output = input_chunk(s, slot.phase == MUIR_FORWARD ? MUIR_BACKWARD : MUIR_FORWARD, chunk);
    muir_step step = {.phase = slot.phase,
                      .stage = (uint16_t)stage,
                      .chunk = (uint16_t)chunk,
                      .from = -1,
                      .to = -1,
                      .microbatch = slot.microbatch};
    if (input >= 0) {
        int32_t *result = result_at(w, slot.phase, input, slot.microbatch);
        if (*result == 0) return false;
        step.from = (int32_t)(*result - 1);
        step.is_remote = input % s.stages != stage;
        *result = 0;
    }
    if (output >= 0) {
        step.to = take_register(w);
        *result_at(w, slot.phase, chunk, slot.microbatch) = (int32_t)(step.to + 1);
    }
    /* only now: a slot never writes the register that it reads */
    if (step.from >= 0) w->free_registers[w->n_free++] = step.from;
    w->order->steps[w->order->n_steps++] = step;
    w->next[stage]++;
    return true;
}

static muir_status work_all(muir_ctx *ctx, worker *w)
{
    const int total = w->order->shape.stages * w->order->n_slots;
    while (w->order->n_steps < total) {
        const int before = w->order->n_steps;
        for (int stage = 0; stage < w->order->shape.stages; stage++) work_one(w, stage);
        if (w->order->n_steps == before)
            return muir_fail(ctx, MUIR_ERR_CHECK,
                             "the schedule stops after %d of %d slots: each waits for another", before,
                             total);
    }
    return MUIR_OK;
}

static muir_status make_steps(muir_ctx *ctx, muir_order *order)
{
    muir_status st = MUIR_OK;
    const muir_shape s = order->shape;
    worker w = {.order = order};
    const size_t results = 2 * (size_t)(s.chunks * s.stages) * (size_t)s.microbatches;
    MUIR_TRY(muir_alloc(ctx, (size_t)s.stages, sizeof *w.next, "the schedule", &w.next));
    MUIR_TRY(muir_alloc(ctx, results, sizeof *w.result, "the schedule", &w.result));
    MUIR_TRY(muir_alloc(ctx, results, sizeof *w.free_registers, "the schedule", &w.free_registers));
    MUIR_TRY(work_all(ctx, &w));
done:
    free(w.next);
    free(w.result);
    free(w.free_registers);
    return st;
}

static muir_status check_shape(muir_ctx *ctx, muir_shape shape)
{
    if (shape.stages >= 1 && shape.chunks >= 1 && shape.microbatches >= 1 &&
        shape.stages * (double)shape.chunks <= 32767 &&
        2.0 * shape.stages * shape.chunks * shape.microbatches <= 100e6)
        return MUIR_OK;
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "a schedule of pp=%d x vpp=%d with %d microbatches is too large (32,767 chunks, 10^8 slots)",
        shape.stages, shape.chunks, shape.microbatches);
}

muir_status muir_order_create(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape,
                              muir_order **out)
{
    muir_status st = MUIR_OK;
    muir_order *order = NULL;
    MUIR_TRY(check_shape(ctx, shape));
    MUIR_TRY(schedule->check(ctx, shape));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *order, "the schedule", &order));
    order->shape = shape;
    order->n_slots = 2 * shape.chunks * shape.microbatches;
    const size_t total = (size_t)shape.stages * (size_t)order->n_slots;
    MUIR_TRY(muir_alloc(ctx, total, sizeof *order->slots, "the schedule", &order->slots));
    MUIR_TRY(muir_alloc(ctx, total, sizeof *order->steps, "the schedule", &order->steps));
    for (int stage = 0; stage < shape.stages; stage++)
        schedule->emit(shape, stage, order->slots + (size_t)stage * (size_t)order->n_slots);
    MUIR_TRY(make_steps(ctx, order));
    *out = order;
    order = NULL;
done:
    muir_order_destroy(&order);
    return st;
}

void muir_order_destroy(muir_order **order)
{
    if (!*order) return;
    free((*order)->slots);
    free((*order)->steps);
    free(*order);
    *order = NULL;
}
