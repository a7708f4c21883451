/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of command lines with getopt_long. */
#include "cmd/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { MOST_OPTIONS = 40, FIRST_LONG = 256 };

static bool is_short(const char *name)
{
    return name && name[0] == '-' && name[1] != '-' && name[1] != '\0' && name[2] == '\0';
}

static bool is_long(const char *name)
{
    return name && strncmp(name, "--", 2) == 0;
}

/* The options as getopt wants them: letters, each with a colon if it takes a value, and long names. */
typedef struct tables {
    char letters[2 * MOST_OPTIONS + 8];
    struct option names[2 * MOST_OPTIONS + 1];
} tables;

static void add_name(tables *t, int *n, const muir_arg *arg, const char *name, int code)
{
    if (is_short(name)) {
        const size_t used = strlen(t->letters);
        snprintf(t->letters + used, sizeof t->letters - used, "%c%s", name[1], arg->value ? ":" : "");
    } else if (is_long(name)) {
        t->names[(*n)++] =
            (struct option){name + 2, arg->value ? required_argument : no_argument, NULL, code};
    }
}

static void make_tables(const muir_arg *known, int n_known, tables *t)
{
    int n = 0;
    memset(t, 0, sizeof *t);
    snprintf(t->letters, sizeof t->letters, ":"); /* a missing value is told from an unknown option */
    for (int i = 0; i < n_known && i < MOST_OPTIONS; i++) {
        add_name(t, &n, &known[i], known[i].name, FIRST_LONG + i);
        add_name(t, &n, &known[i], known[i].alias, FIRST_LONG + i);
    }
}

static const muir_arg *find(const muir_arg *known, int n, int code)
{
    if (code >= FIRST_LONG) return code - FIRST_LONG < n ? &known[code - FIRST_LONG] : NULL;
    for (int i = 0; i < n; i++)
        if ((is_short(known[i].name) && known[i].name[1] == code) ||
            (is_short(known[i].alias) && known[i].alias[1] == code))
            return &known[i];
    return NULL;
}

static muir_status fail_unknown(muir_ctx *ctx, const char *text, const muir_arg *known, int n_known)
{
    const char *names[2 * MOST_OPTIONS];
    char word[64];
    int n = 0;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "="), text);
    for (int i = 0; i < n_known && i < MOST_OPTIONS; i++) {
        if (is_long(known[i].name)) names[n++] = known[i].name;
        if (is_long(known[i].alias)) names[n++] = known[i].alias;
    }
    const char *meant = word[2] ? muir_closest(word, names, n) : NULL; /* of one letter nothing can be said */
    return muir_fail(ctx, MUIR_ERR_ARG, "unknown option %s%s%s%s (--help lists the options)",
                     muir_quote(word).s, meant ? ", did you mean " : "", meant ? meant : "",
                     meant ? "?" : "");
}

static muir_status take_option(muir_ctx *ctx, int code, char **argv, const muir_arg *known, int n_known)
{
    const bool is_wrong = code == '?' || code == ':';
    const muir_arg *arg = is_wrong ? NULL : find(known, n_known, code);
    char letter[3] = {'-', (char)optopt, '\0'};
    const char *text = optopt > 0 && optopt < FIRST_LONG ? letter : argv[optind - 1];
    if (code == ':') return muir_fail(ctx, MUIR_ERR_ARG, "option %s needs a value", muir_quote(text).s);
    if (code == '?' && optopt >= FIRST_LONG)
        return muir_fail(ctx, MUIR_ERR_ARG, "option %s takes no value", muir_quote(argv[optind - 1]).s);
    if (!arg) return fail_unknown(ctx, text, known, n_known);
    if (arg->is_given) *arg->is_given = true;
    if (arg->value) *arg->value = optarg;
    return MUIR_OK;
}

static muir_status take_word(muir_ctx *ctx, const char *text, int most, muir_args *args)
{
    if (strchr(text, '=')) {
        args->overrides[args->n_overrides++] = text;
        return MUIR_OK;
    }
    if (args->n_words == most && most == 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "'%s' after '%s': only one is expected (overrides are written key=value)",
                         muir_quote(text).s, muir_quote(args->words[0]).s);
    if (args->n_words == most)
        return muir_fail(ctx, MUIR_ERR_ARG, "'%s' is one word too many: at most %d are expected",
                         muir_quote(text).s, most);
    args->words[args->n_words++] = text;
    args->positional = args->words[0];
    return MUIR_OK;
}

muir_status muir_args_read_words(muir_ctx *ctx, int argc, char **argv, const muir_arg *known, int n_known,
                                 int most, muir_args *args)
{
    muir_status st = MUIR_OK;
    tables t;
    char **shifted = NULL, program[] = "muir";
    memset(args, 0, sizeof *args);
    args->overrides = calloc((size_t)argc + 1, sizeof *args->overrides);
    args->words = calloc((size_t)argc + 1, sizeof *args->words);
    shifted = calloc((size_t)argc + 2, sizeof *shifted); /* getopt skips argv[0], the program's name */
    if (!args->overrides || !args->words || !shifted)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for arguments"));
    shifted[0] = program;
    for (int i = 0; i < argc; i++) shifted[i + 1] = argv[i];
    make_tables(known, n_known, &t);
    optind = 0; /* glibc: start anew */
    opterr = 0;
    for (;;) {
        optopt = 0;
        const int code = getopt_long(argc + 1, shifted, t.letters, t.names, NULL);
        if (code == -1) break;
        MUIR_TRY(take_option(ctx, code, shifted, known, n_known));
    }
    for (int i = optind; i < argc + 1; i++) MUIR_TRY(take_word(ctx, shifted[i], most, args));
done:
    free(shifted);
    return st;
}

muir_status muir_args_read(muir_ctx *ctx, int argc, char **argv, const muir_arg *known, int n_known,
                           muir_args *args)
{
    return muir_args_read_words(ctx, argc, argv, known, n_known, 1, args);
}

void muir_args_free(muir_args *args)
{
    free(args->overrides);
    free(args->words);
    memset(args, 0, sizeof *args);
}

bool muir_args_has(int argc, char **argv, const char *name)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return false;
}

muir_status muir_args_size(muir_ctx *ctx, const char *name, const char *text, long long *size)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    static const char suffixes[] = "KMGkmg";
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    const int shift = suffix ? 10 * (int)((suffix - suffixes) % 3 + 1) : 0;
    if (end == text || errno || number < 0 || (*end && (!suffix || end[1])) || number > (INT64_MAX >> shift))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s is '%s', but must be a whole number, with K, M or G for 2^10, 2^20, 2^30", name,
                         muir_quote(text).s);
    *size = number << shift;
    return MUIR_OK;
}
