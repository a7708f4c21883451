/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench fft3d: distributed transforms of a cube over all ranks, slabs, pencils and FFTW's own in turns.
 * */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/statistics.h"
#include "bench/bench.h"
#include "bench/fft3d.h"
#include "kernels/fftw_mpi.h"
#include "kernels/gemm.h"

enum { SLABS, PENCILS, FFTW, CONTENDERS, MOST_SAMPLES = 1000, MOST_POINTS = 2048, CHUNK = 8 };
static const char *const names[CONTENDERS] = {"slabs", "pencils", "fftw-mpi"};

/* What a rank has of a cube: blocks of dimensions 0 and 1 and all of 2 before, in this order; after the
 * transform a block of 1, and of 2, and all of 0. */
typedef struct contender {
    bool is_on;
    int rows, columns;
    muir_coll_comm *row, *column;
    muir_fft3d *fft;                                /* NULL: FFTW's */
    muir_fftw_mpi *fftw;                            /* NULL: muir's */
    float *data;                                    /* own, or FFTW's */
    size_t first0, own0, first1, own1;              /* before */
    size_t after1, own_after1, first2, own2;        /* after */
    double time_s[MOST_SAMPLES], exchange_s, all_s; /* the last two of all samples, this rank */
    double difference;                              /* relative, root mean square */
} contender;

typedef struct fft3d_bench {
    const muir_bench_options *options;
    muir_kernels *kernels;
    int samples, warm_up;
    size_t n;
    char why[MUIR_FFTW_MPI_WHY]; /* there is no yardstick */
    contender of[CONTENDERS];
} fft3d_bench;

static void fill(const fft3d_bench *b, contender *c)
{
    const size_t n = b->n;
    for (size_t x = 0; x < c->own0; x++)
        for (size_t y = 0; y < c->own1; y++)
            for (size_t z = 0; z < 2 * n; z++) {
                const uint64_t at = (((uint64_t)(c->first0 + x) * n + c->first1 + y) * n) * 2 + z;
                c->data[(x * c->own1 + y) * 2 * n + z] =
                    muir_rng_uniform_at(1, MUIR_STREAM_HOST, 0, at) - 0.5f;
            }
}

/* There and back multiplies by all points. */
static void scale(const fft3d_bench *b, contender *c)
{
    const float factor = 1.0f / ((float)b->n * (float)b->n * (float)b->n);
    for (size_t i = 0; i < 2 * c->own0 * c->own1 * b->n; i++) c->data[i] *= factor;
}

static muir_status transform(muir_ctx *ctx, contender *c, int sign)
{
    if (c->fft) return muir_fft3d_run(ctx, c->fft, sign, c->data);
    muir_fftw_mpi_run(c->fftw, sign);
    return MUIR_OK;
}

/* As square as divisors of the ranks allow; one row where they have none. */
static int columns_of(int layout, int ranks)
{
    int columns = 1;
    if (layout == SLABS) return 1;
    for (int d = 2; d * d <= ranks; d++)
        if (ranks % d == 0) columns = d;
    return columns > 1 ? columns : ranks;
}

static muir_status split(muir_ctx *ctx, int colour, muir_coll_comm **out)
{
    muir_status st = MUIR_OK;
    MPI_Comm part = MPI_COMM_NULL;
    MUIR_TRY_MPI(MPI_Comm_split(ctx->comm, colour, ctx->rank, &part));
    MUIR_TRY(muir_coll_comm_create(ctx, part, out));
done:
    if (part != MPI_COMM_NULL) MPI_Comm_free(&part);
    return st;
}

static const muir_coll *algorithm_of(const contender *c)
{
    const muir_coll *shared = muir_coll_find(MUIR_ALL_TO_ALL, "shared");
    const bool is_shared = (c->row->size == 1 || !muir_coll_why_not(shared, c->row)) &&
                           (c->column->size == 1 || !muir_coll_why_not(shared, c->column));
    return is_shared ? shared : muir_coll_find(MUIR_ALL_TO_ALL, "pairwise");
}

