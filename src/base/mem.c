/* SPDX-License-Identifier: BSD-3-Clause */
/* Aligned, zeroed memory with an error that says what it was for. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"

muir_status muir_alloc(muir_ctx *ctx, size_t count, size_t size, const char *what, void *out)
{
    size_t bytes = 0;
    void *p = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - MUIR_ALIGN ||
        posix_memalign(&p, MUIR_ALIGN, bytes ? bytes : 1) != 0)
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for %s (%zu x %zu bytes)", what, count, size);
    memset(p, 0, bytes ? bytes : 1);
    memcpy(out, &p, sizeof p);
    return MUIR_OK;
}
