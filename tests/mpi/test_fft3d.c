/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributed Fourier transforms against plane waves and points, on slabs and on every grid of ranks. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "bench/fft3d.h"
#include "kernels/gemm.h"

static const double two_pi = 6.283185307179586476925;

/* Ranks as a grid: `columns` of them side by side along dimension 1. */
typedef struct grid {
    muir_coll_comm *rows, *columns;
    size_t first0, own0, first1, own1; /* parts before: of dimensions 0 and 1 */
    size_t after1, own_after1, first2, own2;
} grid;

static grid grid_make(muir_ctx *ctx, int columns, const size_t n[3])
{
    grid g;
    MPI_Comm row = MPI_COMM_NULL, column = MPI_COMM_NULL;
    MPI_Comm_split(ctx->comm, ctx->rank % columns, ctx->rank, &row);
    MPI_Comm_split(ctx->comm, ctx->rank / columns, ctx->rank, &column);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, row, &g.rows), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, column, &g.columns), MUIR_OK);
    MPI_Comm_free(&row);
    MPI_Comm_free(&column);
    muir_coll_block(n[0], g.rows->size, g.rows->rank, &g.first0, &g.own0);
    muir_coll_block(n[1], g.columns->size, g.columns->rank, &g.first1, &g.own1);
    muir_coll_block(n[1], g.rows->size, g.rows->rank, &g.after1, &g.own_after1);
    muir_coll_block(n[2], g.columns->size, g.columns->rank, &g.first2, &g.own2);
    return g;
}

static void grid_free(grid *g)
{
    muir_coll_comm_destroy(&g->rows);
    muir_coll_comm_destroy(&g->columns);
}

static muir_fft3d *fft_of(muir_ctx *ctx, const muir_kernels *kernels, const muir_fft_kernel *kernel,
                          const grid *g, const size_t n[3])
{
    const muir_fft3d_spec spec = {.n = {n[0], n[1], n[2]},
                                  .rows = g->rows,
                                  .columns = g->columns,
                                  .algorithm = muir_coll_find(MUIR_ALL_TO_ALL, "pairwise"),
                                  .kernels = kernels,
                                  .kernel = kernel};
    muir_fft3d *fft = NULL;
    const muir_status st = muir_fft3d_create(ctx, &spec, &fft);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return fft;
}

/* A wave of each sign and a constant: three numbers that stand alone after the transform. */
static double complex wave_at(const size_t n[3], const size_t at[3])
{
    static const int k[2][3] = {{1, 0, 2}, {0, 3, 1}};
    double complex sum = 0.5;
    for (int wave = 0; wave < 2; wave++) {
        double phase = 0.0;
        for (int d = 0; d < 3; d++) phase += (double)k[wave][d] * (double)at[d] / (double)n[d];
        sum += (wave + 1.0) * cexp(two_pi * I * phase);
    }
    return sum;
}

static double complex spectrum_at(const size_t n[3], const size_t at[3])
{
    const double points = (double)(n[0] * n[1] * n[2]);
    double complex sum = 0.0;
    sum += at[0] == 0 && at[1] == 0 && at[2] == 0 ? 0.5 : 0.0;
    sum += at[0] == 1 % n[0] && at[1] == 0 && at[2] == 2 % n[2] ? 1.0 : 0.0;
    sum += at[0] == 0 && at[1] == 3 % n[1] && at[2] == 1 % n[2] ? 2.0 : 0.0;
    return sum * points;
}

static void put(float *data, size_t i, double complex x)
{
    data[2 * i] = (float)creal(x);
    data[2 * i + 1] = (float)cimag(x);
}

static double distance(const float *data, size_t i, double complex x)
{
    return cabs(data[2 * i] + I * (double)data[2 * i + 1] - x);
}

/* Fills, or compares with, the waves in the layout before. */
static double visit_waves(const grid *g, const size_t n[3], float *data, bool is_filling, double scale)
{
    double worst = 0.0;
    for (size_t x = 0; x < g->own0; x++)
        for (size_t y = 0; y < g->own1; y++)
            for (size_t z = 0; z < n[2]; z++) {
                const size_t at[3] = {g->first0 + x, g->first1 + y, z}, i = (x * g->own1 + y) * n[2] + z;
                if (is_filling)
                    put(data, i, wave_at(n, at));
                else
                    worst = fmax(worst, distance(data, i, scale * wave_at(n, at)));
            }
    return worst;
}

static double compare_spectrum(const grid *g, const size_t n[3], const float *data)
{
    double worst = 0.0;
    for (size_t z = 0; z < g->own2; z++)
        for (size_t y = 0; y < g->own_after1; y++)
            for (size_t x = 0; x < n[0]; x++) {
                const size_t at[3] = {x, g->after1 + y, g->first2 + z};
                worst = fmax(worst, distance(data, (z * g->own_after1 + y) * n[0] + x, spectrum_at(n, at)));
            }
    return worst;
}

static void check_grid(const muir_kernels *kernels, const muir_fft_kernel *kernel, const size_t n[3],
                       int columns)
{
    muir_ctx *ctx = muir_test_ctx();
    const double points = (double)(n[0] * n[1] * n[2]);
    grid g = grid_make(ctx, columns, n);
    muir_fft3d *fft = fft_of(ctx, kernels, kernel, &g, n);
    float *data = calloc(2 * muir_fft3d_values(fft) + 1, sizeof *data);
    visit_waves(&g, n, data, true, 1.0);
    CU_ASSERT_EQUAL(muir_fft3d_run(ctx, fft, -1, data), MUIR_OK);
    CU_ASSERT(compare_spectrum(&g, n, data) < 1e-5 * points);
    CU_ASSERT_EQUAL(muir_fft3d_run(ctx, fft, 1, data), MUIR_OK);
    CU_ASSERT(visit_waves(&g, n, data, false, points) < 1e-5 * points);
    free(data);
    muir_fft3d_destroy(&fft);
    grid_free(&g);
}

static void check_grids(const muir_kernels *kernels, const muir_fft_kernel *kernel)
{
    static const size_t sizes[][3] = {{8, 8, 8},    {12, 4, 20}, {7, 5, 9}, {3, 16, 33},
                                      {40, 32, 50}, {1, 4, 2},   {2, 1, 1}, {5, 3, 16}};
    const int ranks = muir_test_ctx()->size;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int columns = 1; columns <= ranks; columns++)
            if (ranks % columns == 0) check_grid(kernels, kernel, sizes[i], columns);
}

/* Slabs (one column) and every pencil; sizes that ranks divide, that they do not, and that are fewer than
 * ranks; lines fewer than a tile, a tile, and tiles with a rest. */
static void every_grid_of_ranks_transforms_plane_waves(void)
{
    muir_kernels *kernels = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_kernels_create(muir_test_ctx(), &kernels), MUIR_OK);
    for (size_t i = 0; i < muir_fft_count(); i++)
        if (muir_fft_at(i)->is_available(kernels)) check_grids(kernels, muir_fft_at(i));
    muir_kernels_destroy(&kernels);
}

static void an_empty_grid_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_fft3d_spec spec = {.n = {8, 0, 8}};
    muir_fft3d *fft = NULL;
    CU_ASSERT_EQUAL(muir_fft3d_create(ctx, &spec, &fft), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "a grid of 8 x 0 x 8 has no points");
    CU_ASSERT_PTR_NULL(fft);
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every grid of ranks transforms plane waves", every_grid_of_ranks_transforms_plane_waves},
        {"an empty grid is refused", an_empty_grid_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "fft3d", tests);
}
