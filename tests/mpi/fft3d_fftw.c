/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributed Fourier transforms with FFTW's lines against FFTW's own distributed transform: error and time.
 * MUIR_FFT_POINTS (32) along each dimension, MUIR_FFT_ROUNDS (3): the time is the best of all rounds, in
 * turns, of one forward and one backward transform. */
#include <fftw3-mpi.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "host_clock/fft3d.h"
#include "kernels/gemm.h"

static double seconds_since(muir_ctx *ctx, double start)
{
    double took = MPI_Wtime() - start;
    MPI_Allreduce(MPI_IN_PLACE, &took, 1, MPI_DOUBLE, MPI_MAX, ctx->comm);
    return took;
}

/* Numbers that any rank can draw for any point. */
static void fill(float *data, size_t n, size_t own0, size_t first0, size_t own1, size_t first1)
{
    for (size_t x = 0; x < own0; x++)
        for (size_t y = 0; y < own1; y++)
            for (size_t z = 0; z < 2 * n; z++)
                data[(x * own1 + y) * 2 * n + z] =
                    muir_rng_normal_at(1, MUIR_STREAM_JITTER, 0, ((first0 + x) * n + first1 + y) * 2 * n + z);
}

/* There and back multiplies by the points. */
static void scale(float *data, size_t points, float factor)
{
    for (size_t i = 0; i < 2 * points; i++) data[i] *= factor;
}

/* FFTW's own: slabs, transposed output [n1 / ranks, n0, n2]. */
typedef struct theirs {
    fftwf_complex *data;
    fftwf_plan forward, backward;
    ptrdiff_t own0, first0, own1, first1;
    double best_s;
} theirs;

static void theirs_make(muir_ctx *ctx, size_t n, theirs *t)
{
    const ptrdiff_t p = (ptrdiff_t)n;
    const ptrdiff_t room =
        fftwf_mpi_local_size_3d_transposed(p, p, p, ctx->comm, &t->own0, &t->first0, &t->own1, &t->first1);
    t->data = fftwf_alloc_complex((size_t)room + 1);
    t->forward = fftwf_mpi_plan_dft_3d(p, p, p, t->data, t->data, ctx->comm, FFTW_FORWARD,
                                       FFTW_MEASURE | FFTW_MPI_TRANSPOSED_OUT);
    t->backward = fftwf_mpi_plan_dft_3d(p, p, p, t->data, t->data, ctx->comm, FFTW_BACKWARD,
                                        FFTW_MEASURE | FFTW_MPI_TRANSPOSED_IN);
    t->best_s = INFINITY;
    fill((float *)t->data, n, (size_t)t->own0, (size_t)t->first0, n, 0);
}

static void theirs_run(muir_ctx *ctx, size_t n, theirs *t)
{
    MPI_Barrier(ctx->comm);
    const double start = MPI_Wtime();
    fftwf_execute(t->forward);
    fftwf_execute(t->backward);
    t->best_s = fmin(t->best_s, seconds_since(ctx, start));
    scale((float *)t->data, (size_t)t->own0 * n * n, 1.0f / (float)(n * n * n));
}

/* muir's, on ranks / columns x columns. */
typedef struct ours {
    int columns;
    muir_coll_comm *row, *column;
    muir_fft3d *fft;
    float *data;
    size_t own0, first0, own1, first1, own_after1, after1, own2, first2;
    double best_s;
} ours;

static void ours_make(muir_ctx *ctx, const muir_kernels *kernels, size_t n, int columns, ours *o)
{
    MPI_Comm row = MPI_COMM_NULL, column = MPI_COMM_NULL;
    memset(o, 0, sizeof *o);
    MPI_Comm_split(ctx->comm, ctx->rank % columns, ctx->rank, &row);
    MPI_Comm_split(ctx->comm, ctx->rank / columns, ctx->rank, &column);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, row, &o->row), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, column, &o->column), MUIR_OK);
    MPI_Comm_free(&row);
    MPI_Comm_free(&column);
    const bool is_shared = o->row->shared || o->column->shared;
    const muir_fft3d_spec spec = {.n = {n, n, n},
                                  .rows = o->row,
                                  .columns = o->column,
                                  .algorithm =
                                      muir_coll_find(MUIR_ALL_TO_ALL, is_shared ? "shared" : "pairwise"),
                                  .kernels = kernels,
                                  .kernel = muir_fft_first(kernels)};
    CU_ASSERT_EQUAL_FATAL(muir_fft3d_create(ctx, &spec, &o->fft), MUIR_OK);
    o->columns = columns;
    muir_coll_block(n, o->row->size, o->row->rank, &o->first0, &o->own0);
    muir_coll_block(n, o->column->size, o->column->rank, &o->first1, &o->own1);
    muir_coll_block(n, o->row->size, o->row->rank, &o->after1, &o->own_after1);
    muir_coll_block(n, o->column->size, o->column->rank, &o->first2, &o->own2);
    o->data = (float *)fftwf_alloc_complex(muir_fft3d_values(o->fft) + 1);
    o->best_s = INFINITY;
    fill(o->data, n, o->own0, o->first0, o->own1, o->first1);
}

