/* SPDX-License-Identifier: BSD-3-Clause */
/* Columns of a telemetry file for those who only read it: finished, killed or being written. */
#ifndef MUIR_IO_COLUMNS_H
#define MUIR_IO_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"

typedef struct muir_columns muir_columns;

/* path  in   of a telemetry file
 * out   out  free it with muir_columns_close; untouched on error
 * Local. MUIR_ERR_ARG (no such file, not muir's), MUIR_ERR_MEM. */
muir_status muir_columns_open(muir_ctx *ctx, const char *path, muir_columns **out);
void muir_columns_close(muir_columns **columns); /* accepts NULL, leaves NULL */

/* Whether there is a dataset of the name, "events/kind". Local. */
bool muir_columns_have(const muir_columns *columns, const char *name);

/* A column of numbers, whatever their type, as doubles.
 * name    in   of a dataset with one or two dimensions
 * values  out  [rows, width], freed with free(); untouched on error
 * rows    out
 * width   out  1 for a column with one dimension; NULL: not wanted
 * Local. MUIR_ERR_ARG (no such numbers), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_columns_read(muir_ctx *ctx, const muir_columns *columns, const char *name, double **values,
                              size_t *rows, size_t *width);

/* A column of texts of any length.
 * texts  out  [n] pointers and the texts behind them in one piece, freed with free(); untouched on error
 * Local. MUIR_ERR_ARG (no such texts), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_columns_texts(muir_ctx *ctx, const muir_columns *columns, const char *name, char ***texts,
                               size_t *n);

/* A single text.
 * text  out  zero-terminated, freed with free(); untouched on error
 * Local. MUIR_ERR_ARG (no such text), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_columns_text(muir_ctx *ctx, const muir_columns *columns, const char *name, char **text);

#endif
