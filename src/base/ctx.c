/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the context and the agreement of ranks on errors. */
#include "base/ctx.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

muir_status muir_ctx_create(MPI_Comm comm, muir_ctx **out)
{
    muir_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return MUIR_ERR_MEM;
    if (MPI_Comm_dup(comm, &ctx->comm) != MPI_SUCCESS) {
        free(ctx);
        return MUIR_ERR_MPI;
    }
    MPI_Comm_set_errhandler(ctx->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(ctx->comm, &ctx->rank);
    MPI_Comm_size(ctx->comm, &ctx->size);
    *out = ctx;
    return MUIR_OK;
}

muir_status muir_ctx_create_alone(muir_ctx **out)
{
    muir_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return MUIR_ERR_MEM;
    ctx->comm = MPI_COMM_NULL;
    ctx->size = 1;
    *out = ctx;
    return MUIR_OK;
}

void muir_ctx_destroy(muir_ctx **ctx)
{
    if (!*ctx) return;
    if ((*ctx)->comm != MPI_COMM_NULL) MPI_Comm_free(&(*ctx)->comm);
    free(*ctx);
    *ctx = NULL;
}

/* How long a rank that has failed waits for the others, whom a busy machine may keep. */
static const double PATIENCE_S = 6.0;

/* Whether all ranks have come; without a failure of one's own, only that counts. */
static muir_status meet(muir_ctx *ctx, int *first, bool is_failed, bool *is_met)
{
    muir_status st = MUIR_OK;
    MPI_Request request;
    const int mine = *first;
    int is_through = 0;
    MUIR_TRY_MPI(MPI_Iallreduce(&mine, first, 1, MPI_INT, MPI_MIN, ctx->comm, &request));
    const double until_s = muir_now_s() + PATIENCE_S;
    while (!is_through && !(is_failed && muir_now_s() > until_s)) {
        MUIR_TRY_MPI(MPI_Test(&request, &is_through, MPI_STATUS_IGNORE));
        if (!is_through) sched_yield();
    }
    *is_met = is_through != 0;
done:
    return st;
}

muir_status muir_agree(muir_ctx *ctx, muir_status st)
{
    ctx->is_agreed = ctx->is_agreed || (st != MUIR_OK && ctx->comm == MPI_COMM_NULL);
    if (ctx->comm == MPI_COMM_NULL || ctx->is_alone) return st;
    int first = st == MUIR_OK ? ctx->size : ctx->rank;
    bool is_met = false;
    const muir_status met = meet(ctx, &first, st != MUIR_OK, &is_met);
    if (met != MUIR_OK) return met;
    ctx->is_alone = !is_met;
    if (!is_met) return st;
    if (first == ctx->size) return MUIR_OK;

    int code = (int)st;
    int error = MPI_Bcast(&code, 1, MPI_INT, first, ctx->comm);
    if (error == MPI_SUCCESS) error = MPI_Bcast(ctx->message, MUIR_MESSAGE_SIZE, MPI_CHAR, first, ctx->comm);
    if (error != MPI_SUCCESS) return muir_fail_mpi(ctx, error, "agreeing on a status");
    ctx->is_agreed = true;
    return (muir_status)code;
}

void muir_ctx_phase(muir_ctx *ctx, const char *format, ...)
{
    char phase[200];
    va_list args;
    if (!ctx->on_phase || !muir_is_root(ctx)) return;
    va_start(args, format);
    vsnprintf(phase, sizeof phase, format, args);
    va_end(args);
    ctx->on_phase(phase, ctx->phase_data);
}

muir_status muir_ctx_go_on(muir_ctx *ctx)
{
    if (!ctx->is_stopped || !ctx->is_stopped()) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_STOPPED, "stopped while it started; go on with --resume");
}

void muir_ctx_clear(muir_ctx *ctx)
{
    ctx->message[0] = '\0';
    ctx->is_agreed = false;
}
