/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of matrix products, and the choice among them. */
#include "kernels/gemm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kernels/blocked.h"
#include "kernels/check.h"
#include "kernels/fftw.h"
#include "kernels/openblas.h"

#define GEMM(id) extern const muir_gemm muir_gemm_##id;
#include "kernels/kernels.def"
#undef GEMM

static const muir_gemm *const gemms[] = {
#define GEMM(id) &muir_gemm_##id,
#include "kernels/kernels.def"
#undef GEMM
};
enum { N_GEMMS = sizeof gemms / sizeof gemms[0], TRIAL_SIZE = 512, TRIALS = 3 };
static const double margin = 1.03; /* over a row that comes first: noise shall not choose */

size_t muir_gemm_count(void)
{
    return N_GEMMS;
}

const muir_gemm *muir_gemm_at(size_t i)
{
    return gemms[i];
}

const muir_gemm *muir_gemm_find(muir_dtype dtype, const char *name)
{
    for (size_t i = 0; i < N_GEMMS; i++)
        if (gemms[i]->dtype == dtype && strcmp(gemms[i]->name, name) == 0) return gemms[i];
    return NULL;
}

muir_status muir_kernels_create(muir_ctx *ctx, muir_kernels **out)
{
    muir_status st = MUIR_OK;
    muir_kernels *kernels = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *kernels, "the kernels", &kernels));
    kernels->threads = 1;
    MUIR_TRY(muir_openblas_load(ctx, &kernels->openblas));
    MUIR_TRY(muir_fftw_load(ctx, &kernels->fftw));
    MUIR_TRY(muir_workspace_create(ctx, kernels->threads, &kernels->workspace));
    for (size_t i = N_GEMMS; i-- > 0;) {
        muir_gemm_choice *choice = &kernels->chosen[gemms[i]->dtype];
        if (!gemms[i]->is_available(kernels)) continue;
        choice->gemm = gemms[i];
        gemms[i]->describe(kernels, choice->text, sizeof choice->text);
    }
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
    muir_fftw_unload(&(*kernels)->fftw);
    muir_workspace_destroy(&(*kernels)->workspace);
    free(*kernels);
    *kernels = NULL;
}

muir_status muir_kernels_set_threads(muir_ctx *ctx, muir_kernels *kernels, int threads)
{
    muir_status st = MUIR_OK;
    muir_workspace *workspace = NULL;
    MUIR_TRY(muir_workspace_create(ctx, threads, &workspace));
    muir_workspace_destroy(&kernels->workspace);
    kernels->workspace = workspace;
    kernels->threads = threads;
    if (kernels->openblas) muir_openblas_set_threads(kernels->openblas, threads);
done:
    return st;
}

/* Operands, results and times of the trials. */
typedef struct trial {
    muir_gemm_size size;
    void *a, *b, *c;
    muir_gemm_check *check;
    double best_s[N_GEMMS]; /* 0: not available, or wrong */
} trial;

static muir_status trial_open(muir_ctx *ctx, muir_dtype dtype, trial *t)
{
    muir_status st = MUIR_OK;
    const size_t n = TRIAL_SIZE * TRIAL_SIZE;
    t->size = (muir_gemm_size){TRIAL_SIZE, TRIAL_SIZE, TRIAL_SIZE};
    MUIR_TRY(muir_alloc(ctx, n, muir_dtype_bytes(dtype), "a trial product", &t->a));
    MUIR_TRY(muir_alloc(ctx, n, muir_dtype_bytes(dtype), "a trial product", &t->b));
    MUIR_TRY(muir_alloc(ctx, n, MUIR_GEMM_RESULT_BYTES, "a trial product", &t->c));
    muir_gemm_operands(dtype, 1, t->size, t->a, t->b);
    MUIR_TRY(muir_gemm_check_create(ctx, dtype, 1, t->size, t->a, t->b, &t->check));
done:
    return st;
}

