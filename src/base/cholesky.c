/* SPDX-License-Identifier: BSD-3-Clause */
/* Cholesky factorisation row by row: both operands of the inner sum lie in rows, so it runs along memory. */
#include "base/cholesky.h"

#include <math.h>
#include <stddef.h>

static double dot(const double *a, const double *b, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

muir_status muir_cholesky(muir_ctx *ctx, double *a, int n)
{
    for (int i = 0; i < n; i++) {
        double *row = a + (size_t)i * (size_t)n;
        for (int j = 0; j < i; j++) {
            const double *other = a + (size_t)j * (size_t)n;
            row[j] = (row[j] - dot(row, other, j)) / other[j];
        }
        const double left = row[i] - dot(row, row, i);
        if (!(left > 0.0))
            return muir_fail(ctx, MUIR_ERR_CHECK, "a covariance of %d is not positive definite at %d", n, i);
        row[i] = sqrt(left);
    }
    return MUIR_OK;
}

void muir_cholesky_forward(const double *l, int n, double *x)
{
    for (int i = 0; i < n; i++) {
        const double *row = l + (size_t)i * (size_t)n;
        x[i] = (x[i] - dot(row, x, i)) / row[i];
    }
}

void muir_cholesky_backward(const double *l, int n, double *x)
{
    for (int i = n - 1; i >= 0; i--) {
        const double *row = l + (size_t)i * (size_t)n;
        x[i] /= row[i];
        for (int j = 0; j < i; j++) x[j] -= row[j] * x[i];
    }
}
