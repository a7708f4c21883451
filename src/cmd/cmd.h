/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of the program: arguments in, printed text out. Only this room prints. */
#ifndef MUIR_CMD_CMD_H
#define MUIR_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/ctx.h"

/* Whether a command's work needs MPI. */
typedef enum muir_command_mpi {
    MUIR_MPI_NEEDED,
    MUIR_MPI_LAUNCHED, /* only to know the ranks of a launch */
    MUIR_MPI_NONE,     /* one process does it, whatever the launch */
} muir_command_mpi;

/* A command: one file and one row of commands.def. */
typedef struct muir_command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *help;    /* options and examples, for `muir COMMAND --help` */
    /* argv[0] is the first argument after the name. Collective over ctx->comm. The message in ctx says what
     * went wrong. */
    muir_status (*run)(muir_ctx *ctx, int argc, char **argv);
    muir_command_mpi mpi;
} muir_command;

int muir_command_count(void);
const muir_command *muir_command_at(int i);
const muir_command *muir_command_find(const char *name); /* NULL if unknown */

/* The number of this process in its launch by mpirun, srun and the like; -1: there was none. Local. */
long long muir_cmd_launch_rank(void);

/* Whether the command line asks for work that needs MPI: help and mistakes do not, some commands only where
 * there may be several ranks. Local. */
bool muir_cmd_needs_mpi(int argc, char **argv);

/* Help on one command, and the list of all. Local; call on rank 0. */
void muir_cmd_print(const muir_command *command);
void muir_cmd_print_list(void);

/* The same for programs; the caller's. Local. */
json_t *muir_cmd_json(const muir_command *command);
json_t *muir_cmd_list_json(void);

/* Runs the program with its arguments, argv[0] its name: finds the command, prints help, and prints the
 * message of a failure once. Collective over ctx->comm. Returns the exit code. */
int muir_cmd_main(muir_ctx *ctx, int argc, char **argv);

#endif
