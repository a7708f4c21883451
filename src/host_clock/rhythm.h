/* SPDX-License-Identifier: BSD-3-Clause */
/* Rhythm: how far the ends of ops are from where the timetable has them. Counted in classes, so that errors
 * of any number of steps and ranks add up without memory. */
#ifndef MUIR_HOST_CLOCK_RHYTHM_H
#define MUIR_HOST_CLOCK_RHYTHM_H

#include <stdint.h>

/* Classes of 2^(1/16), about 4.4 %, from 2^-32 to 2^16; what is below or above counts in the first or last
 * one. */
enum { MUIR_CLASSES_PER_OCTAVE = 16, MUIR_LEAST_OCTAVE = -32, MUIR_OCTAVES = 48 };
enum { MUIR_CLASSES = MUIR_CLASSES_PER_OCTAVE * MUIR_OCTAVES };

typedef struct muir_histogram {
    int64_t n[MUIR_CLASSES];
} muir_histogram;

/* Errors of ops: plain int64 throughout, so that ranks are added up with one reduction. */
typedef struct muir_rhythm {
    muir_histogram absolute; /* |achieved end - planned end| [s] */
    muir_histogram relative; /* the same over the planned time of the op */
} muir_rhythm;

/* Counts a value >= 0. Local. */
void muir_histogram_add(muir_histogram *histogram, double value);

/* The upper bound of the class below which `share` of the values lie; NaN where there are none. Local. */
double muir_histogram_percentile(const muir_histogram *histogram, double share);

/* Counts an op.
 * late_s     in   achieved end minus planned end [s], of either sign
 * planned_s  in   what the timetable gives the op [s]; 0: no relative error
 * Local. */
void muir_rhythm_add(muir_rhythm *rhythm, double late_s, double planned_s);

/* sum += part. Local. */
void muir_rhythm_sum(muir_rhythm *sum, const muir_rhythm *part);

#endif
