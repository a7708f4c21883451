/* SPDX-License-Identifier: BSD-3-Clause */
/* Squared Fourier transforms: FFTW through dlopen, else radix 2 and Bluestein's algorithm; Welch's method. */
#include "kernels/spectrum.h"

#include <complex.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_VALUES = 1 << 28 };
enum { FFTW_ESTIMATE_FLAG = 1 << 6 }; /* FFTW_ESTIMATE of fftw3.h: measured plans change the last bits */

typedef double complex cplx;
typedef void *make_plan(int n, double *in, cplx *out, unsigned flags);

/* FFTW as far as it is used here; the types are those of fftw3.h, whose fftw_complex is double complex. */
typedef struct fftw {
    void *library;
    make_plan *plan_dft_r2c_1d;
    void (*execute)(void *plan);
    void (*destroy_plan)(void *plan);
} fftw;

struct muir_spectrum {
    size_t n;
    double *in;     /* [n] */
    cplx *out;      /* [n / 2 + 1] with FFTW, [n] without */
    fftw fftw;      /* library NULL: plain */
    void *plan;     /* of FFTW */
    size_t m;       /* power of two of the plain transforms */
    cplx *turns;    /* [m / 2]: exp(-2 pi i k / m) */
    cplx *chirp;    /* [n]: exp(-pi i k^2 / n); NULL where n is a power of two */
    cplx *response; /* [m]: transform of the chirp's conjugate */
    cplx *work;     /* [m] */
};

/* ISO C has no conversion from void * to a function pointer; POSIX promises that the bits are the same. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void load_fftw(muir_spectrum *s)
{
    fftw f = {.library = dlopen("libfftw3.so.3", RTLD_NOW | RTLD_LOCAL)};
    if (!f.library) return;
    if (find(f.library, "fftw_plan_dft_r2c_1d", &f.plan_dft_r2c_1d) &&
        find(f.library, "fftw_execute", &f.execute) && find(f.library, "fftw_destroy_plan", &f.destroy_plan))
        s->plan = f.plan_dft_r2c_1d((int)s->n, s->in, s->out, FFTW_ESTIMATE_FLAG);
    if (s->plan)
        s->fftw = f;
    else
        dlclose(f.library);
}

/* Radix 2, decimation in time, in place. n is a power of two. */
static void transform(const cplx *turns, size_t n, cplx *x)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j |= bit;
        if (i < j) {
            const cplx t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (size_t half = 1; half < n; half *= 2)
        for (size_t start = 0; start < n; start += 2 * half)
            for (size_t k = 0; k < half; k++) {
                const cplx t = x[start + k + half] * turns[k * (n / 2 / half)];
                x[start + k + half] = x[start + k] - t;
                x[start + k] += t;
            }
}

static cplx turn(double part)
{
    const double angle = -2.0 * acos(-1.0) * part;
    return cos(angle) + I * sin(angle);
}

static muir_status prepare_plain(muir_ctx *ctx, muir_spectrum *s)
{
    muir_status st = MUIR_OK;
    const bool is_power = (s->n & (s->n - 1)) == 0;
    for (s->m = 2; s->m < (is_power ? s->n : 2 * s->n); s->m *= 2) {
    }
    MUIR_TRY(muir_alloc(ctx, s->m / 2, sizeof(cplx), "a spectrum", &s->turns));
    MUIR_TRY(muir_alloc(ctx, s->m, sizeof(cplx), "a spectrum", &s->work));
    for (size_t k = 0; k < s->m / 2; k++) s->turns[k] = turn((double)k / (double)s->m);
    if (is_power) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, s->n, sizeof(cplx), "a spectrum", &s->chirp));
    MUIR_TRY(muir_alloc(ctx, s->m, sizeof(cplx), "a spectrum", &s->response));
    for (size_t k = 0; k < s->n; k++) /* k^2 modulo 2 n keeps the angle exact */
        s->chirp[k] = turn((double)(k * k % (2 * s->n)) / (2.0 * (double)s->n));
    for (size_t k = 0; k < s->n; k++) {
        s->response[k] = conj(s->chirp[k]);
        if (k > 0) s->response[s->m - k] = conj(s->chirp[k]);
    }
    transform(s->turns, s->m, s->response);
done:
    return st;
}

