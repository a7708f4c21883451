/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench fft: batches of Fourier transforms, all kernels in turns. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/statistics.h"
#include "bench/bench.h"
#include "kernels/fft.h"
#include "kernels/gemm.h"

enum { MOST_ROWS = 4, MOST_SAMPLES = 1000, COLUMNS = 64 };
static const double sample_s = 2e-3;        /* at least; small batches are repeated */
static const size_t batch_points = 1 << 20; /* 8 MiB in, 8 MiB out */

static const struct {
    const char *name;
    const char *kernel; /* of the table */
    bool is_measured;   /* the library tries plans out */
} contenders[] = {{"fftw", "fftw", false}, {"fftw-measured", "fftw", true}, {"plain", "plain", false}};
enum { N_CONTENDERS = sizeof contenders / sizeof contenders[0] };

typedef struct fft_bench {
    const muir_bench_options *options;
    muir_kernels *kernels;
    int samples, warm_up, n;
    muir_fft_size size;
    const char *name[MOST_ROWS];
    muir_fft *fft[MOST_ROWS];
    double rate[MOST_ROWS][MOST_SAMPLES]; /* transforms of the batch a second */
    long long wrong[MOST_ROWS];
} fft_bench;

static const muir_fft_kernel *find(const char *name)
{
    for (size_t i = 0; i < muir_fft_count(); i++)
        if (strcmp(muir_fft_at(i)->name, name) == 0) return muir_fft_at(i);
    return NULL;
}

static muir_status enter(muir_ctx *ctx, fft_bench *b)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < N_CONTENDERS; i++) {
        const muir_fft_kernel *kernel = find(contenders[i].kernel);
        if (!kernel->is_available(b->kernels)) continue;
        if (!muir_bench_is_wanted(b->options->algorithm, contenders[i].name)) continue;
        MUIR_TRY(
            muir_fft_create(ctx, b->kernels, kernel, b->size, contenders[i].is_measured, 1, &b->fft[b->n]));
        b->wrong[b->n] = 0;
        b->name[b->n++] = contenders[i].name;
    }
done:
    return st;
}

static void take_sample(fft_bench *b, int i, int sample)
{
    double done = 0.0, time_s = 0.0;
    if (!b->options->is_unchecked)
        memset(muir_fft_output(b->fft[i]), 0xff, 2 * sizeof(float) * b->size.n * b->size.batch);
    const double start_s = muir_now_s();
    while (time_s < sample_s) {
        muir_fft_run(b->fft[i]);
        done += 1.0;
        time_s = muir_now_s() - start_s;
    }
    if (sample >= 0) b->rate[i][sample] = done / time_s;
    if (!b->options->is_unchecked) b->wrong[i] += (long long)muir_fft_check(b->fft[i]);
}

static void add_row(fft_bench *b, int i)
{
    const double rate = muir_median(b->rate[i], (size_t)b->samples);
    const double flop_per_s = rate * muir_fft_flop((double)b->size.n, (double)b->size.batch);
    const double byte_per_s = rate * 16.0 * (double)b->size.n * (double)b->size.batch;
    if (b->options->is_table)
        printf("%8zu %8zu %8zu %14s %10.2f %10.2f %6lld\n", b->size.n, b->size.batch, b->size.stride,
               b->name[i], 1e-9 * flop_per_s, 1e-9 * byte_per_s, b->wrong[i]);
    json_array_append_new(b->options->rows,
                          json_pack("{s:I,s:I,s:I,s:s,s:f,s:f,s:f,s:I}", "n", (json_int_t)b->size.n, "batch",
                                    (json_int_t)b->size.batch, "stride", (json_int_t)b->size.stride, "kernel",
                                    b->name[i], "time_s", 1.0 / rate, "flop_per_s", flop_per_s, "byte_per_s",
                                    byte_per_s, "wrong", (json_int_t)b->wrong[i]));
}

static muir_status bench_size(muir_ctx *ctx, fft_bench *b)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(enter(ctx, b));
    for (int sample = -b->warm_up; sample < b->samples; sample++)
        for (int turn = 0; turn < b->n; turn++) take_sample(b, (turn + sample + b->warm_up) % b->n, sample);
    for (int i = 0; i < b->n; i++) add_row(b, i);
    fflush(stdout);
done:
    for (int i = 0; i < b->n; i++) muir_fft_destroy(&b->fft[i]);
    b->n = 0;
    return st;
}

static muir_status check_options(muir_ctx *ctx, const muir_bench_options *o)
{
    if (ctx->size > 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "muir bench fft measures one rank, but this launch has %d",
                         ctx->size);
    if (o->iters > MOST_SAMPLES) return muir_fail(ctx, MUIR_ERR_ARG, "-n is at most %d", MOST_SAMPLES);
    if (o->max > 1 << 24 || o->min > 1 << 24)
        return muir_fail(ctx, MUIR_ERR_ARG, "-b and -e are at most 16M");
    for (const char *p = o->algorithm; p && *p;) {
        const size_t n = strcspn(p, ",");
        bool is_known = false;
        for (int i = 0; i < N_CONTENDERS; i++)
            is_known =
                is_known || (strlen(contenders[i].name) == n && strncmp(contenders[i].name, p, n) == 0);
        if (!is_known)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "--algorithm '%.*s' is unknown; known: fftw, fftw-measured, plain", (int)n, p);
        p += n + (p[n] == ',');
    }
    return MUIR_OK;
}

static void print_head(const fft_bench *b)
{
    char text[MUIR_GEMM_TEXT];
    muir_fft_first(b->kernels)->describe(b->kernels, text, sizeof text);
    printf("# one rank, one thread; complex fp32, out of place; medians of %d samples in turns; %s\n"
           "# 5 n log2 n operations a transform; bytes: input once and output once\n"
           "#      n    batch   stride         kernel   GFLOP/s       GB/s  wrong\n",
           b->samples, text);
}

/* About 2^20 points: as rows, and as the columns of matrices with 64. */
static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    fft_bench b = {.options = o,
                   .samples = (int)muir_bench_or(o->iters, 7),
                   .warm_up = o->warm_up < 0 ? 1 : (int)o->warm_up};
    const long long min = muir_bench_or(o->min, o->max > 0 && o->max < 512 ? o->max : 512);
    const long long max = muir_bench_or(o->max, min > 65536 ? min : 65536),
                    factor = muir_bench_or(o->factor, 4);
    MUIR_TRY(check_options(ctx, o));
    MUIR_TRY(muir_kernels_create(ctx, &b.kernels));
    if (o->is_table) print_head(&b);
    for (long long n = min; n <= max; n *= factor) {
        const size_t points = (size_t)n, batch = points < batch_points ? batch_points / points : 1;
        b.size = (muir_fft_size){points, batch, 1};
        MUIR_TRY(bench_size(ctx, &b));
        b.size = (muir_fft_size){points, (batch + COLUMNS - 1) / COLUMNS * COLUMNS, COLUMNS};
        MUIR_TRY(bench_size(ctx, &b));
    }
done:
    muir_kernels_destroy(&b.kernels);
    return st;
}

const muir_bench muir_bench_fft = {.name = "fft", .takes = " -b -e -f -n -w -c --algorithm ", .run = run};
