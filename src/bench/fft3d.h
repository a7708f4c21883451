/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier transforms in three dimensions over ranks: lines along one dimension after the other, and between
 * them transposes by all_to_all, on slabs (one communicator) or pencils (two). */
#ifndef MUIR_BENCH_FFT3D_H
#define MUIR_BENCH_FFT3D_H

#include "collectives/coll.h"
#include "kernels/fft.h"

/* The grid [n0, n1, n2], slowest first. Dimension 0 is cut over `rows`, dimension 1 over `columns`; columns
 * NULL: slabs. The ranks are the product of both: ranks of one columns communicator hold the same part of
 * dimension 0. Every rank gives the same. */
typedef struct muir_fft3d_spec {
    size_t n[3];
    muir_coll_comm *rows, *columns;     /* borrowed; outlive the transform */
    const muir_coll *algorithm;         /* of all_to_all */
    const struct muir_kernels *kernels; /* borrowed; outlive the transform */
    const muir_fft_kernel *kernel;      /* available row, for lines */
} muir_fft3d_spec;

typedef struct muir_fft3d muir_fft3d;

/* Prepares a transform.
 * spec  in   borrowed for the call
 * out   out  free it with muir_fft3d_destroy; untouched on error
 * Collective over the ranks. MUIR_ERR_ARG (a dimension of 0, an algorithm that does not fit), MUIR_ERR_MEM.
 * */
muir_status muir_fft3d_create(muir_ctx *ctx, const muir_fft3d_spec *spec, muir_fft3d **out);

/* Accepts NULL, leaves NULL. Collective over the ranks. */
void muir_fft3d_destroy(muir_fft3d **fft);

/* Transforms in place, unnormalised: forward and backward together multiply by n0 n1 n2. Allocates nothing.
 * sign  in      -1 forward: from [own n0, own n1, n2] to [own n2, own' n1, n0]; +1 backward: the opposite way
 * data  in/out  [muir_fft3d_values, 2]
 * Where own are the blocks (muir_coll_block) of rows and columns that the rank has: n0 and own' n1 over
 * rows, n1 and n2 over columns. Collective over the ranks. MUIR_ERR_MPI. */
muir_status muir_fft3d_run(muir_ctx *ctx, muir_fft3d *fft, int sign, float *data);

/* Room that data takes [complex numbers]: the larger of both layouts. Local. */
size_t muir_fft3d_values(const muir_fft3d *fft);

/* Time in all_to_alls so far [s], waiting for other ranks included. Local. */
double muir_fft3d_exchange_s(const muir_fft3d *fft);

#endif
