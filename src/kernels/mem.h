/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory traffic: what an operation costs that only reads and writes. */
#ifndef MUIR_KERNELS_MEM_H
#define MUIR_KERNELS_MEM_H

#include <stddef.h>

#include "base/ctx.h"

/* Source: McCalpin, STREAM. Bytes count each element read and each written once. */
typedef enum muir_mem_stream_kind {
    MUIR_MEM_COPY,  /* b = a: 8 bytes an element */
    MUIR_MEM_ADD,   /* c = a + b: 12 bytes an element */
    MUIR_MEM_TRIAD, /* c = a + 3 b: 12 bytes an element */
    MUIR_MEM_KIND_COUNT
} muir_mem_stream_kind;

typedef struct muir_mem {
    size_t count; /* [elements] of each */
    float *a, *b, *c;
} muir_mem;

/* Prepares three vectors, at least one cache line each.
 * bytes  in   of the three together [byte]; several times the last-level cache where main memory is meant
 * out    out  free it with muir_mem_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_mem_create(muir_ctx *ctx, size_t bytes, muir_mem **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_mem_destroy(muir_mem **mem);

/* Name, and bytes that an element counts. Local. */
const char *muir_mem_name(muir_mem_stream_kind kind);
size_t muir_mem_element_bytes(muir_mem_stream_kind kind);

/* Elements that do not hold what `kind` writes; call after it went over all of them. Local. */
size_t muir_mem_check(const muir_mem *mem, muir_mem_stream_kind kind);

/* Moves `bytes`, rounded down to whole elements, going over the vectors as often as it takes. Local;
 * allocates nothing. */
void muir_mem_stream(muir_mem *mem, muir_mem_stream_kind kind, size_t bytes);

#endif
