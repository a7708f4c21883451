/* SPDX-License-Identifier: BSD-3-Clause */
/* What a telemetry holds, and the steps that its source files do for each other. Not for other rooms. */
#ifndef MUIR_IO_TELEMETRY_STATE_H
#define MUIR_IO_TELEMETRY_STATE_H

#include "io/h5.h"

typedef struct column_state {
    const muir_column *column; /* borrowed from the description */
    size_t bytes;              /* of one value */
    size_t width;              /* values a row in the file */
    size_t own;                /* values a row that this rank puts; 0 where another rank's count */
    bool is_gathered;
    char *batch;   /* [batch_rows, own] values, in the telemetry's memory */
    hid_t dataset; /* invalid on ranks other than 0 */
} column_state;

typedef struct table_state {
    const muir_table *table; /* borrowed from the description */
    column_state *columns;   /* [n_columns] */
    int64_t *coordinates;    /* [batch_rows] */
    size_t n_batch;          /* rows ended and not flushed */
    size_t n_file;           /* whole rows in the file */
    int64_t last;            /* coordinate of the last row, where there is one */
    hid_t dataset;           /* of the coordinate; invalid on ranks other than 0 */
} table_state;

struct muir_telemetry {
    const muir_description *description; /* borrowed; outlives the telemetry */
    char *path;
    table_state *tables; /* [n_tables] */
    char *memory;        /* batches of this rank: gathered columns first */
    size_t gather_bytes; /* of those, at the start of memory */
    char *received;      /* rank 0: [ranks, gather_bytes] */
    char *joined;        /* rank 0: one gathered column's batch as the file has it */
    hid_t file;          /* rank 0; invalid elsewhere */
    int lock;            /* rank 0: descriptor of the file, keeps other writers off; -1 elsewhere */
    bool is_broken;      /* a write failed: no more of them */
};

/* The dimension called name in a group, or NULL. Local. */
const muir_dimension *muir_description_find(const muir_description *description, const char *group,
                                            const char *name);

/* Whether a description fits together and this number of ranks. Local. MUIR_ERR_ARG with the names in it. */
muir_status muir_description_check(muir_ctx *ctx, const muir_description *description);

/* Writes a new file at path: everything but rows. On rank 0. Local. MUIR_ERR_FILE. */
muir_status muir_layout_write(muir_ctx *ctx, const muir_description *description, const char *path);

/* Writes an attribute of a group or dataset.
 * n  in  values; 0: a single one, as texts are
 * Local. MUIR_ERR_FILE. */
muir_status muir_put_attribute(muir_ctx *ctx, const char *path, hid_t object, const char *key,
                               muir_value_type type, size_t n, const void *values);

/* Writes units, long_name and provenance. Local. MUIR_ERR_FILE. */
muir_status muir_put_label(muir_ctx *ctx, const char *path, hid_t dataset, const muir_label *label);

/* Attaches the dimension scale of that name in `group` to one dimension of a dataset. MUIR_ERR_FILE. */
muir_status muir_attach_scale(muir_ctx *ctx, const char *path, hid_t group, hid_t dataset,
                              const char *dimension, unsigned index);

/* What readers that follow netCDF's and CF's conventions look for: the value of places that nobody wrote, and
 * the columns that say where a row is. Local. MUIR_ERR_FILE. */
muir_status muir_put_conventions(muir_ctx *ctx, const char *path, hid_t dataset, const muir_table *table,
                                 const muir_column *column);

/* How every file is made: its objects in the order of their making, without times, as netCDF-4 wants it.
 * fcpl  out  closed by the caller with H5Pclose; untouched on error
 * Local. MUIR_ERR_FILE. */
muir_status muir_layout_fcpl(muir_ctx *ctx, const char *path, hid_t *fcpl);

/* Makes a group, closed by the caller with H5Gclose. Local. MUIR_ERR_FILE. */
muir_status muir_layout_make_group(muir_ctx *ctx, const char *path, hid_t parent, const char *name,
                                   hid_t *group);

