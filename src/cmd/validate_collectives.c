/* SPDX-License-Identifier: BSD-3-Clause */
/* muir validate --collectives FILE: rows, and means by operation, size, servers, chip and source. */
#include "cmd/validate_collectives.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/units.h"
#include "validation/collectives_fit.h"

enum { MOST_GROUPS = 128, NAME_SIZE = 96 };

static const double KIB = 1024.0, MIB = 1048576.0;

/* Errors of a set of rows. */
typedef struct error_group {
    char name[NAME_SIZE];
    int n;
    double mean_abs_error, median_abs_error, mean_error;
} error_group;

/* What a kind of group calls a row. */
static void name_all(const muir_collective_row *row, char name[NAME_SIZE])
{
    (void)row;
    snprintf(name, NAME_SIZE, "all rows");
}

static void name_size(const muir_collective_row *row, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s", row->bytes < MIB ? "below 1 MiB" : "from 1 MiB");
}

static const char *servers_word(const muir_collective_row *row)
{
    return row->servers == 1 ? "1 server" : row->servers == 2 ? "2 servers" : "more servers";
}

static void name_servers(const muir_collective_row *row, char name[NAME_SIZE])
{
    const char *size = row->bytes < 64.0 * KIB    ? "below 64 KiB"
                       : row->bytes < MIB         ? "64 KiB to 1 MiB"
                       : row->bytes <= 16.0 * MIB ? "1 to 16 MiB"
                                                  : "above 16 MiB";
    snprintf(name, NAME_SIZE, "%s, %s", servers_word(row), size);
}

static void name_op(const muir_collective_row *row, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s, %s", row->op, row->bytes < MIB ? "below 1 MiB" : "from 1 MiB");
}

static void name_chip(const muir_collective_row *row, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s, %s, %s", row->chip, servers_word(row),
             row->bytes < MIB ? "below 1 MiB" : "from 1 MiB");
}

static void name_source(const muir_collective_row *row, char name[NAME_SIZE])
{
    muir_collective_source(row, name, NAME_SIZE);
}

static const struct {
    const char *kind;
    void (*name)(const muir_collective_row *row, char name[NAME_SIZE]);
} groupings[] = {{"source", name_source},   {"chip", name_chip}, {"operation", name_op},
                 {"servers", name_servers}, {"size", name_size}, {"all", name_all}};
enum { GROUPINGS = sizeof groupings / sizeof groupings[0] };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Groups of one kind in the order of the table.
 * groups  out  [MOST_GROUPS]
 * errors  in   [n] room */
static int group_rows(const muir_collective_row *rows, int n, int kind, error_group *groups, double *errors)
{
    int n_groups = 0;
    char name[NAME_SIZE];
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped) continue;
        groupings[kind].name(&rows[i], name);
        int g = 0;
        while (g < n_groups && strcmp(groups[g].name, name) != 0) g++;
        if (g == MOST_GROUPS) continue;
        if (g < n_groups) continue;
        error_group *group = &groups[n_groups++];
        memset(group, 0, sizeof *group);
        memcpy(group->name, name, sizeof name);
        for (int k = i; k < n; k++) {
            if (rows[k].is_skipped) continue;
            groupings[kind].name(&rows[k], name);
            if (strcmp(group->name, name) != 0) continue;
            group->mean_error += rows[k].error;
            group->mean_abs_error += fabs(rows[k].error);
            errors[group->n++] = fabs(rows[k].error);
        }
        group->mean_error /= group->n;
        group->mean_abs_error /= group->n;
        qsort(errors, (size_t)group->n, sizeof *errors, by_value);
        group->median_abs_error = 0.5 * (errors[(group->n - 1) / 2] + errors[group->n / 2]);
    }
    return n_groups;
}

static void print_rows(const muir_collective_row *rows, int n)
{
    printf("%-28s %-10s %7s %-14s %10s %10s %12s %8s  %s\n", "row", "chip", "servers", "op", "size", "real",
           "predicted", "error %", "way");
    for (int i = 0; i < n; i++) {
        const muir_collective_row *r = &rows[i];
        if (r->is_skipped) continue;
        printf("%-28.28s %-10.10s %7lld %-14s %10s %10s %12s %+8.1f  %s%s\n", r->id, r->chip,
               (long long)r->servers, r->op, muir_bytes_text(r->bytes).s, muir_time_text(r->real_s).s,
               muir_time_text(r->predicted_s).s, 100.0 * r->error, r->way->name, r->forced ? ", forced" : "");
    }
}

