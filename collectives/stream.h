/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies that go past the caches, for data that is not read again soon. */
#ifndef MUIR_COLLECTIVES_STREAM_H
#define MUIR_COLLECTIVES_STREAM_H

#include <stddef.h>

/* As memcpy, but the lines written are not fetched first and do not stay in the caches. Other cores see them
 * after muir_stream_end. Plain memcpy where the processor has no such stores.
 * to     out  [bytes]
 * from   in   [bytes], apart from `to`
 * Local. */
void muir_stream_copy(void *to, const void *from, size_t bytes);

/* Orders what was written by muir_stream_copy before all that follows. Local. */
void muir_stream_end(void);

#endif
