/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people: a value in base units with a prefix and its unit. */
#ifndef MUIR_BASE_UNITS_H
#define MUIR_BASE_UNITS_H

#include <stddef.h>

typedef struct muir_text32 {
    char s[32];
} muir_text32;

/* "12.3 GB/s" for 12.3e9 and "B/s": three or four digits and a decimal prefix (k M G T P E, m u n). This and
 * the two below: "infinite" and "unknown" for what has no digits. Local. */
muir_text32 muir_si(double value, const char *unit);

/* "1.5 GiB" for bytes: binary prefixes. Local. */
muir_text32 muir_bytes_text(double bytes);

/* "12.3 ms", "4.56 s", "3 min 20 s", "2 h 05 min", "3 d 4 h", "120 years". Local. */
muir_text32 muir_time_text(double seconds);

/* "1,000,000". Local. */
muir_text32 muir_count_text(long long count);

#endif
