/* SPDX-License-Identifier: BSD-3-Clause */
/* Live telemetry: one HDF5 file that rank 0 writes and anybody reads meanwhile (SWMR), made by the rules of
 * netCDF-4.
 *
 * A description says once what the file holds. Rows are collected in batches made at creation: the step loop
 * puts values and ends rows, without memory or HDF5; a flush, collective, appends the batches. The coordinate
 * of a table's rows (/fleet/step) is written after all other columns, so the length of the coordinate is the
 * number of whole rows: for a reader beside the run, and after a kill at any instant. What is lost then is at
 * most the batches not yet flushed.
 *
 * A reader beside the run opens with SWMR (h5py: swmr=True). After a kill muir_telemetry_start repairs the
 * file; `h5clear -s --increment=0` does too. Never use `h5clear -s` alone: it can cut off the rows written
 * last. */
#ifndef MUIR_IO_TELEMETRY_H
#define MUIR_IO_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "io/claim.h"

/* Raised when a file of an older muir could be misread; stored as the root attribute "format_version". */
#define MUIR_TELEMETRY_FORMAT "2"

/* Constant, text stored in the attribute `provenance`. */
#define MUIR_PROVENANCE_LIST(X)                                                                              \
    X(MUIR_EXECUTED, "executed") /* timed on this host in this step */                                       \
    X(MUIR_MEASURED, "measured") /* timed once on this host, reused */                                       \
    X(MUIR_MODELLED, "modelled") /* computed */                                                              \
    X(MUIR_INJECTED, "injected") /* truth about a fault */                                                   \
    X(MUIR_INPUT, "input")

/* Constant, bytes of one value in memory. Texts stand in constants only. */
#define MUIR_VALUE_TYPE_LIST(X)                                                                              \
    X(MUIR_F64, sizeof(double))                                                                              \
    X(MUIR_F32, sizeof(float))                                                                               \
    X(MUIR_I64, sizeof(int64_t))                                                                             \
    X(MUIR_I32, sizeof(int32_t))                                                                             \
    X(MUIR_TEXT, 0)

#define MUIR_TELEMETRY_FIRST(constant, ...) constant,
typedef enum muir_provenance { MUIR_PROVENANCE_LIST(MUIR_TELEMETRY_FIRST) } muir_provenance;
typedef enum muir_value_type { MUIR_VALUE_TYPE_LIST(MUIR_TELEMETRY_FIRST) } muir_value_type;
#undef MUIR_TELEMETRY_FIRST

/* What every dataset says about itself. */
typedef struct muir_label {
    const char *name;
    const char *units; /* "s", "byte/s"; "1" for plain numbers and texts */
    const char *long_name;
    muir_provenance provenance;
} muir_label;

/* A dimension of a group, with a coordinate dataset of the same name (a dimension scale). */
typedef struct muir_dimension {
    const char *group;     /* "fleet", one level; "" is the root */
    muir_label label;      /* of the coordinate */
    size_t size;           /* places; 0: grows with the rows of the one table that names it as its row */
    const int64_t *places; /* [size] coordinate; NULL: 0 .. size - 1 */
    const double *values;  /* [size] coordinate that is no whole number; NULL: `places` is it */
} muir_dimension;

typedef struct muir_column {
    muir_label label;
    muir_value_type type; /* not MUIR_TEXT */
    bool is_wide; /* a row holds a value for each place of the table's dimension `across`; else one value */
} muir_column;

/* Columns that grow together, a row at a time.
 * Gathered: each rank puts its own part of a wide column, size of `across` / ranks values, and the parts are
 * joined in the order of ranks; else rank 0 puts all. One-value columns always count as put by rank 0. */
typedef struct muir_table {
    const char *group;
    const char *row;         /* growing dimension of the group, of no other table */
    const char *across;      /* fixed dimension of the group, for the wide columns; NULL if there are none */
    bool is_gathered;        /* each rank puts its own part of a wide column */
    const char *coordinates; /* further columns that say where a row is, blanks between; NULL: none */
    size_t batch_rows;       /* rows between two flushes at most, >= 1 */
    size_t expected_rows;    /* of the whole file, so that a short one is small; 0: unknown */
    const muir_column *columns; /* [n_columns] */
    size_t n_columns;
} muir_table;

/* A dataset written once, at creation. Texts are zero-terminated: `values` is a const char *const * with a
 * dimension, a const char * without. */
typedef struct muir_constant {
    const char *group;
    muir_label label;
    muir_value_type type;
    const char *dimension; /* fixed dimension of the group; NULL: a single value */
    const void *values;    /* [size of dimension] */
} muir_constant;

typedef struct muir_attribute {
    const char *group;   /* "" for the file's own */
    const char *dataset; /* of the group; NULL: the attribute is the group's own */
    const char *key;
    muir_value_type type;
    size_t n;           /* values; 0: a single one */
    const void *values; /* [n]; of MUIR_TEXT the text itself, n = 0 */
} muir_attribute;

/* Rank 0's is written; the other ranks need the same dimensions and tables, but no values. */
typedef struct muir_description {
    const muir_dimension *dimensions; /* [n_dimensions] */
    size_t n_dimensions;
    const muir_table *tables; /* [n_tables] */
    size_t n_tables;
    const muir_constant *constants; /* [n_constants] */
    size_t n_constants;
    const muir_attribute *attributes; /* [n_attributes]; muir adds format_version */
    size_t n_attributes;
} muir_description;

/* Bytes of one value of a number type. Local. */
size_t muir_value_bytes(muir_value_type type);

typedef struct muir_telemetry muir_telemetry;

