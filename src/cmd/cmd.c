/* SPDX-License-Identifier: BSD-3-Clause */
/* Dispatch of commands, and the one place where failures are printed. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/args.h"

#define COMMAND(id) extern const muir_command muir_command_##id;
#include "cmd/commands.def"
#undef COMMAND
static const muir_command *const commands[] = {
#define COMMAND(id) &muir_command_##id,
#include "cmd/commands.def"
#undef COMMAND
};

int muir_command_count(void)
{
    return (int)(sizeof commands / sizeof commands[0]);
}

const muir_command *muir_command_at(int i)
{
    return commands[i];
}

const muir_command *muir_command_find(const char *name)
{
    for (int i = 0; i < muir_command_count(); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static void print_help(void)
{
    printf("muir %s: rehearses a training run on a fleet you do not have\n\n", MUIR_VERSION);
    printf("usage: muir COMMAND ...            under mpirun or srun for more than one rank\n\n");
    for (int i = 0; i < muir_command_count(); i++)
        printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    printf("\nmuir COMMAND --help says more; muir help scenario lists every key of a scenario.\n"
           "Try: mpirun -n 2 muir run rainier -o rainier.h5\n"
           "Exit codes: 0 done, 2 wrong input, 75 stopped early but resumable, 1 anything else.\n");
}

static void print_command_help(const muir_command *command)
{
    printf("usage: muir %s %s\n%s\n\n%s", command->name, command->usage, command->summary, command->help);
}

static muir_status fail_unknown(muir_ctx *ctx, const char *name)
{
    const char *names[32];
    const int n = muir_command_count();
    for (int i = 0; i < n; i++) names[i] = commands[i]->name;
    const char *meant = muir_closest(name, names, n);
    return muir_fail(ctx, MUIR_ERR_ARG, "unknown command '%s'%s%s%s (muir --help lists them)", name,
                     meant ? ", did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static muir_status dispatch(muir_ctx *ctx, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        if (muir_is_root(ctx)) print_help();
        return argc > 1 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_ARG, "a command is missing");
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
    const muir_command *command = muir_command_find(name);
    if (!command) return fail_unknown(ctx, name);
    if (muir_args_has(argc - 2, argv + 2, "--help") || muir_args_has(argc - 2, argv + 2, "-h")) {
        if (muir_is_root(ctx)) print_command_help(command);
        return MUIR_OK;
    }
    return command->run(ctx, argc - 2, argv + 2);
}

/* A full disk or a closed pipe shows only when the buffer is written. Every rank is through by then, so that
 * nobody waits for this one. */
static muir_status flush_output(muir_ctx *ctx)
{
    errno = 0;
    const bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (is_written) return MUIR_OK;
    ctx->is_agreed = true;
    return muir_fail(ctx, MUIR_ERR_FILE, "standard output cannot be written%s%s", errno ? ": " : "",
                     errno ? strerror(errno) : "");
}

int muir_cmd_main(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = dispatch(ctx, argc, argv);
    if (st == MUIR_OK)
        st = flush_output(ctx);
    else
        fflush(stdout);
    if (st != MUIR_OK && muir_is_root(ctx))
        fprintf(stderr, "muir: %s\n", ctx->message[0] ? ctx->message : muir_status_text(st));
    return muir_status_exit_code(st);
}
