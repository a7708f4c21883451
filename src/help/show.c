/* SPDX-License-Identifier: BSD-3-Clause */
/* muir show: show a data file with its defaults filled in, and where its figures come from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "text/print.h"
#include "scenario/catalogue.h"
#include "scenario/data_file.h"

enum { KEY_WIDTH = 34, MOST_KINDS = 16 };

static bool is_prose(const muir_option *option)
{
    return option->type == MUIR_OPTION_TEXT;
}

/* "= 667 TFLOP/s" where the plain number is hard to read; "" elsewhere. */
static void readable_text(const muir_option *option, double value, char *text, size_t size)
{
    static const char *const decimal[][2] = {{"byte/s", "B/s"}, {"FLOP/s", "FLOP/s"}, {"OP/s", "OP/s"},
                                             {"W", "W"},        {"J", "J"},           {"USD", "USD"}};
    text[0] = '\0';
    if (value == 0.0 || (fabs(value) < 1e4 && fabs(value) >= 1e-2)) return;
    if (strcmp(option->units, "byte") == 0) snprintf(text, size, " = %s", muir_bytes_text(value).s);
    if (strcmp(option->units, "s") == 0) snprintf(text, size, " = %s", muir_time_text(value).s);
    for (size_t i = 0; i < sizeof decimal / sizeof decimal[0]; i++)
        if (strcmp(option->units, decimal[i][0]) == 0)
            snprintf(text, size, " = %s", muir_si(value, decimal[i][1]).s);
}

static void print_value(const muir_section *section, const muir_option *option, const muir_data_file *f,
                        bool is_given)
{
    char key[2 * MUIR_NAME_SIZE], value[MUIR_TEXT_SIZE], readable[48] = "", first[3 * MUIR_NAME_SIZE],
                                                         text[MUIR_TEXT_SIZE + 200];
    muir_option_path(section, option, key, sizeof key);
    muir_option_get(section, option, f->file, value, sizeof value);
    if (option->type == MUIR_OPTION_FLOAT)
        readable_text(option, strtod(value, NULL), readable, sizeof readable);
    const bool is_count = option->type == MUIR_OPTION_INT || option->type == MUIR_OPTION_AUTO;
    if (is_count && strcmp(value, "auto") != 0)
        snprintf(value, sizeof value, "%s", muir_count_text(strtoll(value, NULL, 10)).s);
    snprintf(first, sizeof first, "  %s ", key);
    snprintf(text, sizeof text, "%s%s%s%s%s", value[0] ? value : "none", option->units[0] ? " " : "",
             option->units, readable, is_given ? "" : "  (default)");
    muir_print_wrapped(first, KEY_WIDTH, text);
}

typedef void visit(const muir_section *section, const muir_option *option, const muir_data_file *f,
                   bool is_given);

static void each_option(const muir_data_file *f, visit *see)
{
    const muir_schema *schema = f->input->schema;
    int n = 0;
    for (int s = 0; s < schema->n_sections; s++)
        for (int i = 0; i < schema->sections[s].n_options; i++)
            see(&schema->sections[s], &schema->sections[s].options[i], f, f->is_given[n++]);
}

static void print_number(const muir_section *section, const muir_option *option, const muir_data_file *f,
                         bool is_given)
{
    if (!is_prose(option)) print_value(section, option, f, is_given);
}

static void print_prose(const muir_section *section, const muir_option *option, const muir_data_file *f,
                        bool is_given)
{
    char key[2 * MUIR_NAME_SIZE], text[MUIR_TEXT_SIZE], first[3 * MUIR_NAME_SIZE];
    if (!is_prose(option) || !is_given) return;
    muir_option_path(section, option, key, sizeof key);
    muir_option_get(section, option, f->file, text, sizeof text);
    snprintf(first, sizeof first, "  %s ", key);
    muir_print_wrapped(first, KEY_WIDTH, text);
}

static muir_status write_json(muir_ctx *ctx, const muir_data_file *f, const char *name, const char *path)
{
    const muir_schema *schema = f->input->schema;
    json_t *keys = json_object();
    int n = 0;
    for (int s = 0; s < schema->n_sections; s++)
        for (int i = 0; i < schema->sections[s].n_options; i++, n++) {
            const muir_section *section = &schema->sections[s];
            const muir_option *option = &section->options[i];
            char key[2 * MUIR_NAME_SIZE];
            muir_option_path(section, option, key, sizeof key);
            json_object_set_new(keys, key,
                                json_pack("{s:o,s:s,s:b}", "value",
                                          muir_option_json(section, option, f->file), "unit", option->units,
                                          "is_given", f->is_given[n]));
        }
    return muir_print_json(
        ctx,
        json_pack("{s:s,s:s,s:s,s:o}", "name", name, "kind", schema->kind, "file", f->path, "keys", keys),
        path);
}

