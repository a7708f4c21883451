/* SPDX-License-Identifier: BSD-3-Clause */
/* Elementary functions in plain double arithmetic: the same bits on every machine and C library, which
 * libm's are not. For what decides when something happens on the fleet clock. */
#ifndef MUIR_BASE_REAL_H
#define MUIR_BASE_REAL_H

/* Natural logarithm of a positive normal number; relative error below 1e-14 away from x = 1, absolute below
 * 1e-16 there. Local. */
double muir_real_log(double x);

/* e to the x for |x| <= 700, clipped there; relative error below 1e-14. Local. */
double muir_real_exp(double x);

/* x to the y for x > 0. Local. */
double muir_real_power(double x, double y);

/* The gamma function for 0 < x < 100; relative error below 1e-12.
 * Source: Stirling's series at x + n >= 20, and the recurrence down to x. Local. */
double muir_real_gamma(double x);

#endif