static muir_status enter_own(muir_ctx *ctx, fft3d_bench *b, contender *c)
{
    muir_status st = MUIR_OK;
    const size_t n = b->n;
    MUIR_TRY(split(ctx, ctx->rank % c->columns, &c->row));
    MUIR_TRY(split(ctx, ctx->rank / c->columns, &c->column));
    const muir_fft3d_spec spec = {.n = {n, n, n},
                                  .rows = c->row,
                                  .columns = c->column,
                                  .algorithm = algorithm_of(c),
                                  .kernels = b->kernels,
                                  .kernel = muir_fft_first(b->kernels)};
    MUIR_TRY(muir_fft3d_create(ctx, &spec, &c->fft));
    MUIR_TRY(muir_alloc(ctx, muir_fft3d_values(c->fft), 2 * sizeof(float), "the cube", &c->data));
    muir_coll_block(n, c->rows, c->row->rank, &c->first0, &c->own0);
    muir_coll_block(n, c->columns, c->column->rank, &c->first1, &c->own1);
    muir_coll_block(n, c->rows, c->row->rank, &c->after1, &c->own_after1);
    muir_coll_block(n, c->columns, c->column->rank, &c->first2, &c->own2);
done:
    return st;
}

static muir_status enter_fftw(muir_ctx *ctx, fft3d_bench *b, contender *c)
{
    muir_status st = MUIR_OK;
    const size_t n = b->n;
    MUIR_TRY(muir_fftw_mpi_create(ctx, (const size_t[]){n, n, n}, &c->fftw, b->why));
    if (c->fftw) {
        muir_fftw_mpi_own(c->fftw, &c->first0, &c->own0, &c->after1, &c->own_after1);
        c->data = muir_fftw_mpi_data(c->fftw);
    }
    c->is_on = c->fftw != NULL;
    c->own1 = c->own2 = n;
done:
    return st;
}

static void leave(fft3d_bench *b)
{
    for (int i = 0; i < CONTENDERS; i++) {
        contender *c = &b->of[i];
        if (!c->fftw) free(c->data);
        muir_fft3d_destroy(&c->fft);
        muir_fftw_mpi_destroy(&c->fftw);
        muir_coll_comm_destroy(&c->row);
        muir_coll_comm_destroy(&c->column);
        memset(c, 0, sizeof *c);
    }
}

/* Pencils of one rank are slabs. */
static muir_status enter(muir_ctx *ctx, fft3d_bench *b)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < CONTENDERS; i++) {
        contender *c = &b->of[i];
        c->is_on = muir_bench_is_wanted(b->options->algorithm, names[i]) && !(i == PENCILS && ctx->size == 1);
        c->columns = columns_of(i == PENCILS ? PENCILS : SLABS, ctx->size);
        c->rows = ctx->size / c->columns;
        if (!c->is_on) continue;
        if (i == FFTW)
            MUIR_TRY(enter_fftw(ctx, b, c));
        else
            MUIR_TRY(muir_agree(ctx, enter_own(ctx, b, c)));
        if (c->is_on) fill(b, c);
    }
done:
    return st;
}

static muir_status take_sample(muir_ctx *ctx, fft3d_bench *b, contender *c, int sample)
{
    muir_status st = MUIR_OK;
    const double before_s = c->fft ? muir_fft3d_exchange_s(c->fft) : 0.0;
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    const double start_s = muir_now_s();
    MUIR_TRY(transform(ctx, c, -1));
    MUIR_TRY(transform(ctx, c, 1));
    double took_s = muir_now_s() - start_s;
    if (sample >= 0 && c->fft) {
        c->exchange_s += muir_fft3d_exchange_s(c->fft) - before_s;
        c->all_s += took_s;
    }
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &took_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
    if (sample >= 0) c->time_s[sample] = took_s;
    scale(b, c);
done:
    return st;
}

/* Value of FFTW's spectrum [own n1, n0, n2], and of muir's [own n2, own n1, n0]. */
static const float *theirs_at(const fft3d_bench *b, const contender *c, size_t x, size_t y, size_t z)
{
    return c->data + 2 * ((y * b->n + x) * b->n + z);
}

static const float *ours_at(const fft3d_bench *b, const contender *c, size_t x, size_t y, size_t z)
{
    return c->data + 2 * (((z - c->first2) * c->own_after1 + y) * b->n + x);
}

