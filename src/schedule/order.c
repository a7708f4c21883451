/* SPDX-License-Identifier: BSD-3-Clause */
/* Working off all stages' lists together: each step after its inputs, results in registers. */
#include "schedule/order.h"

#include <stdlib.h>

#include "base/mem.h"

/* Where the working-off stands. `result` holds, for each (phase, chunk of the pipeline, microbatch), the
 * register + 1 of a finished result that waits for its reader, or 0. */
typedef struct worker {
    muir_order *order;
    int *next;       /* [stages]: first slot not yet done */
    int32_t *result; /* [2, chunks stages, microbatches] */
    int32_t *free_registers;
    int n_free;
} worker;

int muir_order_input(const muir_order *order, muir_phase phase, int chunk)
{
    const muir_shape s = order->shape;
    if (phase == MUIR_FORWARD) return chunk - 1;
    return phase == MUIR_BACKWARD && chunk + 1 < s.chunks * s.stages ? chunk + 1 : -1;
}

int muir_order_output(const muir_order *order, muir_phase phase, int chunk)
{
    if (phase == MUIR_WEIGHT) return -1;
    return muir_order_input(order, phase == MUIR_FORWARD ? MUIR_BACKWARD : MUIR_FORWARD, chunk);
}

const muir_slot *muir_order_slots(const muir_order *order, int stage, int *n)
{
    *n = order->first[stage + 1] - order->first[stage];
    return order->slots + order->first[stage];
}

static int32_t *result_at(const worker *w, int phase, int chunk, int microbatch)
{
    const muir_shape s = w->order->shape;
    return &w->result[((size_t)phase * (size_t)(s.chunks * s.stages) + (size_t)chunk) *
                          (size_t)s.microbatches +
                      (size_t)microbatch];
}

static int chunk_of(const muir_order *order, int stage, const muir_slot *slot)
{
    return muir_place_chunk(order->place, order->shape.stages, stage, slot->chunk);
}

static bool is_input_there(const worker *w, int stage, const muir_slot *slot)
{
    const int input = muir_order_input(w->order, (muir_phase)slot->phase, chunk_of(w->order, stage, slot));
    return input < 0 || *result_at(w, slot->phase, input, slot->microbatch) != 0;
}

static muir_step step_of(const muir_order *order, int stage, const muir_slot *slot, muir_work work)
{
    return (muir_step){.phase = slot->phase,
                       .work = (uint8_t)work,
                       .stage = (uint16_t)stage,
                       .chunk = (uint16_t)chunk_of(order, stage, slot),
                       .from = -1,
                       .to = -1,
                       .microbatch = slot->microbatch};
}

/* Takes the step's input, if it needs one, out of its register. */
static void take_input(worker *w, const muir_slot *slot, muir_step *step)
{
    const muir_order *order = w->order;
    const int input = muir_order_input(order, (muir_phase)step->phase, step->chunk);
    if (input < 0) return;
    int32_t *result = result_at(w, step->phase, input, step->microbatch);
    const int copy = order->place == MUIR_PLACE_MIRROR ? slot->chunk : 0;
    const int maker = muir_place_stage(order->place, order->shape.stages, input, copy);
    step->from = (int32_t)(*result - 1);
    step->hops = (uint16_t)abs(maker - step->stage);
    *result = 0;
}

/* Finds a register for the step's result, if anybody waits for it. The input's register is free only now: a
 * step never writes the register that it reads. */
static void put_output(worker *w, muir_step *step)
{
    if (muir_order_output(w->order, (muir_phase)step->phase, step->chunk) >= 0) {
        step->to = w->n_free > 0 ? w->free_registers[--w->n_free] : (int32_t)w->order->n_registers++;
        *result_at(w, step->phase, step->chunk, step->microbatch) = (int32_t)(step->to + 1);
    }
}

static void add_step(worker *w, const muir_step *step)
{
    if (step->from >= 0) w->free_registers[w->n_free++] = step->from;
    w->order->steps[w->order->n_steps++] = *step;
}