static void ours_run(muir_ctx *ctx, size_t n, ours *o)
{
    MPI_Barrier(ctx->comm);
    const double start = MPI_Wtime();
    CU_ASSERT_EQUAL(muir_fft3d_run(ctx, o->fft, -1, o->data), MUIR_OK);
    CU_ASSERT_EQUAL(muir_fft3d_run(ctx, o->fft, 1, o->data), MUIR_OK);
    o->best_s = fmin(o->best_s, seconds_since(ctx, start));
    scale(o->data, o->own0 * o->own1 * n, 1.0f / (float)(n * n * n));
}

static void ours_free(ours *o)
{
    muir_fft3d_destroy(&o->fft);
    muir_coll_comm_destroy(&o->row);
    muir_coll_comm_destroy(&o->column);
    fftwf_free(o->data);
}

/* Largest difference of the spectra over their root mean square; every rank gets all of FFTW's. */
static double spectrum_error(muir_ctx *ctx, size_t n, const theirs *t, const ours *o)
{
    const size_t points = n * n * n;
    float *all = calloc(2 * points, sizeof *all);
    double worst = 0.0, squares = 0.0;
    memcpy(all + 2 * (size_t)t->first1 * n * n, t->data, 2 * (size_t)t->own1 * n * n * sizeof *all);
    MPI_Allreduce(MPI_IN_PLACE, all, (int)(2 * points), MPI_FLOAT, MPI_SUM, ctx->comm);
    for (size_t i = 0; i < 2 * points; i++) squares += (double)all[i] * (double)all[i];
    for (size_t z = 0; z < o->own2; z++)
        for (size_t y = 0; y < o->own_after1; y++)
            for (size_t x = 0; x < n; x++) {
                const float *a = o->data + 2 * ((z * o->own_after1 + y) * n + x);
                const float *b = all + 2 * (((o->after1 + y) * n + x) * n + o->first2 + z);
                worst = fmax(worst, hypot((double)(a[0] - b[0]), (double)(a[1] - b[1])));
            }
    MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, ctx->comm);
    free(all);
    return worst / sqrt(squares / (double)points);
}

static double compare_spectra(muir_ctx *ctx, size_t n, theirs *t, ours *o)
{
    fill((float *)t->data, n, (size_t)t->own0, (size_t)t->first0, n, 0);
    fill(o->data, n, o->own0, o->first0, o->own1, o->first1);
    fftwf_execute(t->forward);
    CU_ASSERT_EQUAL(muir_fft3d_run(ctx, o->fft, -1, o->data), MUIR_OK);
    return spectrum_error(ctx, n, t, o);
}

static size_t setting(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? (size_t)strtoul(text, NULL, 10) : otherwise;
}

static void compare(muir_ctx *ctx, size_t n, size_t rounds, int columns, theirs *t)
{
    ours o;
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(ctx, &kernels), MUIR_OK);
    ours_make(ctx, kernels, n, columns, &o);
    const double error = compare_spectra(ctx, n, t, &o);
    CU_ASSERT(error < 1e-5);
    fill(o.data, n, o.own0, o.first0, o.own1, o.first1);
    fill((float *)t->data, n, (size_t)t->own0, (size_t)t->first0, n, 0);
    for (size_t i = 0; i < rounds; i++) {
        theirs_run(ctx, n, t);
        ours_run(ctx, n, &o);
    }
    if (muir_is_root(ctx))
        printf("%zu^3 on %d x %d ranks (%s): %.4f s there and back, FFTW's own %.4f s; largest difference of "
               "the "
               "spectra %.2e of their size\n",
               n, ctx->size / columns, columns, columns == 1 ? "slabs" : "pencils", o.best_s, t->best_s,
               error);
    ours_free(&o);
    muir_kernels_destroy(&kernels);
}

static void spectra_equal_those_of_fftw(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const size_t n = setting("MUIR_FFT_POINTS", 32), rounds = setting("MUIR_FFT_ROUNDS", 3);
    theirs t;
    fftwf_mpi_init();
    theirs_make(ctx, n, &t);
    for (int columns = 1; columns <= ctx->size; columns++)
        if (ctx->size % columns == 0) compare(ctx, n, rounds, columns, &t);
    fftwf_destroy_plan(t.forward);
    fftwf_destroy_plan(t.backward);
    fftwf_free(t.data);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"spectra equal those of FFTW", spectra_equal_those_of_fftw},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "fft3d_fftw", tests);
}