/* Planes z .. z + CHUNK of FFTW's spectrum on every rank: [z, n1, n0]. */
static muir_status gather_planes(muir_ctx *ctx, const fft3d_bench *b, size_t z, size_t n_z, float *planes)
{
    muir_status st = MUIR_OK;
    const contender *c = &b->of[FFTW];
    const size_t n = b->n;
    memset(planes, 0, 2 * sizeof *planes * n_z * n * n);
    for (size_t i = 0; i < n_z; i++)
        for (size_t y = 0; y < c->own_after1; y++)
            for (size_t x = 0; x < n; x++)
                memcpy(planes + 2 * ((i * n + c->after1 + y) * n + x), theirs_at(b, c, x, y, z + i),
                       2 * sizeof *planes);
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, planes, (int)(2 * n_z * n * n), MPI_FLOAT, MPI_SUM, ctx->comm));
done:
    return st;
}

/* Adds to sums[0] the squares of the differences, to sums[1] those of FFTW's values. */
static void compare_planes(const fft3d_bench *b, const contender *c, size_t z, size_t n_z,
                           const float *planes, double sums[2])
{
    const size_t n = b->n;
    for (size_t i = 0; i < n_z; i++) {
        if (z + i < c->first2 || z + i >= c->first2 + c->own2) continue;
        for (size_t y = 0; y < c->own_after1; y++)
            for (size_t x = 0; x < n; x++) {
                const float *mine = ours_at(b, c, x, y, z + i),
                            *its = planes + 2 * ((i * n + c->after1 + y) * n + x);
                const double re = (double)(mine[0] - its[0]), im = (double)(mine[1] - its[1]);
                sums[0] += re * re + im * im;
                sums[1] += (double)its[0] * (double)its[0] + (double)its[1] * (double)its[1];
            }
    }
}

static muir_status compare(muir_ctx *ctx, fft3d_bench *b)
{
    muir_status st = MUIR_OK;
    float *planes = NULL;
    double sums[CONTENDERS][2] = {{0.0, 0.0}};
    MUIR_TRY(muir_alloc(ctx, CHUNK * b->n * b->n, 2 * sizeof *planes, "planes to compare", &planes));
    for (int i = 0; i < CONTENDERS; i++) {
        if (!b->of[i].is_on) continue;
        fill(b, &b->of[i]);
        MUIR_TRY(transform(ctx, &b->of[i], -1));
    }
    for (size_t z = 0; z < b->n; z += CHUNK) {
        const size_t n_z = b->n - z < CHUNK ? b->n - z : CHUNK;
        MUIR_TRY(gather_planes(ctx, b, z, n_z, planes));
        for (int i = 0; i < FFTW; i++)
            if (b->of[i].is_on) compare_planes(b, &b->of[i], z, n_z, planes, sums[i]);
    }
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2 * CONTENDERS, MPI_DOUBLE, MPI_SUM, ctx->comm));
    for (int i = 0; i < FFTW; i++) b->of[i].difference = sqrt(sums[i][0] / sums[i][1]);
done:
    free(planes);
    return st;
}

static void add_row(fft3d_bench *b, const muir_ctx *ctx, int i, double share)
{
    contender *c = &b->of[i];
    const double points = (double)b->n * (double)b->n * (double)b->n;
    const double time_s = muir_median(c->time_s, (size_t)b->samples);
    const double flop_per_s = 2.0 * muir_fft_flop(points, 1.0) / time_s;
    const bool has_yardstick = b->of[FFTW].is_on;
    const double ratio = has_yardstick ? muir_median(b->of[FFTW].time_s, (size_t)b->samples) / time_s : NAN;
    char text[3][16] = {"-", "-", "-"};
    if (i != FFTW) snprintf(text[0], sizeof text[0], "%.1f", 100.0 * share);
    if (has_yardstick) snprintf(text[1], sizeof text[1], "%.3f", ratio);
    if (has_yardstick && i != FFTW) snprintf(text[2], sizeof text[2], "%.2e", c->difference);
    if (b->options->is_table)
        printf("%6zu %9s %4d x %-4d %10.2f %9.2f %11s %9s %11s\n", b->n, names[i], c->rows, c->columns,
               1e3 * time_s, 1e-9 * flop_per_s, text[0], text[1], text[2]);
    json_array_append_new(b->options->rows,
                          json_pack("{s:I,s:s,s:i,s:i,s:i,s:f,s:f,s:o,s:o,s:o}", "n", (json_int_t)b->n,
                                    "layout", names[i], "ranks", ctx->size, "rows", c->rows, "columns",
                                    c->columns, "time_s", time_s, "flop_per_s", flop_per_s, "exchange_share",
                                    i != FFTW ? json_real(share) : json_null(), "ratio_to_fftw_mpi",
                                    has_yardstick ? json_real(ratio) : json_null(), "difference",
                                    has_yardstick && i != FFTW ? json_real(c->difference) : json_null()));
}

