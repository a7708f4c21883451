/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of a fleet that explain measured collectives: by the network model's own times, least mean error in
 * the logarithm, by a search that halves its steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/network.h"
#include "import/points.h"
#include "scenario/data_file.h"
#include "scenario/scenario.h"

enum { FIGURES = 4, ROUNDS = 60 };
static const double mebibyte = 1048576.0;

/* Where a level's figures lie: efficiency, alpha, base, and its own rate of reductions or exchanges. */
typedef struct level {
    const char *names[FIGURES];
    double *at[FIGURES];
    double low[FIGURES], high[FIGURES];
    double before[FIGURES];
    bool is_open[FIGURES]; /* it is fitted */
    int n;                 /* points that this level decides */
} level;

typedef struct fit {
    muir_fleet *fleet;
    const muir_points *points;
    int half; /* points that count: 0 and 1 every second size, 2 all */
} fit;

static double time_of(const muir_fleet *fleet, const muir_point *point)
{
    const int each = point->ranks / point->servers;
    const int64_t stride = each == 1 && point->servers > 1 ? fleet->server.chips : 1;
    const muir_group group = muir_group_place(fleet, stride, point->ranks);
    return muir_coll_time_s(fleet, &group, point->kind, point->bytes);
}

static bool counts(const fit *f, int i)
{
    return f->half == 2 || f->points->at[i].kind == MUIR_SEND_RECV || i % 2 == f->half;
}

static double mean_error(const fit *f)
{
    double sum = 0.0;
    int n = 0;
    for (int i = 0; i < f->points->n; i++) {
        if (!counts(f, i)) continue;
        const double time_s = time_of(f->fleet, &f->points->at[i]);
        sum += time_s > 0.0 ? fabs(log(time_s / f->points->at[i].time_s)) : 1e3;
        n++;
    }
    return n > 0 ? sum / n : 0.0;
}

/* One figure up or down by a factor, if that helps. */
static bool improve(const fit *f, const level *l, int i, double factor, double *best)
{
    const double before = *l->at[i];
    *l->at[i] = fmin(fmax(before * factor, l->low[i]), l->high[i]);
    const double error = mean_error(f);
    if (error < *best - 1e-12) {
        *best = error;
        return true;
    }
    *l->at[i] = before;
    return false;
}

static void search(const fit *f, const level *levels, int n_levels)
{
    double best = mean_error(f), step = 2.0;
    for (int round = 0; round < ROUNDS && step > 1.0005; round++) {
        bool is_better = false;
        for (int k = 0; k < n_levels; k++)
            for (int i = 0; i < FIGURES; i++)
                if (levels[k].is_open[i])
                    is_better |= improve(f, &levels[k], i, step, &best) ||
                                 improve(f, &levels[k], i, 1.0 / step, &best);
        if (!is_better) step = sqrt(step);
    }
}

static int by_group(const void *a, const void *b)
{
    const muir_point *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->ranks != y->ranks) return x->ranks < y->ranks ? -1 : 1;
    if (x->servers != y->servers) return x->servers < y->servers ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* How far the sizes left out are off, for each collective and group. */
