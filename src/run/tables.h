/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and columns of the telemetry, as tables.def and columns.def list them. */
#ifndef MUIR_RUN_TABLES_H
#define MUIR_RUN_TABLES_H

#include "io/telemetry.h"
#include "scenario/scenario.h"
#include "step_time/ideal.h" /* MUIR_PART_LIST */

/* The tables, in the order in which they are flushed. */
typedef enum muir_record_table {
#define TABLE(id, type, group, row, across, is_gathered, coordinates, steps, provenance, long_name)          \
    MUIR_TABLE_##id,
#include "run/tables.def"
#undef TABLE
    MUIR_TABLE_COUNT
} muir_record_table;

/* Every column by its table and name: a name that no row has does not compile. */
typedef enum muir_record_column {
#define COLUMN(table, name, member, is_wide, units, provenance, long_name) MUIR_COLUMN_##table##_##name,
#include "run/columns.def"
#undef COLUMN
    MUIR_COLUMN_COUNT
} muir_record_column;

/* Which steps a table has a row of. */
typedef enum muir_table_steps {
    MUIR_STEPS_NONE, /* its rows are no steps */
    MUIR_STEPS_EACH,
    MUIR_STEPS_SERVER_EVERY, /* each telemetry.server_every-th */
    MUIR_STEPS_HOST_EVERY    /* each host.every-th */
} muir_table_steps;

typedef struct muir_table_shape {
    const char *group;
    muir_label row;          /* the dimension that counts rows */
    const char *across;      /* the dimension of wide columns; NULL: none */
    bool is_gathered;        /* each rank puts its own place */
    const char *coordinates; /* further columns that say where a row is, blanks between; NULL: none */
    muir_table_steps steps;
    size_t row_bytes; /* of a row in memory */
} muir_table_shape;

typedef struct muir_column_row {
    muir_record_table table;
    size_t offset; /* of the member in the row [byte] */
    bool is_lent;  /* the member points to the values; else it is the value, or an array of them */
    muir_column column;
} muir_column_row;

/* Local. */
const muir_table_shape *muir_table_shape_of(muir_record_table table);

/* The columns of a table, in the order of columns.def.
 * n    out  number of them
 * Local. */
const muir_column_row *muir_columns_of(muir_record_table table, size_t *n);

/* A column; and its number within its table. Local. */
const muir_column_row *muir_column_of(muir_record_column column);
size_t muir_column_index(muir_record_column column);

/* Where a row has the values of a column. Local. */
const void *muir_column_values(const muir_column_row *column, const void *row);

/* Rows of a batch so that it stays near 1 MiB per column on the writer, between 16 and 1,024.
 * width        in   values of a row of a column
 * value_bytes  in   of one of them
 * Local. */
size_t muir_table_batch_rows(size_t width, size_t value_bytes);

/* Steps from one row of a table to the next; 0: its rows are no steps. Local. */
int64_t muir_table_every(muir_record_table table, const muir_scenario *scenario);

#endif
