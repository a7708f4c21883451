/* SPDX-License-Identifier: BSD-3-Clause */
/* Small dense symmetric systems, up to some thousand unknowns, without a library. */
#ifndef MUIR_BASE_CHOLESKY_H
#define MUIR_BASE_CHOLESKY_H

#include "base/ctx.h"

/* Replaces the lower triangle of a symmetric positive definite matrix by its factor L, A = L L^T.
 * a  in/out  [n,n], row by row; the part above the diagonal is left alone
 * Local. MUIR_ERR_CHECK if the matrix is not positive definite; a is then half done. */
muir_status muir_cholesky(muir_ctx *ctx, double *a, int n);

/* x <- L^-1 x and x <- L^-T x, so that both in turn solve A x = b.
 * l  in      [n,n] from muir_cholesky
 * x  in/out  [n]
 * Local. */
void muir_cholesky_forward(const double *l, int n, double *x);
void muir_cholesky_backward(const double *l, int n, double *x);

#endif