static muir_status note_errors(muir_ctx *ctx, const fit *f, muir_import *found)
{
    for (int first = 0, end; first < f->points->n; first = end) {
        const muir_point *p = &f->points->at[first];
        double sum = 0.0, worst = 0.0, large = 0.0;
        int n = 0, n_large = 0;
        for (end = first; end < f->points->n; end++) {
            const muir_point *q = &f->points->at[end];
            if (q->kind != p->kind || q->ranks != p->ranks || q->servers != p->servers) break;
            if (counts(f, end)) continue;
            const double error = fabs(time_of(f->fleet, q) / q->time_s - 1.0);
            sum += error;
            worst = fmax(worst, error);
            n++;
            if (q->bytes < mebibyte) continue;
            large += error;
            n_large++;
        }
        if (n == 0) continue;
        const muir_status st =
            muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                             "%s of %d ranks in %d servers, %d sizes: the %d left out of the fit are off by "
                             "%.1f %% in the mean, %.0f %% at "
                             "most; from 1 MiB by %.1f %%",
                             muir_coll_kind_name(p->kind), p->ranks, p->servers, end - first, n,
                             100.0 * sum / n, 100.0 * worst, n_large > 0 ? 100.0 * large / n_large : 0.0);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* Every key that the base fleet's file gives. */
static muir_status note_base(muir_ctx *ctx, const muir_data_file *base, const char *name, muir_import *found)
{
    const muir_schema *schema = base->input->schema;
    int n = 0;
    for (int s = 0; s < schema->n_sections; s++)
        for (int i = 0; i < schema->sections[s].n_options; i++) {
            char path[2 * MUIR_NAME_SIZE], key[MUIR_IMPORT_KEY], value[MUIR_TEXT_SIZE + 1];
            if (!base->is_given[n++]) continue;
            muir_option_path(&schema->sections[s], &schema->sections[s].options[i], path, sizeof path);
            muir_option_get(&schema->sections[s], &schema->sections[s].options[i], base->file, value,
                            sizeof value);
            snprintf(key, sizeof key, "fleet.%.50s", path);
            const muir_status st =
                muir_import_note(ctx, found, MUIR_NOTE_TAKEN, key, value, "fleet %s", name);
            if (st != MUIR_OK) return st;
        }
    return MUIR_OK;
}

static muir_status note_figures(muir_ctx *ctx, const level *l, muir_import *found)
{
    for (int i = 0; i < FIGURES; i++) {
        muir_status st;
        if (!l->is_open[i] || *l->at[i] == l->before[i]) continue;
        const bool is_bound = *l->at[i] <= l->low[i] || *l->at[i] >= l->high[i];
        char text[32];
        snprintf(text, sizeof text, "%.3g", *l->at[i]);
        st = muir_import_note(ctx, found, MUIR_NOTE_DERIVED, l->names[i], text, "fitted to %d measurements%s",
                              l->n, is_bound ? "; at the end of its range: is the port's rate right?" : "");
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* The two levels, and which of their figures the points can tell. */
static void open_levels(muir_fleet *fleet, const muir_points *points, level levels[2])
{
    levels[0] = (level){.names = {"fleet.server.efficiency", "fleet.server.alpha_s", "fleet.server.base_s",
                                  "fleet.server.reduction"},
                        .at = {&fleet->server.efficiency, &fleet->server.alpha_s, &fleet->server.base_s,
                               &fleet->server.reduction}};
    levels[1] = (level){.names = {"fleet.fabric.efficiency", "fleet.fabric.alpha_s", "fleet.fabric.base_s",
                                  "fleet.fabric.exchange"},
                        .at = {&fleet->fabric.efficiency, &fleet->fabric.alpha_s, &fleet->fabric.base_s,
                               &fleet->fabric.exchange}};
    for (int k = 0; k < 2; k++) {
        level *l = &levels[k];
        int sizes[2] = {0, 0}; /* two numbers of ranks tell latency per message from latency per call */
        for (int i = 0; i < points->n; i++) {
            if ((points->at[i].servers > 1) != (k == 1)) continue;
            l->n++;
            if (sizes[0] == 0) sizes[0] = points->at[i].ranks;
            if (points->at[i].ranks != sizes[0]) sizes[1] = points->at[i].ranks;
        }
        const double low[] = {0.01, 1e-8, 1e-8, 0.01}, high[] = {k == 0 ? 1.5 : 1.0, 1e-2, 1e-2, 1.0};
        for (int i = 0; i < FIGURES; i++) {
            l->low[i] = low[i];
            l->high[i] = high[i];
            l->is_open[i] = l->n >= 4 && (i != 2 || sizes[1] > 0);
            if (i == 3 && !(*l->at[i] > 0.0)) l->is_open[i] = false; /* the fleet has none */
            if (l->is_open[i] && !(*l->at[i] > 0.0)) *l->at[i] = low[i];
            l->before[i] = *l->at[i];
        }
    }
}

static muir_status note_unknown(muir_ctx *ctx, const level levels[2], const muir_points *points,
                                muir_import *found)
{
    static const char *const where[] = {"inside a server", "between servers"};
    muir_status st = MUIR_OK;
    for (int k = 0; k < 2; k++) {
        if (levels[k].n == 0)
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                      "nothing was timed %s: as the fleet says", where[k]));
        else if (levels[k].n < 4)
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                      "%d measurements %s are too few: as the fleet says", levels[k].n,
                                      where[k]));
        else if (!levels[k].is_open[2])
            MUIR_TRY(muir_import_note(
                ctx, found, MUIR_NOTE_ASSUMED, "", "",
                "one number of ranks %s does not tell alpha from base: base as the fleet says", where[k]));
    }
    if (points->skipped > 0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%d rows without a size or a time",
                                  points->skipped));
