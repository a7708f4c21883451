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
#include "validation/validate.h"
#include "scenario/catalogue.h"

enum { MOST_GROUPS = 256, WORST = 10 };

static bool is_complete(const muir_validate_row *row)
{
    return strcmp(row->complete, "yes") == 0;
}

static bool is_recompute_unknown(const muir_validate_row *row)
{
    return strcmp(row->complete, "recompute unknown") == 0;
}

static bool is_incomplete(const muir_validate_row *row)
{
    return !is_complete(row) && !is_recompute_unknown(row);
}

static bool is_megatron(const muir_validate_row *row)
{
    return is_complete(row) && strncmp(row->stack, "megatron", 8) == 0;
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

/* Rows by a text of theirs: "source", "chip" or "stack", complete and others apart. */
static const char *key_of(const muir_validate_row *row, int kind)
{
    const char *const keys[] = {row->family, row->chip, row->stack};
    return keys[kind];
}
static const char *const kinds[] = {"source", "chip", "stack"};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Groups of one kind in the order of the table.
 * groups  out  [MOST_GROUPS] */
static int group_rows(const muir_validate_row *rows, int n, int kind, muir_validate_group *groups)
{
    int n_groups = 0;
    for (int i = 0; i < n; i++) {
        char name[MUIR_GROUP_SIZE];
        if (rows[i].is_skipped || !rows[i].has_time) continue;
        snprintf(name, sizeof name, "%.60s%s", key_of(&rows[i], kind),
                 is_complete(&rows[i]) ? "" : ", incomplete");
        int g = 0;
        while (g < n_groups && strcmp(groups[g].name, name) != 0) g++;
        if (g == MOST_GROUPS) continue;
        if (g == n_groups) {
            memset(&groups[n_groups++], 0, sizeof *groups);
            memcpy(groups[g].name, name, sizeof name);
        }
        muir_validate_group *group = &groups[g];
        group->n++;
        group->mean_error += (rows[i].error - group->mean_error) / group->n;
        group->mean_abs_error += (fabs(rows[i].error) - group->mean_abs_error) / group->n;
        group->max_abs_error = fmax(group->max_abs_error, fabs(rows[i].error));
    }
    return n_groups;
}

static void print_group(const muir_validate_group *g)
{
    if (g->n > 0)
        printf("  %-44s %5d %9.1f %9.1f %+9.1f\n", g->name, g->n, 100.0 * g->mean_abs_error,
               100.0 * g->max_abs_error, 100.0 * g->mean_error);
}

static void print_rows(const muir_validate_row *rows, int n)
{
    printf("%-68s %-12s %-9s %10s %12s %8s\n", "row", "chip", "complete", "real s", "predicted s", "error %");
    for (int i = 0; i < n; i++)
        if (!rows[i].is_skipped && rows[i].has_time)
            printf("%-68s %-12.12s %-9s %10.4g %12.4g %+8.1f\n", rows[i].id, rows[i].chip,
                   is_complete(&rows[i]) ? "yes" : "no", rows[i].real_s, rows[i].predicted_s,
                   100.0 * rows[i].error);
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
        if (!rows[i].is_skipped && rows[i].has_time && is_complete(&rows[i])) sorted[kept++] = &rows[i];
    qsort(sorted, (size_t)kept, sizeof *sorted, by_error);
    if (kept > 0)
        printf("\nworst complete rows                                                       error %%\n");
    for (int i = 0; i < kept && i < WORST; i++)
        printf("  %-68s %+8.1f\n", sorted[i]->id, 100.0 * sorted[i]->error);
    free(sorted);
    return MUIR_OK;
}

static muir_status print_all(muir_ctx *ctx, const muir_validate_row *rows, int n)
{
    muir_validate_group groups[MOST_GROUPS];
    int skipped = 0;
    print_rows(rows, n);
    for (int k = 0; k < KINDS; k++) {
        const int n_groups = group_rows(rows, n, k, groups);
        printf("\nby %-44s  rows  mean |%%|   max |%%|   mean %%\n", kinds[k]);
        for (int g = 0; g < n_groups; g++) print_group(&groups[g]);
    }
    const muir_status st = print_worst(ctx, rows, n);
    if (st != MUIR_OK) return st;
    for (int i = 0; i < n; i++) skipped += rows[i].is_skipped;
    if (skipped > 0) printf("\nskipped (%d)\n", skipped);
    for (int i = 0; i < n; i++)
        if (rows[i].is_skipped) printf("  %-68s %s\n", rows[i].id, rows[i].why);
    printf("\nstep times, modelled against published          rows  mean |%%|   max |%%|   mean %%\n");
    for (int i = 0; i < SUMMARIES; i++) {
        const muir_validate_group g = muir_validate_errors(rows, n, summaries[i].name, summaries[i].filter);
        print_group(&g);
    }
    muir_peaks_print(rows, n);
    return MUIR_OK;
}

/* JSON. */

static json_t *group_json(const muir_validate_group *g)
{
    return json_pack("{s:s,s:i,s:f,s:f,s:f}", "name", g->name, "rows", g->n, "mean_abs_error",
                     g->mean_abs_error, "max_abs_error", g->max_abs_error, "mean_error", g->mean_error);
}

static json_t *row_json(const muir_validate_row *row)
{
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        json_object_set_new(parts, muir_part_name((muir_part)i), json_real(row->part_s[i]));
    json_t *object = json_pack("{s:s,s:b,s:s,s:s,s:s}", "id", row->id, "is_complete", is_complete(row),
                               "chip", row->chip, "stack", row->stack, "source", row->family);
    if (row->has_time) {
        json_object_set_new(object, "real_s", json_real(row->real_s));
        json_object_set_new(object, "predicted_s", json_real(row->predicted_s));
        json_object_set_new(object, "error", json_real(row->error));
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
        const muir_validate_group g = muir_validate_errors(rows, n, summaries[i].name, summaries[i].filter);
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
    const muir_validate_group all = muir_validate_errors(rows, n, "all", NULL);
    json_t *root =
        json_pack("{s:o,s:f,s:f,s:o,s:o,s:o}", "rows", shown, "mean_abs_error", all.mean_abs_error,
                  "max_abs_error", all.max_abs_error, "skipped", skipped, "summary", sums, "by", by);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON report");
    muir_peaks_add_json(root, rows, n, NULL);
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON report cannot be written", path) : MUIR_OK;
}

static muir_status on_root(muir_ctx *ctx, const char *path, const char *json)
{
    muir_status st = MUIR_OK;
    muir_csv *table = NULL;
    muir_validate_row *rows = NULL;
    char root[1024], shipped[1100];
    if (!path) {
        MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
        snprintf(shipped, sizeof shipped, "%s/published_runs.csv", root);
    }
    MUIR_TRY(muir_csv_read(ctx, path ? path : shipped, &table));
    MUIR_TRY(muir_alloc(ctx, (size_t)table->n_rows, sizeof *rows, "the rows", &rows));
    MUIR_TRY(muir_validate(ctx, table, rows));
    if (!json || strcmp(json, "-") != 0) MUIR_TRY(print_all(ctx, rows, table->n_rows));
    if (json) MUIR_TRY(write_json(ctx, rows, table->n_rows, json));
done:
    free(rows);
    muir_csv_destroy(&table);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    const char *json = NULL, *collectives = NULL, *left_out = NULL;
    const muir_arg known[] = {{"--json", NULL, &json, NULL},
                              {"--collectives", NULL, &collectives, NULL},
                              {"--leave-out", NULL, &left_out, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 3, &args));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "'%s': muir validate takes no overrides", args.overrides[0]));
    if (collectives && args.positional)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "'%s': --collectives takes the only table", args.positional));
    if (left_out && !collectives) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--leave-out needs --collectives"));
    if (left_out && strcmp(left_out, "source") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--leave-out '%s': source is known", left_out));
    if (muir_is_root(ctx))
        st = collectives ? muir_validate_collectives(ctx, collectives, json, left_out != NULL)
                         : on_root(ctx, args.positional, json);
    st = muir_agree(ctx, st);
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_validate = {
    .name = "validate",
    .usage = "[FILE.csv | --collectives FILE.csv [--leave-out source]] [--json FILE]",
    .summary = "predicted against published step times, row by row; without a file, data/published_runs.csv",
    .help =
        "  FILE.csv      a table with the columns of data/published_runs.csv: one published run a row\n"
        "  --collectives FILE.csv   measured collectives instead of runs; docs/network.md has the columns\n"
        "  --json FILE   the comparison as JSON; - for standard output alone\n\n"
        "Each row is run as a scenario, its software stack from data/stacks; what the row leaves open is "
        "as the\n"
        "stack sets it. Rows that cannot be run are listed with the reason.\n",
    .run = run,
};
