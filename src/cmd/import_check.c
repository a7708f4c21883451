/* SPDX-License-Identifier: BSD-3-Clause */
/* An import from its notes to files that muir has tried to load. */
#include "cmd/import_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"
#include "base/text.h"
#include "models/program.h"
#include "scenario/data_file.h"
#include "scenario/scenario.h"

static bool is_for(const muir_import_job *job, const char *what)
{
    return strcmp(job->importer->writes, what) == 0;
}

muir_status muir_import_take_given(muir_ctx *ctx, muir_import_job *job, const char *const *overrides, int n)
{
    job->source.given = overrides;
    job->source.n_given = n;
    for (int i = 0; i < n; i++) {
        if (strncmp(overrides[i], "fleet=", 6) == 0) job->source.fleet = overrides[i] + 6;
        if (strncmp(overrides[i], "model=", 6) == 0) job->source.model = overrides[i] + 6;
        if (overrides[i][0] == '=')
            return muir_fail(ctx, MUIR_ERR_ARG, "'%s' has no key", muir_quote(overrides[i]).s);
    }
    return MUIR_OK;
}

/* What a table of measurements leaves open, and is no key. */
static bool is_about_source(const char *given)
{
    static const char *const names[] = {"ranks=", "servers=", "op="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(given, names[i], strlen(names[i])) == 0) return true;
    return false;
}