done:
    return st;
}

static muir_status load_base(muir_ctx *ctx, const char *name, muir_data_file **base)
{
    for (int i = 0; i < muir_input_count(); i++)
        if (strcmp(muir_input_at(i)->schema->kind, "fleet") == 0)
            return muir_data_file_create(ctx, muir_input_at(i), name, base);
    return muir_fail(ctx, MUIR_ERR_ARG, "fleets are no kind of file");
}

/* The fleet with its chip and its library, by way of a job of one chip. */
static muir_status load_fleet(muir_ctx *ctx, const char *name, muir_scenario **out)
{
    char fleet[1100];
    const char *keys[] = {fleet,           "model=tiny-30m", "parallel.tp=1",
                          "parallel.pp=1", "parallel.dp=1",  "global_batch_size=1"};
    muir_scenario *scenario = calloc(1, sizeof *scenario);
    if (!scenario) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a fleet");
    snprintf(fleet, sizeof fleet, "fleet=%s", name);
    const muir_status st = muir_scenario_load(ctx, NULL, keys, (int)(sizeof keys / sizeof keys[0]), scenario);
    if (st == MUIR_OK)
        *out = scenario;
    else
        free(scenario);
    return st;
}

/* Servers of the points are those of the fleet. */
static muir_status check_servers(muir_ctx *ctx, const muir_points *points, muir_fleet *fleet)
{
    int most = 0;
    for (int i = 0; i < points->n; i++) {
        const int each = points->at[i].ranks / points->at[i].servers;
        most = points->at[i].servers > most ? points->at[i].servers : most;
        if (each > fleet->server.chips)
            return muir_fail(ctx, MUIR_ERR_ARG, "%d ranks on a server, but the fleet's have %lld chips", each,
                             (long long)fleet->server.chips);
        if (points->at[i].servers > 1 && each > 1 && each != fleet->server.chips)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "%d ranks on each of %d servers: a fit needs one rank or all %lld chips of each",
                             each, points->at[i].servers, (long long)fleet->server.chips);
    }
    if (fleet->top.servers < most) fleet->top.servers = most; /* the machine that was timed may be larger */
    return MUIR_OK;
}

muir_status muir_points_note_base(muir_ctx *ctx, const char *name, muir_import *found)
{
    muir_data_file *base = NULL;
    muir_status st = load_base(ctx, name, &base);
    if (st == MUIR_OK) st = note_base(ctx, base, name, found);
    muir_data_file_destroy(&base);
    return st;
}

muir_status muir_points_fit(muir_ctx *ctx, const muir_import_source *source, muir_points *points,
                            muir_import *found)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = NULL;
    level levels[2];
    if (points->n == 0) return muir_fail(ctx, MUIR_ERR_ARG, "it contains no row of measurements");
    if (!source->fleet)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "which fleet was it? fleet=NAME names the one whose rates the figures are shares of");
    MUIR_TRY(muir_points_note_base(ctx, source->fleet, found));
    MUIR_TRY(load_fleet(ctx, source->fleet, &scenario));
    muir_fleet *fleet = &scenario->fleet;
    MUIR_TRY(check_servers(ctx, points, fleet));
    qsort(points->at, (size_t)points->n, sizeof *points->at, by_group);
    open_levels(fleet, points, levels);
    fit f = {fleet, points, 0};
    search(&f, levels, 2);
    MUIR_TRY(note_errors(ctx, &f, found));
    f.half = 2;
    search(&f, levels, 2);
    for (int k = 0; k < 2; k++) MUIR_TRY(note_figures(ctx, &levels[k], found));
    MUIR_TRY(note_unknown(ctx, levels, points, found));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "fleet.source", source->path,
                              "where the figures were measured; the others are those of %s", source->fleet));
done:
    free(scenario);
    return st;
}
