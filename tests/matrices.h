/* SPDX-License-Identifier: BSD-3-Clause */
/* Operands and result of one matrix product, and the triple loop that it is held against. */
#ifndef MUIR_TESTS_MATRICES_H
#define MUIR_TESTS_MATRICES_H

#include <stdbool.h>

#include "kernels/gemm.h"

typedef struct matrices {
    muir_dtype dtype;
    muir_gemm_size size;
    void *a, *b;
    float *c; /* or int32; one element longer, to see who writes too far */
} matrices;

/* Operands of a checked product; a test that cannot have them ends. */
matrices matrices_open(muir_dtype dtype, size_t m, size_t n, size_t k);
void matrices_close(matrices *x);

/* Element i of A, or of B where is_right. */
double matrices_element(muir_dtype dtype, bool is_right, const void *matrix, size_t i);

/* Elements of C off by more than `tolerance` of what they add up; one more if something wrote behind C. */
size_t matrices_count_wrong(const matrices *x, double tolerance);

#endif
