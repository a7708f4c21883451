/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorting, percentiles and the median. */
#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void muir_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
}

double muir_percentile(const double *sorted, size_t n, double share)
{
    const size_t rank = (size_t)ceil(share * (double)n);
    return sorted[rank > 0 ? rank - 1 : 0];
}

double muir_median(double *values, size_t n)
{
    muir_sort(values, n);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}
