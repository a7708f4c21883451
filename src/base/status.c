/* SPDX-License-Identifier: BSD-3-Clause */
/* Status texts and the one place where messages are written. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/ctx.h"

typedef struct status_row {
    int exit_code;
    const char *text;
} status_row;

static const status_row rows[] = {
#define STATUS_ROW(code, exit_code, text) [code] = {exit_code, text},
    MUIR_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static bool is_known(muir_status st)
{
    return (unsigned)st < sizeof rows / sizeof rows[0];
}

const char *muir_status_text(muir_status st)
{
    return is_known(st) ? rows[st].text : "unknown status";
}

int muir_status_exit_code(muir_status st)
{
    return is_known(st) ? rows[st].exit_code : 1;
}

muir_status muir_fail(muir_ctx *ctx, muir_status st, const char *format, ...)
{
    if (ctx->message[0] != '\0') return st;
    va_list args;
    va_start(args, format);
    vsnprintf(ctx->message, sizeof ctx->message, format, args);
    va_end(args);
    /* One line, whatever a name or a value held. */
    for (char *c = ctx->message; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127) *c = '?';
    return st;
}

muir_status muir_fail_mpi(muir_ctx *ctx, int mpi_error, const char *call)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(mpi_error, text, &length);
    return muir_fail(ctx, MUIR_ERR_MPI, "%s: %s", call, text);
}