static void do_slot(worker *w, int stage, const muir_slot *slot)
{
    muir_step step = step_of(w->order, stage, slot, slot->is_joined ? MUIR_WORK_JOINED : MUIR_WORK_PHASE);
    take_input(w, slot, &step);
    put_output(w, &step);
    add_step(w, &step);
}

static void do_pair(worker *w, int stage, const muir_slot *forward, const muir_slot *backward)
{
    muir_step wait = step_of(w->order, stage, forward, MUIR_WORK_NONE), hand_on = wait;
    muir_step both = step_of(w->order, stage, backward, MUIR_WORK_PAIR);
    both.partner = wait.chunk;
    take_input(w, forward, &wait);
    if (wait.from >= 0) add_step(w, &wait);
    take_input(w, backward, &both);
    put_output(w, &both);
    add_step(w, &both);
    put_output(w, &hand_on);
    if (hand_on.to >= 0) add_step(w, &hand_on);
}

/* Does a stage's next slot, or pair of slots, if its inputs are there. */
static void work_one(worker *w, int stage)
{
    int n = 0;
    const muir_slot *slot = muir_order_slots(w->order, stage, &n) + w->next[stage];
    if (w->next[stage] == n || !is_input_there(w, stage, slot)) return;
    if (!slot->is_paired) {
        do_slot(w, stage, slot);
        w->next[stage]++;
    } else if (is_input_there(w, stage, slot + 1)) {
        do_pair(w, stage, slot, slot + 1);
        w->next[stage] += 2;
    }
}

static int done_slots(const worker *w)
{
    int done = 0;
    for (int stage = 0; stage < w->order->shape.stages; stage++) done += w->next[stage];
    return done;
}

static muir_status work_all(muir_ctx *ctx, worker *w)
{
    const int stages = w->order->shape.stages, total = w->order->first[stages];
    while (done_slots(w) < total) {
        const int before = done_slots(w);
        for (int stage = 0; stage < stages; stage++) work_one(w, stage);
        if (done_slots(w) == before)
            return muir_fail(ctx, MUIR_ERR_CHECK,
                             "the schedule stops after %d of %d slots: each waits for another", before,
                             total);
    }
    return MUIR_OK;
}

/* Steps of a pair are at most one more than its slots. */
static int most_steps(const muir_order *order)
{
    const int slots = order->first[order->shape.stages];
    int pairs = 0;
    for (int i = 0; i < slots; i++) pairs += order->slots[i].is_paired;
    return slots + pairs;
}

static muir_status make_steps(muir_ctx *ctx, muir_order *order)
{
    muir_status st = MUIR_OK;
    const muir_shape s = order->shape;
    worker w = {.order = order};
    const size_t results = 2 * (size_t)(s.chunks * s.stages) * (size_t)s.microbatches;
    MUIR_TRY(muir_alloc(ctx, (size_t)most_steps(order), sizeof *order->steps, "the schedule", &order->steps));
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

muir_status muir_order_create(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape,
                              muir_order **out)
{
    muir_status st = MUIR_OK;
    muir_order *order = NULL;
    MUIR_TRY(muir_schedule_check_size(ctx, shape));
    MUIR_TRY(schedule->check(ctx, shape));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *order, "the schedule", &order));
    order->shape = shape;
    order->place = schedule->place;
    const size_t stages = (size_t)shape.stages, most = stages * muir_schedule_most_slots(shape);
    MUIR_TRY(muir_alloc(ctx, stages + 1, sizeof *order->first, "the schedule", &order->first));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *order->slots, "the schedule", &order->slots));
    for (int s = 0; s < shape.stages; s++)
        order->first[s + 1] = order->first[s] + schedule->emit(shape, s, order->slots + order->first[s]);
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
    free((*order)->first);
    free((*order)->steps);
    free(*order);
    *order = NULL;
}
