/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of complex Fourier transforms in fp32: the table of kernels, prepared batches, their check. */
#ifndef MUIR_KERNELS_FFT_H
#define MUIR_KERNELS_FFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

struct muir_kernels;

/* `batch` transforms of n points. With stride 1 the points of a transform follow each other; with stride s
 * they are s apart, s transforms side by side, as along the slow dimension of a matrix with s columns:
 * [batch / s,n,s]. */
typedef struct muir_fft_size {
    size_t n, batch, stride; /* stride divides batch */
} muir_fft_size;

/* `batch` lines of n points: points of a line lie in_point apart, lines begin in_line apart; likewise where
 * they come out. All in complex numbers. */
typedef struct muir_fft_lines {
    size_t n, batch;
    size_t in_point, in_line, out_point, out_line;
} muir_fft_lines;

/* A kernel. X_k = sum over j of x_j exp(-2 pi i j k / n), in and out [n batch] complex, apart. */
typedef struct muir_fft_kernel {
    const char *name;
    bool (*is_available)(const struct muir_kernels *kernels);
    /* Library and version. text out [size]. Call only where available. Local. */
    void (*describe)(const struct muir_kernels *kernels, char *text, size_t size);
    /* Prepares a batch. May write to both arrays.
     * is_measured  in   the library may try out plans: faster, but the choice, and with it the last bits, may
     *                   differ from run to run
     * plan         out  freed with drop; untouched on error
     * Local. MUIR_ERR_ARG (too large), MUIR_ERR_MEM. */
    muir_status (*prepare)(muir_ctx *ctx, const struct muir_kernels *kernels, muir_fft_size size,
                           bool is_measured, float *in, float *out, void **plan);
    void (*run)(const struct muir_kernels *kernels, const void *plan); /* allocates nothing */
    void (*drop)(const struct muir_kernels *kernels, void *plan);      /* accepts NULL */
    /* Prepares lines that are transformed wherever they lie, by plans that are estimated, not tried out.
     * sign  in   -1: as above; +1: the inverse, unnormalised
     * in    in   what lines may come from, and
     * out   in   go to, aligned to MUIR_ALIGN; both untouched. Lines need not be aligned so.
     * plan  out  freed with drop_lines; untouched on error
     * Local. MUIR_ERR_ARG (too large), MUIR_ERR_MEM. */
    muir_status (*prepare_lines)(muir_ctx *ctx, const struct muir_kernels *kernels, muir_fft_lines lines,
                                 int sign, float *in, float *out, void **plan);
    /* in and out apart; allocates nothing. Not by two at once. */
    void (*run_lines)(const struct muir_kernels *kernels, const void *plan, const float *in, float *out);
    void (*drop_lines)(const struct muir_kernels *kernels, void *plan); /* accepts NULL */
    const char *source;
} muir_fft_kernel;

/* A prepared batch with its input, the same for the same seed. */
typedef struct muir_fft muir_fft;

/* kernels  in   borrowed; outlive the batch
 * kernel   in   an available row
 * seed     in   of the input: whole numbers -128 .. 127
 * out      out  free it with muir_fft_destroy; untouched on error
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_fft_create(muir_ctx *ctx, const struct muir_kernels *kernels, const muir_fft_kernel *kernel,
                            muir_fft_size size, bool is_measured, uint64_t seed, muir_fft **out);
void muir_fft_destroy(muir_fft **fft); /* accepts NULL, leaves NULL */

/* Transforms the batch. Local; allocates nothing. */
void muir_fft_run(muir_fft *fft);

/* As it was asked for. Local. */
muir_fft_size muir_fft_size_of(const muir_fft *fft);

/* The output, [n batch] complex. */
float *muir_fft_output(muir_fft *fft);

/* Number of wrong transforms of the last run. For one j, drawn from the seed, the inverse transform is
 * formed in double, n operations for each n log n:
 *     sum over k of X_k exp(2 pi i j k / n) = n x_j, to 8 eps n log2(2 n) |x|, |x| the 2-norm of the input
 * which covers rounding in fp32 (Gentleman and Sande, AFIPS 1966). A single wrong element shifts the sum by
 * its error, so one that is off by more than twice this bound, about 1e-3 of an element's usual size at n =
 * 1024, is always found. Local; allocates nothing. */
size_t muir_fft_check(const muir_fft *fft);

/* 5 n log2 n for each transform, the usual count of operations, whatever a kernel really does. Local. */
double muir_fft_flop(double n, double batch);

/* Rows of the table, in the order of ffts.def. Local. */
size_t muir_fft_count(void);
const muir_fft_kernel *muir_fft_at(size_t i);

/* The first available row. Local. */
const muir_fft_kernel *muir_fft_first(const struct muir_kernels *kernels);

#endif
