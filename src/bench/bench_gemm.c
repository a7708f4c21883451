/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench gemm: matrix products of every type, all kernels in turns, beside the measured multiply-add
 * peak. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "bench/bench.h"
#include "kernels/check.h"
#include "kernels/openblas.h"
#include "kernels/peak.h"
#include "models/program.h"
#include "scenario/scenario.h"

enum { MOST_ROWS = 8, MOST_SIZES = 64, MOST_SAMPLES = 1000 };
static const double sample_s = 2e-3;    /* at least; small products are repeated */
static const double plain_flop = 2.5e9; /* of a product that the plain kernel is still asked for */
static const muir_dtype dtypes[] = {MUIR_FP32, MUIR_BF16, MUIR_INT8, MUIR_FP8};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* The product in question and its contenders. */
typedef struct gemm_bench {
    const muir_bench_options *options;
    muir_kernels *kernels;
    muir_openblas *untouched; /* OpenBLAS as it comes; NULL: not to be had */
    int samples, warm_up;
    muir_dtype dtype;
    muir_gemm_size size;
    void *a, *b, *c;
    muir_gemm_check *check;
    int n;
    const char *name[MOST_ROWS];
    const muir_gemm *gemm[MOST_ROWS]; /* NULL: OpenBLAS as it comes */
    double *rate[MOST_ROWS];          /* [samples] operations/s */
    double *peak;                     /* [samples] */
    long long wrong[MOST_ROWS];
} gemm_bench;

static double operations(const gemm_bench *b)
{
    return 2.0 * (double)b->size.m * (double)b->size.n * (double)b->size.k;
}

static muir_status add_contender(muir_ctx *ctx, gemm_bench *b, const char *name, const muir_gemm *gemm)
{
    if (b->n == MOST_ROWS || !muir_bench_is_wanted(b->options->algorithm, name)) return MUIR_OK;
    const muir_status st = muir_alloc(ctx, (size_t)b->samples, sizeof(double), "samples", &b->rate[b->n]);
    if (st != MUIR_OK) return st;
    b->name[b->n] = name;
    b->gemm[b->n] = gemm;
    b->wrong[b->n++] = 0;
    return MUIR_OK;
}

static muir_status enter(muir_ctx *ctx, gemm_bench *b)
{
    muir_status st = MUIR_OK;
    const size_t bytes = muir_dtype_bytes(b->dtype), m = b->size.m, n = b->size.n, k = b->size.k;
    MUIR_TRY(muir_alloc(ctx, m * k, bytes, "operands of a product", &b->a));
    MUIR_TRY(muir_alloc(ctx, k * n, bytes, "operands of a product", &b->b));
    MUIR_TRY(muir_alloc(ctx, m * n, MUIR_GEMM_RESULT_BYTES, "a product", &b->c));
    MUIR_TRY(muir_alloc(ctx, (size_t)b->samples, sizeof(double), "samples", &b->peak));
    muir_gemm_operands(b->dtype, 1, b->size, b->a, b->b);
    if (!b->options->is_unchecked)
        MUIR_TRY(muir_gemm_check_create(ctx, b->dtype, 1, b->size, b->a, b->b, &b->check));
    MUIR_TRY(add_contender(ctx, b, "auto", b->kernels->chosen[b->dtype].gemm));
    for (size_t i = 0; i < muir_gemm_count(); i++) {
        const muir_gemm *gemm = muir_gemm_at(i);
        const bool is_plain = strcmp(gemm->name, "plain") == 0;
        if (gemm->dtype != b->dtype || !gemm->is_available(b->kernels)) continue;
        if (is_plain && operations(b) > plain_flop && !b->options->algorithm) continue;
        MUIR_TRY(add_contender(ctx, b, gemm->name, gemm));
    }
    if (b->dtype == MUIR_FP32 && b->untouched) MUIR_TRY(add_contender(ctx, b, "openblas-default", NULL));
done:
    return st;
}

static void leave(gemm_bench *b)
{
    for (int i = 0; i < b->n; i++) free(b->rate[i]);
    free(b->peak);
    free(b->a);
    free(b->b);
    free(b->c);
    muir_gemm_check_destroy(&b->check);
    b->a = b->b = b->c = b->peak = NULL;
    b->n = 0;
}

static muir_status multiply(muir_ctx *ctx, gemm_bench *b, int i)
{
    if (!b->gemm[i]) return muir_openblas_sgemm(ctx, b->untouched, b->size, b->a, b->b, b->c);
    return b->gemm[i]->run(ctx, b->kernels, b->size, b->a, b->b, b->c);
}

