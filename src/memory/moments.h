/* SPDX-License-Identifier: BSD-3-Clause */
/* What the moments of a slot add to what stays, and the largest of them. Private to src/memory. */
#ifndef MUIR_MEMORY_MOMENTS_H
#define MUIR_MEMORY_MOMENTS_H

#include "memory/stage.h"

/* The largest moment offered so far. */
typedef struct muir_peak {
    double part[MUIR_MEMORY_PARTS]; /* beyond what stays [byte] */
    double total;                   /* their sum */
    muir_memory_moment moment;
} muir_peak;

/* Offers the moments of a forward pass of a stage's chunk, and of a backward pass.
 * live  in  bytes of all activations in flight: with this pass's own
 * kept  in  bytes of them that are this pass's own
 * Local. */
void muir_peak_forward(muir_peak *peak, const muir_stage_memory *s, int chunk, double live);
void muir_peak_backward(muir_peak *peak, const muir_stage_memory *s, int chunk, double live, double kept);

/* Offers the moments of one of a stage's slots, each chunk with its own size.
 * live  inout  bytes of activations in flight, before the slot and after it
 * Local. */
void muir_peak_slot(muir_peak *peak, const muir_stage_memory *s, const muir_layers_memory *layers, int stage,
                    const muir_slot *slot, double *live);

/* Offers the update. Local. */
void muir_peak_update(muir_peak *peak, const muir_stage_memory *s);

#endif
