/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of schedules, and what their lists hold in memory. */
#include "schedule/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

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

size_t muir_schedule_most_slots(muir_shape shape)
{
    return 3 * (size_t)shape.chunks * (size_t)shape.microbatches;
}

muir_status muir_schedule_check_size(muir_ctx *ctx, muir_shape shape)
{
    /* Chunks are kept in 16 bits; lists of more slots would take gigabytes and minutes. */
    enum { MOST_CHUNKS = 32767, MOST_SLOTS = 40000000 };
    const double chunks = (double)shape.stages * shape.chunks, slots = 3.0 * chunks * shape.microbatches;
    if (shape.stages >= 1 && shape.chunks >= 1 && shape.microbatches >= 1 && chunks <= MOST_CHUNKS &&
        slots <= MOST_SLOTS)
        return MUIR_OK;
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "a schedule of pp=%d x vpp=%d chunks with %d microbatches is too large: at most %s chunks and %s "
        "chunks x microbatches",
        shape.stages, shape.chunks, shape.microbatches, muir_count_text(MOST_CHUNKS).s,
        muir_count_text(MOST_SLOTS / 3).s);
}

double muir_schedule_idle_to_fill(muir_shape shape, muir_equal_times t)
{
    return (shape.stages - 1) * (t.forward + t.backward + t.weight);
}

int muir_schedule_bound_by_stages(muir_shape shape)
{
    return shape.stages < shape.microbatches ? shape.stages : shape.microbatches;
}

static int most_held(const muir_slot *slots, int n)
{
    int held = 0, most = 0;
    for (int i = 0; i < n; i++) {
        held += slots[i].phase == MUIR_FORWARD;
        most = held > most ? held : most;
        held -= slots[i].phase == MUIR_WEIGHT || slots[i].is_joined;
    }
    return most;
}

muir_status muir_schedule_held(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape, int *held)
{
    muir_status st = MUIR_OK;
    muir_slot *slots = NULL;
    MUIR_TRY(muir_alloc(ctx, muir_schedule_most_slots(shape), sizeof *slots, "the schedule", &slots));
    for (int stage = 0; stage < shape.stages; stage++)
        held[stage] = most_held(slots, schedule->emit(shape, stage, slots));
done:
    free(slots);
    return st;
}
