/* SPDX-License-Identifier: BSD-3-Clause */
/* muir validate: predicted against published step times, row by row and in groups. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/validate_collectives.h"
#include "cmd/validate_peaks.h"
#include "validation/fit.h"
#include "validation/validate.h"
#include "scenario/catalogue.h"

enum { MOST_GROUPS = 256, WORST = 10 };

static bool is_complete(const muir_validate_row *row, const void *unused)
{
    (void)unused;
    return strcmp(row->complete, "yes") == 0;
}

static bool is_recompute_unknown(const muir_validate_row *row, const void *unused)
{
    (void)unused;
    return strcmp(row->complete, "recompute unknown") == 0;
}

static bool is_incomplete(const muir_validate_row *row, const void *unused)
{
    (void)unused;
    return !is_complete(row, NULL) && !is_recompute_unknown(row, NULL);
}

static bool is_megatron(const muir_validate_row *row, const void *unused)
{
    (void)unused;
    return is_complete(row, NULL) && strncmp(row->stack, "megatron", 8) == 0;
}

static const struct {
    const char *name;
    muir_validate_filter filter;
} summaries[] = {{"all rows", NULL},
                 {"complete rows", is_complete},
                 {"complete Megatron rows", is_megatron},
                 {"rows with unknown recompute", is_recompute_unknown},
                 {"rows that lack something else", is_incomplete}};
enum { SUMMARIES = sizeof summaries / sizeof summaries[0] };

/* Rows by a text of theirs, complete ones and others in groups of their own. */
static const char *key_of(const muir_validate_row *row, int kind)
{
    const char *const keys[] = {row->family, row->chip, row->stack, row->kind};
    return keys[kind];
}
static const char *const kinds[] = {"source", "chip", "stack", "kind"};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Rows of one group: the same key, and complete or not. */
typedef struct group_key {
    int kind;
    const char *key;
    bool is_complete;
} group_key;

static bool is_of_group(const muir_validate_row *row, const void *data)
{
    const group_key *g = data;
    return is_complete(row, NULL) == g->is_complete && strcmp(key_of(row, g->kind), g->key) == 0;
}

/* Groups of one kind in the order of the table.
 * groups  out  [MOST_GROUPS] */
static int group_rows(const muir_validate_row *rows, int n, int kind, muir_validate_group *groups)
{
    int n_groups = 0;
    for (int i = 0; i < n && n_groups < MOST_GROUPS; i++) {
        char name[MUIR_GROUP_SIZE];
        if (rows[i].is_skipped || !rows[i].has_time) continue;
        const group_key key = {kind, key_of(&rows[i], kind), is_complete(&rows[i], NULL)};
        bool is_new = true;
        for (int j = 0; j < i; j++)
            is_new = is_new && (rows[j].is_skipped || !rows[j].has_time || !is_of_group(&rows[j], &key));
        snprintf(name, sizeof name, "%.60s%s", key.key, key.is_complete ? "" : ", incomplete");
        if (is_new) groups[n_groups++] = muir_validate_errors(rows, n, name, is_of_group, &key);
    }
    return n_groups;
}

static void print_group(const muir_validate_group *g)
{
    if (g->n > 0)
        printf("  %-44s %5d %9.1f %9.1f %+9.1f %9.0f %9.0f\n", g->name, g->n, 100.0 * g->mean_abs_error,
               100.0 * g->max_abs_error, 100.0 * g->mean_error, 100.0 * g->coverage, 100.0 * g->median_width);
}

static void print_rows(const muir_validate_row *rows, int n)
{
    printf("%-68s %-9s %10s %11s %10s %10s %8s  %s\n", "row", "complete", "real s", "predicted s", "low s",
           "high s", "error %", "figures of the stack");
    for (int i = 0; i < n; i++)
        if (!rows[i].is_skipped && rows[i].has_time)
            printf("%-68s %-9s %10.4g %11.4g %10.4g %10.4g %+8.1f  %s, %s\n", rows[i].id,
                   is_complete(&rows[i], NULL) ? "yes" : "no", rows[i].real_s, rows[i].predicted_s,
                   rows[i].low_s, rows[i].high_s, 100.0 * rows[i].error, rows[i].basis, rows[i].stack);
}

