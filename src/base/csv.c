/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of CSV files in one pass over their text. */
#include "base/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Where the reader stands in the text. */
typedef struct reader {
    muir_ctx *ctx;
    const char *path;
    char *at;
    int line;
    char ended; /* what ended the last field: ',' '\n' or '\0' */
} reader;

/* A quoted field: shifts its text over the doubled quotes; `at` ends behind the closing one. */
static muir_status read_quoted(reader *r, char **field)
{
    const int start = r->line;
    char *to = ++r->at;
    *field = to;
    for (;; r->at++) {
        if (*r->at == '\0')
            return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a quote is not closed", r->path, start);
        if (*r->at == '\n') r->line++;
        if (*r->at == '"' && r->at[1] != '"') break;
        if (*r->at == '"') r->at++;
        *to++ = *r->at;
    }
    r->at++;
    if (*r->at == '\r') r->at++;
    if (*r->at != ',' && *r->at != '\n' && *r->at != '\0')
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: '%c' after a closing quote", r->path, r->line, *r->at);
    r->ended = *r->at;
    if (r->ended) r->at++;
    *to = '\0';
    return MUIR_OK;
}

static muir_status read_field(reader *r, char **field)
{
    if (*r->at == '"') return read_quoted(r, field);
    *field = r->at;
    r->at += strcspn(r->at, ",\n");
    r->ended = *r->at;
    char *end = r->at;
    if (r->ended) r->at++;
    *end = '\0';
    while (end > *field && isspace((unsigned char)end[-1])) *--end = '\0';
    while (isspace((unsigned char)**field)) (*field)++;
    return MUIR_OK;
}

/* Fields of one row into cells; n in: room, out: how many. */
static muir_status read_row(reader *r, const char **cells, int *n)
{
    const int line = r->line, room = *n;
    for (*n = 0;; (*n)++) {
        char *field = NULL;
        const muir_status st = read_field(r, &field);
        if (st != MUIR_OK) return st;
        if (*n == room)
            return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: more than %d fields", r->path, line, room);
        cells[*n] = field;
        if (r->ended != ',') break;
    }
    (*n)++;
    if (r->ended == '\n') r->line++;
    return MUIR_OK;
}

static void skip_empty(reader *r)
{
    while (*r->at == '\n' || *r->at == '\r') {
        r->line += *r->at == '\n';
        r->at++;
    }
}

static size_t count(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++) n += *text == c;
    return n;
}

static muir_status read_rows(reader *r, muir_csv *csv)
{
    for (skip_empty(r); *r->at; skip_empty(r)) {
        int n = csv->n_columns;
        const int line = r->line;
        const muir_status st = read_row(r, csv->cells + (size_t)csv->n_rows * (size_t)csv->n_columns, &n);
        if (st != MUIR_OK) return st;
        if (n != csv->n_columns)
            return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %d fields, but %d columns", r->path, line, n,
                             csv->n_columns);
        csv->lines[csv->n_rows++] = line;
    }
    return MUIR_OK;
}

muir_status muir_csv_read(muir_ctx *ctx, const char *path, muir_csv **out)
{
    muir_status st = MUIR_OK;
    muir_csv *csv = NULL;
    size_t length = 0, most_columns = 0, most_rows = 0;
    reader r = {.ctx = ctx, .path = path, .line = 1};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *csv, "a table", &csv));
    MUIR_TRY(muir_text_read(ctx, path, &csv->text, &length));
    r.at = csv->text;
    if (length >= 3 && memcmp(r.at, "\xef\xbb\xbf", 3) == 0) r.at += 3; /* a byte order mark */
    skip_empty(&r);
    most_columns = count(r.at, ',') + 1;
    most_rows = count(r.at, '\n') + 1;
    if (most_columns > 1000) most_columns = 1000;
    MUIR_TRY(muir_alloc(ctx, most_columns, sizeof *csv->names, "a table", &csv->names));
    MUIR_TRY(muir_alloc(ctx, most_rows, sizeof *csv->lines, "a table", &csv->lines));
    csv->n_columns = (int)most_columns;
    if (*r.at == '\0') MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: the table is empty", path));
    MUIR_TRY(read_row(&r, csv->names, &csv->n_columns));
    MUIR_TRY(muir_alloc(ctx, most_rows * (size_t)csv->n_columns, sizeof *csv->cells, "a table", &csv->cells));
    MUIR_TRY(read_rows(&r, csv));
    *out = csv;
    csv = NULL;
done:
    muir_csv_destroy(&csv);
    return st;
}

void muir_csv_destroy(muir_csv **csv)
{
    if (!*csv) return;
    free((*csv)->text);
    free((*csv)->names);
    free((*csv)->cells);
    free((*csv)->lines);
    free(*csv);
    *csv = NULL;
}

static int column_of(const muir_csv *csv, const char *column)
{
    for (int i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->names[i], column) == 0) return i;
    return -1;
}

bool muir_csv_has(const muir_csv *csv, const char *column)
{
    return column_of(csv, column) >= 0;
}

const char *muir_csv_get(const muir_csv *csv, int row, const char *column)
{
    const int c = column_of(csv, column);
    return c < 0 ? "" : csv->cells[(size_t)row * (size_t)csv->n_columns + (size_t)c];
}
