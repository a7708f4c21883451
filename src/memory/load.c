/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks in flight, counted off a schedule's lists. */
#include "memory/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void raise(int *most, int n)
{
    if (n > *most) *most = n;
}

/* A chunk is in flight from its forward pass to its weight's gradient. */
static void count(const muir_slot *slots, int n, int *forward, int *backward)
{
    int in_flight = 0;
    for (int i = 0; i < n; i++) {
        const muir_slot *slot = &slots[i];
        if (slot->phase == MUIR_FORWARD) raise(&forward[slot->chunk], ++in_flight);
        if (slot->phase == MUIR_BACKWARD) raise(&backward[slot->chunk], in_flight);
        in_flight -= slot->phase == MUIR_WEIGHT || slot->is_joined;
    }
}

muir_status muir_memory_load_make(muir_ctx *ctx, const muir_schedule *schedule, muir_shape shape,
                                  muir_memory_load *load)
{
    muir_status st = MUIR_OK;
    muir_slot *slots = NULL;
    muir_memory_load l = {shape.stages, shape.chunks * muir_place_copies(schedule->place), NULL, NULL};
    const size_t n = (size_t)l.stages * (size_t)l.chunks;
    MUIR_TRY(muir_alloc(ctx, muir_schedule_most_slots(shape), sizeof *slots, "the schedule", &slots));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *l.forward, "the schedule", &l.forward));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *l.backward, "the schedule", &l.backward));
    for (int stage = 0; stage < shape.stages; stage++)
        count(slots, schedule->emit(shape, stage, slots), &l.forward[stage * l.chunks],
              &l.backward[stage * l.chunks]);
    *load = l;
    l.forward = l.backward = NULL;
done:
    free(slots);
    muir_memory_load_free(&l);
    return st;
}

void muir_memory_load_free(muir_memory_load *load)
{
    free(load->forward);
    free(load->backward);
    load->forward = load->backward = NULL;
}
