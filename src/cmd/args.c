/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of command lines. */
#include "cmd/args.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const muir_arg *find(const muir_arg *known, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(known[i].name, name) == 0 || (known[i].alias && strcmp(known[i].alias, name) == 0))
            return &known[i];
    return NULL;
}

static muir_status read_one(muir_ctx *ctx, int argc, char **argv, int *i, const muir_arg *known, int n_known,
                            muir_args *args)
{
    char *text = argv[*i];
    if (text[0] == '-' && text[1] != '\0') {
        const muir_arg *arg = find(known, n_known, text);
        if (!arg) return muir_fail(ctx, MUIR_ERR_ARG, "unknown option %s (--help lists the options)", text);
        if (arg->is_given) *arg->is_given = true;
        if (!arg->value) return MUIR_OK;
        if (*i + 1 >= argc) return muir_fail(ctx, MUIR_ERR_ARG, "option %s needs a value", text);
        *arg->value = argv[++*i];
    } else if (strchr(text, '=')) {
        args->overrides[args->n_overrides++] = text;
    } else if (args->positional) {
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "'%s' after '%s': one is enough (overrides are written key=value)", text,
                         args->positional);
    } else {
        args->positional = text;
    }
    return MUIR_OK;
}

muir_status muir_args_read(muir_ctx *ctx, int argc, char **argv, const muir_arg *known, int n_known,
                           muir_args *args)
{
    *args = (muir_args){NULL, NULL, 0};
    args->overrides = calloc((size_t)argc + 1, sizeof *args->overrides);
    if (!args->overrides) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for arguments");
    for (int i = 0; i < argc; i++) {
        const muir_status st = read_one(ctx, argc, argv, &i, known, n_known, args);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

void muir_args_free(muir_args *args)
{
    free(args->overrides);
    args->overrides = NULL;
}

bool muir_args_has(int argc, char **argv, const char *name)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return false;
}

muir_status muir_args_size(muir_ctx *ctx, const char *name, const char *text, long long *size)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    static const char suffixes[] = "KMG";
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    const int shift = suffix ? 10 * (int)(suffix - suffixes + 1) : 0;
    if (end == text || errno || number < 0 || (*end && (!suffix || end[1])) || number > (INT64_MAX >> shift))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s is '%s', but must be a whole number, with K, M or G for 2^10, 2^20, 2^30", name,
                         text);
    *size = number << shift;
    return MUIR_OK;
}