/* Starts writing to the file of a claim.
 * A new file is made complete but for its rows under the name PATH.part and then gets the name PATH.
 * A finished or killed run's file is opened to append to it: what a kill leaves open is repaired, rows that
 * are not whole are cut off. Format version, dimension sizes and the tables' datasets are compared with the
 * description; constants and attributes are the caller's to compare, before, with muir_telemetry_read_text.
 * claim        in/out  its lock goes over to the telemetry
 * description  in      borrowed until the telemetry is closed
 * out          out     freed with muir_telemetry_close or _destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (description that contradicts itself, file that does not match),
 * MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_telemetry_start(muir_ctx *ctx, muir_claim *claim, const muir_description *description,
                                 muir_telemetry **out);

/* What became of the file. */
typedef struct muir_telemetry_size {
    int64_t plain_bytes, bytes; /* while written, and at the end */
    char unpacked[160];         /* why it could not be packed; "": nothing failed */
} muir_telemetry_size;

/* Flushes, closes and frees; packs the file where that is soon done. One that could not be packed is whole
 * and only larger: no error, but said in `size`.
 * pack_s  in   time that packing may take [s]; it is estimated from the size; 0: leave it plain
 * size    out  on rank 0, zeros elsewhere; NULL: not wanted
 * Accepts NULL, leaves NULL, frees also on error. Collective over ctx->comm.
 * MUIR_ERR_FILE, with the first cause where an earlier flush failed already; also where the file was deleted
 * or moved meanwhile. */
muir_status muir_telemetry_close(muir_ctx *ctx, muir_telemetry **telemetry, double pack_s,
                                 muir_telemetry_size *size);

/* Frees without a flush, for the way out after a failure: buffered rows are lost, flushed ones are not.
 * Accepts NULL, leaves NULL. Local. */
void muir_telemetry_destroy(muir_telemetry **telemetry);

/* Puts a column's part of the row that is being filled. Floats not put are NaN, integers 0. No memory, no
 * HDF5.
 * table, column  in   indices into the description
 * values         in   [1], [size of across] or, gathered, [size of across / ranks], of the column's type;
 *                     ignored, so NULL will do, where another rank's values count
 * Local. MUIR_ERR_ARG if the batch is full. */
muir_status muir_telemetry_put(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                               const void *values);

/* Ends the row. Every rank ends the same rows. No memory, no HDF5.
 * table       in   index into the description
 * coordinate  in   greater than the row's before
 * Local. MUIR_ERR_ARG if the batch is full or the coordinate does not grow. */
muir_status muir_telemetry_end_row(muir_ctx *ctx, muir_telemetry *telemetry, size_t table,
                                   int64_t coordinate);

/* Rows that the table's batch can still take before a flush. The same on all ranks. Local. */
size_t muir_telemetry_room(const muir_telemetry *telemetry, size_t table);

/* Whether some table's batch has no room. The same on all ranks. Local. */
bool muir_telemetry_is_full(const muir_telemetry *telemetry);

/* Appends all batches to the file and shows them to readers: columns first, coordinates last. Nothing
 * buffered: nothing done. To be called between rows: one that is begun and not ended is forgotten. Collective
 * over ctx->comm. MUIR_ERR_FILE (disk full): all later flushes fail too; the way on is
 * muir_telemetry_destroy, then a new claim and muir_telemetry_start. */
muir_status muir_telemetry_flush(muir_ctx *ctx, muir_telemetry *telemetry);

/* Whole rows of a table in the file, without the batch. The same on all ranks. Local. */
size_t muir_telemetry_rows(const muir_telemetry *telemetry, size_t table);

/* Coordinate of the last row, in file or batch; false if there is none. The same on all ranks.
 * coordinate  out  untouched if there is none
 * Local. */
bool muir_telemetry_last(const muir_telemetry *telemetry, size_t table, int64_t *coordinate);

/* Number of rows in the file whose coordinate is below the given one.
 * rows  out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_telemetry_rows_before(muir_ctx *ctx, muir_telemetry *telemetry, size_t table,
                                       int64_t coordinate, size_t *rows);

/* Reads one row of a column back from the file.
 * table, column  in   indices into the description
 * row            in   number of the row in the file
 * values         out  [1] or [size of across] of the column's type, on every rank; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG if the file has no such row, MUIR_ERR_FILE. */
muir_status muir_telemetry_read_row(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                                    size_t row, void *values);

/* The same for rows first .. first + n - 1, at most 2 GiB.
 * values  out  [n] or [n, size of across] */
muir_status muir_telemetry_read_rows(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                                     size_t first, size_t n, void *values);

/* Cuts a table to its first rows, in the file; the batch must be empty.
 * rows  in   at most muir_telemetry_rows
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_FILE. */
muir_status muir_telemetry_truncate(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t rows);

/* Reads a single MUIR_TEXT constant of a file, without changing the file; also of one whose writer was
 * killed, or is at work in another process.
 * name  in   "scenario/resolved"
 * text  out  zero-terminated, on every rank, freed with free(); untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (no such file or text), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_telemetry_read_text(muir_ctx *ctx, const char *path, const char *name, char **text);

/* The same for a text attribute of a group, "" for the file's own. */
muir_status muir_telemetry_read_attribute(muir_ctx *ctx, const char *path, const char *group, const char *key,
                                          char **text);

/* The same for an attribute that is a single number.
 * value  out  on every rank; untouched on error */
muir_status muir_telemetry_read_number(muir_ctx *ctx, const char *path, const char *group, const char *key,
                                       double *value);

#endif
