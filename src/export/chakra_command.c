/* SPDX-License-Identifier: BSD-3-Clause */
/* muir export chakra: files of chosen chips, and the list of their groups. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cmd/args.h"
#include "export/chakra.h"
#include "export/perfetto.h"
#include "models/layout.h"

enum { MOST_CHIPS = 4096, PATH_SIZE = 1024, MOST_LISTED = 1 << 20 };

typedef struct chakra_export {
    muir_args args;
    const char *output, *chips_text;
    muir_scenario *scenario;
    muir_columns *columns;
    int64_t *chips; /* [n] */
    int n;
    muir_chakra_groups *groups;
} chakra_export;

/* 0,8,16 or 0:15; without it the first chip of every stage. */
static muir_status read_chips(muir_ctx *ctx, chakra_export *e)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &e->scenario->job;
    const int64_t most = muir_job_chips(job);
    const char *at = e->chips_text;
    MUIR_TRY(muir_alloc(ctx, MOST_CHIPS, sizeof *e->chips, "a list of chips", &e->chips));
    for (int64_t stage = 0; !at && stage < job->parallel.pp && e->n < MOST_CHIPS; stage++)
        e->chips[e->n++] = muir_layout_chip(job, stage, 0, 0);
    while (at && *at) {
        char *end = NULL;
        const long long first = strtoll(at, &end, 10);
        const long long last = *end == ':' ? strtoll(end + 1, &end, 10) : first;
        if (end == at || first < 0 || last < first || last >= most || last - first >= MOST_CHIPS - e->n ||
            (*end && *end != ','))
            MUIR_TRY(muir_fail(
                ctx, MUIR_ERR_ARG,
                "--chips %s: write numbers of the job's chips, 0 to %lld, at most %d of them: 0,8,16 or 0:15",
                e->chips_text, (long long)most - 1, MOST_CHIPS));
        for (long long chip = first; chip <= last; chip++) e->chips[e->n++] = chip;
        at = end + (*end == ',');
    }
done:
    return st;
}

static muir_status write_bytes(muir_ctx *ctx, const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    if (!file) return muir_fail(ctx, MUIR_ERR_ARG, "%s cannot be written: %s", path, strerror(errno));
    const bool is_written = fwrite(data, 1, n, file) == n;
    return fclose(file) == 0 && is_written ? MUIR_OK
                                           : muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", path);
}

/* Members by number: as the layout has them where a group is all that share weights, else at its stride. */
static json_t *members_of(const muir_job *job, const muir_chakra_group *g)
{
    json_t *list = json_array();
    const muir_chip_place place = muir_layout_place(job, g->first);
    const int64_t cp = job->parallel.cp, tp = job->parallel.tp;
    const bool is_all = g->axis == MUIR_AXIS_DP && g->members == muir_job_size(job, MUIR_AXIS_DP);
    for (int64_t i = 0; i < g->members && i < MOST_LISTED; i++)
        json_array_append_new(list, json_integer(is_all ? muir_layout_chip(job, place.stage, i / cp,
                                                                           place.in_group % tp + i % cp * tp)
                                                        : g->first + i * g->stride));
    return list;
}

static muir_status write_groups(muir_ctx *ctx, const chakra_export *e)
{
    char path[PATH_SIZE];
    json_t *root = json_object();
    for (int i = 0; i < e->groups->n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%d", i);
        json_object_set_new(root, name, members_of(&e->scenario->job, &e->groups->at[i]));
    }
    snprintf(path, sizeof path, "%.1000s.groups.json", e->output);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for groups");
    const muir_status st = write_bytes(ctx, path, text, strlen(text));
    free(text);
    return st;
}

static muir_status write_chip(muir_ctx *ctx, const chakra_export *e, int64_t chip)
{
    muir_status st = MUIR_OK;
    char path[PATH_SIZE];
    muir_pb file = {.data = NULL};
    muir_chakra_totals totals = {.nodes = 0};
    snprintf(path, sizeof path, "%.1000s.%lld.et", e->output, (long long)chip);
    MUIR_TRY(muir_chakra_begin(ctx, &file, e->args.positional, chip));
    MUIR_TRY(muir_chakra_chip(ctx, e->scenario, chip, &file, e->groups, &totals));
    MUIR_TRY(write_bytes(ctx, path, file.data, file.n));
    printf("%s: %s nodes;", path, muir_count_text(totals.nodes).s);
    for (int a = 0; a < MUIR_AXIS_COUNT; a++)
        if (totals.calls[a] > 0)
            printf(" %s %s calls, %s;", muir_axis_name((muir_axis)a), muir_count_text(totals.calls[a]).s,
                   muir_bytes_text(totals.bytes[a]).s);
    printf(" modelled\n");
done:
    muir_pb_free(&file);
    return st;
}

muir_status muir_chakra_command(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    chakra_export e = {.output = NULL};
    const muir_arg known[] = {{"-o", "--output", &e.output, NULL}, {"--chips", NULL, &e.chips_text, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 2, &e.args));
    if (!e.args.positional || e.args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which file? (muir export chakra FILE.h5 -o PREFIX)"));
    if (!e.output)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "where to? (-o PREFIX: PREFIX.CHIP.et and PREFIX.groups.json)"));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e.scenario, "a scenario", &e.scenario));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *e.groups, "groups", &e.groups));
    MUIR_TRY(muir_columns_open(ctx, e.args.positional, &e.columns));
    MUIR_TRY(muir_trace_scenario(ctx, e.columns, e.args.positional, e.scenario));
    MUIR_TRY(read_chips(ctx, &e));
    for (int i = 0; i < e.n; i++) MUIR_TRY(write_chip(ctx, &e, e.chips[i]));
    MUIR_TRY(write_groups(ctx, &e));
done:
    muir_columns_close(&e.columns);
    muir_args_free(&e.args);
    free(e.chips);
    free(e.groups);
    free(e.scenario);
    return st;
}