static int by_error(const void *a, const void *b)
{
    const double x = fabs((*(const muir_validate_row *const *)a)->error),
                 y = fabs((*(const muir_validate_row *const *)b)->error);
    return x < y ? 1 : x > y ? -1 : 0;
}

static muir_status print_worst(muir_ctx *ctx, const muir_validate_row *rows, int n)
{
    const muir_validate_row **sorted = calloc((size_t)n + 1, sizeof *sorted);
    int kept = 0;
    if (!sorted) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the worst rows");
    for (int i = 0; i < n; i++)
        if (!rows[i].is_skipped && rows[i].has_time && is_complete(&rows[i], NULL)) sorted[kept++] = &rows[i];
    qsort(sorted, (size_t)kept, sizeof *sorted, by_error);
    if (kept > 0)
        printf("\nworst complete rows                                                       error %%\n");
    for (int i = 0; i < kept && i < WORST; i++)
        printf("  %-68s %+8.1f\n", sorted[i]->id, 100.0 * sorted[i]->error);
    free(sorted);
    return MUIR_OK;
}

static bool is_of_source(const muir_validate_row *row, const void *source)
{
    return strcmp(row->family, source) == 0;
}

/* Sources count alike here, however many rows they have. */
static void print_sources(const muir_validate_row *rows, int n)
{
    static const double enough = 0.75;
    int sources = 0, good = 0;
    for (int i = 0; i < n; i++) {
        bool is_new = !rows[i].is_skipped && rows[i].has_time;
        for (int j = 0; j < i && is_new; j++)
            is_new = rows[j].is_skipped || !rows[j].has_time || strcmp(rows[i].family, rows[j].family) != 0;
        if (!is_new) continue;
        sources++;
        good += muir_validate_errors(rows, n, "", is_of_source, rows[i].family).coverage >= enough;
    }
    if (sources > 1)
        printf("sources with at least %.0f %% of their rows inside: %d of %d\n", 100.0 * enough, good,
               sources);
}

static muir_status print_all(muir_ctx *ctx, const muir_validate_row *rows, int n)
{
    muir_validate_group groups[MOST_GROUPS];
    int skipped = 0;
    print_rows(rows, n);
    for (int k = 0; k < KINDS; k++) {
        const int n_groups = group_rows(rows, n, k, groups);
        printf("\nby %-44s  rows  mean |%%|   max |%%|   mean %%  inside %%  width %%\n", kinds[k]);
        for (int g = 0; g < n_groups; g++) print_group(&groups[g]);
    }
    const muir_status st = print_worst(ctx, rows, n);
    if (st != MUIR_OK) return st;
    for (int i = 0; i < n; i++) skipped += rows[i].is_skipped;
    if (skipped > 0) printf("\nskipped (%d)\n", skipped);
    for (int i = 0; i < n; i++)
        if (rows[i].is_skipped) printf("  %-68s %s\n", rows[i].id, rows[i].why);
    printf("\nstep times, modelled against published          rows  mean |%%|   max |%%|   mean %%  inside "
           "%%  width "
           "%%\n");
    for (int i = 0; i < SUMMARIES; i++) {
        const muir_validate_group g =
            muir_validate_errors(rows, n, summaries[i].name, summaries[i].filter, NULL);
        print_group(&g);
    }
    printf("inside: share of rows within their 80 %% interval; width: half of the median interval\n");
    print_sources(rows, n);
    muir_peaks_print(rows, n);
    return MUIR_OK;
}

/* JSON. */

static json_t *group_json(const muir_validate_group *g)
{
    return json_pack("{s:s,s:i,s:f,s:f,s:f,s:f,s:f}", "name", g->name, "rows", g->n, "mean_abs_error",
                     g->mean_abs_error, "max_abs_error", g->max_abs_error, "mean_error", g->mean_error,
                     "interval_coverage", g->coverage, "interval_width", g->median_width);
}