muir_status muir_spectrum_create(muir_ctx *ctx, size_t n, bool is_plain, muir_spectrum **out)
{
    muir_status st = MUIR_OK;
    muir_spectrum *s = NULL;
    if (n < 1 || n > MOST_VALUES)
        return muir_fail(ctx, MUIR_ERR_ARG, "a spectrum of %zu values: 1 to %d are possible", n,
                         (int)MOST_VALUES);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *s, "a spectrum", &s));
    s->n = n;
    MUIR_TRY(muir_alloc(ctx, n, sizeof(double), "a spectrum", &s->in));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(cplx), "a spectrum", &s->out));
    if (!is_plain) load_fftw(s);
    if (!s->plan) MUIR_TRY(prepare_plain(ctx, s));
    *out = s;
    s = NULL;
done:
    muir_spectrum_destroy(&s);
    return st;
}

void muir_spectrum_destroy(muir_spectrum **spectrum)
{
    muir_spectrum *s = *spectrum;
    if (!s) return;
    if (s->plan) s->fftw.destroy_plan(s->plan);
    if (s->fftw.library) dlclose(s->fftw.library);
    free(s->in);
    free(s->out);
    free(s->turns);
    free(s->chirp);
    free(s->response);
    free(s->work);
    free(s);
    *spectrum = NULL;
}

const char *muir_spectrum_library(const muir_spectrum *spectrum)
{
    return spectrum->plan ? "FFTW 3" : "plain";
}

/* x[k] chirp[k] convolved with the chirp's conjugate, through two transforms of length m; the way back is a
 * forward transform of the conjugate. Source: Bluestein, IEEE Trans. Audio Electroacoust. 18(4), 1970. */
static void plain_transform(muir_spectrum *s)
{
    memset(s->work, 0, s->m * sizeof *s->work);
    if (!s->chirp) {
        for (size_t k = 0; k < s->n; k++) s->work[k] = s->in[k];
        if (s->n > 1) transform(s->turns, s->n, s->work);
        memcpy(s->out, s->work, s->n * sizeof *s->out);
        return;
    }
    for (size_t k = 0; k < s->n; k++) s->work[k] = s->in[k] * s->chirp[k];
    transform(s->turns, s->m, s->work);
    for (size_t k = 0; k < s->m; k++) s->work[k] = conj(s->work[k] * s->response[k]);
    transform(s->turns, s->m, s->work);
    for (size_t k = 0; k < s->n; k++) s->out[k] = conj(s->work[k]) / (double)s->m * s->chirp[k];
}

void muir_spectrum_squares(muir_spectrum *s, const double *x, double *squares)
{
    memcpy(s->in, x, s->n * sizeof *x);
    if (s->plan)
        s->fftw.execute(s->plan);
    else
        plain_transform(s);
    for (size_t k = 0; k <= s->n / 2; k++) {
        const double re = creal(s->out[k]), im = cimag(s->out[k]);
        squares[k] = re * re + im * im;
    }
}

/* A segment without its mean, under the window; returns the window's sum of squares. */
static double window_segment(const double *x, size_t n, double *y)
{
    const double pi = acos(-1.0);
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        const double w = 0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)n);
        y[i] = w * (x[i] - mean);
        squares += w * w;
    }
    return squares;
}

muir_status muir_welch(muir_ctx *ctx, const double *x, size_t n, double hz, size_t segment, double *psd)
{
    muir_status st = MUIR_OK;
    muir_spectrum *s = NULL;
    double *y = NULL, *squares = NULL;
    size_t count = 0;
    if (segment < 2 || segment > n)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "segments of %zu values of a series of %zu: 2 to %zu are possible", segment, n, n);
    const size_t bins = segment / 2 + 1;
    MUIR_TRY(muir_spectrum_create(ctx, segment, false, &s));
    MUIR_TRY(muir_alloc(ctx, segment, sizeof *y, "a spectrum", &y));
    MUIR_TRY(muir_alloc(ctx, bins, sizeof *squares, "a spectrum", &squares));
    memset(psd, 0, bins * sizeof *psd);
    for (size_t start = 0; start + segment <= n; start += segment - segment / 2, count++) {
        const double scale = 1.0 / (hz * window_segment(x + start, segment, y));
        muir_spectrum_squares(s, y, squares);
        for (size_t k = 0; k < bins; k++) /* one-sided: all but 0 and the middle stand for two frequencies */
            psd[k] += squares[k] * scale * (k == 0 || 2 * k == segment ? 1.0 : 2.0);
    }
    for (size_t k = 0; k < bins; k++) psd[k] /= (double)count;
done:
    free(y);
    free(squares);
    muir_spectrum_destroy(&s);
    return st;
}
