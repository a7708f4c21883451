/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines: a scenario, key=value overrides, and options with or without a value. */
#ifndef MUIR_CMD_ARGS_H
#define MUIR_CMD_ARGS_H

#include <stdbool.h>

#include "base/ctx.h"

/* An option that a command knows; value NULL for a switch. */
typedef struct muir_arg {
    const char *name;   /* "-o" */
    const char *alias;  /* "--output", or NULL */
    const char **value; /* where its value goes; NULL: a switch */
    bool *is_given;     /* of a switch; NULL otherwise */
} muir_arg;

typedef struct muir_args {
    const char *positional; /* the first of `words`; NULL: none */
    const char **words; /* [n_words] arguments that are neither option nor key=value, borrowed from argv */
    int n_words;
    const char **overrides; /* [n_overrides], borrowed from argv; freed with muir_args_free */
    int n_overrides;
} muir_args;

/* Reads a command line as getopt_long does: -o FILE, -oFILE, --json FILE, --json=FILE, unique beginnings of
 * long names, and nothing after -- is an option.
 * known  in   [n_known]; what their value and is_given point to is set
 * args   out  free it with muir_args_free, also after an error
 * Local. MUIR_ERR_ARG (unknown option, missing value, second positional), MUIR_ERR_MEM. */
muir_status muir_args_read(muir_ctx *ctx, int argc, char **argv, const muir_arg *known, int n_known,
                           muir_args *args);

/* As muir_args_read, for commands that take several words.
 * most  in   how many; more are MUIR_ERR_ARG
 * Local. */
muir_status muir_args_read_words(muir_ctx *ctx, int argc, char **argv, const muir_arg *known, int n_known,
                                 int most, muir_args *args);
void muir_args_free(muir_args *args);

/* Whether an argument is there, literally, before any `--`. Local. */
bool muir_args_has(int argc, char **argv, const char *name);

/* A size with an optional binary suffix K, M or G (or k, m, g), as nccl-tests reads it.
 * name  in   of the option, for the message
 * size  out  untouched on error
 * Local. MUIR_ERR_ARG. */
muir_status muir_args_size(muir_ctx *ctx, const char *name, const char *text, long long *size);

#endif
