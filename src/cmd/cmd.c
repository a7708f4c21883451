/* SPDX-License-Identifier: BSD-3-Clause */
/* Dispatch of commands, and the one place where failures are printed. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/launcher.h"
#include "base/text.h"
#include "cmd/args.h"
#include "text/print.h"

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

void muir_cmd_print_list(void)
{
    printf("muir %s: rehearses a training run on a fleet you do not have\n\n", MUIR_VERSION);
    printf("usage: muir COMMAND ...            under mpirun or srun for more than one rank\n\n");
    for (int i = 0; i < muir_command_count(); i++) {
        char first[40];
        snprintf(first, sizeof first, "  %s ", commands[i]->name);
        muir_print_wrapped(first, 12, commands[i]->summary);
    }
    printf("\nmuir COMMAND --help says more; muir help WORD explains a key, a kind of file or a term.\n"
           "Try: mpirun -n 2 muir run rainier -o rainier.h5\n"
           "Exit codes: 0 done, 2 wrong input, 75 stopped early but resumable, 1 anything else.\n");
}

void muir_cmd_print(const muir_command *command)
{
    char first[40];
    snprintf(first, sizeof first, "usage: muir %s ", command->name);
    muir_print_wrapped(first, (int)strlen(first), command->usage);
    printf("%s\n%s%s", command->summary, command->help[0] ? "\n" : "", command->help);
}

json_t *muir_cmd_json(const muir_command *command)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "name", command->name, "usage", command->usage, "summary",
                     command->summary, "help", command->help);
}

json_t *muir_cmd_list_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < muir_command_count(); i++) json_array_append_new(list, muir_cmd_json(commands[i]));
    return list;
}

static muir_status fail_unknown(muir_ctx *ctx, const char *name)
{
    const char *names[32];
    const int n = muir_command_count();
    for (int i = 0; i < n; i++) names[i] = commands[i]->name;
    const char *meant = muir_closest(name, names, n);
    return muir_fail(ctx, MUIR_ERR_ARG, "unknown command '%s'%s%s%s (muir --help lists them)",
                     muir_quote(name).s, meant ? ", did you mean '" : "", meant ? meant : "",
                     meant ? "'?" : "");
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool asks_for_help(int argc, char **argv)
{
    return muir_args_has(argc - 2, argv + 2, "--help") || muir_args_has(argc - 2, argv + 2, "-h");
}

static const muir_command *find_asked(const char *name)
{
    const bool is_version = strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0;
    return muir_command_find(is_version ? "version" : name);
}

long long muir_cmd_launch_rank(void)
{
    return muir_launcher_rank();
}

bool muir_cmd_needs_mpi(int argc, char **argv)
{
    const muir_command *command = argc > 1 ? find_asked(argv[1]) : NULL;
    if (!command || asks_for_help(argc, argv)) return false;
    return command->mpi == MUIR_MPI_NEEDED ||
           (command->mpi == MUIR_MPI_LAUNCHED && muir_launcher_rank() >= 0);
}

static muir_status dispatch(muir_ctx *ctx, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (is_help(name)) {
        if (muir_is_root(ctx)) muir_cmd_print_list();
        return argc > 1 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_ARG, "a command is missing");
    }
    const muir_command *command = find_asked(name);
    if (!command) return fail_unknown(ctx, name);
    if (asks_for_help(argc, argv)) {
        if (muir_is_root(ctx)) muir_cmd_print(command);
        return MUIR_OK;
    }
    const muir_status st = muir_launcher_check(ctx);
    return st == MUIR_OK ? command->run(ctx, argc - 2, argv + 2) : st;
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

/* A failure that one rank alone may have had: the others say whether they know of it. A mistake in the
 * command line is every rank's. */
static muir_status settle(muir_ctx *ctx, muir_status st)
{
    return st != MUIR_OK && !ctx->is_agreed && muir_status_exit_code(st) == 1 ? muir_agree(ctx, st) : st;
}

int muir_cmd_main(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = settle(ctx, dispatch(ctx, argc, argv));
    if (st == MUIR_OK)
        st = flush_output(ctx);
    else
        fflush(stdout);
    /* processes that MPI does not know of each other are all rank 0: the first of them speaks */
    const bool is_first = muir_is_root(ctx) && (ctx->size > 1 || muir_launcher_rank() <= 0);
    if (st != MUIR_OK && (is_first || ctx->is_alone))
        fprintf(stderr, "muir: %s\n", ctx->message[0] ? ctx->message : muir_status_text(st));
    return muir_status_exit_code(st);
}
