/* SPDX-License-Identifier: BSD-3-Clause */
/* The peak of a stage and of the fullest one, and what allocator, libraries and driver add. */
#include "memory/memory.h"

#include <math.h>

#include "memory/moments.h"

typedef struct allocator {
    double utilisation;
    bool stacks_update;
} allocator;

static const allocator allocators[] = {
#define ALLOCATOR(id, utilisation, stacks_update, source)                                                    \
    [MUIR_ALLOCATOR_##id] = {utilisation, stacks_update},
#include "memory/allocators.def"
#undef ALLOCATOR
};

static double sum(const double *part)
{
    double total = 0.0;
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++) total += part[i];
    return total;
}

/* Axes with more than one member, and the job as a whole; a pipeline has its neighbours and the group that
 * shares the embedding. */
static double communicators(const muir_job *job)
{
    static const muir_axis axes[] = {MUIR_AXIS_TP, MUIR_AXIS_CP, MUIR_AXIS_EP, MUIR_AXIS_DP, MUIR_AXIS_PP};
    double n = 1.0;
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) n += muir_job_size(job, axes[i]) > 1;
    return n + (job->parallel.pp > 1);
}

/* From what tensors take to what the driver shows. Gradients that come and go leave their blocks with the
 * allocator. */
static void add_reserve(muir_memory *m, const muir_stage_memory *s, const muir_peak *best)
{
    const muir_stack *stack = &s->job->stack;
    const allocator *a = &allocators[stack->allocator];
    const double here = best->part[MUIR_MEMORY_gradients];
    const double passing = best->total - here;
    m->reserved = m->state + s->lazy + passing / a->utilisation;
    if (a->stacks_update && best->moment != MUIR_MOMENT_update) {
        m->part[MUIR_MEMORY_update] = s->update;
        m->reserved += s->update;
    }
    m->part[MUIR_MEMORY_communication] = communicators(s->job) * stack->communicator_bytes;
    m->part[MUIR_MEMORY_context] = stack->context_bytes;
    const double beside = m->part[MUIR_MEMORY_communication] + m->part[MUIR_MEMORY_context];
    m->needed = m->allocated + beside;
    m->total = m->reserved + beside;
    m->part[MUIR_MEMORY_fragmentation] = m->total - sum(m->part);
}

static muir_memory finish(const muir_stage_memory *s, muir_peak best, int stage)
{
    muir_memory m = {.stage = stage};
    if (!allocators[s->job->stack.allocator].stacks_update) muir_peak_update(&best, s);
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++) m.part[i] = s->part[i] + best.part[i];
    m.state = sum(s->part);
    m.allocated = m.state + best.total;
    m.moment = best.moment;
    add_reserve(&m, s, &best);
    return m;
}

static muir_memory walk(const muir_stage_memory *s, const muir_layers_memory *layers, const muir_order *order,
                        int stage)
{
    int n = 0;
    const muir_slot *list = muir_order_slots(order, stage, &n);
    muir_peak best = {.total = 0.0};
    double live = 0.0;
    for (int i = 0; i < n; i++) muir_peak_slot(&best, s, layers, stage, &list[i], &live);
    return finish(s, best, stage);
}

static muir_memory screen(const muir_stage_memory *s, const muir_memory_load *load, int stage)
{
    muir_peak best = {.total = 0.0};
    const int *forward = &load->forward[stage * load->chunks],
              *backward = &load->backward[stage * load->chunks];
    for (int chunk = 0; chunk < load->chunks; chunk++) {
        muir_peak_forward(&best, s, chunk, forward[chunk] * s->kept);
        muir_peak_backward(&best, s, chunk, backward[chunk] * s->kept, s->kept);
    }
    return finish(s, best, stage);
}

muir_memory muir_memory_of_stage(const muir_job *job, const muir_program *program, const muir_order *order,
                                 int stage)
{
    const muir_layers_memory layers = muir_layers_memory_of(job, program);
    const muir_stage_memory s = muir_stage_memory_of(job, program, &layers, stage);
    return walk(&s, &layers, order, stage);
}

muir_memory muir_memory_of(const muir_job *job, const muir_program *program, const muir_order *order)
{
    const muir_layers_memory layers = muir_layers_memory_of(job, program);
    muir_memory fullest = {.stage = 0};
    for (int stage = 0; stage < program->n_stages; stage++) {
        const muir_stage_memory s = muir_stage_memory_of(job, program, &layers, stage);
        const muir_memory m = walk(&s, &layers, order, stage);
        if (m.total > fullest.total) fullest = m;
    }
    return fullest;
}

muir_memory muir_memory_screen(const muir_job *job, const muir_program *program, const muir_memory_load *load)
{
    const muir_layers_memory layers = muir_layers_memory_of(job, program);
    muir_memory fullest = {.stage = 0};
    for (int stage = 0; stage < program->n_stages; stage++) {
        const muir_stage_memory s = muir_stage_memory_of(job, program, &layers, stage);
        const muir_memory m = screen(&s, load, stage);
        if (m.total > fullest.total) fullest = m;
    }
    return fullest;
}
