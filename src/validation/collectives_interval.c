/* SPDX-License-Identifier: BSD-3-Clause */
/* Weighted quantiles of errors on other sources. */
#include "validation/collectives_interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validation/collectives_fit.h"

enum { ALL_CELLS = -1, SOURCE = 96 };
static const double SHARE = 0.8, SMALL = 1048576.0;

typedef struct weighted {
    double size, weight;
} weighted;

typedef struct sources {
    const muir_collective_row *rows; /* [n], borrowed */
    int n;
    int *of_row;    /* [n] */
    double *weight; /* [n] */
    weighted *room; /* [n] */
} sources;

int muir_collective_cell(int64_t servers, double bytes)
{
    return (servers > 1 ? 2 : 0) + (bytes < SMALL ? 0 : 1);
}

const char *muir_collective_cell_name(int cell)
{
    static const char *const names[MUIR_COLLECTIVE_CELLS] = {
        "one server below 1 MiB", "one server from 1 MiB", "more servers below 1 MiB",
        "more servers from 1 MiB"};
    return names[cell];
}

static int by_size(const void *a, const void *b)
{
    const double x = ((const weighted *)a)->size, y = ((const weighted *)b)->size;
    return (x > y) - (x < y);
}

/* The quantile in a cell over all sources but one; NaN where fewer than two tell it.
 * out  in  -1: over all sources, of which one may do */
static double quantile(const sources *s, int cell, int out)
{
    double sum = 0.0, below = 0.0;
    int n = 0, first = -1;
    bool is_one = true;
    for (int i = 0; i < s->n; i++) {
        const muir_collective_row *row = &s->rows[i];
        if (row->is_skipped || s->of_row[i] == out) continue;
        if (cell != ALL_CELLS && muir_collective_cell(row->servers, row->bytes) != cell) continue;
        s->room[n++] = (weighted){fabs(log(row->predicted_s / row->real_s)), s->weight[i]};
        sum += s->weight[i];
        if (first >= 0 && s->of_row[i] != first) is_one = false;
        first = s->of_row[i];
    }
    if (n == 0 || (out >= 0 && is_one)) return NAN;
    qsort(s->room, (size_t)n, sizeof *s->room, by_size);
    for (int i = 0; i < n; i++) {
        below += s->room[i].weight;
        if (below >= SHARE * sum) return s->room[i].size;
    }
    return s->room[n - 1].size;
}

/* Numbers sources by their first row. */
static void number_sources(sources *s)
{
    char name[SOURCE], other[SOURCE];
    for (int i = 0; i < s->n; i++) {
        int first = 0, same = 0;
        if (s->rows[i].is_skipped) continue;
        muir_collective_source(&s->rows[i], name, sizeof name);
        for (int k = s->n - 1; k >= 0; k--) {
            if (s->rows[k].is_skipped) continue;
            muir_collective_source(&s->rows[k], other, sizeof other);
            if (strcmp(name, other) != 0) continue;
            first = k;
            same++;
        }
        s->of_row[i] = first;
        s->weight[i] = 1.0 / sqrt(same);
    }
}

muir_status muir_collectives_intervals(muir_ctx *ctx, muir_collective_row *rows, int n, double *spread)
{
    muir_status st = MUIR_OK;
    sources s = {.rows = rows, .n = n};
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *s.of_row, "intervals", &s.of_row));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *s.weight, "intervals", &s.weight));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *s.room, "intervals", &s.room));
    number_sources(&s);
    for (int c = 0; c < MUIR_COLLECTIVE_CELLS; c++) spread[c] = quantile(&s, c, ALL_CELLS);
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped) continue;
        double width = quantile(&s, muir_collective_cell(rows[i].servers, rows[i].bytes), s.of_row[i]);
        if (isnan(width)) width = quantile(&s, ALL_CELLS, s.of_row[i]);
        rows[i].spread = width;
    }
done:
    free(s.of_row);
    free(s.weight);
    free(s.room);
    return st;
}
