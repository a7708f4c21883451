/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the stages, and of the first and the last one slot by slot. */
#include "run/describe_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "memory/fit.h"
#include "memory/timeline.h"

/* Slots of a stage that are stored: later ones repeat what a full pipeline does. */
enum { MOST_SLOTS = 2048, TOTALS = 3, COLUMNS = MUIR_MEMORY_PARTS + TOTALS, NAME = 40 };

/* The slots of one stage, each value with its place in a column. */
typedef struct timeline {
    const char *group, *text;
    double *part_bytes; /* [parts, n] */
    double *allocated;  /* [n] */
    const char **phase, **moment;
    int64_t *chunk, *microbatch;
} timeline;

struct muir_describe_memory {
    char name[COLUMNS][NAME];
    double *stage_bytes; /* [columns, stages] */
    const char **moment; /* [stages] */
    double room_bytes;
    timeline ends[2];
};

static const char *const totals[TOTALS][2] = {
    {"allocated_bytes", "peak of the memory that tensors take"},
    {"reserved_bytes", "the same, with what the allocator holds"},
    {"total_bytes", "the same, with libraries and driver"},
};

static void add(muir_describe *d, const char *group, const char *dimension, muir_value_type type,
                const void *values, const char *name, const char *units, const char *long_name)
{
    const muir_constant constant = {group, {name, units, long_name, MUIR_MODELLED}, type, dimension, values};
    muir_describe_constant(d, &constant);
}

static muir_status add_stages(muir_ctx *ctx, muir_describe *d, const muir_scenario *s,
                              const muir_program *program, const muir_order *order)
{
    muir_status st = MUIR_OK;
    struct muir_describe_memory *m = d->memory;
    const size_t stages = (size_t)program->n_stages;
    MUIR_TRY(muir_alloc(ctx, COLUMNS * stages, sizeof(double), "telemetry", &m->stage_bytes));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *m->moment, "telemetry", &m->moment));
    for (size_t stage = 0; stage < stages; stage++) {
        const muir_memory peak = muir_memory_of_stage(&s->job, program, order, (int)stage);
        const double sums[TOTALS] = {peak.allocated, peak.reserved, peak.total};
        for (size_t i = 0; i < MUIR_MEMORY_PARTS; i++) m->stage_bytes[i * stages + stage] = peak.part[i];
        for (size_t i = 0; i < TOTALS; i++)
            m->stage_bytes[(MUIR_MEMORY_PARTS + i) * stages + stage] = sums[i];
        m->moment[stage] = muir_memory_moment_name(peak.moment);
    }
    muir_describe_dimension(d, "memory", "stage", stages, "stage of the pipeline", MUIR_MODELLED);
    for (size_t i = 0; i < COLUMNS; i++) {
        const bool is_part = i < MUIR_MEMORY_PARTS;
        const muir_memory_part part = (muir_memory_part)(is_part ? i : 0);
        add(d, "memory", "stage", MUIR_F64, &m->stage_bytes[i * stages],
            is_part ? m->name[i] : totals[i - MUIR_MEMORY_PARTS][0], "byte",
            is_part ? muir_memory_part_help(part) : totals[i - MUIR_MEMORY_PARTS][1]);
    }
    add(d, "memory", "stage", MUIR_TEXT, m->moment, "moment", "1", "when the stage is at its peak");
    m->room_bytes = muir_chip_room(&s->fleet.chip);
    add(d, "memory", NULL, MUIR_F64, &m->room_bytes, "room_bytes", "byte",
        "device memory that programs can use on a chip");
done:
    return st;
}

static muir_status make_timeline(muir_ctx *ctx, timeline *t, const muir_memory_slot *slots, size_t n)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, MUIR_MEMORY_PARTS * n, sizeof(double), "telemetry", &t->part_bytes));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(double), "telemetry", &t->allocated));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->phase, "telemetry", &t->phase));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->moment, "telemetry", &t->moment));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->chunk, "telemetry", &t->chunk));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->microbatch, "telemetry", &t->microbatch));
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < MUIR_MEMORY_PARTS; i++) t->part_bytes[i * n + k] = slots[k].part[i];
        t->allocated[k] = slots[k].allocated;
        t->phase[k] = muir_phase_name((muir_phase)slots[k].slot.phase);
        t->moment[k] = muir_memory_moment_name(slots[k].moment);
        t->chunk[k] = slots[k].slot.chunk;
        t->microbatch[k] = slots[k].slot.microbatch;
    }
