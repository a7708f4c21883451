/* SPDX-License-Identifier: BSD-3-Clause */
/* Replicas sorted by their delay against the ideal step: what a power trace needs to know of a step. */
#ifndef MUIR_POWER_DELAY_BINS_H
#define MUIR_POWER_DELAY_BINS_H

#include <stdint.h>

enum { MUIR_DELAY_BINS = 128 };

/* Bin b holds delays from b to b + 1 widths, the last one all that are later, the first one all that are
 * earlier. In whole nanoseconds so that any order adds up alike. */
typedef struct muir_delay_bins {
    int64_t sum_ns[MUIR_DELAY_BINS]; /* of the delays in each bin */
    int64_t count[MUIR_DELAY_BINS];
} muir_delay_bins;

#endif
