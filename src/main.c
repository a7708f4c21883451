/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts MPI, hands over to the commands, and turns their result into the exit code. */
#include <mpi.h>
#include <stddef.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    MPI_Init(&argc, &argv);
    if (muir_ctx_create(MPI_COMM_WORLD, &ctx) != MUIR_OK) MPI_Abort(MPI_COMM_WORLD, 1);
    const int code = muir_cmd_main(ctx, argc, argv);
    /* A failure that only one rank knows of would leave the others waiting in MPI for ever. */
    if (code == 1 && !ctx->is_agreed) MPI_Abort(MPI_COMM_WORLD, code);
    muir_ctx_destroy(&ctx);
    MPI_Finalize();
    return code;
}
