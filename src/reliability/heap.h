/* SPDX-License-Identifier: BSD-3-Clause */
/* A heap of items 0 .. n - 1 by time, each with one time that can be changed. */
#ifndef MUIR_RELIABILITY_HEAP_H
#define MUIR_RELIABILITY_HEAP_H

#include <stdint.h>

#include "base/ctx.h"

typedef struct muir_heap muir_heap;

/* All times are 0.
 * out  out  free it with muir_heap_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_heap_create(muir_ctx *ctx, int32_t n, muir_heap **out);
void muir_heap_destroy(muir_heap **heap); /* accepts NULL, leaves NULL */

/* The item whose time comes first, of equals the smaller one; and the time of an item. Local. */
int32_t muir_heap_first(const muir_heap *heap);
int64_t muir_heap_time_ns(const muir_heap *heap, int32_t item);

/* Changes an item's time. Local; log n steps. */
void muir_heap_set(muir_heap *heap, int32_t item, int64_t time_ns);

#endif