static json_t *row_json(const muir_validate_row *row)
{
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        json_object_set_new(parts, muir_part_name((muir_part)i), json_real(row->part_s[i]));
    json_t *object = json_pack("{s:s,s:b,s:s,s:s,s:s}", "id", row->id, "is_complete", is_complete(row, NULL),
                               "chip", row->chip, "stack", row->stack, "source", row->family);
    if (row->has_time) {
        json_object_set_new(object, "real_s", json_real(row->real_s));
        json_object_set_new(object, "predicted_s", json_real(row->predicted_s));
        json_object_set_new(object, "low_s", json_real(row->low_s));
        json_object_set_new(object, "high_s", json_real(row->high_s));
        json_object_set_new(object, "error", json_real(row->error));
        json_object_set_new(object, "basis", json_string(row->basis));
        json_object_set_new(object, "parts_s", parts);
    } else {
        json_decref(parts);
    }
    muir_peak_add_json(object, &row->peak);
    return object;
}

static muir_status write_json(muir_ctx *ctx, const muir_validate_row *rows, int n, const char *path)
{
    json_t *shown = json_array(), *skipped = json_array(), *sums = json_array(), *by = json_object();
    muir_validate_group groups[MOST_GROUPS];
    for (int i = 0; i < n; i++)
        if (rows[i].is_skipped)
            json_array_append_new(skipped, json_pack("{s:s,s:s}", "id", rows[i].id, "why", rows[i].why));
        else
            json_array_append_new(shown, row_json(&rows[i]));
    for (int i = 0; i < SUMMARIES; i++) {
        const muir_validate_group g =
            muir_validate_errors(rows, n, summaries[i].name, summaries[i].filter, NULL);
        json_t *sum = group_json(&g);
        muir_peaks_add_json(sum, rows, n, summaries[i].filter);
        json_array_append_new(sums, sum);
    }
    for (int k = 0; k < KINDS; k++) {
        json_t *list = json_array();
        const int n_groups = group_rows(rows, n, k, groups);
        for (int g = 0; g < n_groups; g++) json_array_append_new(list, group_json(&groups[g]));
        json_object_set_new(by, kinds[k], list);
    }
    const muir_validate_group all = muir_validate_errors(rows, n, "all", NULL, NULL);
    json_t *root = json_pack("{s:o,s:f,s:f,s:f,s:o,s:o,s:o}", "rows", shown, "mean_abs_error",
                             all.mean_abs_error, "max_abs_error", all.max_abs_error, "interval_coverage",
                             all.coverage, "skipped", skipped, "summary", sums, "by", by);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON report");
    muir_peaks_add_json(root, rows, n, NULL);
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON report cannot be written", path) : MUIR_OK;
}

typedef struct request {
    const char *path, *json, *stack, *leave_out; /* NULL: not given */
} request;

static muir_status leave_out_of(muir_ctx *ctx, const char *word, muir_leave_out *by)
{
    static const char *const words[] = {"source", "stack", "model"};
    for (int i = 0; i < 3; i++)
        if (strcmp(word, words[i]) == 0) {
            *by = (muir_leave_out)i;
            return MUIR_OK;
        }
    return muir_fail(ctx, MUIR_ERR_ARG, "--leave-out %s: must be source, stack or model", word);
}

enum { FIT_ROUNDS = 1 }; /* data/stacks is where earlier rounds ended */

