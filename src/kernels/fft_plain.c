/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier transforms in plain C, of any length, for machines without FFTW. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"
#include "kernels/fft.h"

typedef struct plain_plan {
    muir_fft_size size;
    const float *in; /* borrowed, as out */
    float *out;
    float *roots; /* [n] complex: exp(-2 pi i k / n) */
    float *work;  /* [n,stride] complex */
} plain_plan;

static size_t smallest_factor(size_t n)
{
    for (size_t p = 2; p * p <= n; p++)
        if (n % p == 0) return p;
    return n;
}

/* One pass of Stockham's method over `count` sub-transforms of n points, r of which are joined: for each p <
 * n / r,
 *     y_(r p + k) = exp(-2 pi i p k / n) sum over j < r of x_(p + j n / r) exp(-2 pi i j k / r)
 * each for `count` neighbours in memory. roots are those of `whole` points. */
MUIR_CLONES
static void pass(size_t whole, size_t n, size_t r, size_t count, const float *roots, const float *restrict x,
                 float *restrict y)
{
    const size_t m = n / r;
    for (size_t p = 0; p < m; p++)
        for (size_t k = 0; k < r; k++) {
            float *to = y + 2 * count * (r * p + k);
            memset(to, 0, 2 * count * sizeof *to);
            for (size_t j = 0; j < r; j++) {
                const float *from = x + 2 * count * (p + j * m);
                const size_t turn = (j * k % r * (whole / r) + p * k % n * (whole / n)) % whole;
                const float c = roots[2 * turn], s = roots[2 * turn + 1];
                for (size_t q = 0; q < count; q++) {
                    to[2 * q] += c * from[2 * q] - s * from[2 * q + 1];
                    to[2 * q + 1] += c * from[2 * q + 1] + s * from[2 * q];
                }
            }
        }
}

/* `stride` transforms side by side; passes alternate between out and work so that the last one writes out. */
static void transform(const plain_plan *plan, const float *in, float *out)
{
    const size_t whole = plan->size.n;
    int n_passes = 0;
    for (size_t n = whole; n > 1; n /= smallest_factor(n)) n_passes++;
    if (n_passes == 0) memcpy(out, in, 2 * plan->size.stride * sizeof *out);
    size_t count = plan->size.stride;
    for (size_t n = whole; n > 1; n_passes--) {
        const size_t r = smallest_factor(n);
        float *to = n_passes % 2 ? out : plan->work;
        pass(whole, n, r, count, plan->roots, in, to);
        in = to;
        n /= r;
        count *= r;
    }
}

static void run(const struct muir_kernels *kernels, const void *plan)
{
    const plain_plan *p = plan;
    const size_t group = 2 * p->size.n * p->size.stride;
    (void)kernels;
    for (size_t i = 0; i < p->size.batch / p->size.stride; i++)
        transform(p, p->in + i * group, p->out + i * group);
}

static void drop(const struct muir_kernels *kernels, void *plan)
{
    plain_plan *p = plan;
    (void)kernels;
    if (!p) return;
    free(p->roots);
    free(p->work);
    free(p);
}

static muir_status prepare(muir_ctx *ctx, const struct muir_kernels *kernels, muir_fft_size size,
                           bool is_measured, float *in, float *out, void **plan)
{
    muir_status st = MUIR_OK;
    plain_plan *p = NULL;
    (void)is_measured;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "Fourier transforms", &p));
    *p = (plain_plan){.size = size, .in = in, .out = out};
    MUIR_TRY(muir_alloc(ctx, size.n, 2 * sizeof(float), "Fourier transforms", &p->roots));
    MUIR_TRY(muir_alloc(ctx, size.n * size.stride, 2 * sizeof(float), "Fourier transforms", &p->work));
    for (size_t k = 0; k < size.n; k++) {
        p->roots[2 * k] = (float)cos(2.0 * M_PI * (double)k / (double)size.n);
        p->roots[2 * k + 1] = (float)-sin(2.0 * M_PI * (double)k / (double)size.n);
    }
    *plan = p;
    p = NULL;
done:
    drop(kernels, p);
    return st;
}

/* Lines are brought together, transformed one by one and spread out. The inverse is that of the conjugate,
 * conjugated. */
typedef struct lines_plan {
    muir_fft_lines lines;
    float sign; /* of the imaginary parts that go in and come out */
    void *plan; /* of one line */
    float *in, *out;
} lines_plan;

static void drop_lines(const struct muir_kernels *kernels, void *plan)
{
    lines_plan *p = plan;
    if (!p) return;
    drop(kernels, p->plan);
    free(p->in);
    free(p->out);
    free(p);
}

static muir_status prepare_lines(muir_ctx *ctx, const struct muir_kernels *kernels, muir_fft_lines lines,
                                 int sign, float *in, float *out, void **plan)
{
    muir_status st = MUIR_OK;
    lines_plan *p = NULL;
    (void)in, (void)out;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "Fourier transforms", &p));
    p->lines = lines;
    p->sign = sign < 0 ? 1.0f : -1.0f;
    MUIR_TRY(muir_alloc(ctx, lines.n, 2 * sizeof(float), "Fourier transforms", &p->in));
    MUIR_TRY(muir_alloc(ctx, lines.n, 2 * sizeof(float), "Fourier transforms", &p->out));
    MUIR_TRY(prepare(ctx, kernels, (muir_fft_size){lines.n, 1, 1}, false, p->in, p->out, &p->plan));
    *plan = p;
    p = NULL;
done:
    drop_lines(kernels, p);
    return st;
}

static void run_lines(const struct muir_kernels *kernels, const void *plan, const float *in, float *out)
{
    const lines_plan *p = plan;
    const muir_fft_lines l = p->lines;
    for (size_t line = 0; line < l.batch; line++) {
        const float *from = in + 2 * line * l.in_line;
        float *to = out + 2 * line * l.out_line;
        for (size_t k = 0; k < l.n; k++) {
            p->in[2 * k] = from[2 * k * l.in_point];
            p->in[2 * k + 1] = p->sign * from[2 * k * l.in_point + 1];
        }
        run(kernels, p->plan);
        for (size_t k = 0; k < l.n; k++) {
            to[2 * k * l.out_point] = p->out[2 * k];
            to[2 * k * l.out_point + 1] = p->sign * p->out[2 * k + 1];
        }
    }
}

static bool is_available(const struct muir_kernels *kernels)
{
    (void)kernels;
    return true;
}

static void describe(const struct muir_kernels *kernels, char *text, size_t size)
{
    (void)kernels;
    snprintf(text, size, "plain C of muir");
}

const muir_fft_kernel muir_fft_plain = {
    .name = "plain",
    .is_available = is_available,
    .describe = describe,
    .prepare = prepare,
    .run = run,
    .drop = drop,
    .prepare_lines = prepare_lines,
    .run_lines = run_lines,
    .drop_lines = drop_lines,
    .source = "Stockham, AFIPS 1966",
};