static muir_status fail_unknown(muir_ctx *ctx, const char *name)
{
    char best[MUIR_NAME_SIZE] = "";
    for (int k = 0; k < muir_input_count(); k++) {
        char **names = NULL;
        int n = 0;
        if (muir_catalogue_names(ctx, muir_input_at(k)->schema->folder, &names, &n) != MUIR_OK) continue;
        for (int i = 0; i < n; i++) {
            const char *const both[] = {best, names[i]};
            const char *nearest = muir_closest(name, best[0] ? both : both + 1, best[0] ? 2 : 1);
            if (nearest == names[i]) snprintf(best, sizeof best, "%s", names[i]);
        }
        muir_catalogue_free(&names, n);
    }
    muir_ctx_clear(ctx);
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "no data file is called '%s'%s%s%s (muir list names all; a file of your own needs its "
                     "kind, as in muir "
                     "show fleet ./x.yaml)",
                     muir_quote(name).s, best[0] ? ", did you mean '" : "", best, best[0] ? "'?" : "");
}

/* The kind of file that is meant: said, or the only one that has the name; a path must say it. */
static muir_status choose_kind(muir_ctx *ctx, const char *kind, const char *name, const muir_input **input)
{
    const muir_input *kinds[MOST_KINDS];
    char list[200] = "";
    for (int i = 0; kind && i < muir_input_count(); i++) {
        const muir_schema *schema = muir_input_at(i)->schema;
        if (strcmp(kind, schema->kind) == 0 || strcmp(kind, schema->folder) == 0) {
            *input = muir_input_at(i);
            return MUIR_OK;
        }
    }
    const int n = kind ? 0 : muir_input_kinds_of(ctx, name, kinds);
    if (n == 1) {
        *input = kinds[0];
        return MUIR_OK;
    }
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? " and a " : "", kinds[i]->schema->kind);
    }
    if (n > 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "'%s' is a %s: say which, as in muir show %s %s", name, list,
                         kinds[0]->schema->kind, name);
    if (kind) {
        muir_input_kinds_text(list, sizeof list);
        return muir_fail(ctx, MUIR_ERR_ARG, "'%s' is not a kind of file; known: %s", muir_quote(kind).s,
                         list);
    }
    return fail_unknown(ctx, name);
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    const char *json_path = NULL;
    const muir_input *input = NULL;
    muir_data_file *f = NULL;
    const muir_arg known[] = {{"--json", NULL, &json_path, NULL}};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, 1, 2, &args));
    if (args.n_words == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which data file? (muir list names all)"));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir show takes no overrides, but '%s'",
                           muir_quote(args.overrides[0]).s));
    const char *name = args.words[args.n_words - 1];
    MUIR_TRY(choose_kind(ctx, args.n_words > 1 ? args.words[0] : NULL, name, &input));
    MUIR_TRY(muir_data_file_create(ctx, input, name, &f));
    if (json_path) {
        MUIR_TRY(write_json(ctx, f, name, json_path));
    } else {
        printf("%s %s: %s\n", input->schema->kind, name, f->path);
        each_option(f, print_number);
        printf("\n");
        each_option(f, print_prose);
        printf("\nmuir help KEY explains a key; as arguments these start with %s\n",
               input->prefix[0] ? input->prefix : "nothing");
    }
done:
    muir_data_file_destroy(&f);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_show = {
    .name = "show",
    .usage = "[KIND] NAME [--json FILE]",
    .summary = "show a data file with its defaults filled in, and where its figures come from",
    .help =
        "  NAME          a scenario, fleet, chip, model, stack or fault preset of muir list, or a path after "
        "its kind\n"
        "  KIND          where several kinds have the name, or for a path: muir show fleet ./my-fleet.yaml\n"
        "  --json FILE   the same for programs; `-` writes it to standard output, without the text\n"
        "A scenario with all its files, every auto resolved: muir check SCENARIO --yaml\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