static muir_status take_sample(muir_ctx *ctx, gemm_bench *b, int i, double *rate)
{
    muir_status st = MUIR_OK;
    size_t first_wrong = 0;
    double done = 0.0, time_s = 0.0;
    if (b->check) memset(b->c, 0xff, b->size.m * b->size.n * MUIR_GEMM_RESULT_BYTES);
    const double start_s = muir_now_s();
    while (time_s < sample_s) {
        MUIR_TRY(multiply(ctx, b, i));
        done += operations(b);
        time_s = muir_now_s() - start_s;
    }
    *rate = done / time_s;
    if (b->check) b->wrong[i] += (long long)muir_gemm_check_run(b->check, b->c, &first_wrong);
done:
    return st;
}

static void add_row(gemm_bench *b, int i, double peak)
{
    const double rate = muir_median(b->rate[i], (size_t)b->samples);
    const char *dtype = muir_dtype_name(b->dtype);
    const bool is_auto = strcmp(b->name[i], "auto") == 0;
    if (b->options->is_table)
        printf("%7zu %7zu %7zu %5s %17s %10.1f %10.1f %9.3f %6lld%s%s\n", b->size.m, b->size.n, b->size.k,
               dtype, b->name[i], 1e-9 * rate, 1e-9 * peak, rate / peak, b->wrong[i], is_auto ? "  " : "",
               is_auto ? b->gemm[i]->name : "");
    json_array_append_new(b->options->rows,
                          json_pack("{s:I,s:I,s:I,s:s,s:s,s:i,s:f,s:f,s:f,s:I}", "m", (json_int_t)b->size.m,
                                    "n", (json_int_t)b->size.n, "k", (json_int_t)b->size.k, "dtype", dtype,
                                    "kernel", b->name[i], "threads", b->kernels->threads, "flop_per_s", rate,
                                    "peak_flop_per_s", peak, "fraction", rate / peak, "wrong",
                                    (json_int_t)b->wrong[i]));
}

/* In turns: the peak, then each kernel once, beginning with another one each time. */
static muir_status bench_size(muir_ctx *ctx, gemm_bench *b)
{
    muir_status st = MUIR_OK;
    double ignored = 0.0;
    MUIR_TRY(enter(ctx, b));
    for (int sample = -b->warm_up; sample < b->samples; sample++) {
        if (sample >= 0) b->peak[sample] = muir_peak_per_s(b->dtype, b->kernels->threads);
        for (int turn = 0; turn < b->n; turn++) {
            const int i = (turn + sample + b->warm_up) % b->n;
            MUIR_TRY(take_sample(ctx, b, i, sample < 0 ? &ignored : &b->rate[i][sample]));
        }
    }
    const double peak = muir_median(b->peak, (size_t)b->samples);
    for (int i = 0; i < b->n; i++) add_row(b, i, peak);
    fflush(stdout);
done:
    leave(b);
    return st;
}

static void add_size(muir_gemm_size *sizes, int *n, muir_gemm_size size)
{
    for (int i = 0; i < *n; i++)
        if (memcmp(&sizes[i], &size, sizeof size) == 0) return;
    if (*n < MOST_SIZES) sizes[(*n)++] = size;
}

/* The products of a model on one chip, each size once. */
static muir_status add_model(muir_ctx *ctx, const char *name, muir_gemm_size *sizes, int *n)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario;
    muir_program *program = NULL;
    char model[256];
    snprintf(model, sizeof model, "model=%s", name);
    const char *const overrides[] = {model,           "seq_len=1024",  "micro_batch_size=1", "parallel.tp=1",
                                     "parallel.pp=1", "parallel.dp=1", "host.every=0"};
    MUIR_TRY(muir_scenario_load(ctx, "tiny", overrides, sizeof overrides / sizeof overrides[0], &scenario));
    MUIR_TRY(muir_program_create(ctx, &scenario.job, &program));
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        if (op->kind != MUIR_OP_GEMM) continue;
        add_size(sizes, n, (muir_gemm_size){(size_t)op->gemm.m, (size_t)op->gemm.n, (size_t)op->gemm.k});
    }
done:
    muir_program_destroy(&program);
    return st;
}

static muir_status find_sizes(muir_ctx *ctx, const muir_bench_options *o, muir_gemm_size *sizes, int *n)
{
    const long long min = muir_bench_or(o->min, o->max > 0 && o->max < 256 ? o->max : 256);
    const long long max = muir_bench_or(o->max, min > 4096 ? min : 4096),
                    factor = muir_bench_or(o->factor, 2);
    const bool is_square_named = o->min > 0 || o->max > 0 || o->factor > 0;
    for (long long i = min; i <= max && (is_square_named || !o->model); i *= factor)
        add_size(sizes, n, (muir_gemm_size){(size_t)i, (size_t)i, (size_t)i});
    if (is_square_named && !o->model) return MUIR_OK;
    return add_model(ctx, o->model ? o->model : "gpt2-xl", sizes, n);
}

