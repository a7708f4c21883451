/* SPDX-License-Identifier: BSD-3-Clause */
/* Non-temporal stores: SSE2, which every x86-64 has; they fill whole lines, so wider ones win nothing. */
#include "collectives/stream.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>

enum { LINE = 64 };

void muir_stream_copy(void *to, const void *from, size_t bytes)
{
    char *out = to;
    const char *in = from;
    size_t head = (LINE - (uintptr_t)out % LINE) % LINE;
    if (head > bytes) head = bytes;
    memcpy(out, in, head);
    size_t i = head;
    for (; i + LINE <= bytes; i += LINE) {
        const __m128i *x = (const __m128i *)(const void *)(in + i);
        __m128i *y = (__m128i *)(void *)(out + i);
        const __m128i a = _mm_loadu_si128(x), b = _mm_loadu_si128(x + 1);
        const __m128i c = _mm_loadu_si128(x + 2), d = _mm_loadu_si128(x + 3);
        _mm_stream_si128(y, a);
        _mm_stream_si128(y + 1, b);
        _mm_stream_si128(y + 2, c);
        _mm_stream_si128(y + 3, d);
    }
    memcpy(out + i, in + i, bytes - i);
}

void muir_stream_end(void)
{
    _mm_sfence();
}
#else
void muir_stream_copy(void *to, const void *from, size_t bytes)
{
    if (bytes > 0) memcpy(to, from, bytes);
}

void muir_stream_end(void)
{
}
#endif