static muir_status add_rows(muir_ctx *ctx, fft3d_bench *b)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < CONTENDERS; i++) {
        double times[2] = {b->of[i].exchange_s, b->of[i].all_s};
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, times, 2, MPI_DOUBLE, MPI_SUM, ctx->comm));
        if (b->of[i].is_on) add_row(b, ctx, i, times[0] / times[1]);
    }
    if (b->options->is_table && b->why[0]) printf("# without fftw-mpi: %s\n", b->why);
    fflush(stdout);
done:
    return st;
}

static muir_status bench_size(muir_ctx *ctx, fft3d_bench *b)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(enter(ctx, b));
    for (int sample = -b->warm_up; sample < b->samples; sample++)
        for (int turn = 0; turn < CONTENDERS; turn++) {
            contender *c = &b->of[(turn + sample + b->warm_up) % CONTENDERS];
            if (c->is_on) MUIR_TRY(take_sample(ctx, b, c, sample));
        }
    if (b->of[FFTW].is_on) MUIR_TRY(compare(ctx, b));
    MUIR_TRY(add_rows(ctx, b));
done:
    leave(b);
    return st;
}

static muir_status check_options(muir_ctx *ctx, const muir_bench_options *o)
{
    if (o->iters > MOST_SAMPLES) return muir_fail(ctx, MUIR_ERR_ARG, "-n is at most %d", MOST_SAMPLES);
    if (o->max > MOST_POINTS || o->min > MOST_POINTS)
        return muir_fail(ctx, MUIR_ERR_ARG, "-b and -e are points along an edge, at most %d", MOST_POINTS);
    for (const char *p = o->algorithm; p && *p;) {
        const size_t length = strcspn(p, ",");
        bool is_known = false;
        for (int i = 0; i < CONTENDERS; i++)
            is_known = is_known || (strlen(names[i]) == length && strncmp(names[i], p, length) == 0);
        if (!is_known)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "--algorithm '%.*s' is unknown; known: slabs, pencils, fftw-mpi", (int)length,
                             p);
        p += length + (p[length] == ',');
    }
    return MUIR_OK;
}

static void print_head(const muir_ctx *ctx, const fft3d_bench *b)
{
    char text[MUIR_GEMM_TEXT];
    muir_fft_first(b->kernels)->describe(b->kernels, text, sizeof text);
    printf(
        "# %d ranks, one thread each; n^3 complex fp32, there and back, transposed between; medians of %d "
        "samples in turns,\n"
        "# time of the slowest rank; lines by %s; fftw-mpi: its own transform with measured plans\n"
        "# GFLOP/s of all ranks, 5 N log2 N each way, N = n^3; exchange: share of the time in all_to_alls, "
        "with waiting;\n"
        "# ratio: fftw-mpi's time over this; difference of the spectrum from fftw-mpi's, relative, root "
        "mean square\n"
        "#    n    layout  rows x cols    time ms   GFLOP/s  exchange %%     ratio  difference\n",
        ctx->size, b->samples, text);
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    fft3d_bench *b = NULL;
    MUIR_TRY(check_options(ctx, o));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *b, "the benchmark", &b));
    b->options = o;
    b->samples = (int)muir_bench_or(o->iters, 7);
    b->warm_up = o->warm_up < 0 ? 1 : (int)o->warm_up;
    const long long min = muir_bench_or(o->min, o->max > 0 && o->max < 256 ? o->max : 256);
    const long long max = muir_bench_or(o->max, min), factor = muir_bench_or(o->factor, 2);
    MUIR_TRY(muir_kernels_create(ctx, &b->kernels));
    if (o->is_table) print_head(ctx, b);
    for (long long n = min; n <= max; n *= factor) {
        b->n = (size_t)n;
        MUIR_TRY(bench_size(ctx, b));
    }
done:
    if (b) muir_kernels_destroy(&b->kernels);
    free(b);
    return st;
}

const muir_bench muir_bench_fft3d = {.name = "fft3d", .takes = " -b -e -f -n -w --algorithm ", .run = run};