static void print_all(const muir_collective_row *rows, int n, error_group *groups, double *errors)
{
    int skipped = 0;
    print_rows(rows, n);
    for (int i = 0; i < n; i++) skipped += rows[i].is_skipped;
    if (skipped > 0) printf("\nskipped (%d)\n", skipped);
    for (int i = 0; i < n; i++)
        if (rows[i].is_skipped) printf("  %-28s %s\n", rows[i].id, rows[i].why);
    for (int k = 0; k < GROUPINGS; k++) {
        const int n_groups = group_rows(rows, n, k, groups, errors);
        printf("\nmodelled against measured, by %-28s  rows  mean |%%|  median |%%|   mean %%\n",
               groupings[k].kind);
        for (int g = 0; g < n_groups; g++)
            printf("  %-56s %5d %9.1f %11.1f %+8.1f\n", groups[g].name, groups[g].n,
                   100.0 * groups[g].mean_abs_error, 100.0 * groups[g].median_abs_error,
                   100.0 * groups[g].mean_error);
    }
}

static json_t *row_json(const muir_collective_row *r)
{
    return json_pack("{s:s,s:f,s:f,s:f,s:s,s:s,s:s,s:I,s:f,s:s,s:s,s:s}", "id", r->id, "real_s", r->real_s,
                     "predicted_s", r->predicted_s, "error", r->error, "source", r->source, "chip", r->chip,
                     "op", r->op, "servers", (json_int_t)r->servers, "bytes", r->bytes, "way", r->way->name,
                     "server_of", r->server, "fabric_of", r->fabric);
}

static muir_status write_json(muir_ctx *ctx, const muir_collective_row *rows, int n, const char *path,
                              error_group *groups, double *errors)
{
    json_t *shown = json_array(), *skipped = json_array(), *by = json_object();
    double mean_abs_error = 0.0, median_abs_error = 0.0;
    for (int i = 0; i < n; i++)
        if (rows[i].is_skipped)
            json_array_append_new(skipped, json_pack("{s:s,s:s}", "id", rows[i].id, "why", rows[i].why));
        else
            json_array_append_new(shown, row_json(&rows[i]));
    for (int k = 0; k < GROUPINGS; k++) {
        json_t *list = json_array();
        const int n_groups = group_rows(rows, n, k, groups, errors);
        for (int g = 0; g < n_groups; g++)
            json_array_append_new(list, json_pack("{s:s,s:i,s:f,s:f,s:f}", "name", groups[g].name, "rows",
                                                  groups[g].n, "mean_abs_error", groups[g].mean_abs_error,
                                                  "median_abs_error", groups[g].median_abs_error,
                                                  "mean_error", groups[g].mean_error));
        json_object_set_new(by, groupings[k].kind, list);
        mean_abs_error = n_groups > 0 ? groups[0].mean_abs_error : 0.0; /* the last kind is all rows */
        median_abs_error = n_groups > 0 ? groups[0].median_abs_error : 0.0;
    }
    json_t *root = json_pack("{s:o,s:f,s:f,s:o,s:o}", "rows", shown, "mean_abs_error", mean_abs_error,
                             "median_abs_error", median_abs_error, "skipped", skipped, "by", by);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON report");
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON report cannot be written", path) : MUIR_OK;
}

muir_status muir_validate_collectives(muir_ctx *ctx, const char *path, const char *json, bool is_left_out)
{
    muir_status st = MUIR_OK;
    int n_figures = 0;
    muir_csv *table = NULL;
    muir_collective_row *rows = NULL;
    error_group *groups = NULL;
    double *errors = NULL;
    MUIR_TRY(muir_csv_read(ctx, path, &table));
    MUIR_TRY(muir_alloc(ctx, (size_t)table->n_rows, sizeof *rows, "the rows", &rows));
    MUIR_TRY(muir_alloc(ctx, (size_t)table->n_rows, sizeof *errors, "the rows", &errors));
    MUIR_TRY(muir_alloc(ctx, MOST_GROUPS, sizeof *groups, "the means", &groups));
    MUIR_TRY(muir_collectives_read(ctx, table, rows));
    for (int i = 0; i < table->n_rows; i++)
        if (!rows[i].is_skipped) muir_collective_predict(&rows[i]);
    if (is_left_out) MUIR_TRY(muir_collectives_leave_out(ctx, rows, table->n_rows, &n_figures));
    if (is_left_out && (!json || strcmp(json, "-") != 0))
        printf("each row predicted with figures fitted without its source: %d figures\n\n", n_figures);
    if (!json || strcmp(json, "-") != 0) print_all(rows, table->n_rows, groups, errors);
    if (json) MUIR_TRY(write_json(ctx, rows, table->n_rows, json, groups, errors));
done:
    free(rows);
    free(errors);
    free(groups);
    muir_csv_destroy(&table);
    return st;
}