/* Each row from a fit to the others; without a word for it, from data/stacks. */
static muir_status predict_left_out(muir_ctx *ctx, const muir_csv *table, const char *word,
                                    const muir_scenario *scenarios, muir_validate_row *rows)
{
    muir_status st = MUIR_OK;
    muir_leave_out by = MUIR_LEAVE_SOURCE;
    muir_fit *fit = NULL;
    const char **models = NULL;
    MUIR_TRY(leave_out_of(ctx, word, &by));
    MUIR_TRY(muir_alloc(ctx, (size_t)table->n_rows, sizeof *models, "the rows", &models));
    for (int i = 0; i < table->n_rows; i++) models[i] = muir_csv_get(table, i, "model");
    MUIR_TRY(muir_fit_create(ctx, rows, scenarios, models, table->n_rows, &fit));
    MUIR_TRY(muir_fit_run(ctx, fit, FIT_ROUNDS));
    MUIR_TRY(muir_fit_leave_out(ctx, fit, by, rows));
done:
    muir_fit_destroy(&fit);
    free(models);
    return st;
}

static muir_status on_root(muir_ctx *ctx, const request *r)
{
    muir_status st = MUIR_OK;
    muir_csv *table = NULL;
    muir_validate_row *rows = NULL;
    muir_validate_options options = {.stack = r->stack};
    char root[1024], shipped[1100];
    if (!r->path) {
        MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
        snprintf(shipped, sizeof shipped, "%s/published_runs.csv", root);
    }
    MUIR_TRY(muir_csv_read(ctx, r->path ? r->path : shipped, &table));
    const size_t n = (size_t)table->n_rows;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *rows, "the rows", &rows));
    if (r->leave_out) MUIR_TRY(muir_alloc(ctx, n, sizeof *options.scenarios, "the rows", &options.scenarios));
    MUIR_TRY(muir_validate(ctx, table, &options, rows));
    if (r->leave_out) MUIR_TRY(predict_left_out(ctx, table, r->leave_out, options.scenarios, rows));
    if (!r->json || strcmp(r->json, "-") != 0) MUIR_TRY(print_all(ctx, rows, table->n_rows));
    if (r->json) MUIR_TRY(write_json(ctx, rows, table->n_rows, r->json));
done:
    free(options.scenarios);
    free(rows);
    muir_csv_destroy(&table);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    request r = {.path = NULL};
    const char *collectives = NULL;
    const muir_arg known[] = {{"--json", NULL, &r.json, NULL},
                              {"--stack", NULL, &r.stack, NULL},
                              {"--collectives", NULL, &collectives, NULL},
                              {"--leave-out", NULL, &r.leave_out, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 4, &args));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "'%s': muir validate takes no overrides", args.overrides[0]));
    if (collectives && (args.positional || r.stack))
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "--collectives has its own table: leave out FILE.csv and --stack"));
    if (collectives && r.leave_out && strcmp(r.leave_out, "source") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--leave-out '%s': for collectives, it must be source",
                           r.leave_out));
    if (r.stack && r.leave_out)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "--stack and --leave-out: one says which figures to take, the other which not: "
                           "give one of them"));
    r.path = args.positional;
    if (muir_is_root(ctx))
        st = collectives ? muir_validate_collectives(ctx, collectives, r.json, r.leave_out != NULL)
                         : on_root(ctx, &r);
    st = muir_agree(ctx, st);
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_validate = {
    .name = "validate",
    .usage =
        "[FILE.csv | --collectives FILE.csv] [--stack STACK] [--leave-out source|stack|model] [--json FILE]",
    .summary = "compare predicted with published step times, row by row; default data/published_runs.csv",
    .help =
        "  FILE.csv      a table with the columns of data/published_runs.csv: one published run per row\n"
        "  --stack STACK a stack for all rows: a name in data/stacks or a file, such as one that muir "
        "calibrate wrote\n"
        "  --leave-out source|stack|model\n"
        "                predict each row from a fit to the table without the rows of its source (the "
        "first word of\n"
        "                its id), its stack or its model, and say how many lie in their intervals\n"
        "  --collectives FILE.csv   measured collectives instead of runs; docs/network.md has the columns;\n"
        "                --leave-out source works for them, too\n"
        "  --json FILE   the comparison as JSON; `-` writes it to standard output, without the text\n\n"
        "Each row is run as a scenario, with its software stack from data/stacks; what the row leaves open "
        "is\ntaken from the stack. low and high are an 80 % interval. Rows that cannot be run are listed "
        "with the "
        "reason.\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
