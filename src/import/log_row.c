/* SPDX-License-Identifier: BSD-3-Clause */
/* A log's row: columns from the scenario that the user names, or from the arguments that the log prints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/log.h"
#include "scenario/scenario.h"

enum { CELL = 200 };

/* Columns of data/published_runs.csv and the keys that they hold. */
static const struct {
    const char *column, *key;
} columns[] = {{"layers", "model.layers"},
               {"hidden", "model.hidden"},
               {"heads", "model.heads"},
               {"kv_heads", "model.kv_heads"},
               {"ffn", "model.ffn"},
               {"mlp", "model.mlp"},
               {"vocab", "model.vocab"},
               {"experts", "model.experts"},
               {"topk", "model.topk"},
               {"seq_len", "seq_len"},
               {"global_batch_size", "global_batch_size"},
               {"micro_batch_size", "micro_batch_size"},
               {"tp", "parallel.tp"},
               {"pp", "parallel.pp"},
               {"vpp", "parallel.vpp"},
               {"dp", "parallel.dp"},
               {"cp", "parallel.cp"},
               {"ep", "parallel.ep"},
               {"zero_stage", "parallel.zero_stage"},
               {"recompute", "parallel.recompute"},
               {"sequence_parallel", "parallel.sequence_parallel"},
               {"precision", "precision"}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

typedef struct row {
    const muir_import_source *source;
    const muir_scenario *scenario; /* NULL: the arguments of the log */
    const muir_import *arguments;
    const muir_log *log;
} row;

/* The value of a key; "" where nobody says it. */
static void cell_of(const row *r, const char *key, char cell[CELL])
{
    const char *given = muir_import_given(r->source, key);
    const muir_section *section = NULL;
    cell[0] = '\0';
    if (given) {
        snprintf(cell, CELL, "%.*s", CELL - 1, given);
    } else if (r->scenario) {
        const bool is_model = strncmp(key, "model.", 6) == 0;
        const muir_option *option = muir_schema_find(is_model ? &muir_model_schema : &muir_scenario_schema,
                                                     is_model ? key + 6 : key, &section);
        if (option)
            muir_option_get(section, option,
                            is_model ? (const void *)&r->scenario->job.model : (const void *)r->scenario,
                            cell, CELL);
    } else if (muir_import_value(r->arguments, key)) {
        snprintf(cell, CELL, "%.*s", CELL - 1, muir_import_value(r->arguments, key));
    }
    if (strcmp(key, "parallel.sequence_parallel") == 0 && cell[0])
        snprintf(cell, CELL, "%s", strcmp(cell, "true") == 0 ? "yes" : "no");
    if ((strcmp(key, "model.experts") == 0 || strcmp(key, "model.topk") == 0) && strcmp(cell, "0") == 0)
        cell[0] = '\0';
}

static double number_of(const row *r, const char *key, double otherwise)
{
    char cell[CELL];
    cell_of(r, key, cell);
    char *end = NULL;
    const double value = strtod(cell, &end);
    return end != cell && value > 0.0 ? value : otherwise;
}

/* Logs print it more than once, DeepSpeed's also as of a part of the job: the largest. */
static double world_size(const muir_pairs *pairs)
{
    double most = 0.0;
    for (int i = 0; i < pairs->n; i++)
        if (strcmp(pairs->at[i].name, "world-size") == 0) most = fmax(most, strtod(pairs->at[i].value, NULL));
    return most > 0.0 && most < 1e9 ? floor(most) : 0.0;
}

/* The time of a step, where the log counts tokens: batch x tokens of a sequence / (chips x rate). */
static muir_status step_time(muir_ctx *ctx, const row *r, double chips, double *time_s)
{
    const double batch = number_of(r, "global_batch_size", r->log->batch),
                 tokens = number_of(r, "seq_len", 0.0);
    if (r->log->scale > 0.0) {
        *time_s = r->log->mean;
        return MUIR_OK;
    }
    if (batch <= 0.0 || tokens <= 0.0 || chips <= 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "it counts tokens per second and chip: a step's time needs the scenario of the job "
                         "as second file");
    *time_s = batch * tokens / (chips * r->log->mean);
    return MUIR_OK;
}

/* A cell of a CSV table: quoted where it has to be. */
static void put_cell(FILE *out, const char *text, char end)
{
    if (strpbrk(text, ",\"\n")) {
        fputc('"', out);
        for (; *text; text++) {
            if (*text == '"') fputc('"', out);
            fputc(*text == '\n' ? ' ' : *text, out);
        }
        fputc('"', out);
    } else {
        fputs(text, out);
    }
    fputc(end, out);
}

static void put_notes(FILE *out, const muir_log *log)
{
    char text[300];
    snprintf(text, sizeof text,
             "mean of %d steps, standard deviation %.2f %%; left out: %d of the start, %d outliers, %d of "
             "another batch",
             log->kept, 100.0 * log->deviation / log->mean, log->warm_up, log->outliers, log->ramp);
    put_cell(out, text, ',');
}

static muir_status write_row(muir_ctx *ctx, const row *r, double chips, double time_s, muir_import *found)
{
    static const char head[] =
        "id,fleet,chips,stack,model,params_b,layers,hidden,heads,kv_heads,ffn,mlp,vocab,experts,topk,"
        "seq_len,global_batch_size,micro_batch_size,tp,pp,vpp,dp,cp,ep,zero_stage,recompute,"
        "sequence_parallel,precision,step_time_s,measured_gib,from_metric,complete,notes,source\n";
    static const char *const needed[] = {"seq_len", "micro_batch_size", "global_batch_size",
                                         "parallel.recompute"};
    size_t size = 0;
    FILE *out = open_memstream(&found->text, &size);
    char text[CELL], fleet[CELL], model[CELL];
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a row");
    const char *name = strrchr(r->source->path, '/'), *stack = muir_import_given(r->source, "stack");
    bool is_complete = chips > 0.0;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        cell_of(r, needed[i], text);
        is_complete &= text[0] != '\0';
    }
    snprintf(fleet, sizeof fleet, "%s",
             r->source->fleet ? r->source->fleet
             : r->scenario    ? r->scenario->run.fleet
                              : "");
    snprintf(model, sizeof model, "%s",
             r->source->model ? r->source->model
             : r->scenario    ? r->scenario->run.model
                              : "");
    fputs(head, out);
    put_cell(out, name ? name + 1 : r->source->path, ',');
    put_cell(out, fleet, ',');
    fprintf(out, "%.0f,", chips);
    put_cell(out, stack ? stack : "", ',');
    put_cell(out, model[0] ? model : "the log's", ',');
    fputc(',', out);
    for (int i = 0; i < COLUMNS; i++) {
        cell_of(r, columns[i].key, text);
        put_cell(out, text, ',');
    }
    fprintf(out, "%.6g,", time_s);
    if (r->log->memory_gib > 0.0) fprintf(out, "%.4g", r->log->memory_gib);
    fprintf(out, ",%s,%s,", r->log->metric, is_complete ? "yes" : "no");
    put_notes(out, r->log);
    put_cell(out, r->source->path, '\n');
    return fclose(out) == 0 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_MEM, "no memory for a row");
}

