/* SPDX-License-Identifier: BSD-3-Clause */
/* muir import: what people have already, as muir's files, with a report of what was understood. */
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/import_check.h"
#include "text/print.h"

enum { REPORT_COLUMN = 52, NOTE_COLUMN = 17, MOST_IMPORTERS = 64, VALUE_SHOWN = 48 };

static void print_notes(const muir_import *found)
{
    for (int k = 0; k < MUIR_NOTE_KINDS; k++)
        for (int i = 0; i < found->n; i++) {
            const muir_note *note = &found->notes[i];
            char first[MUIR_IMPORT_KEY + MUIR_IMPORT_VALUE + 40];
            if ((int)note->kind != k) continue;
            if (!note->key[0]) {
                snprintf(first, sizeof first, "  %-14s ", muir_note_kind_text(note->kind));
                muir_print_wrapped(first, NOTE_COLUMN, note->why);
                continue;
            }
            snprintf(first, sizeof first, "  %-14s %s%s%.*s%s ", muir_note_kind_text(note->kind), note->key,
                     note->key[0] ? ": " : "", VALUE_SHOWN, note->value,
                     strlen(note->value) > VALUE_SHOWN ? "..." : "");
            muir_print_wrapped(first, REPORT_COLUMN, note->why);
        }
}

static void print_weights(const muir_import *found, double muir_weights)
{
    if (found->weights <= 0.0) return;
    printf("  weights        %s, counted over all tensors", muir_count_text((long long)found->weights).s);
    if (muir_weights > 0.0)
        printf("; muir runs with %s (%+.3f %%)", muir_count_text((long long)muir_weights).s,
               100.0 * (muir_weights / found->weights - 1.0));
    printf("\n");
}

static muir_status write_json(muir_ctx *ctx, const muir_import_job *job, const char *path)
{
    json_t *notes = json_array(), *files = json_array();
    for (int i = 0; i < job->found.n; i++) {
        const muir_note *note = &job->found.notes[i];
        json_array_append_new(notes, json_pack("{s:s,s:s,s:s,s:s}", "kind", muir_note_kind_text(note->kind),
                                               "key", note->key, "value", note->value, "why", note->why));
    }
    for (int i = 0; i < job->n_files; i++)
        json_array_append_new(files, json_pack("{s:s,s:s}", "path", job->is_kept ? job->files[i].path : "",
                                               "text", job->files[i].text));
    json_t *root =
        json_pack("{s:s,s:s,s:s,s:o,s:o,s:s}", "importer", job->importer->name, "file", job->source.path,
                  "writes", job->importer->writes, "notes", notes, "files", files, "trouble", job->trouble);
    if (root && job->found.weights > 0.0) {
        json_object_set_new(root, "weights", json_integer((json_int_t)job->found.weights));
        json_object_set_new(root, "muir_weights", json_integer((json_int_t)job->muir_weights));
    }
    return muir_print_json(ctx, root, path);
}

static void print_report(const muir_import_job *job)
{
    printf("%s: %s -> %s\n", job->source.path, job->importer->reads, job->importer->writes);
    print_notes(&job->found);
    print_weights(&job->found, job->muir_weights);
    if (job->trouble[0]) muir_print_wrapped("  not yet valid  ", 17, job->trouble);
    for (int i = 0; i < job->n_files; i++)
        if (job->is_kept)
            printf("  written        %s\n", job->files[i].path);
        else
            printf("\n%s%s", job->n_files > 1 ? (i ? "# model\n" : "# scenario\n") : "", job->files[i].text);
}

static muir_status choose(muir_ctx *ctx, const char *name, const muir_importer **importer)
{
    const char *names[MOST_IMPORTERS];
    char list[512] = "";
    const int n = muir_importer_count();
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(list);
        names[i] = muir_importer_at(i)->name;
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (!name) return muir_fail(ctx, MUIR_ERR_ARG, "import which kind? known: %s", list);
    *importer = muir_importer_find(name);
    if (*importer) return MUIR_OK;
    const char *closest = muir_closest(name, names, n);
    return muir_fail(ctx, MUIR_ERR_ARG, "'%s' cannot be imported%s%s%s; known: %s", muir_quote(name).s,
                     closest ? "; did you mean " : "", closest ? closest : "", closest ? "?" : "", list);
}

static void print_importers(void)
{
    printf("usage: muir import KIND FILE [-o FILE] [key=value ...]\n\n");
    for (int i = 0; i < muir_importer_count(); i++) {
        const muir_importer *importer = muir_importer_at(i);
        char first[48], text[400];
        snprintf(first, sizeof first, "  %s ", importer->name);
        snprintf(text, sizeof text, "%s -> %s", importer->reads, importer->writes);
        muir_print_wrapped(first, 18, text);
    }
}

/* A failure of an importer says what is wrong; the file's name goes in front, once. */
static void name_file(muir_ctx *ctx, const char *path)
{
    char message[MUIR_MESSAGE_SIZE];
    if (strncmp(ctx->message, path, strlen(path)) == 0) return;
    snprintf(message, sizeof message, "%.400s: %.600s", path, ctx->message);
    memcpy(ctx->message, message, sizeof message);
}

static muir_status read_source(muir_ctx *ctx, muir_import_job *job)
{
    muir_status st = muir_import_open(ctx, job->importer, &job->source);
    if (st == MUIR_OK) st = job->importer->read(ctx, &job->source, &job->found);
    if (st == MUIR_ERR_ARG) name_file(ctx, job->source.path);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    const char *json = NULL;
    muir_import_job job = {.n_files = 0};
    const muir_arg known[] = {{"-o", "--output", &job.output, NULL}, {"--json", NULL, &json, NULL}};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, 2, 3, &args));
    if (args.n_words == 0 && args.n_overrides == 0) {
        print_importers();
        goto done;
    }
    MUIR_TRY(choose(ctx, args.n_words > 0 ? args.words[0] : NULL, &job.importer));
    if (args.n_words < 2)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir import %s: which file? (%s)", job.importer->name,
                           job.importer->reads));
    job.source.path = args.words[1];
    job.source.others = args.n_words > 2 ? args.words[2] : NULL;
    MUIR_TRY(muir_import_take_given(ctx, &job, args.overrides, args.n_overrides));
    MUIR_TRY(read_source(ctx, &job));
    MUIR_TRY(muir_import_put_given(ctx, &job, args.overrides, args.n_overrides));
    MUIR_TRY(muir_import_finish(ctx, &job));
    if (!json || strcmp(json, "-") != 0) print_report(&job);
    if (json) MUIR_TRY(write_json(ctx, &job, json));
done:
    muir_import_job_free(&job);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_import = {
    .name = "import",
    .usage = "KIND FILE [OTHER] [-o FILE] [key=value ...]",
    .summary = "turn a model's configuration, a launch line, a log or a table into files of muir",
    .help =
        "  KIND          what FILE is; without arguments, muir import lists the kinds and what they become\n"
        "  OTHER         a second file of the same run, where the kind reads two\n"
        "  -o FILE       where the result goes; without it, it is printed after the report. A scenario's "
        "model goes\n"
        "                into FILE-model.yaml next to it, unless model=NAME names one\n"
        "  --json FILE   report and result for programs; `-` writes them to standard output, without the "
        "text\n"
        "  key=value     what the file does not say (fleet=dgx-h100, model=NAME), or what replaces it;\n     "
        "           for a script also its variables: TP=8\n\n"
        "The report says for each key what was taken, derived or assumed, and what was not understood.\n"
        "Nothing is executed: of recipes in Python only assignments and keywords are read.\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
