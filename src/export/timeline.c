/* SPDX-License-Identifier: BSD-3-Clause */
/* The schedule of a replica worked off once more, this time keeping when everything was. */
#include "export/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A result in a register: when it was made, and where. */
typedef struct result {
    double end_s;
    int stage;
} result;

/* As muir_ideal_fill has it: only where chunks wrap around does a message cross more than one stage. */
static double message_s(const muir_slot_times *times, const muir_step *step)
{
    if (step->hops == 0) return 0.0;
    return step->hops > 1 ? times->wrap_p2p_s : times->p2p_s;
}

static void note_transfer(muir_timeline *t, const muir_step *step, const result *input, double time_s)
{
    if (step->hops == 0) return;
    t->transfers[t->n_transfers++] = (muir_transfer){.start_s = input->end_s,
                                                     .end_s = input->end_s + time_s,
                                                     .from = input->stage,
                                                     .to = step->stage,
                                                     .chunk = step->chunk,
                                                     .microbatch = step->microbatch,
                                                     .phase = step->phase};
}

static void note_span(muir_timeline *t, const muir_step *step, const muir_slot_time *slot, double start_s)
{
    muir_span *span = &t->spans[t->n_spans++];
    *span = (muir_span){.start_s = start_s,
                        .end_s = start_s + muir_slot_total_s(slot),
                        .stage = step->stage,
                        .chunk = step->chunk,
                        .partner = step->work == MUIR_WORK_PAIR ? step->partner : -1,
                        .microbatch = step->microbatch,
                        .phase = step->phase,
                        .is_joined = step->work == MUIR_WORK_JOINED || step->work == MUIR_WORK_PAIR};
    memcpy(span->part_s, slot->part_s, sizeof span->part_s);
}

static void walk(muir_timeline *t, const muir_order *order, const muir_slot_times *times, result *results)
{
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        double start_s = t->stage_end_s[step->stage];
        if (step->from >= 0) {
            const result *input = &results[step->from];
            const double time_s = message_s(times, step);
            note_transfer(t, step, input, time_s);
            start_s = fmax(start_s, input->end_s + time_s);
        }
        const muir_slot_time slot = muir_step_time(times, step);
        if (step->work != MUIR_WORK_NONE) note_span(t, step, &slot, start_s);
        t->stage_end_s[step->stage] = start_s + muir_slot_total_s(&slot);
        if (step->to >= 0) results[step->to] = (result){t->stage_end_s[step->stage], step->stage};
    }
}

static muir_status fill(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                        muir_timeline *t)
{
    muir_status st = MUIR_OK;
    const size_t steps = (size_t)order->n_steps, stages = (size_t)order->shape.stages;
    result *results = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers, sizeof *results, "the timeline", &results));
    MUIR_TRY(muir_alloc(ctx, steps, sizeof *t->spans, "the timeline", &t->spans));
    MUIR_TRY(muir_alloc(ctx, steps, sizeof *t->transfers, "the timeline", &t->transfers));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *t->stage_end_s, "the timeline", &t->stage_end_s));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *t->sync, "the timeline", &t->sync));
    t->n_stages = order->shape.stages;
    t->chunks = order->shape.chunks;
    memcpy(t->sync, times->sync, stages * sizeof *t->sync);
    walk(t, order, times, results);
    for (size_t s = 0; s < stages; s++) {
        t->pipeline_s = fmax(t->pipeline_s, t->stage_end_s[s]);
        t->reduced_s = fmax(t->reduced_s, t->stage_end_s[s] + t->sync[s].reduce_s);
    }
done:
    free(results);
    return st;
}

muir_status muir_timeline_create(muir_ctx *ctx, const muir_scenario *scenario, muir_timeline **out)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &scenario->job;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    muir_program *program = NULL;
    muir_order *order = NULL;
    muir_slot_times *times = NULL;
    muir_ideal *ideal = NULL;
    muir_timeline *t = NULL;
    MUIR_TRY(muir_program_create(ctx, job, &program));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(job->parallel.schedule), shape, &order));
    MUIR_TRY(muir_slot_times_create(ctx, scenario, program, &times));
    MUIR_TRY(muir_ideal_create(ctx, order, times, &ideal));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *t, "the timeline", &t));
    MUIR_TRY(fill(ctx, order, times, t));
    t->step_s = ideal->step_s;
    *out = t;
    t = NULL;
done:
    muir_timeline_destroy(&t);
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&times);
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}

void muir_timeline_destroy(muir_timeline **timeline)
{
    if (!*timeline) return;
    free((*timeline)->spans);
    free((*timeline)->transfers);
    free((*timeline)->stage_end_s);
    free((*timeline)->sync);
    free(*timeline);
    *timeline = NULL;
}
