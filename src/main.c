/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts MPI where a command needs it, hands over to the commands, and turns their result into the exit
 * code. */
#include <mpi.h>
#include <stdio.h>

#include "cmd/cmd.h"

/* All processes of a launch do the same, and end with the same exit code; the first one is heard. */
static int run_alone(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    if (muir_cmd_launch_rank() > 0 &&
        (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        return 1;
    if (muir_ctx_create_alone(&ctx) != MUIR_OK) {
        fputs("muir: no memory to begin with\n", stderr);
        return 1;
    }
    const int code = muir_cmd_main(ctx, argc, argv);
    muir_ctx_destroy(&ctx);
    return code;
}

int main(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    if (!muir_cmd_needs_mpi(argc, argv)) return run_alone(argc, argv);
    MPI_Init(&argc, &argv);
    if (muir_ctx_create(MPI_COMM_WORLD, &ctx) != MUIR_OK) {
        fputs("muir: no memory to begin with\n", stderr);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    const int code = muir_cmd_main(ctx, argc, argv);
    /* A failure that only one rank knows of would leave the others waiting in MPI for ever. */
    if (ctx->is_alone || ctx->is_torn || (code == 1 && !ctx->is_agreed)) MPI_Abort(MPI_COMM_WORLD, code);
    muir_ctx_destroy(&ctx);
    MPI_Finalize();
    return code;
}
