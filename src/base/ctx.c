/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the context and the agreement of ranks on errors. */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

muir_status muir_agree(muir_ctx *ctx, muir_status st)
{
    ctx->is_agreed = ctx->is_agreed || (st != MUIR_OK && ctx->comm == MPI_COMM_NULL);
    if (ctx->comm == MPI_COMM_NULL) return st;
    int first = st == MUIR_OK ? ctx->size : ctx->rank;
    int error = MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, ctx->comm);
    if (error != MPI_SUCCESS) return muir_fail_mpi(ctx, error, "agreeing on a status");
    if (first == ctx->size) return MUIR_OK;

    int code = (int)st;
    error = MPI_Bcast(&code, 1, MPI_INT, first, ctx->comm);
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

void muir_ctx_clear(muir_ctx *ctx)
{
    ctx->message[0] = '\0';
    ctx->is_agreed = false;
}
