/* SPDX-License-Identifier: BSD-3-Clause */
/* A checksum of bytes. */
#ifndef MUIR_IO_CHECKSUM_H
#define MUIR_IO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Fletcher's checksum over 32-bit words, the last one filled with zeros: two sums modulo 2^32 - 1,
 *     a = sum of word[i],  b = sum of (n - i) word[i],  result = b << 32 | a
 * Every error within one word is found (a word of all ones apart, which counts as zero).
 * Local. Source: Fletcher, IEEE Trans. Comm. 30(1), 1982. */
uint64_t muir_checksum(const void *data, size_t bytes);

#endif
