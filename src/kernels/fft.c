/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of Fourier transforms, prepared batches and their check. */
#include "kernels/fft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define FFT(id) extern const muir_fft_kernel muir_fft_##id;
#include "kernels/ffts.def"
#undef FFT

static const muir_fft_kernel *const ffts[] = {
#define FFT(id) &muir_fft_##id,
#include "kernels/ffts.def"
#undef FFT
};

enum { DRAW_INPUT = 3, DRAW_POINT = 4 };

struct muir_fft {
    const struct muir_kernels *kernels; /* borrowed; outlive the batch */
    const muir_fft_kernel *kernel;
    muir_fft_size size;
    float *in, *out; /* [n batch] complex */
    void *plan;
    size_t point;    /* j of the check */
    double *weights; /* [n] complex: exp(2 pi i j k / n) */
    double *norms;   /* [batch] of the inputs */
};

size_t muir_fft_count(void)
{
    return sizeof ffts / sizeof ffts[0];
}

const muir_fft_kernel *muir_fft_at(size_t i)
{
    return ffts[i];
}

const muir_fft_kernel *muir_fft_first(const struct muir_kernels *kernels)
{
    size_t i = 0;
    while (i + 1 < muir_fft_count() && !ffts[i]->is_available(kernels)) i++;
    return ffts[i];
}

double muir_fft_flop(double n, double batch)
{
    return 5.0 * n * log2(n) * batch;
}

/* Place of point k of transform t, in complex elements. */
static inline size_t place(muir_fft_size size, size_t t, size_t k)
{
    return t / size.stride * size.stride * size.n + t % size.stride + k * size.stride;
}

static void fill(muir_fft *fft, uint64_t seed)
{
    const muir_fft_size size = fft->size;
    for (size_t i = 0; i < 2 * size.n * size.batch; i += 4) {
        const uint32_t bits = muir_rng_at(seed, MUIR_STREAM_HOST, DRAW_INPUT, i / 4);
        for (size_t j = i; j < 2 * size.n * size.batch && j < i + 4; j++)
            fft->in[j] = (float)((int)(bits >> (8 * (j - i)) & 255u) - 128);
    }
    for (size_t t = 0; t < size.batch; t++) {
        double sum = 0.0;
        for (size_t k = 0; k < size.n; k++) {
            const float *x = fft->in + 2 * place(size, t, k);
            sum += (double)x[0] * (double)x[0] + (double)x[1] * (double)x[1];
        }
        fft->norms[t] = sqrt(sum);
    }
    fft->point = muir_rng_at(seed, MUIR_STREAM_HOST, DRAW_POINT, 0) % size.n;
    for (size_t k = 0; k < size.n; k++) {
        const double turn = (double)(fft->point * k % size.n) / (double)size.n;
        fft->weights[2 * k] = cos(2.0 * M_PI * turn);
        fft->weights[2 * k + 1] = sin(2.0 * M_PI * turn);
    }
}

muir_status muir_fft_create(muir_ctx *ctx, const struct muir_kernels *kernels, const muir_fft_kernel *kernel,
                            muir_fft_size size, bool is_measured, uint64_t seed, muir_fft **out)
{
    muir_status st = MUIR_OK;
    muir_fft *fft = NULL;
    static const char what[] = "Fourier transforms";
    if (size.n < 1 || size.batch < 1 || size.stride < 1 || size.batch % size.stride)
        return muir_fail(ctx, MUIR_ERR_ARG, "%zu Fourier transforms of %zu points cannot be %zu side by side",
                         size.batch, size.n, size.stride);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *fft, what, &fft));
    fft->kernels = kernels;
    fft->kernel = kernel;
    fft->size = size;
    MUIR_TRY(muir_alloc(ctx, size.n * size.batch, 2 * sizeof(float), what, &fft->in));
    MUIR_TRY(muir_alloc(ctx, size.n * size.batch, 2 * sizeof(float), what, &fft->out));
    MUIR_TRY(muir_alloc(ctx, size.n, 2 * sizeof(double), what, &fft->weights));
    MUIR_TRY(muir_alloc(ctx, size.batch, sizeof(double), what, &fft->norms));
    MUIR_TRY(kernel->prepare(ctx, kernels, size, is_measured, fft->in, fft->out, &fft->plan));
    fill(fft, seed);
    *out = fft;
    fft = NULL;
done:
    muir_fft_destroy(&fft);
    return st;
}

void muir_fft_destroy(muir_fft **fft)
{
    if (!*fft) return;
    (*fft)->kernel->drop((*fft)->kernels, (*fft)->plan);
    free((*fft)->in);
    free((*fft)->out);
    free((*fft)->weights);
    free((*fft)->norms);
    free(*fft);
    *fft = NULL;
}

void muir_fft_run(muir_fft *fft)
{
    fft->kernel->run(fft->kernels, fft->plan);
}

muir_fft_size muir_fft_size_of(const muir_fft *fft)
{
    return fft->size;
}

float *muir_fft_output(muir_fft *fft)
{
    return fft->out;
}

static bool is_right(const muir_fft *fft, size_t t)
{
    const muir_fft_size size = fft->size;
    const double n = (double)size.n, *w = fft->weights;
    const float *x = fft->in + 2 * place(size, t, fft->point);
    double re = 0.0, im = 0.0;
    for (size_t k = 0; k < size.n; k++) {
        const float *y = fft->out + 2 * place(size, t, k);
        re += (double)y[0] * w[2 * k] - (double)y[1] * w[2 * k + 1];
        im += (double)y[0] * w[2 * k + 1] + (double)y[1] * w[2 * k];
    }
    const double bound = 8.0 * FLT_EPSILON * n * log2(2.0 * n) * fft->norms[t];
    return hypot(re - n * (double)x[0], im - n * (double)x[1]) <= bound; /* false for NaN */
}

size_t muir_fft_check(const muir_fft *fft)
{
    size_t wrong = 0;
    for (size_t t = 0; t < fft->size.batch; t++) wrong += is_right(fft, t) ? 0u : 1u;
    return wrong;
}
