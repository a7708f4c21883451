/* SPDX-License-Identifier: BSD-3-Clause */
/* Spectra of real series: the squared Fourier transform, by FFTW where it is found when muir runs and by a
 * plain transform elsewhere, and Welch's estimate of a power spectral density. */
#ifndef MUIR_KERNELS_SPECTRUM_H
#define MUIR_KERNELS_SPECTRUM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"

typedef struct muir_spectrum muir_spectrum;

/* Prepares transforms of series of one length.
 * n         in   values of a series, 1 .. 2^28
 * is_plain  in   do without FFTW
 * out       out  free it with muir_spectrum_destroy; untouched on error
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_spectrum_create(muir_ctx *ctx, size_t n, bool is_plain, muir_spectrum **out);
void muir_spectrum_destroy(muir_spectrum **spectrum); /* accepts NULL, leaves NULL */

/* "FFTW 3" or "plain"; what does the transforms. Local. */
const char *muir_spectrum_library(const muir_spectrum *spectrum);

/* Squared transform of a series.
 *     squares[k] = |sum_j x[j] exp(-2 pi i j k / n)|^2,  k = 0 .. n / 2
 * x        in   [n]
 * squares  out  [n / 2 + 1]
 * Local. */
void muir_spectrum_squares(muir_spectrum *spectrum, const double *x, double *squares);

/* One-sided power spectral density of a series by Welch's method: segments that overlap by half, each without
 * its mean and under a periodic Hann window, and the mean of their periodograms.
 *     f[k] = k hz / segment;   sum over k of psd[k] hz / segment is about the variance
 * x        in   [n], units u
 * hz       in   samples a second
 * segment  in   values of a segment, 2 .. n
 * psd      out  [segment / 2 + 1], u^2 / Hz
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. Source: P. D. Welch, IEEE Trans. Audio Electroacoust. 15(2), 1967. */
muir_status muir_welch(muir_ctx *ctx, const double *x, size_t n, double hz, size_t segment, double *psd);

#endif
