/* SPDX-License-Identifier: BSD-3-Clause */
/* The tuning table: a YAML file that keeps which collective algorithm was the fastest where. */
#ifndef MUIR_SCENARIO_TUNING_TABLE_H
#define MUIR_SCENARIO_TUNING_TABLE_H

#include "base/options.h"

/* A row of the file, and the line on which it stands; 0: not from a file. Plain data: it is sent to other
 * ranks as bytes. */
#define OPTION MUIR_OPTION_FIELD
typedef struct muir_tuning_row {
#include "scenario/tuning.def"
    int64_t line;
} muir_tuning_row;
#undef OPTION

typedef struct muir_tuning_table {
    muir_tuning_row *rows; /* [n] */
    int n, room;
} muir_tuning_table;

/* Keys of a row. */
extern const muir_schema muir_tuning_schema;

/* Appends a copy of a row. Local. MUIR_ERR_MEM. */
muir_status muir_tuning_table_add(muir_ctx *ctx, muir_tuning_table *table, const muir_tuning_row *row);

/* Appends the rows of a file; none where there is no file.
 * table  in/out  freed by the caller with muir_tuning_table_free, also on error
 * Local. MUIR_ERR_ARG with file, line, key, value and what is allowed; MUIR_ERR_MEM. */
muir_status muir_tuning_table_load(muir_ctx *ctx, const char *path, muir_tuning_table *table);

/* Writes the file whole: under another name, which then becomes `path`, so that a reader sees the old rows or
 * the new, and never half of them. Local. MUIR_ERR_FILE. */
muir_status muir_tuning_table_save(muir_ctx *ctx, const char *path, const muir_tuning_table *table);

/* Local. Leaves an empty table. */
void muir_tuning_table_free(muir_tuning_table *table);

#endif
