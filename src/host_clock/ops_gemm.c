/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products of the host clock: operands, checks, runs. */
#include "host_clock/ops_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Attention stays bf16 where the other products are fp8, as in the fleet's prices. */
muir_dtype muir_host_dtype(const muir_scenario *scenario, const muir_op *op)
{
    const bool is_fp8 = scenario->job.batch.precision == MUIR_PRECISION_FP8;
    return is_fp8 && !(op && op->is_attention) ? MUIR_FP8 : MUIR_BF16;
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
    g->size =
        (muir_gemm_size){muir_shrink_size(op->m, f), muir_shrink_size(op->n, f), muir_shrink_size(op->k, f)};
    g->count = muir_shrink_count(op->count, f);
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.k, bytes, "operands of a product", &g->a));
    MUIR_TRY(muir_alloc(ctx, g->size.k * g->size.n, bytes, "operands of a product", &g->b));
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.n, MUIR_GEMM_RESULT_BYTES, "a product", &g->c));
    muir_gemm_operands(dtype, (uint64_t)index, g->size, g->a, g->b);
    MUIR_TRY(muir_gemm_check_create(ctx, dtype, (uint64_t)index, g->size, g->a, g->b, &g->check));
done:
    return st;
}

/* The result is overwritten before each product, so that an old one can never pass for a new one. */
muir_status muir_host_gemm_run(muir_ctx *ctx, muir_host_ops *ops, int index, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    host_gemm *g = &ops->gemms[index];
    const double m = (double)g->size.m, n = (double)g->size.n, k = (double)g->size.k;
    for (int i = 0; i < g->count; i++) {
        double start_s = muir_now_s();
        if (ops->scenario->host.check) memset(g->c, 0xff, g->size.m * g->size.n * MUIR_GEMM_RESULT_BYTES);
        tally->check_s += muir_now_s() - start_s;
        start_s = muir_now_s();
        MUIR_TRY(g->gemm->run(ctx, ops->kernels, g->size, g->a, g->b, g->c));
        tally->gemm_s += muir_now_s() - start_s;
        tally->gemm_flop += 2.0 * m * n * k;
        if (!ops->scenario->host.check) continue;
        start_s = muir_now_s();
        size_t first_row = 0;
        tally->wrong += muir_gemm_check_run(g->check, g->c, &first_row) > 0;
        tally->checked++;
        tally->check_s += muir_now_s() - start_s;
    }
done:
    return st;
}