static muir_status note_log(muir_ctx *ctx, const row *r, double time_s, muir_import *found)
{
    const muir_log *log = r->log;
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                              "%.4g s per step: mean of %d steps (standard deviation %.2f %%), by %s", time_s,
                              log->kept, 100.0 * log->deviation / log->mean, log->metric));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                              "left out: %d steps of the start, %d outliers, %d of another global batch",
                              log->warm_up, log->outliers, log->ramp));
    if (log->memory_gib > 0.0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "", "%.4g GiB on a chip, at most",
                                  log->memory_gib));
    if (log->flop_t > 0.0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                                  "%.4g TFLOP/s a chip, as the framework counts", log->flop_t));
    if (log->unread > 0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%d lines without a number",
                                  log->unread));
done:
    return st;
}

/* Columns that nobody says are left to the stack; the report names them. */
static muir_status note_empty(muir_ctx *ctx, const row *r, muir_import *found)
{
    char list[200] = "";
    for (int i = 0; i < COLUMNS; i++) {
        char cell[CELL];
        cell_of(r, columns[i].key, cell);
        const size_t used = strlen(list);
        if (!cell[0] && strncmp(columns[i].key, "model.", 6) != 0)
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", columns[i].column);
    }
    if (!list[0]) return MUIR_OK;
    return muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "left to the stack: %s", list);
}

static muir_status read_training_log(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    muir_log log = {.steps = NULL};
    muir_pairs pairs = {.at = NULL};
    muir_import arguments = {.notes = NULL};
    muir_scenario *scenario = NULL;
    double time_s = 0.0;
    MUIR_TRY(muir_log_read(ctx, source->text, &log, &pairs));
    MUIR_TRY(muir_log_summarise(ctx, &log));
    if (source->others) {
        scenario = calloc(1, sizeof *scenario);
        if (!scenario) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a scenario"));
        MUIR_TRY(muir_scenario_load(ctx, source->others, NULL, 0, scenario));
    } else if (pairs.n > 0) {
        MUIR_TRY(muir_launch_translate(ctx, MUIR_LAUNCH_MEGATRON, &pairs, &arguments));
        MUIR_TRY(muir_launch_complete(ctx, MUIR_LAUNCH_MEGATRON, source, &pairs, &arguments));
    }
    const row r = {source, scenario, &arguments, &log};
    const double replica = number_of(&r, "parallel.tp", 1.0) * number_of(&r, "parallel.cp", 1.0) *
                           number_of(&r, "parallel.pp", 1.0);
    double chips = scenario ? (double)muir_job_chips(&scenario->job) : world_size(&pairs);
    if (chips <= 0.0) chips = replica * number_of(&r, "parallel.dp", 0.0);
    if (!scenario && chips > 0.0 && fmod(chips, replica) == 0.0)
        MUIR_TRY(muir_import_note_int(ctx, &arguments, MUIR_NOTE_DERIVED, "parallel.dp",
                                      (long long)(chips / replica), "world_size / (tp x cp x pp)"));
    MUIR_TRY(step_time(ctx, &r, chips, &time_s));
    MUIR_TRY(note_log(ctx, &r, time_s, found));
    MUIR_TRY(note_empty(ctx, &r, found));
    if (!source->fleet && !scenario)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "the hardware: fleet=NAME says it"));
    MUIR_TRY(write_row(ctx, &r, chips, time_s, found));
done:
    free(scenario);
    muir_import_free(&arguments);
    muir_pairs_free(&pairs);
    muir_log_free(&log);
    return st;
}

const muir_importer muir_importer_log = {
    .name = "log",
    .reads = "a training log of Megatron-LM, NeMo, torchtitan, MaxText or DeepSpeed (second file: the job's "
             "scenario)",
    .writes = "rows",
    .form = MUIR_IMPORT_TEXT,
    .read = read_training_log,
};
