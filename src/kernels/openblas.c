/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products by OpenBLAS. */
#include "kernels/openblas.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111 }; /* CBLAS_ORDER and CBLAS_TRANSPOSE of the reference cblas.h */

typedef void sgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

struct muir_openblas {
    void *library;
    sgemm_function *sgemm;
    void (*set_num_threads)(int n);
    char *(*get_config)(void);
    char *(*get_corename)(void);
    char text[96];
};

/* What a library that does not know an AMD processor with AVX-512 should take it for. Debian 12's OpenBLAS
 * 0.3.21 takes Zen 5 for Cooperlake by itself, and sgemm is as fast as with these kernels (both 86 to 88 %
 * of the peak at n = 1024); as Haswell, to which some sites' environments set it, it is half as fast.
 * Intel's processors are known to it. */
static const char *core_type(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return "SKYLAKEX";
#endif
    return NULL;
}

/* The user's own setting goes first. */
static bool set_if_unset(const char *name, const char *value)
{
    return value && !getenv(name) && setenv(name, value, 0) == 0;
}

/* OpenBLAS reads its settings when it is loaded; programs started later should not inherit ours. */
static void *open_library(void)
{
    const bool is_core_set = set_if_unset("OPENBLAS_CORETYPE", core_type());
    const bool is_count_set = set_if_unset("OPENBLAS_NUM_THREADS", "1");
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    if (is_core_set) unsetenv("OPENBLAS_CORETYPE");
    if (is_count_set) unsetenv("OPENBLAS_NUM_THREADS");
    return library;
}

/* ISO C has no conversion from void * to a function pointer; POSIX promises that the bits are the same. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool find_all(muir_openblas *blas)
{
    return find(blas->library, "cblas_sgemm", &blas->sgemm) &&
           find(blas->library, "openblas_set_num_threads", &blas->set_num_threads) &&
           find(blas->library, "openblas_get_config", &blas->get_config) &&
           find(blas->library, "openblas_get_corename", &blas->get_corename);
}

/* dlmopen gives a library, and all that it needs, a namespace of its own. */
static void *open_again(void)
{
#ifdef LM_ID_NEWLM
    void *library = dlmopen(LM_ID_NEWLM, "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    return library ? library : dlmopen(LM_ID_NEWLM, "libopenblas.so", RTLD_NOW | RTLD_LOCAL);
#else
    return NULL;
#endif
}

static muir_status load(muir_ctx *ctx, void *(*open)(void), muir_openblas **out)
{
    muir_openblas *blas = NULL;
    const muir_status st = muir_alloc(ctx, 1, sizeof *blas, "OpenBLAS", &blas);
    if (st != MUIR_OK) return st;
    blas->library = open();
    if (blas->library && find_all(blas)) {
        blas->set_num_threads(1);
        char version[32] = "";
        sscanf(blas->get_config(), "OpenBLAS %31s", version);
        snprintf(blas->text, sizeof blas->text, "OpenBLAS %s, %.32s kernels", version, blas->get_corename());
        *out = blas;
        return MUIR_OK;
    }
    muir_openblas_unload(&blas);
    *out = NULL;
    return MUIR_OK;
}

muir_status muir_openblas_load(muir_ctx *ctx, muir_openblas **out)
{
    return load(ctx, open_library, out);
}

muir_status muir_openblas_load_untouched(muir_ctx *ctx, muir_openblas **out)
{
    return load(ctx, open_again, out);
}

void muir_openblas_unload(muir_openblas **blas)
{
    if (!*blas) return;
    if ((*blas)->library) dlclose((*blas)->library);
    free(*blas);
    *blas = NULL;
}

static bool is_available(const muir_kernels *kernels)
{
    return kernels->openblas != NULL;
}

static void describe(const muir_kernels *kernels, char *text, size_t size)
{
    snprintf(text, size, "%s", kernels->openblas->text);
}

void muir_openblas_set_threads(const muir_openblas *blas, int threads)
{
    blas->set_num_threads(threads);
}

const char *muir_openblas_text(const muir_openblas *blas)
{
    return blas->text;
}

muir_status muir_openblas_sgemm(muir_ctx *ctx, const muir_openblas *blas, muir_gemm_size size, const float *a,
                                const float *b, float *c)
{
    if (size.m > INT_MAX || size.n > INT_MAX || size.k > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "a matrix product of %zu x %zu x %zu is more than BLAS counts in an int", size.m,
                         size.n, size.k);
    const int m = (int)size.m, n = (int)size.n, k = (int)size.k;
    const int lda = k > 0 ? k : 1, ldb = n > 0 ? n : 1; /* BLAS refuses 0 */
    blas->sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldb);
    return MUIR_OK;
}

static muir_status run(muir_ctx *ctx, const muir_kernels *kernels, muir_gemm_size size, const void *a,
                       const void *b, void *c)
{
    if (!kernels->openblas) return muir_fail(ctx, MUIR_ERR_ARG, "OpenBLAS was not found on this machine");
    return muir_openblas_sgemm(ctx, kernels->openblas, size, a, b, c);
}

const muir_gemm muir_gemm_openblas = {
    .name = "openblas",
    .dtype = MUIR_FP32,
    .is_available = is_available,
    .describe = describe,
    .run = run,
    .source = "Wang, Zhang, Zhang and Yi, SC13; github.com/OpenMathLib/OpenBLAS",
};