done:
    return st;
}

static bool is_any(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != 0.0) return true;
    return false;
}

/* Parts that are never there are left out. */
static void describe_timeline(muir_describe *d, const timeline *t, size_t n)
{
    struct muir_describe_memory *m = d->memory;
    muir_describe_dimension(d, t->group, "slot", n, t->text, MUIR_MODELLED);
    for (size_t i = 0; i < MUIR_MEMORY_PARTS; i++)
        if (is_any(&t->part_bytes[i * n], n))
            add(d, t->group, "slot", MUIR_F64, &t->part_bytes[i * n], m->name[i], "byte",
                muir_memory_part_help((muir_memory_part)i));
    add(d, t->group, "slot", MUIR_F64, t->allocated, "allocated_bytes", "byte",
        "memory that tensors take at the fullest moment of the slot");
    add(d, t->group, "slot", MUIR_TEXT, t->phase, "phase", "1", "what the slot does");
    add(d, t->group, "slot", MUIR_TEXT, t->moment, "moment", "1", "the fullest moment of the slot");
    add(d, t->group, "slot", MUIR_I64, t->chunk, "chunk", "1",
        "which of the stage's chunks the slot computes");
    add(d, t->group, "slot", MUIR_I64, t->microbatch, "microbatch", "1", "which microbatch");
}

static muir_status add_timeline(muir_ctx *ctx, muir_describe *d, const muir_scenario *s,
                                const muir_program *program, const muir_order *order, int stage, timeline *t)
{
    muir_status st = MUIR_OK;
    muir_memory_slot *slots = NULL;
    int n = 0;
    const muir_slot *list = muir_order_slots(order, stage, &n);
    if (n > MOST_SLOTS) n = MOST_SLOTS;
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *slots, "telemetry", &slots));
    muir_memory_timeline(&s->job, program, stage, list, n, slots);
    MUIR_TRY(make_timeline(ctx, t, slots, (size_t)n));
    describe_timeline(d, t, (size_t)n);
done:
    free(slots);
    return st;
}

muir_status muir_describe_memory(muir_ctx *ctx, muir_describe *d, const muir_scenario *s)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    muir_order *order = NULL;
    const muir_parallel *p = &s->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s->job.microbatches};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d->memory, "telemetry", &d->memory));
    struct muir_describe_memory *m = d->memory;
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++)
        snprintf(m->name[i], NAME, "%s_bytes", muir_memory_part_name((muir_memory_part)i));
    m->ends[0].group = "memory_first_stage";
    m->ends[0].text = "slot of the first stage, in the schedule's order, the first 2,048";
    m->ends[1].group = "memory_last_stage";
    m->ends[1].text = "slot of the last stage, in the schedule's order, the first 2,048";
    MUIR_TRY(muir_program_create(ctx, &s->job, &program));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &order));
    MUIR_TRY(add_stages(ctx, d, s, program, order));
    MUIR_TRY(add_timeline(ctx, d, s, program, order, 0, &m->ends[0]));
    MUIR_TRY(add_timeline(ctx, d, s, program, order, program->n_stages - 1, &m->ends[1]));
done:
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}

void muir_describe_memory_free(muir_describe *d)
{
    struct muir_describe_memory *m = d->memory;
    if (!m) return;
    free(m->stage_bytes);
    free(m->moment);
    for (int i = 0; i < 2; i++) {
        free(m->ends[i].part_bytes);
        free(m->ends[i].allocated);
        free(m->ends[i].phase);
        free(m->ends[i].moment);
        free(m->ends[i].chunk);
        free(m->ends[i].microbatch);
    }
    free(m);
    d->memory = NULL;
}
