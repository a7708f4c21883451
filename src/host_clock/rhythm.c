/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes of errors and their percentiles. */
#include "host_clock/rhythm.h"

#include <math.h>

void muir_histogram_add(muir_histogram *h, double value)
{
    const double place = (log2(value) - MUIR_LEAST_OCTAVE) * MUIR_CLASSES_PER_OCTAVE; /* -infinity for 0 */
    h->n[place < 0.0 ? 0 : place >= MUIR_CLASSES ? MUIR_CLASSES - 1 : (int)place]++;
}

double muir_histogram_percentile(const muir_histogram *h, double share)
{
    int64_t all = 0, seen = 0;
    for (int i = 0; i < MUIR_CLASSES; i++) all += h->n[i];
    for (int i = 0; i < MUIR_CLASSES; i++) {
        seen += h->n[i];
        if (seen > 0 && (double)seen >= share * (double)all)
            return exp2((double)(i + 1) / MUIR_CLASSES_PER_OCTAVE + MUIR_LEAST_OCTAVE);
    }
    return NAN;
}

void muir_rhythm_add(muir_rhythm *rhythm, double late_s, double planned_s)
{
    muir_histogram_add(&rhythm->absolute, fabs(late_s));
    if (planned_s > 0.0) muir_histogram_add(&rhythm->relative, fabs(late_s) / planned_s);
}

void muir_rhythm_sum(muir_rhythm *sum, const muir_rhythm *part)
{
    for (int i = 0; i < MUIR_CLASSES; i++) {
        sum->absolute.n[i] += part->absolute.n[i];
        sum->relative.n[i] += part->relative.n[i];
    }
}
