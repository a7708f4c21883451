/* SPDX-License-Identifier: BSD-3-Clause */
/* Factorisation and solution of small symmetric systems, against products formed from a known factor. */
#include <math.h>
#include <string.h>

#include "base/cholesky.h"
#include "check.h"

enum { N = 40 };

/* A lower triangle that is far from diagonal. */
static double factor_at(int i, int j)
{
    return i == j ? 1.0 + 0.1 * i : 0.3 * sin(1.0 + 3.0 * i + 7.0 * j);
}

static double matrix_at(int i, int j)
{
    double sum = 0.0;
    for (int k = 0; k <= (i < j ? i : j); k++) sum += factor_at(i, k) * factor_at(j, k);
    return sum;
}

static void a_known_factor_is_found_again(void)
{
    double a[N * N], x[N], b[N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i * N + j] = matrix_at(i, j);
    for (int i = 0; i < N; i++) {
        x[i] = cos(5.0 * i);
        b[i] = 0.0;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) b[i] += matrix_at(i, j) * x[j];
    CU_ASSERT_EQUAL_FATAL(muir_cholesky(muir_test_ctx(), a, N), MUIR_OK);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) CU_ASSERT_DOUBLE_EQUAL(a[i * N + j], factor_at(i, j), 1e-11);
    muir_cholesky_forward(a, N, b);
    muir_cholesky_backward(a, N, b);
    for (int i = 0; i < N; i++) CU_ASSERT_DOUBLE_EQUAL(b[i], x[i], 1e-9);
}

static void what_is_not_positive_definite_is_refused(void)
{
    double a[] = {1.0, 0.0, 2.0, 1.0};
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_cholesky(muir_test_ctx(), a, 2), MUIR_ERR_CHECK);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "not positive definite"));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a known factor is found again", a_known_factor_is_found_again},
        {"what is not positive definite is refused", what_is_not_positive_definite_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "cholesky", tests);
}