/* Makes tables and batches, empty. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_batch_create(muir_ctx *ctx, muir_telemetry *telemetry);

/* Brings gathered columns onto rank 0. Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_batch_gather(muir_ctx *ctx, muir_telemetry *telemetry);

/* A column's batch as the file has it, on rank 0 after muir_batch_gather: [n_batch, width] values, good until
 * the next call. Local. */
const void *muir_batch_rows(muir_ctx *ctx, muir_telemetry *telemetry, const table_state *table,
                            const column_state *column);

/* Empties all batches. Local. */
void muir_batch_clear(muir_telemetry *telemetry);

/* Opens a closed or killed run's file to append, by SWMR. On rank 0.
 * file  out  closed by the caller, also after an error where it is valid
 * Local. MUIR_ERR_FILE. */
muir_status muir_rows_open_file(muir_ctx *ctx, const char *path, hid_t *file);

/* Opens and repairs the file, compares it with the description, finds whole rows, cuts off others. On rank 0.
 * Local. MUIR_ERR_ARG, MUIR_ERR_FILE. */
muir_status muir_rows_open(muir_ctx *ctx, muir_telemetry *telemetry);

/* Closes what muir_rows_open opened, also half of it, but keeps the lock. On rank 0, and harmless elsewhere.
  * False if what was left could not be written.
 * is_torn  in/out  set where HDF5 has not closed the file, whose id it keeps: it crashes when it ends
 * Local. */
bool muir_rows_close(muir_telemetry *telemetry, bool *is_torn);

/* Whether the file can still be found where it was made. On rank 0. Local. MUIR_ERR_FILE. */
muir_status muir_rows_check_place(muir_ctx *ctx, const muir_telemetry *telemetry);

/* Appends the batches. On rank 0. Local. MUIR_ERR_FILE. */
muir_status muir_rows_append(muir_ctx *ctx, muir_telemetry *telemetry);

/* Cuts a table to n_rows rows. On rank 0. Local. MUIR_ERR_FILE. */
muir_status muir_rows_truncate(muir_ctx *ctx, muir_telemetry *telemetry, table_state *table, size_t n_rows);

/* Copies everything of a finished file into a new one.
 * path       in   of the file, for the message
 * is_packed  in   compress columns that get at most half as large; else leave all plain
 * Local. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_copy_file(muir_ctx *ctx, const char *path, hid_t from, hid_t to, bool is_packed);

/* Brings a closed file into its packed or plain form, by way of PATH.part; nothing where it has it already.
 * lock  in/out  on the file; on its new self afterwards
 * On rank 0. Local. MUIR_ERR_FILE, MUIR_ERR_MEM; the file is then as it was. */
muir_status muir_pack(muir_ctx *ctx, const char *path, bool is_packed, int *lock);

/* Reads rows first .. first + n - 1 of a dataset. On rank 0.
 * path    in   the file, for the message
 * values  out  [n, width] of the type
 * Local. MUIR_ERR_FILE. */
muir_status muir_rows_read(muir_ctx *ctx, const char *path, hid_t dataset, muir_value_type type, size_t first,
                           size_t n, void *values);

/* Reads a text attribute of a group, "" for the root.
 * path  in   the file, for the message
 * text  out  zero-terminated, freed with free(); untouched on error
 * Local. MUIR_ERR_ARG if there is none, MUIR_ERR_FILE. */
muir_status muir_stored_attribute(muir_ctx *ctx, const char *path, hid_t file, const char *group,
                                  const char *key, char **text);

/* Whether a file is a telemetry that some muir wrote; false for what is no HDF5 file or too damaged to say.
 * Local. MUIR_ERR_FILE. */
muir_status muir_stored_is_telemetry(muir_ctx *ctx, const char *path, bool *is_telemetry);

#endif
