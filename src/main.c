/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts MPI where a command needs it, hands over to the commands, and turns their result into the exit
 * code. */
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"

/* The number of this process by the launcher's environment, NULL where there was none. */
static const char *rank_of_launch(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK",    "PMI_RANK",
                                        "PALS_RANKID",          "SLURM_PROCID", "MV2_COMM_WORLD_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i])) return getenv(names[i]);
    return NULL;
}

/* All processes of a launch do the same, and end with the same exit code; the first one is heard. */
static int run_alone(int argc, char **argv, const char *rank)
{
    muir_ctx *ctx = NULL;
    if (rank && atoi(rank) > 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        return 1;
    if (muir_ctx_create_alone(&ctx) != MUIR_OK) return 1;
    const int code = muir_cmd_main(ctx, argc, argv);
    muir_ctx_destroy(&ctx);
    return code;
}

int main(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    const char *rank = rank_of_launch();
    if (!muir_cmd_needs_mpi(argc, argv, rank != NULL)) return run_alone(argc, argv, rank);
    MPI_Init(&argc, &argv);
    if (muir_ctx_create(MPI_COMM_WORLD, &ctx) != MUIR_OK) MPI_Abort(MPI_COMM_WORLD, 1);
    const int code = muir_cmd_main(ctx, argc, argv);
    /* A failure that only one rank knows of would leave the others waiting in MPI for ever. */
    if (code == 1 && !ctx->is_agreed) MPI_Abort(MPI_COMM_WORLD, code);
    muir_ctx_destroy(&ctx);
    MPI_Finalize();
    return code;
}
