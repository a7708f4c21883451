/* SPDX-License-Identifier: BSD-3-Clause */
/* muir list: the catalogues of data files and of table rows. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "help/list_times.h"
#include "text/print.h"
#include "collectives/coll.h"
#include "kernels/gemm.h"
#include "models/program.h"
#include "scenario/catalogue.h"
#include "scenario/data_file.h"
#include "schedule/schedule.h"

enum { MOST_WORDS = 3 };

/* Where rows go: to a JSON array, or to paper. */
typedef struct list_out {
    json_t *rows; /* NULL: print */
    int indent;   /* of the text behind a name */
} list_out;

/* A row: a name, a short fact (its `kind`) or NULL, and a text. */
static void put_row(const list_out *out, const char *name, const char *kind, const char *fact,
                    const char *text)
{
    char first[160];
    if (out->rows) {
        json_t *row = json_pack("{s:s,s:s}", "name", name, "text", text);
        if (kind) json_object_set_new(row, kind, json_string(fact));
        json_array_append_new(out->rows, row);
        return;
    }
    if (kind)
        snprintf(first, sizeof first, "  %-*s %-20s ", out->indent - 24, fact, name);
    else
        snprintf(first, sizeof first, "  %s ", name);
    muir_print_wrapped(first, out->indent, text);
}

/* A data file's description, or why it cannot be read. */
static void describe(muir_ctx *ctx, const muir_input *input, const char *name, char text[MUIR_TEXT_SIZE])
{
    muir_data_file *file = NULL;
    const muir_section *section = NULL;
    if (muir_data_file_create(ctx, input, name, &file) == MUIR_OK) {
        const muir_option *option = muir_schema_find(input->schema, "description", &section);
        muir_option_get(section, option, file->file, text, MUIR_TEXT_SIZE);
    } else {
        snprintf(text, MUIR_TEXT_SIZE, "cannot be read: %.380s", ctx->message);
        muir_ctx_clear(ctx);
    }
    muir_data_file_destroy(&file);
}

static muir_status list_files(muir_ctx *ctx, const muir_input *input, list_out *out)
{
    muir_status st = MUIR_OK;
    char **names = NULL, text[MUIR_TEXT_SIZE];
    int n = 0;
    MUIR_TRY(muir_catalogue_names(ctx, input->schema->folder, &names, &n));
    out->indent = 34;
    for (int i = 0; i < n; i++) {
        describe(ctx, input, names[i], text);
        put_row(out, names[i], NULL, NULL, text);
    }
done:
    muir_catalogue_free(&names, n);
    return st;
}

static muir_status list_families(muir_ctx *ctx, list_out *out)
{
    (void)ctx;
    out->indent = 28;
    for (int i = 0; i < muir_family_count(); i++)
        put_row(out, muir_family_at(i)->name, NULL, NULL, muir_family_at(i)->source);
    return MUIR_OK;
}

static muir_status list_schedules(muir_ctx *ctx, list_out *out)
{
    char needs[200];
    (void)ctx;
    out->indent = 18;
    for (int i = 0; i < muir_schedule_count(); i++) {
        const muir_schedule *schedule = muir_schedule_at(i);
        snprintf(needs, sizeof needs, "needs %s. %s", schedule->needs, schedule->source);
        put_row(out, schedule->name, NULL, NULL, needs);
    }
    return MUIR_OK;
}

static muir_status list_collectives(muir_ctx *ctx, list_out *out)
{
    (void)ctx;
    out->indent = 40;
    for (size_t i = 0; i < muir_coll_count(); i++)
        put_row(out, muir_coll_at(i)->name, "operation", muir_coll_kind_name(muir_coll_at(i)->kind),
                muir_coll_at(i)->source);
    return MUIR_OK;
}

static muir_status list_kernels(muir_ctx *ctx, list_out *out)
{
    muir_kernels *kernels = NULL;
    const muir_status st = muir_kernels_create(ctx, &kernels);
    if (st != MUIR_OK) return st;
    out->indent = 30;
    for (size_t i = 0; i < muir_gemm_count(); i++) {
        const muir_gemm *g = muir_gemm_at(i);
        char text[MUIR_GEMM_TEXT] = "not on this machine";
        if (g->is_available(kernels)) g->describe(kernels, text, sizeof text);
        put_row(out, g->name, "type", muir_dtype_name(g->dtype), text);
    }
    muir_kernels_destroy(&kernels);
    return MUIR_OK;
}

