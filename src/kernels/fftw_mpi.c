/* SPDX-License-Identifier: BSD-3-Clause */
/* FFTW's own distributed transform. */
#include "kernels/fftw_mpi.h"

#include <dlfcn.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Values and types of FFTW 3's interface, which is stable: manual, sections 4.3.2, 6.12.3 and 6.12.5. */
enum { MEASURE = 0 };
static const unsigned transposed_in = 1u << 29, transposed_out = 1u << 30;

typedef struct library {
    void (*init)(void);
    ptrdiff_t (*local_size)(ptrdiff_t n0, ptrdiff_t n1, ptrdiff_t n2, MPI_Comm comm, ptrdiff_t *own0,
                            ptrdiff_t *first0, ptrdiff_t *own1, ptrdiff_t *first1);
    void *(*plan)(ptrdiff_t n0, ptrdiff_t n1, ptrdiff_t n2, float *in, float *out, MPI_Comm comm, int sign,
                  unsigned flags);
    void (*execute)(const void *plan);
    void (*destroy)(void *plan);
} library;

struct muir_fftw_mpi {
    library lib;
    MPI_Comm comm; /* own copy */
    ptrdiff_t own0, first0, own1, first1;
    float *data;
    void *plans[2]; /* forward, backward */
};

/* ISO C has no conversion from void * to a function pointer; POSIX promises that the bits are the same. */
static bool find(void *handle, const char *name, void *pointer)
{
    void *symbol = dlsym(handle, name);
    memcpy(pointer, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* Debian's is for Open MPI, and would bring its own MPI along into another one's process. */
static bool load(library *lib, char *why)
{
#ifdef OPEN_MPI
    int (*mine)(MPI_Comm, int *) = MPI_Comm_rank, (*its)(MPI_Comm, int *) = NULL;
    void *handle = dlopen("libfftw3f_mpi.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!handle || !find(handle, "fftwf_mpi_init", &lib->init) ||
        !find(handle, "fftwf_mpi_local_size_3d_transposed", &lib->local_size) ||
        !find(handle, "fftwf_mpi_plan_dft_3d", &lib->plan) || !find(handle, "fftwf_execute", &lib->execute) ||
        !find(handle, "fftwf_destroy_plan", &lib->destroy))
        snprintf(why, MUIR_FFTW_MPI_WHY, "libfftw3f_mpi.so.3 was not found (Debian: libfftw3-mpi3)");
    else if (!find(handle, "MPI_Comm_rank", &its) || its != mine)
        snprintf(why, MUIR_FFTW_MPI_WHY, "libfftw3f_mpi.so.3 was made for another MPI");
    else
        return true;
    if (handle) dlclose(handle);
    return false;
#else
    (void)lib, (void)find;
    snprintf(why, MUIR_FFTW_MPI_WHY, "it is only looked for beside Open MPI");
    return false;
#endif
}

static muir_status make_plans(muir_ctx *ctx, const size_t n[3], muir_fftw_mpi *f)
{
    muir_status st = MUIR_OK;
    const ptrdiff_t n0 = (ptrdiff_t)n[0], n1 = (ptrdiff_t)n[1], n2 = (ptrdiff_t)n[2];
    f->lib.init();
    const ptrdiff_t values =
        f->lib.local_size(n0, n1, n2, f->comm, &f->own0, &f->first0, &f->own1, &f->first1);
    st = muir_agree(ctx, muir_alloc(ctx, (size_t)values, 2 * sizeof(float), "FFTW's transform", &f->data));
    if (st != MUIR_OK) return st;
    f->plans[0] = f->lib.plan(n0, n1, n2, f->data, f->data, f->comm, -1, MEASURE | transposed_out);
    f->plans[1] = f->lib.plan(n0, n1, n2, f->data, f->data, f->comm, 1, MEASURE | transposed_in);
    if (f->plans[0] && f->plans[1]) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_MEM, "FFTW has no distributed plan for %zu x %zu x %zu points", n[0], n[1],
                     n[2]);
}

muir_status muir_fftw_mpi_create(muir_ctx *ctx, const size_t n[3], muir_fftw_mpi **out, char *why)
{
    muir_status st = MUIR_OK;
    muir_fftw_mpi *f = NULL;
    why[0] = '\0';
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *f, "FFTW's transform", &f));
    f->comm = MPI_COMM_NULL;
    int is_here = load(&f->lib, why) ? 1 : 0, is_everywhere = 0;
    MUIR_TRY_MPI(MPI_Allreduce(&is_here, &is_everywhere, 1, MPI_INT, MPI_MIN, ctx->comm));
    if (is_here && !is_everywhere) snprintf(why, MUIR_FFTW_MPI_WHY, "some ranks lack libfftw3f_mpi.so.3");
    if (is_everywhere) {
        MUIR_TRY_MPI(MPI_Comm_dup(ctx->comm, &f->comm));
        MUIR_TRY(make_plans(ctx, n, f));
    }
    *out = is_everywhere ? f : NULL;
    if (is_everywhere) f = NULL;
done:
    muir_fftw_mpi_destroy(&f);
    return st;
}

void muir_fftw_mpi_destroy(muir_fftw_mpi **fft)
{
    muir_fftw_mpi *f = *fft;
    if (!f) return;
    for (int i = 0; i < 2; i++)
        if (f->plans[i]) f->lib.destroy(f->plans[i]);
    if (f->comm != MPI_COMM_NULL) MPI_Comm_free(&f->comm);
    free(f->data);
    free(f);
    *fft = NULL;
}

float *muir_fftw_mpi_data(muir_fftw_mpi *f)
{
    return f->data;
}

void muir_fftw_mpi_own(const muir_fftw_mpi *f, size_t *first0, size_t *own0, size_t *first1, size_t *own1)
{
    *first0 = (size_t)f->first0, *own0 = (size_t)f->own0;
    *first1 = (size_t)f->first1, *own1 = (size_t)f->own1;
}

void muir_fftw_mpi_run(muir_fftw_mpi *f, int sign)
{
    f->lib.execute(f->plans[sign > 0]);
}
