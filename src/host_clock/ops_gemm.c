/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products of the host clock: operands, checks, runs. */
#include "host_clock/ops_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { GRAIN = 16, TILES = 8 };

/* What is not quantised on the fleet is not quantised here. This machine has no products of fp16, and none
 * with scales of blocks: bf16 and fp8 stand for them. */
muir_dtype muir_host_dtype(const muir_scenario *scenario, const muir_op *op)
{
    if (op && (op->gemm.is_attention || op->gemm.is_16bit)) return MUIR_BF16;
    switch (scenario->job.batch.precision) {
    case MUIR_PRECISION_FP8:
    case MUIR_PRECISION_MXFP8:
    case MUIR_PRECISION_NVFP4: return MUIR_FP8;
    case MUIR_PRECISION_INT8: return MUIR_INT8;
    default: return MUIR_BF16;
    }
}

/* An eighth of the rows, in whole vectors. */
static size_t tile_of(size_t rows)
{
    const size_t tile = (rows / TILES + GRAIN - 1) / GRAIN * GRAIN;
    return tile == 0 || tile > rows ? rows : tile;
}

muir_status muir_host_gemm_prepare(muir_ctx *ctx, muir_host_ops *ops, int index)
{
    muir_status st = MUIR_OK;
    const muir_op *op = &ops->program->ops[index];
    host_gemm *g = &ops->gemms[index];
    const double f = ops->shrink.factor;
    const muir_dtype dtype = muir_host_dtype(ops->scenario, op);
    const size_t bytes = muir_dtype_bytes(dtype);
    g->gemm = ops->kernels->chosen[dtype].gemm;
    g->size = (muir_gemm_size){muir_shrink_size(op->gemm.m, f), muir_shrink_size(op->gemm.n, f),
                               muir_shrink_size(op->gemm.k, f)};
    g->count = muir_shrink_count(op->gemm.count, f);
    g->tile = tile_of(g->size.m);
    g->element = bytes;
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.k, bytes, "operands of a product", &g->a));
    MUIR_TRY(muir_alloc(ctx, g->size.k * g->size.n, bytes, "operands of a product", &g->b));
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.n, MUIR_GEMM_RESULT_BYTES, "a product", &g->c));
    muir_gemm_operands(dtype, (uint64_t)index, g->size, g->a, g->b);
    MUIR_TRY(muir_gemm_check_create(ctx, dtype, (uint64_t)index, g->size, g->a, g->b, &g->check));
done:
    return st;
}

/* The only place that calls the kernel: n rows of the product, from row `first`. */
static muir_status multiply_rows(muir_ctx *ctx, muir_host_ops *ops, host_gemm *g, size_t first, size_t n,
                                 muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const muir_gemm_size part = {n, g->size.n, g->size.k};
    const char *a = (const char *)g->a + first * g->size.k * g->element;
    char *c = (char *)g->c + first * g->size.n * MUIR_GEMM_RESULT_BYTES;
    const double start_s = muir_now_s();
    MUIR_TRY(g->gemm->run(ctx, ops->kernels, part, a, g->b, c));
    tally->gemm_s += muir_now_s() - start_s;
    tally->gemm_flop += 2.0 * (double)n * (double)g->size.n * (double)g->size.k;
done:
    return st;
}

/* A whole product; in tiles where something must be moved on meanwhile. */
static muir_status multiply(muir_ctx *ctx, muir_host_ops *ops, host_gemm *g, bool is_planned,
                            muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const size_t rows = g->size.m, tile = is_planned || ops->flights.n > 0 ? g->tile : rows;
    for (size_t first = 0; first < rows; first += tile) {
        MUIR_TRY(multiply_rows(ctx, ops, g, first, rows - first < tile ? rows - first : tile, tally));
        if (tile < rows) MUIR_TRY(muir_flights_poll(ctx, &ops->flights, tally));
    }
done:
    return st;
}

/* More tiles, round and round, as long as one as slow as the slowest of these still ends in time. */
static muir_status multiply_until(muir_ctx *ctx, muir_host_ops *ops, host_gemm *g, double until_s,
                                  muir_tally *tally)
{
    muir_status st = MUIR_OK;
    double now_s = muir_now_s(), tile_s = 0.0;
    for (size_t first = 0; now_s + tile_s < until_s;
         first = first + 2 * g->tile <= g->size.m ? first + g->tile : 0) {
        const double start_s = now_s;
        MUIR_TRY(multiply_rows(ctx, ops, g, first, g->tile, tally));
        MUIR_TRY(muir_flights_poll(ctx, &ops->flights, tally));
        now_s = muir_now_s();
        if (now_s - start_s > tile_s) tile_s = now_s - start_s;
    }
done:
    return st;
}

/* The result is overwritten before each product, so that an old one can never pass for a new one. */
muir_status muir_host_gemm_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                               muir_tally *tally)
{
    muir_status st = MUIR_OK;
    host_gemm *g = &ops->gemms[index];
    const size_t elements = g->size.m * g->size.n;
    for (int i = 0; i < g->count; i++) {
        const bool is_checked = muir_host_is_checked(ops->scenario, moment->salt + (uint32_t)i * 7919u);
        double start_s = muir_now_s();
        if (is_checked && !moment->is_empty) memset(g->c, 0xff, elements * MUIR_GEMM_RESULT_BYTES);
        tally->check_s += muir_now_s() - start_s;
        if (!moment->is_empty) MUIR_TRY(multiply(ctx, ops, g, moment->until_s > 0.0, tally));
        start_s = muir_now_s();
        const int planted = ops->flips && !moment->is_empty
                                ? muir_flips_plant(ops->flips, index, MUIR_FLIP_PRODUCT, g->c, elements)
                                : 0;
        size_t first_row = 0, n_wrong = 0;
        if (is_checked && !moment->is_empty) n_wrong = muir_gemm_check_run(g->check, g->c, &first_row);
        if (!moment->is_empty) muir_host_book(ops->flips, is_checked, n_wrong, planted, tally);
        tally->check_s += muir_now_s() - start_s;
    }
    if (moment->until_s > 0.0) MUIR_TRY(multiply_until(ctx, ops, g, moment->until_s, tally));
done:
    return st;
}
