/* SPDX-License-Identifier: BSD-3-Clause */
/* Freivalds' test: is C = A B? It multiplies C by one vector, which costs 1 / k of the product.
 * Source: R. Freivalds, "Probabilistic machines can use less running time", IFIP Congress 1977.
 *
 * No tolerance is needed, in no type. For fp32, bf16 and fp8 the operands are whole numbers of at most 4 in
 * size, which all of them hold exactly, so every partial sum of the product is a whole number of at most 16
 * k, and up to k = 2^20 that is exact in fp32 whatever the order of summation. The vector x holds whole
 * numbers 1 .. 2^16, and sums over it are exact in double up to n k = 2^33. For int8 the operands are any
 * bytes, C is exact up to k = 2^16, and sums are taken modulo 2^64, where C x = A (B x) holds as it does in
 * whole numbers. Hence:
 *     No right row is called wrong.
 *     One wrong element in a row is always found: an error e shifts the row's sum by e x_j, which is not 0.
 *     Several in one row escape with a probability of at most 2^-16, and of floats only if all are whole
 *     numbers of at most 16 k in size: any other number is found by itself. */
#ifndef MUIR_KERNELS_CHECK_H
#define MUIR_KERNELS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "kernels/gemm.h"

typedef struct muir_gemm_check muir_gemm_check;

/* Fills the operands of a checked product.
 * dtype  in   a type of the table of products
 * seed   in   any
 * a      out  [m,k], whole numbers -4 .. 3; for int8 any u8
 * b      out  [k,n], likewise; for int8 any s8
 * Local. */
void muir_gemm_operands(muir_dtype dtype, uint64_t seed, muir_gemm_size size, void *a, void *b);

/* Draws x and computes A (B x), the truth to which every later product of a and b is held.
 * seed  in   any; the same seed draws the same x
 * a, b  in   from muir_gemm_operands of the same type; borrowed for the call
 * out   out  free it with muir_gemm_check_destroy; untouched on error
 * Local. MUIR_ERR_ARG (k or n k too large), MUIR_ERR_MEM. */
muir_status muir_gemm_check_create(muir_ctx *ctx, muir_dtype dtype, uint64_t seed, muir_gemm_size size,
                                   const void *a, const void *b, muir_gemm_check **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_gemm_check_destroy(muir_gemm_check **check);

/* Number of rows of c that are wrong; allocates nothing.
 * c          in   [m,n] fp32, or int32 where the type is int8
 * first_row  out  the first of them; untouched where there is none
 * Local. */
size_t muir_gemm_check_run(const muir_gemm_check *check, const void *c, size_t *first_row);

#endif
