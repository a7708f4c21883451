/* SPDX-License-Identifier: BSD-3-Clause */
/* Operands, result and truth of one matrix product. */
#include "matrices.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"
#include "kernels/check.h"
#include "kernels/element.h"

enum { GUARD = -77 };

matrices matrices_open(muir_dtype dtype, size_t m, size_t n, size_t k)
{
    muir_ctx *ctx = muir_test_ctx();
    matrices x = {.dtype = dtype, .size = {m, n, k}};
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, m * k, muir_dtype_bytes(dtype), "a", &x.a), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, k * n, muir_dtype_bytes(dtype), "b", &x.b), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, m * n + 1, sizeof(float), "c", &x.c), MUIR_OK);
    muir_gemm_operands(dtype, m * 1000003 + n * 1009 + k, x.size, x.a, x.b);
    for (size_t i = 0; i <= m * n; i++) x.c[i] = GUARD;
    return x;
}

void matrices_close(matrices *x)
{
    free(x->a);
    free(x->b);
    free(x->c);
}

double matrices_element(muir_dtype dtype, bool is_right, const void *matrix, size_t i)
{
    switch (dtype) {
    case MUIR_BF16: return (double)muir_float_of_bf16(((const uint16_t *)matrix)[i]);
    case MUIR_FP8: return (double)muir_fp8_value(((const uint8_t *)matrix)[i]);
    case MUIR_INT8: return is_right ? ((const int8_t *)matrix)[i] : ((const uint8_t *)matrix)[i];
    default: return (double)((const float *)matrix)[i];
    }
}

static double result(const matrices *x, size_t i)
{
    return x->dtype == MUIR_INT8 ? (double)((const int32_t *)(const void *)x->c)[i] : (double)x->c[i];
}

/* An element of A B, and the sum of the sizes of what is added up in it. */
static double element_of_product(const matrices *x, size_t i, size_t j, double *sizes)
{
    double sum = 0.0;
    *sizes = 0.0;
    for (size_t p = 0; p < x->size.k; p++) {
        const double part = matrices_element(x->dtype, false, x->a, i * x->size.k + p) *
                            matrices_element(x->dtype, true, x->b, p * x->size.n + j);
        sum += part;
        *sizes += fabs(part);
    }
    return sum;
}

size_t matrices_count_wrong(const matrices *x, double tolerance)
{
    size_t wrong = 0;
    double sizes = 0.0;
    for (size_t i = 0; i < x->size.m; i++)
        for (size_t j = 0; j < x->size.n; j++) {
            const double right = element_of_product(x, i, j, &sizes);
            wrong +=
                fabs(result(x, i * x->size.n + j) - right) <= tolerance * sizes ? 0u : 1u; /* NaN is wrong */
        }
    return wrong + (x->c[x->size.m * x->size.n] != (float)GUARD ? 1u : 0u);
}
