/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of nccl-tests, rccl-tests and nccom-test, text or JSON -> figures of a fleet. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/points.h"

enum { LINE = 1024, MOST_WORDS = 24, MOST_HOSTS = 4096, NAME = 64 };

/* A log being read: what its head says of the runs below it. */
typedef struct log_reader {
    muir_coll_kind kind;
    int ranks;
    int n_hosts;
    char (*hosts)[NAME]; /* [MOST_HOSTS] */
    bool has_rows;       /* since the last head: the next rank opens a new one */
} log_reader;

static int split(char *line, char **words)
{
    int n = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r\n|", &rest); word && n < MOST_WORDS;
         word = strtok_r(NULL, " \t\r\n|", &rest))
        words[n++] = word;
    return n;
}

static bool is_number(const char *word)
{
    char *end = NULL;
    strtod(word, &end);
    return end != word && *end == '\0';
}

/* "#  Rank  0 Group  0 Pid   6899 on HOST device  0 [0000:04:00] NVIDIA H100" */
static void read_rank(log_reader *r, char **words, int n)
{
    if (r->has_rows) {
        r->ranks = 0;
        r->n_hosts = 0;
        r->has_rows = false;
    }
    r->ranks++;
    for (int i = 0; i + 1 < n; i++) {
        if (strcmp(words[i], "on") != 0) continue;
        for (int h = 0; h < r->n_hosts; h++)
            if (strncmp(r->hosts[h], words[i + 1], NAME - 1) == 0) return;
        if (r->n_hosts < MOST_HOSTS) snprintf(r->hosts[r->n_hosts++], NAME, "%.63s", words[i + 1]);
        return;
    }
}

/* Which collective a line names, "all_reduce_perf" or "nccom-test allr". */
static void read_name(log_reader *r, const char *line)
{
    static const char *const names[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall",
                                        "all_to_all", "broadcast",  "sendrecv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *at = strstr(line, names[i]);
        if (at && strncmp(at + strlen(names[i]), "_perf", 5) == 0) r->kind = muir_points_kind(names[i]);
    }
}

/* size count type [redop] [root] then time [us] algbw busbw [wrong], out of place and perhaps in place.
 * Returns the out-of-place time [s], 0 where the line is no such row. */
static double row_time_s(char **words, int n)
{
    int at = 3;
    if (n < 6 || !is_number(words[0]) || !is_number(words[1]) || !isalpha((unsigned char)words[2][0]))
        return 0.0;
    while (at < n && !is_number(words[at]) && strcmp(words[at], "N/A") != 0) at++; /* the operation */
    const int left = n - at;
    if (left % 4 == 1 && left > 4) at++; /* the root */
    return at < n && is_number(words[at]) ? strtod(words[at], NULL) * 1e-6 : 0.0;
}

static muir_status take_row(muir_ctx *ctx, const muir_import_source *source, const log_reader *r,
                            double bytes, double time_s, muir_points *points)
{
    const int ranks = muir_points_given(source, "ranks") ? muir_points_given(source, "ranks") : r->ranks;
    const int hosts =
        muir_points_given(source, "servers") ? muir_points_given(source, "servers") : r->n_hosts;
    const char *given = muir_import_given(source, "op");
    const muir_coll_kind kind = given ? muir_points_kind(given) : r->kind;
    if (kind == MUIR_COLL_KIND_COUNT)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "it does not say which collective it timed: op=all_reduce, ... says it");
    if (ranks < 2)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "it does not say how many ranks took part: ranks=N says it (and servers=N)");
    const muir_point point = {kind, bytes, time_s, ranks, hosts > 0 ? hosts : 1};
    if (point.servers > ranks || ranks % point.servers != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%d ranks cannot be spread evenly over %d servers", ranks,
                         point.servers);
    return muir_points_add(ctx, points, point);
}

static muir_status read_text(muir_ctx *ctx, const muir_import_source *source, log_reader *r,
                             muir_points *points)
{
    char line[LINE], *words[MOST_WORDS];
    for (const char *at = source->text; *at;) {
        const size_t length = strcspn(at, "\n"), n_line = length < LINE - 1 ? length : LINE - 1;
        memcpy(line, at, n_line);
        line[n_line] = '\0';
        at += length + (at[length] != '\0');
        read_name(r, line);
        const int n = split(line, words);
        const bool is_rank = n > 4 && strcmp(words[0], "#") == 0 && strcmp(words[1], "Rank") == 0;
        if (is_rank) read_rank(r, words, n);
        const double time_s = row_time_s(words, n);
        if (!(time_s > 0.0)) continue;
        r->has_rows = true;
        const muir_status st = take_row(ctx, source, r, strtod(words[0], NULL), time_s, points);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* JSON of nccl-tests -J: results with out_of_place.time [us], devices with hosts; arguments name the test. */
static muir_status read_json(muir_ctx *ctx, const muir_import_source *source, const json_t *root,
                             log_reader *r, muir_points *points)
{
    size_t i;
    json_t *value, *list = json_object_get(root, "devices");
    char *text = json_dumps(root, JSON_COMPACT);
    if (!text) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a document");
    read_name(r, text);
    free(text);
    json_array_foreach(list, i, value)
    {
        const char *host = json_string_value(json_object_get(value, "host"));
        if (!host) host = json_string_value(json_object_get(value, "hostname"));
        char on[] = "on", name[NAME], *words[2] = {on, name};
        snprintf(name, sizeof name, "%.63s", host ? host : "");
        read_rank(r, words, host ? 2 : 0);
    }
    list = json_object_get(root, "results");
    if (!json_is_array(list))
        return muir_fail(ctx, MUIR_ERR_ARG, "'results' is missing: is it JSON of nccl-tests -J?");
    json_array_foreach(list, i, value)
    {
        const json_t *way = json_object_get(value, "out_of_place");
        const double time_s = json_number_value(json_object_get(way, "time")) * 1e-6;
        const muir_status st =
            take_row(ctx, source, r, json_number_value(json_object_get(value, "size")), time_s, points);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static muir_status read_log(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    muir_points points = {.at = NULL};
    log_reader r = {.kind = MUIR_COLL_KIND_COUNT, .hosts = calloc(MOST_HOSTS, NAME)};
    json_t *root = NULL;
    const char *name = strrchr(source->path, '/');
    if (!r.hosts) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a log");
    r.kind = muir_points_kind(name ? name + 1 : source->path);
    if (source->text[strspn(source->text, " \t\r\n")] == '{') {
        json_error_t error;
        root = json_loadb(source->text, source->length, 0, &error);
        if (!root) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "line %d: %s", error.line, error.text));
        MUIR_TRY(read_json(ctx, source, root, &r, &points));
    } else {
        MUIR_TRY(read_text(ctx, source, &r, &points));
    }
    MUIR_TRY(muir_points_fit(ctx, source, &points, found));
done:
    json_decref(root);
    free(r.hosts);
    muir_points_free(&points);
    return st;
}

const muir_importer muir_importer_nccl = {
    .name = "nccl",
    .reads = "output of nccl-tests, rccl-tests or nccom-test, text or JSON (with fleet=NAME)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_log,
};