static muir_status check_options(muir_ctx *ctx, const muir_bench_options *o)
{
    char known[100] = "all";
    size_t used = 3;
    bool is_known = !o->dtype || strcmp(o->dtype, "all") == 0;
    for (int i = 0; i < N_DTYPES; i++) {
        const char *name = muir_dtype_name(dtypes[i]);
        used += (size_t)snprintf(known + used, sizeof known - used, ", %s", name);
        is_known = is_known || strcmp(o->dtype, name) == 0;
    }
    if (ctx->size > 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "muir bench gemm measures one rank, but this launch has %d",
                         ctx->size);
    if (o->iters > MOST_SAMPLES) return muir_fail(ctx, MUIR_ERR_ARG, "-n is at most %d", MOST_SAMPLES);
    if (o->threads > 1024) return muir_fail(ctx, MUIR_ERR_ARG, "-t is at most 1024");
    if (o->max > 65536 || o->min > 65536) return muir_fail(ctx, MUIR_ERR_ARG, "-b and -e are at most 64K");
    return is_known ? MUIR_OK
                    : muir_fail(ctx, MUIR_ERR_ARG, "-d is '%s', but must be one of %s", o->dtype, known);
}

static muir_status check_kernels(muir_ctx *ctx, const muir_bench_options *o)
{
    for (const char *p = o->algorithm; p && *p;) {
        const size_t n = strcspn(p, ",");
        bool is_known =
            (n == 4 && strncmp(p, "auto", n) == 0) || (n == 16 && strncmp(p, "openblas-default", n) == 0);
        for (size_t i = 0; i < muir_gemm_count(); i++)
            is_known =
                is_known || (strlen(muir_gemm_at(i)->name) == n && strncmp(muir_gemm_at(i)->name, p, n) == 0);
        if (!is_known)
            return muir_fail(ctx, MUIR_ERR_ARG, "--algorithm '%.*s' is unknown (see muir list kernels)",
                             (int)n, p);
        p += n + (p[n] == ',');
    }
    return MUIR_OK;
}

static bool is_wanted_type(const muir_bench_options *o, muir_dtype dtype)
{
    return !o->dtype || strcmp(o->dtype, "all") == 0 || strcmp(o->dtype, muir_dtype_name(dtype)) == 0;
}

static void print_head(const gemm_bench *b)
{
    const char *core_type = getenv("OPENBLAS_CORETYPE");
    printf("# one rank, %d thread%s; medians of %d samples in turns with the peak, which is measured in "
           "registers\n",
           b->kernels->threads, b->kernels->threads > 1 ? "s" : "", b->samples);
    for (int i = 0; i < N_DTYPES; i++)
        if (is_wanted_type(b->options, dtypes[i]))
            printf("# %-4s  peak: %s; auto: %s\n", muir_dtype_name(dtypes[i]),
                   muir_peak_instruction(dtypes[i]), b->kernels->chosen[dtypes[i]].text);
    if (b->untouched && is_wanted_type(b->options, MUIR_FP32))
        printf("# openblas-default: %s, as it comes\n", muir_openblas_text(b->untouched));
    if (core_type)
        printf("# OPENBLAS_CORETYPE=%s is set in the environment: OpenBLAS obeys it in both its rows\n",
               core_type);
    printf("#     m       n       k  type            kernel   GFLOP/s*  peak GF/s  fraction  wrong\n"
           "# * 10^9 operations a second, 2 for each multiply-add; int8: of whole numbers\n");
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    muir_gemm_size sizes[MOST_SIZES];
    int n_sizes = 0;
    gemm_bench b = {.options = o,
                    .samples = (int)muir_bench_or(o->iters, 7),
                    .warm_up = o->warm_up < 0 ? 1 : (int)o->warm_up};
    MUIR_TRY(check_options(ctx, o));
    MUIR_TRY(check_kernels(ctx, o));
    MUIR_TRY(find_sizes(ctx, o, sizes, &n_sizes));
    MUIR_TRY(muir_kernels_create(ctx, &b.kernels));
    MUIR_TRY(muir_openblas_load_untouched(ctx, &b.untouched));
    MUIR_TRY(muir_kernels_set_threads(ctx, b.kernels, (int)muir_bench_or(o->threads, 1)));
    if (b.untouched) muir_openblas_set_threads(b.untouched, b.kernels->threads);
    for (int d = 0; d < N_DTYPES; d++)
        if (is_wanted_type(o, dtypes[d])) MUIR_TRY(muir_kernels_choose(ctx, b.kernels, dtypes[d]));
    if (o->is_table) print_head(&b);
    for (int i = 0; i < n_sizes; i++)
        for (int d = 0; d < N_DTYPES; d++) {
            b.size = sizes[i];
            b.dtype = dtypes[d];
            if (is_wanted_type(o, dtypes[d])) MUIR_TRY(bench_size(ctx, &b));
        }
done:
    muir_kernels_destroy(&b.kernels);
    muir_openblas_unload(&b.untouched);
    return st;
}

const muir_bench muir_bench_gemm = {
    .name = "gemm", .takes = " -b -e -f -n -w -d -t -c --algorithm --model ", .run = run};
