/* SPDX-License-Identifier: BSD-3-Clause */
/* A heap of items 0 .. n - 1 by time, each with one time that can be changed. */
#ifndef MUIR_RELIABILITY_HEAP_H
#define MUIR_RELIABILITY_HEAP_H

#include <stdint.h>

#include "base/ctx.h"

typedef struct muir_heap {
    int64_t *time_ns; /* [n]: of each item */
    int32_t *item;    /* [n]: heap order, earliest first; of equal times the smaller item */
    int32_t *place;   /* [n]: of each item in `item` */
    int32_t n;
} muir_heap;

/* All times are 0 until muir_heap_order.
 * out  out  free it with muir_heap_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_heap_create(muir_ctx *ctx, int32_t n, muir_heap **out);
void muir_heap_destroy(muir_heap **heap); /* accepts NULL, leaves NULL */

/* Brings the heap in order after time_ns was filled. Local; n steps. */
void muir_heap_order(muir_heap *heap);

/* Changes an item's time. Local; log n steps. */
void muir_heap_set(muir_heap *heap, int32_t item, int64_t time_ns);

#endif
