/* SPDX-License-Identifier: BSD-3-Clause */
/* Order statistics of measured values, and of normal draws. */
#ifndef MUIR_BASE_STATISTICS_H
#define MUIR_BASE_STATISTICS_H

#include <stddef.h>

/* Sorts n values, smallest first. Local. */
void muir_sort(double *values, size_t n);

/* The smallest of n sorted values that at least `share` of them do not exceed; n >= 1. Local. */
double muir_percentile(const double *sorted, size_t n, double share);

/* Quantile of n sorted values, interpolated between neighbours: at place share (n - 1) from 0; n >= 1.
 * Type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", Am. Stat. 50(4), 1996. Local. */
double muir_quantile(const double *sorted, size_t n, double share);

/* Median of n values, which it sorts: the middle one, or the mean of the two in the middle; n >= 1. Local. */
double muir_median(double *values, size_t n);

/* Largest of n standard normal draws, expected: the quantile (n - 3/8) / (n + 1/4); 0 for one. Within 1
 * % from n = 8 on. Source: Blom, "Statistical Estimates and Transformed Beta-Variables", 1958. Local. */
double muir_normal_largest(double n);

#endif