muir_status muir_import_put_given(muir_ctx *ctx, muir_import_job *job, const char *const *overrides, int n)
{
    if (is_for(job, "rows") || is_for(job, "steps"))
        return MUIR_OK;                        /* the importer has put them into its row */
    const bool is_base = is_for(job, "fleet"); /* there, fleet=NAME is what the figures start from */
    for (int i = 0; i < n; i++) {
        char key[MUIR_IMPORT_KEY];
        const char *value = strchr(overrides[i], '=');
        if (muir_import_is_variable(overrides[i])) continue;
        if (is_base && (strncmp(overrides[i], "fleet=", 6) == 0 || is_about_source(overrides[i]))) continue;
        if (!is_for(job, "scenario") && strncmp(overrides[i], "model=", 6) == 0) continue;
        if (!value || (size_t)(value - overrides[i]) >= sizeof key)
            return muir_fail(ctx, MUIR_ERR_ARG, "'%s' is not of the form key=value",
                             muir_quote(overrides[i]).s);
        snprintf(key, sizeof key, "%.*s", (int)(value - overrides[i]), overrides[i]);
        const muir_status st =
            muir_import_note(ctx, &job->found, MUIR_NOTE_TAKEN, key, value + 1, "given as an argument");
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static bool has_model_keys(const muir_import *found)
{
    for (int i = 0; i < found->n; i++)
        if (strncmp(found->notes[i].key, "model.", 6) == 0) return true;
    return false;
}

/* The file's name without folder and ending. */
static void stem_of(const char *path, char *stem, size_t size)
{
    const char *name = strrchr(path, '/');
    snprintf(stem, size, "%s", name ? name + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem) *dot = '\0';
}

/* What every model file has to say. */
static muir_status complete_model(muir_ctx *ctx, muir_import_job *job)
{
    char stem[200];
    muir_status st = MUIR_OK;
    stem_of(job->source.path, stem, sizeof stem);
    if (!muir_import_value(&job->found, "model.description"))
        MUIR_TRY(muir_import_note(ctx, &job->found, MUIR_NOTE_DERIVED, "model.description", stem,
                                  "the file's name"));
    if (!muir_import_value(&job->found, "model.source")) {
        char source[MUIR_IMPORT_VALUE];
        snprintf(source, sizeof source, "%.200s, read by muir import %s", job->source.path,
                 job->importer->name);
        MUIR_TRY(muir_import_note(ctx, &job->found, MUIR_NOTE_DERIVED, "model.source", source,
                                  "source=... replaces it"));
    }
done:
    return st;
}

static muir_status add_file(muir_ctx *ctx, muir_import_job *job, const char *prefix, const char *but)
{
    muir_import_file *file = &job->files[job->n_files];
    if (job->found.text) {
        file->text = strdup(job->found.text);
        if (!file->text) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for an imported file");
    } else {
        const muir_status st = muir_import_yaml(ctx, &job->found, prefix, but, &file->text);
        if (st != MUIR_OK) return st;
    }
    job->n_files++;
    return MUIR_OK;
}

static muir_status write_file(muir_ctx *ctx, const muir_import_file *file)
{
    FILE *out = fopen(file->path, "w");
    if (!out) return muir_fail(ctx, MUIR_ERR_ARG, "%s cannot be written: %s", file->path, strerror(errno));
    const bool is_written = fputs(file->text, out) >= 0;
    if (fclose(out) != 0 || !is_written)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written: %s", file->path, strerror(errno));
    return MUIR_OK;
}

/* -o must not be what was read. */
static muir_status check_output(muir_ctx *ctx, const muir_import_job *job)
{
    struct stat in, out;
    if (job->output && stat(job->source.path, &in) == 0 && stat(job->output, &out) == 0 &&
        in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return muir_fail(ctx, MUIR_ERR_ARG, "-o %s is the file that is imported", job->output);
    return MUIR_OK;
}

/* Where the files go: [0] what -o says, [1] its model. */
static void name_files(muir_import_job *job, const char *folder)
{
    char stem[900];
    if (job->output)
        snprintf(job->files[0].path, sizeof job->files[0].path, "%s", job->output);
    else
        snprintf(job->files[0].path, sizeof job->files[0].path, "%s/import.yaml", folder);
    snprintf(stem, sizeof stem, "%.*s", (int)sizeof stem - 1, job->files[0].path);
    const size_t n = strlen(stem);
    if (n > 5 && strcmp(stem + n - 5, ".yaml") == 0) stem[n - 5] = '\0';
    snprintf(job->files[1].path, sizeof job->files[1].path, "%s-model.yaml", stem);
}

static muir_status make_files(muir_ctx *ctx, muir_import_job *job)
{
    muir_status st = MUIR_OK;
    const bool has_model = has_model_keys(&job->found);
    if (has_model) MUIR_TRY(complete_model(ctx, job));
    if (is_for(job, "model")) return add_file(ctx, job, "model.", NULL);
    if (is_for(job, "fleet")) return add_file(ctx, job, "fleet.", NULL);
    if (is_for(job, "scenario") && has_model && !job->source.model) {
        const char *path = job->files[1].path;
        if (strlen(path) >= MUIR_NAME_SIZE)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-o: the model's path %s has more than %d characters", path,
                               MUIR_NAME_SIZE - 1));
        MUIR_TRY(muir_import_note(ctx, &job->found, MUIR_NOTE_DERIVED, "model", path,
                                  "written with the scenario"));
        MUIR_TRY(add_file(ctx, job, "", "model."));
        MUIR_TRY(add_file(ctx, job, "model.", NULL));
        return MUIR_OK;
    }
    MUIR_TRY(add_file(ctx, job, "", "model."));
done:
    return st;
}

/* Loads a model as a job of one chip, and counts what muir runs with. */
static muir_status load_model(muir_ctx *ctx, muir_import_job *job)
{
    muir_status st = MUIR_OK;
    char model[1100];
    muir_program *program = NULL;
    muir_scenario *scenario = calloc(1, sizeof *scenario);
    const char *keys[] = {"fleet=tiny",
                          "parallel.tp=1",
                          "parallel.pp=1",
                          "parallel.dp=1",
                          "global_batch_size=1",
                          "micro_batch_size=1",
                          model};
    snprintf(model, sizeof model, "model=%s", job->files[0].path);
    if (!scenario) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a scenario");
    MUIR_TRY(muir_scenario_load(ctx, NULL, keys, (int)(sizeof keys / sizeof keys[0]), scenario));
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    job->muir_weights = program->params;
done:
    muir_program_destroy(&program);
    free(scenario);
    return st;
}

static muir_status load(muir_ctx *ctx, muir_import_job *job)
{
    muir_status st = MUIR_OK;
    if (is_for(job, "model")) return load_model(ctx, job);
    if (is_for(job, "scenario")) {
        muir_scenario *scenario = calloc(1, sizeof *scenario);
        if (!scenario) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a scenario");
        st = muir_scenario_load(ctx, job->files[0].path, NULL, 0, scenario);
        free(scenario);
    }
    for (int i = 0; is_for(job, "fleet") && i < muir_input_count(); i++) {
        muir_data_file *file = NULL;
        if (strcmp(muir_input_at(i)->schema->kind, "fleet") != 0) continue;
        st = muir_data_file_create(ctx, muir_input_at(i), job->files[0].path, &file);
        muir_data_file_destroy(&file);
    }
    return st;
}

muir_status muir_import_finish(muir_ctx *ctx, muir_import_job *job)
{
    char folder[] = "/tmp/muir-import-XXXXXX";
    muir_status st = MUIR_OK;
    job->is_kept = job->output != NULL;
    MUIR_TRY(check_output(ctx, job));
    if (!job->is_kept && !mkdtemp(folder))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be created: %s", folder, strerror(errno)));
    name_files(job, folder);
    st = make_files(ctx, job);
    for (int i = 0; i < job->n_files && st == MUIR_OK; i++) st = write_file(ctx, &job->files[i]);
    if (st == MUIR_OK && load(ctx, job) != MUIR_OK) {
        memcpy(job->trouble, ctx->message, sizeof job->trouble);
        muir_ctx_clear(ctx);
    }
    if (!job->is_kept) {
        for (int i = 0; i < job->n_files; i++) unlink(job->files[i].path);
        rmdir(folder);
    }
done:
    return st;
}

void muir_import_job_free(muir_import_job *job)
{
    for (int i = 0; i < MUIR_IMPORT_FILES; i++) free(job->files[i].text);
    muir_import_free(&job->found);
    muir_import_close(&job->source);
}
