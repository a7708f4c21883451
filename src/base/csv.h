/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables in CSV files: a line of column names, then rows of texts. */
#ifndef MUIR_BASE_CSV_H
#define MUIR_BASE_CSV_H

#include "base/ctx.h"

typedef struct muir_csv {
    char *text;         /* the file, cut into cells */
    const char **names; /* [n_columns] */
    const char **cells; /* [n_rows, n_columns] */
    int *lines;         /* [n_rows]: where each row starts in the file, from 1 */
    int n_columns, n_rows;
} muir_csv;

/* Reads a file: fields separated by commas, quoted with "..." (a quote inside is doubled); empty lines are
 * skipped.
 * out  out  free it with muir_csv_destroy; untouched on error
 * Local. MUIR_ERR_ARG with file and line, MUIR_ERR_MEM. Source: RFC 4180. */
muir_status muir_csv_read(muir_ctx *ctx, const char *path, muir_csv **out);
void muir_csv_destroy(muir_csv **csv); /* accepts NULL, leaves NULL */

/* A cell's text without blanks around it; "" where the table lacks the column. Local. */
const char *muir_csv_get(const muir_csv *csv, int row, const char *column);

/* Whether the table has the column. Local. */
bool muir_csv_has(const muir_csv *csv, const char *column);

#endif
