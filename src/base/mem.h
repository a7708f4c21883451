/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for the buffers that are made before the first step. */
#ifndef MUIR_BASE_MEM_H
#define MUIR_BASE_MEM_H

#include <stddef.h>

#include "base/ctx.h"

/* count * size bytes, zeroed and aligned to MUIR_ALIGN; at least one byte.
 * what  in   what the memory is for, for the message
 * out   out  a T **: memory, freed with free(); untouched on error
 * Local. MUIR_ERR_MEM, also when the product overflows. */
muir_status muir_alloc(muir_ctx *ctx, size_t count, size_t size, const char *what, void *out);

#endif
