/* SPDX-License-Identifier: BSD-3-Clause */
/* FFTW's own distributed transform, the yardstick of muir's: loaded when it is asked for, where it is there.
 * */
#ifndef MUIR_KERNELS_FFTW_MPI_H
#define MUIR_KERNELS_FFTW_MPI_H

#include <stddef.h>

#include "base/ctx.h"

enum { MUIR_FFTW_MPI_WHY = 128 };

typedef struct muir_fftw_mpi muir_fftw_mpi;

/* Complex, fp32, in place, on slabs whose transform stays transposed; plans are measured, so that it is as
 * fast as it can be.
 * n     in   points along each dimension, slowest first
 * out   out  NULL where a rank lacks the library or has that of another MPI, which is no error; free it with
 *            muir_fftw_mpi_destroy; untouched on error
 * why   out  [MUIR_FFTW_MPI_WHY] what is missing, empty where nothing is
 * Collective over ctx->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_fftw_mpi_create(muir_ctx *ctx, const size_t n[3], muir_fftw_mpi **out, char *why);

/* Collective over its ranks. Accepts NULL, leaves NULL. The library stays, since plans of others may be its
 * own. */
void muir_fftw_mpi_destroy(muir_fftw_mpi **fft);

/* [own n0, n1, n2] before, [own n1, n0, n2] after, complex. */
float *muir_fftw_mpi_data(muir_fftw_mpi *fft);

/* Own part of dimension 0 before, and of dimension 1 after. Local. */
void muir_fftw_mpi_own(const muir_fftw_mpi *fft, size_t *first0, size_t *own0, size_t *first1, size_t *own1);

/* Transforms, unnormalised.
 * sign  in  -1: forward, +1: backward
 * Collective over its ranks. */
void muir_fftw_mpi_run(muir_fftw_mpi *fft, int sign);

#endif
