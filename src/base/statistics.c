/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorting, percentiles, the median, the largest of normal draws. */
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

double muir_quantile(const double *sorted, size_t n, double share)
{
    const double place = share * (double)(n - 1);
    const size_t below = (size_t)place;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

double muir_median(double *values, size_t n)
{
    muir_sort(values, n);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

double muir_normal_largest(double n)
{
    const double above = 1.0 - (n - 0.375) / (n + 0.25);
    double low = 0.0, high = 10.0;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        if (0.5 * erfc(middle * sqrt(0.5)) > above)
            low = middle;
        else
            high = middle;
    }
    return n > 1.0 ? low : 0.0;
}