static void trial_close(trial *t)
{
    free(t->a);
    free(t->b);
    free(t->c);
    muir_gemm_check_destroy(&t->check);
}

/* Rows that take part: all that are available; the plain one only where it is alone. */
static bool is_tried(const muir_kernels *kernels, muir_dtype dtype, size_t row)
{
    if (gemms[row]->dtype != dtype || !gemms[row]->is_available(kernels)) return false;
    return kernels->chosen[dtype].gemm == gemms[row] || strcmp(gemms[row]->name, "plain") != 0;
}

static muir_status try_row(muir_ctx *ctx, const muir_kernels *kernels, size_t row, trial *t)
{
    size_t first_wrong = 0;
    memset(t->c, 0xff, TRIAL_SIZE * TRIAL_SIZE * MUIR_GEMM_RESULT_BYTES);
    const double start_s = muir_now_s();
    const muir_status st = gemms[row]->run(ctx, kernels, t->size, t->a, t->b, t->c);
    const double time_s = muir_now_s() - start_s;
    if (st != MUIR_OK) return st;
    if (t->best_s[row] == 0.0 || time_s < t->best_s[row]) t->best_s[row] = time_s;
    if (muir_gemm_check_run(t->check, t->c, &first_wrong) > 0) t->best_s[row] = -1.0;
    return MUIR_OK;
}

static void settle(const muir_kernels *kernels, muir_dtype dtype, const trial *t, muir_gemm_choice *choice)
{
    const double operations = 2.0 * TRIAL_SIZE * TRIAL_SIZE * TRIAL_SIZE;
    size_t best = N_GEMMS;
    char what[MUIR_GEMM_TEXT / 2];
    for (size_t i = 0; i < N_GEMMS; i++)
        if (t->best_s[i] > 0.0 && (best == N_GEMMS || t->best_s[i] * margin < t->best_s[best])) best = i;
    if (best == N_GEMMS) return; /* the first row stays, and its results are checked again */
    choice->gemm = gemms[best];
    gemms[best]->describe(kernels, what, sizeof what);
    size_t used = (size_t)snprintf(choice->text, sizeof choice->text, "%s (%s): %.0f G%s/s at n=%d",
                                   gemms[best]->name, what, 1e-9 * operations / t->best_s[best],
                                   dtype == MUIR_INT8 ? "OP" : "FLOP", TRIAL_SIZE);
    for (size_t i = 0; i < N_GEMMS && used < sizeof choice->text; i++) {
        char *text = choice->text + used;
        const size_t room = sizeof choice->text - used;
        if (i == best || t->best_s[i] == 0.0) continue;
        used += (size_t)(t->best_s[i] < 0.0 ? snprintf(text, room, ", %s wrong", gemms[i]->name)
                                            : snprintf(text, room, ", %s %.0f", gemms[i]->name,
                                                       1e-9 * operations / t->best_s[i]));
    }
}

muir_status muir_kernels_choose(muir_ctx *ctx, muir_kernels *kernels, muir_dtype dtype)
{
    muir_status st = MUIR_OK;
    trial t = {.a = NULL};
    if (dtype >= MUIR_DTYPE_COUNT || !kernels->chosen[dtype].gemm)
        return muir_fail(ctx, MUIR_ERR_ARG, "no kernel multiplies %s", muir_dtype_name(dtype));
    MUIR_TRY(trial_open(ctx, dtype, &t));
    for (int i = 0; i <= TRIALS; i++)
        for (size_t row = 0; row < N_GEMMS; row++) {
            if (t.best_s[row] < 0.0 || !is_tried(kernels, dtype, row)) continue;
            MUIR_TRY(try_row(ctx, kernels, row, &t));
            if (i == 0 && t.best_s[row] > 0.0) t.best_s[row] = 0.0; /* the first touches memory */
        }
    settle(kernels, dtype, &t, &kernels->chosen[dtype]);
done:
    trial_close(&t);
    return st;
}