/* Lists of rows of the program; before them come those of the data folder, one per kind of file. */
static const struct {
    const char *name, *one;
    muir_status (*list)(muir_ctx *ctx, list_out *out);
} lists[] = {{"families", "family", list_families},
             {"schedules", "schedule", list_schedules},
             {"collectives", "collective", list_collectives},
             {"kernels", "kernel", list_kernels}};
enum { N_LISTS = sizeof lists / sizeof lists[0] };

static const char *name_of(int i)
{
    return i < muir_input_count() ? muir_input_at(i)->schema->folder : lists[i - muir_input_count()].name;
}

/* Both `models` and `model` name a list. */
static int find_list(const char *name)
{
    for (int i = 0; i < muir_input_count() + N_LISTS; i++) {
        const char *one =
            i < muir_input_count() ? muir_input_at(i)->schema->kind : lists[i - muir_input_count()].one;
        if (strcasecmp(name, name_of(i)) == 0 || strcasecmp(name, one) == 0) return i;
    }
    return -1;
}

static muir_status show_list(muir_ctx *ctx, int i, json_t *json)
{
    list_out out = {json ? json_array() : NULL, 0};
    const muir_status st = i < muir_input_count() ? list_files(ctx, muir_input_at(i), &out)
                                                  : lists[i - muir_input_count()].list(ctx, &out);
    if (json) json_object_set_new(json, name_of(i), out.rows);
    return st;
}

static muir_status fail_unknown(muir_ctx *ctx, const char *wanted)
{
    const char *names[32];
    char known[300] = "";
    const int n = muir_input_count() + N_LISTS;
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(known);
        names[i] = name_of(i);
        snprintf(known + used, sizeof known - used, "%s%s",
                 i == 0       ? ""
                 : i == n - 1 ? " or "
                              : ", ",
                 names[i]);
    }
    const char *meant = muir_closest(wanted, names, n);
    return muir_fail(ctx, MUIR_ERR_ARG, "no list is called '%s'%s%s%s known: %s", muir_quote(wanted).s,
                     meant ? ", did you mean '" : "", meant ? meant : "", meant ? "'?" : ";", known);
}

static muir_status show(muir_ctx *ctx, const char *wanted, const char *json_path)
{
    muir_status st = MUIR_OK;
    const int n = muir_input_count() + N_LISTS, only = wanted ? find_list(wanted) : -1;
    json_t *json = NULL;
    if (wanted && only < 0) return fail_unknown(ctx, wanted);
    if (json_path) json = json_object();
    for (int i = 0; i < n; i++) {
        if (wanted && i != only) continue;
        if (!wanted && !json) printf("%s%s\n", i ? "\n" : "", name_of(i));
        MUIR_TRY(show_list(ctx, i, json));
    }
    if (json) st = muir_print_json(ctx, json, json_path);
    json = NULL;
done:
    json_decref(json);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    const char *json_path = NULL, *file = NULL;
    const muir_arg known[] = {{"--json", NULL, &json_path, NULL}, {"--file", NULL, &file, NULL}};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, 2, MOST_WORDS, &args));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir list takes no overrides, but '%s'",
                           muir_quote(args.overrides[0]).s));
    const char *wanted = args.positional;
    if (args.n_words > 1 &&
        strcmp(lists[2].name, name_of(find_list(wanted) < 0 ? 0 : find_list(wanted))) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir list takes one word, or collectives FLEET [CHIPS]"));
    if (args.n_words < 2 && file)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "--file %s: on which fleet? (muir list collectives FLEET CHIPS --file %s)", file,
                           file));
    if (args.n_words > 1)
        MUIR_TRY(
            muir_list_times(ctx, args.words[1], args.n_words > 2 ? args.words[2] : NULL, file, json_path));
    else
        MUIR_TRY(show(ctx, wanted, json_path));
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_list = {
    .name = "list",
    .usage = "[WORD] [--json FILE] | collectives FLEET [CHIPS] [--file FILE] [--json FILE]",
    .summary = "list what there is to choose from",
    .help =
        "Names of scenarios, fleets, chips, libraries, stacks, models and faults are files in the data\n"
        "folder ($MUIR_DATA); a path works too. muir show NAME prints one.\n"
        "  collectives FLEET [CHIPS]  modelled times there of its library and of muir's own algorithms\n"
        "    --file FILE              and of a collective of your own: MSCCL's XML or lists of steps (YAML)\n"
        "  --json FILE                the same for programs; `-` writes it to standard output, without the "
        "text\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
