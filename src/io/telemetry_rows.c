/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows in the file: appended, cut off, read back, in an order that leaves whole rows whenever the process is
 * killed. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/telemetry_state.h"

/* A dataset's extent becomes n_rows rows of `width` values. */
static muir_status set_rows(muir_ctx *ctx, const char *path, hid_t dataset, size_t n_rows, size_t width)
{
    muir_status st = MUIR_OK;
    const hsize_t size[2] = {n_rows, width}; /* one-dimensional datasets look at the first alone */
    MUIR_TRY_H5(H5Dset_extent(dataset, size));
done:
    return st;
}

/* Selects rows first .. first + n_rows - 1 of a dataset, and makes the space of as many rows in memory. */
static muir_status select_rows(muir_ctx *ctx, const char *path, hid_t dataset, size_t first, size_t n_rows,
                               hid_t *space, hid_t *memory)
{
    muir_status st = MUIR_OK;
    hsize_t size[2] = {0, 0};
    const hsize_t start[2] = {first, 0};
    int n_dims = 0;
    MUIR_TRY_H5(*space = H5Dget_space(dataset));
    MUIR_TRY_H5(n_dims = H5Sget_simple_extent_dims(*space, size, NULL));
    size[0] = n_rows;
    MUIR_TRY_H5(H5Sselect_hyperslab(*space, H5S_SELECT_SET, start, NULL, size, NULL));
    MUIR_TRY_H5(*memory = H5Screate_simple(n_dims, size, NULL));
done:
    return st;
}

static muir_status write_rows(muir_ctx *ctx, const char *path, hid_t dataset, muir_value_type type,
                              size_t first, size_t n_rows, const void *values)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, memory = H5I_INVALID_HID;
    MUIR_TRY(select_rows(ctx, path, dataset, first, n_rows, &space, &memory));
    MUIR_TRY_H5(H5Dwrite(dataset, muir_h5_memory_type(type), memory, space, H5P_DEFAULT, values));
done:
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return st;
}

muir_status muir_rows_read(muir_ctx *ctx, const char *path, hid_t dataset, muir_value_type type, size_t first,
                           size_t n, void *values)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, memory = H5I_INVALID_HID;
    MUIR_TRY(select_rows(ctx, path, dataset, first, n, &space, &memory));
    MUIR_TRY_H5(H5Dread(dataset, muir_h5_memory_type(type), memory, space, H5P_DEFAULT, values));
done:
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status append_columns(muir_ctx *ctx, muir_telemetry *telemetry, const table_state *table)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    for (size_t c = 0; c < table->table->n_columns; c++) {
        const column_state *column = &table->columns[c];
        const void *values = muir_batch_rows(ctx, telemetry, table, column);
        MUIR_TRY(set_rows(ctx, path, column->dataset, table->n_file + table->n_batch, column->width));
        MUIR_TRY(write_rows(ctx, path, column->dataset, column->column->type, table->n_file, table->n_batch,
                            values));
        MUIR_TRY_H5(H5Dflush(column->dataset));
    }
done:
    return st;
}

/* After the columns: a row whose coordinate is in the file is whole. */
static muir_status append_coordinates(muir_ctx *ctx, muir_telemetry *telemetry, const table_state *table)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    MUIR_TRY(set_rows(ctx, path, table->dataset, table->n_file + table->n_batch, 1));
    MUIR_TRY(
        write_rows(ctx, path, table->dataset, MUIR_I64, table->n_file, table->n_batch, table->coordinates));
    MUIR_TRY_H5(H5Dflush(table->dataset));
done:
    return st;
}

/* Rows go on into a file that has no name any more, and are gone when it is closed. */
static muir_status check_links(muir_ctx *ctx, const muir_telemetry *telemetry, const struct stat *info)
{
    if (info->st_nlink > 0) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_FILE, "%s was deleted while this run wrote it: its rows are lost",
                     telemetry->path);
}

muir_status muir_rows_check_place(muir_ctx *ctx, const muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    struct stat info;
    if (muir_file_is_still(telemetry->lock, telemetry->path)) return MUIR_OK;
    if (fstat(telemetry->lock, &info) == 0) MUIR_TRY(check_links(ctx, telemetry, &info));
    st = muir_fail(ctx, MUIR_ERR_FILE,
                   "%s was moved while this run wrote it: all rows are in that file, under its new name",
                   telemetry->path);
done:
    return st;
}

/* Brings the end of the file in the superblock up to date, behind which other tools would cut a killed run's
 * file off. The file is made that long first: HDF5 does so only afterwards, and a kill in between leaves a
 * file that nobody opens. */
static muir_status record_end(muir_ctx *ctx, const muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    struct stat info;
    haddr_t end = 0;
    MUIR_TRY_H5(H5Fget_eoa(telemetry->file, &end));
    if (fstat(telemetry->lock, &info) != 0 ||
        (info.st_size < (off_t)end && ftruncate(telemetry->lock, (off_t)end) != 0))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno)));
    MUIR_TRY(check_links(ctx, telemetry, &info));
    MUIR_TRY_H5(H5Fflush(telemetry->file, H5F_SCOPE_LOCAL));
done:
    return st;
}

muir_status muir_rows_append(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    const size_t n_tables = telemetry->description->n_tables;
    for (size_t t = 0; t < n_tables; t++)
        if (telemetry->tables[t].n_batch > 0) MUIR_TRY(append_columns(ctx, telemetry, &telemetry->tables[t]));
    MUIR_TRY(record_end(ctx, telemetry));
    for (size_t t = 0; t < n_tables; t++)
        if (telemetry->tables[t].n_batch > 0)
            MUIR_TRY(append_coordinates(ctx, telemetry, &telemetry->tables[t]));
    MUIR_TRY(record_end(ctx, telemetry));
done:
    if (st != MUIR_OK) close(muir_h5_detach(telemetry->file));
    return st;
}

static muir_status cut_dataset(muir_ctx *ctx, const char *path, hid_t dataset, size_t n_rows, size_t width)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(set_rows(ctx, path, dataset, n_rows, width));
    MUIR_TRY_H5(H5Dflush(dataset));
done:
    return st;
}

muir_status muir_rows_truncate(muir_ctx *ctx, muir_telemetry *telemetry, table_state *table, size_t n_rows)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    MUIR_TRY(cut_dataset(ctx, path, table->dataset, n_rows, 1)); /* first, as it comes last in an append */
    for (size_t c = 0; c < table->table->n_columns; c++)
        MUIR_TRY(cut_dataset(ctx, path, table->columns[c].dataset, n_rows, table->columns[c].width));
    MUIR_TRY(record_end(ctx, telemetry));
    table->n_file = n_rows;
    if (n_rows > 0)
        MUIR_TRY(muir_rows_read(ctx, path, table->dataset, MUIR_I64, n_rows - 1, 1, &table->last));
done:
    if (st != MUIR_OK) close(muir_h5_detach(telemetry->file));
    return st;
}
