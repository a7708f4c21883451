/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring jitter. */
#include "host_clock/jitter.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "kernels/check.h"
#include "kernels/gemm.h"

enum { SIZE = 192, STRETCHES = 101, SEED = 1 };
static const double stretch_s = 2e-3, normal_quartile = 1.4826;

typedef struct work {
    muir_kernels *kernels;
    muir_gemm_size size;
    float *a, *b, *c;
} work;

static muir_status make(muir_ctx *ctx, work *w)
{
    muir_status st = MUIR_OK;
    w->size = (muir_gemm_size){SIZE, SIZE, SIZE};
    MUIR_TRY(muir_kernels_create(ctx, &w->kernels));
    MUIR_TRY(muir_alloc(ctx, SIZE * SIZE, sizeof(float), "a product", &w->a));
    MUIR_TRY(muir_alloc(ctx, SIZE * SIZE, sizeof(float), "a product", &w->b));
    MUIR_TRY(muir_alloc(ctx, SIZE * SIZE, sizeof(float), "a product", &w->c));
    muir_gemm_operands(MUIR_FP32, SEED, w->size, w->a, w->b);
done:
    return st;
}

static muir_status multiply(muir_ctx *ctx, work *w, int products, double *time_s)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    for (int i = 0; i < products; i++)
        MUIR_TRY(w->kernels->chosen[MUIR_FP32].gemm->run(ctx, w->kernels, w->size, w->a, w->b, w->c));
    *time_s = muir_now_s() - start_s;
done:
    return st;
}

static muir_status measure(muir_ctx *ctx, work *w, double *sigma)
{
    muir_status st = MUIR_OK;
    double time_s[STRETCHES], one_s = 0.0;
    MUIR_TRY(multiply(ctx, w, 1, &one_s));
    MUIR_TRY(multiply(ctx, w, 1, &one_s));
    const int products = (int)fmax(1.0, stretch_s / one_s);
    for (int i = 0; i < STRETCHES; i++) MUIR_TRY(multiply(ctx, w, products, &time_s[i]));
    const double median = muir_median(time_s, STRETCHES);
    for (int i = 0; i < STRETCHES; i++) time_s[i] = fabs(time_s[i] - median);
    *sigma = normal_quartile * muir_median(time_s, STRETCHES) / median;
done:
    return st;
}

muir_status muir_host_jitter(muir_ctx *ctx, double *sigma)
{
    muir_status st = MUIR_OK;
    work w = {.kernels = NULL};
    double mine = 0.0;
    MUIR_TRY(muir_agree(ctx, make(ctx, &w)));
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    MUIR_TRY(muir_agree(ctx, measure(ctx, &w, &mine)));
    double square = mine * mine;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &square, 1, MPI_DOUBLE, MPI_SUM, ctx->comm));
    *sigma = sqrt(square / ctx->size);
done:
    muir_kernels_destroy(&w.kernels);
    free(w.a);
    free(w.b);
    free(w.c);
    return st;
}
