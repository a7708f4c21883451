/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier transforms by FFTW. */
#include "kernels/fftw.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/fft.h"
#include "kernels/gemm.h"

/* Values and types of FFTW 3's interface, which is stable: manual, sections 4.3.2 and 4.5. */
enum { FORWARD = -1, MEASURE = 0, UNALIGNED = 1 << 1, PRESERVE_INPUT = 1 << 4, ESTIMATE = 1 << 6 };
enum { ALIGNED_BYTES = 16 }; /* what its plans take for granted: manual, section 4.6 */
typedef struct dimension {
    int n, in_stride, out_stride;
} dimension;
typedef void *plan_function(int rank, const dimension *dims, int batch_rank, const dimension *batch_dims,
                            float *in, float *out, int sign, unsigned flags);

struct muir_fftw {
    void *library;
    plan_function *plan;
    void (*execute)(const void *plan);
    void (*execute_at)(const void *plan, const float *in, float *out);
    void (*destroy)(void *plan);
    const char *version;
};

/* ISO C has no conversion from void * to a function pointer; POSIX promises that the bits are the same. */
static bool find(void *library, const char *name, void *pointer)
{
    void *symbol = dlsym(library, name);
    memcpy(pointer, &symbol, sizeof symbol);
    return symbol != NULL;
}

muir_status muir_fftw_load(muir_ctx *ctx, muir_fftw **out)
{
    muir_fftw *fftw = NULL;
    const muir_status st = muir_alloc(ctx, 1, sizeof *fftw, "FFTW", &fftw);
    if (st != MUIR_OK) return st;
    fftw->library = dlopen("libfftw3f.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!fftw->library || !find(fftw->library, "fftwf_plan_guru_dft", &fftw->plan) ||
        !find(fftw->library, "fftwf_execute", &fftw->execute) ||
        !find(fftw->library, "fftwf_execute_dft", &fftw->execute_at) ||
        !find(fftw->library, "fftwf_destroy_plan", &fftw->destroy) ||
        !find(fftw->library, "fftwf_version", &fftw->version))
        muir_fftw_unload(&fftw);
    *out = fftw;
    return MUIR_OK;
}

void muir_fftw_unload(muir_fftw **fftw)
{
    if (!*fftw) return;
    if ((*fftw)->library) dlclose((*fftw)->library);
    free(*fftw);
    *fftw = NULL;
}

static bool is_available(const muir_kernels *kernels)
{
    return kernels->fftw != NULL;
}

static void describe(const muir_kernels *kernels, char *text, size_t size)
{
    snprintf(text, size, "%s", kernels->fftw->version);
}

static muir_status prepare(muir_ctx *ctx, const muir_kernels *kernels, muir_fft_size size, bool is_measured,
                           float *in, float *out, void **plan)
{
    if (!kernels->fftw) return muir_fail(ctx, MUIR_ERR_ARG, "FFTW was not found on this machine");
    if (size.n > INT_MAX / size.stride || size.batch > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%zu Fourier transforms of %zu points are more than FFTW counts in an int",
                         size.batch, size.n);
    const int n = (int)size.n, stride = (int)size.stride, groups = (int)(size.batch / size.stride);
    const dimension dims[] = {{n, stride, stride}};
    const dimension batch[] = {{groups, n * stride, n * stride}, {stride, 1, 1}};
    void *made = kernels->fftw->plan(1, dims, 2, batch, in, out, FORWARD, is_measured ? MEASURE : ESTIMATE);
    if (!made) return muir_fail(ctx, MUIR_ERR_MEM, "FFTW has no plan for %zu points", size.n);
    *plan = made;
    return MUIR_OK;
}

static void run(const muir_kernels *kernels, const void *plan)
{
    kernels->fftw->execute(plan);
}

static void drop(const muir_kernels *kernels, void *plan)
{
    if (plan) kernels->fftw->destroy(plan);
}

/* One plan for lines that lie as aligned as FFTW likes, one for all others. */
typedef struct lines_plan {
    void *aligned, *unaligned;
} lines_plan;

static void drop_lines(const muir_kernels *kernels, void *plan)
{
    lines_plan *p = plan;
    if (!p) return;
    if (p->aligned) kernels->fftw->destroy(p->aligned);
    if (p->unaligned) kernels->fftw->destroy(p->unaligned);
    free(p);
}

static muir_status prepare_lines(muir_ctx *ctx, const muir_kernels *kernels, muir_fft_lines lines, int sign,
                                 float *in, float *out, void **plan)
{
    muir_status st = MUIR_OK;
    lines_plan *p = NULL;
    const size_t most = INT_MAX / (lines.n + lines.batch);
    if (lines.in_point > most || lines.in_line > most || lines.out_point > most || lines.out_line > most)
        return muir_fail(ctx, MUIR_ERR_ARG, "%zu lines of %zu points are more than FFTW counts in an int",
                         lines.batch, lines.n);
    const dimension dims[] = {{(int)lines.n, (int)lines.in_point, (int)lines.out_point}};
    const dimension batch[] = {{(int)lines.batch, (int)lines.in_line, (int)lines.out_line}};
    const unsigned flags = ESTIMATE | PRESERVE_INPUT;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "Fourier transforms", &p));
    p->aligned = kernels->fftw->plan(1, dims, 1, batch, in, out, sign, flags);
    p->unaligned = kernels->fftw->plan(1, dims, 1, batch, in, out, sign, flags | UNALIGNED);
    if (!p->aligned || !p->unaligned)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "FFTW has no plan for %zu points", lines.n));
    *plan = p;
    p = NULL;
done:
    drop_lines(kernels, p);
    return st;
}

static void run_lines(const muir_kernels *kernels, const void *plan, const float *in, float *out)
{
    const lines_plan *p = plan;
    const bool is_aligned = (uintptr_t)in % ALIGNED_BYTES == 0 && (uintptr_t)out % ALIGNED_BYTES == 0;
    kernels->fftw->execute_at(is_aligned ? p->aligned : p->unaligned, in, out);
}

const muir_fft_kernel muir_fft_fftw = {
    .name = "fftw",
    .is_available = is_available,
    .describe = describe,
    .prepare = prepare,
    .run = run,
    .drop = drop,
    .prepare_lines = prepare_lines,
    .run_lines = run_lines,
    .drop_lines = drop_lines,
    .source = "Frigo and Johnson, Proc. IEEE 93(2), 2005; fftw.org",
};
