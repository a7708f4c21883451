/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of matrix products, and the choice among them. */
#include "kernels/gemm.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/openblas.h"

#define GEMM(id) extern const muir_gemm muir_gemm_##id;
#include "kernels/kernels.def"
#undef GEMM

static const muir_gemm *const gemms[] = {
#define GEMM(id) &muir_gemm_##id,
#include "kernels/kernels.def"
#undef GEMM
};

size_t muir_gemm_count(void)
{
    return sizeof gemms / sizeof gemms[0];
}

const muir_gemm *muir_gemm_at(size_t i)
{
    return gemms[i];
}

const muir_gemm *muir_gemm_find(muir_dtype dtype, const char *name)
{
    for (size_t i = 0; i < muir_gemm_count(); i++)
        if (gemms[i]->dtype == dtype && strcmp(gemms[i]->name, name) == 0) return gemms[i];
    return NULL;
}

muir_status muir_kernels_create(muir_ctx *ctx, muir_kernels **out)
{
    muir_status st = MUIR_OK;
    muir_kernels *kernels = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *kernels, "the kernels", &kernels));
    MUIR_TRY(muir_openblas_load(ctx, &kernels->openblas));
    for (size_t i = muir_gemm_count(); i-- > 0;)
        if (gemms[i]->is_available(kernels)) kernels->gemm = gemms[i];
    kernels->text = kernels->gemm->describe(kernels);
done:
    if (st != MUIR_OK)
        muir_kernels_destroy(&kernels);
    else
        *out = kernels;
    return st;
}

void muir_kernels_destroy(muir_kernels **kernels)
{
    if (!*kernels) return;
    muir_openblas_unload(&(*kernels)->openblas);
    free(*kernels);
    *kernels = NULL;
}
