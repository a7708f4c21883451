/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a file to append: mending what a kill leaves, comparing it with the description, counting whole
 * rows. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/telemetry_state.h"

/* A killed writer leaves two traces in the superblock, and this does what `h5clear -s --increment=0` does
 * about them. The flag "open for writing" makes every plain open fail: the property with which h5clear clears
 * it works for all. The recorded end of file is older than the rows written last: it is raised to the real
 * one, or closing would cut them off. */
muir_status muir_rows_open_file(muir_ctx *ctx, const char *path, hid_t *file)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID;
    const hbool_t yes = true;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY_H5(H5Pset(fapl, "clear_status_flags", &yes));
    MUIR_TRY_H5(*file = H5Fopen(path, H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, fapl));
    MUIR_TRY_H5(H5Fincrement_filesize(*file, 0));
done:
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

/* Opens dataset group/name. */
static muir_status open_dataset(muir_ctx *ctx, const muir_telemetry *telemetry, const char *group,
                                const char *name, hid_t *dataset)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    hid_t folder = H5I_INVALID_HID;
    htri_t exists = 1;
    if (group[0] != '\0') MUIR_TRY_H5(exists = H5Lexists(telemetry->file, group, H5P_DEFAULT));
    if (exists) {
        MUIR_TRY_H5(folder = H5Gopen2(telemetry->file, group[0] != '\0' ? group : "/", H5P_DEFAULT));
        MUIR_TRY_H5(exists = H5Lexists(folder, name, H5P_DEFAULT));
    }
    if (!exists)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no dataset %s/%s, which this run writes", path, group,
                           name));
    MUIR_TRY_H5(*dataset = H5Dopen2(folder, name, H5P_DEFAULT));
done:
    if (folder >= 0) H5Gclose(folder);
    return st;
}

/* Compares a dataset with what this run would create. width 0: one dimension, growing. */
static muir_status check_dataset(muir_ctx *ctx, const muir_telemetry *telemetry, const char *group,
                                 const char *name, hid_t dataset, muir_value_type type, size_t width,
                                 size_t *n_rows)
{
    muir_status st = MUIR_OK;
    const char *path = telemetry->path;
    hid_t space = H5I_INVALID_HID, stored = H5I_INVALID_HID;
    hsize_t size[H5S_MAX_RANK] = {0};
    int n_dims = 0;
    htri_t is_equal = 0;
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    MUIR_TRY_H5(n_dims = H5Sget_simple_extent_dims(space, size, NULL));
    MUIR_TRY_H5(stored = H5Dget_type(dataset));
    MUIR_TRY_H5(is_equal = H5Tequal(stored, muir_h5_file_type(type)));
    if (!is_equal || n_dims != (width > 0 ? 2 : 1))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s: %s/%s has a different type or shape from what this run writes", path, group,
                           name));
    if (width > 0 && size[1] != width)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: %s/%s has %llu values per row, but this run writes %zu",
                           path, group, name, (unsigned long long)size[1], width));
    *n_rows = (size_t)size[0];
done:
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status check_format(muir_ctx *ctx, const muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    char *format = NULL;
    MUIR_TRY(muir_stored_attribute(ctx, telemetry->path, telemetry->file, "", "format_version", &format));
    if (strcmp(format, MUIR_TELEMETRY_FORMAT) != 0)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s has format_version %s, but this version of muir writes %s",
                       telemetry->path, format, MUIR_TELEMETRY_FORMAT);
done:
    free(format);
    return st;
}

/* Whole rows: those that every dataset has, less rows at the end whose coordinate does not grow, which a
 * crash of the machine may leave. */
static muir_status open_table(muir_ctx *ctx, muir_telemetry *telemetry, table_state *table)
{
    muir_status st = MUIR_OK;
    const char *group = table->table->group;
    size_t n_rows = 0;
    MUIR_TRY(open_dataset(ctx, telemetry, group, table->table->row, &table->dataset));
    MUIR_TRY(check_dataset(ctx, telemetry, group, table->table->row, table->dataset, MUIR_I64, 0, &n_rows));
    for (size_t c = 0; c < table->table->n_columns; c++) {
        column_state *state = &table->columns[c];
        const muir_column *column = state->column;
        size_t n = 0;
        MUIR_TRY(open_dataset(ctx, telemetry, group, column->label.name, &state->dataset));
        MUIR_TRY(check_dataset(ctx, telemetry, group, column->label.name, state->dataset, column->type,
                               column->is_wide ? state->width : 0, &n));
        if (n < n_rows) n_rows = n;
    }
    for (int64_t before = 0, last = 0; n_rows > 1; n_rows--) {
        MUIR_TRY(muir_rows_read(ctx, telemetry->path, table->dataset, MUIR_I64, n_rows - 2, 1, &before));
        MUIR_TRY(muir_rows_read(ctx, telemetry->path, table->dataset, MUIR_I64, n_rows - 1, 1, &last));
        if (before < last) break;
    }
    MUIR_TRY(muir_rows_truncate(ctx, telemetry, table, n_rows));
done:
    return st;
}

muir_status muir_rows_open(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_rows_open_file(ctx, telemetry->path, &telemetry->file));
    MUIR_TRY(check_format(ctx, telemetry));
    for (size_t t = 0; t < telemetry->description->n_tables; t++)
        MUIR_TRY(open_table(ctx, telemetry, &telemetry->tables[t]));
done:
    return st;
}

static void close_dataset(hid_t *dataset)
{
    if (*dataset >= 0) H5Dclose(*dataset);
    *dataset = H5I_INVALID_HID;
}

bool muir_rows_close(muir_telemetry *telemetry, bool *is_torn)
{
    bool is_closed = true;
    for (size_t t = 0; telemetry->tables && t < telemetry->description->n_tables; t++) {
        table_state *table = &telemetry->tables[t];
        close_dataset(&table->dataset);
        for (size_t c = 0; table->columns && c < table->table->n_columns; c++)
            close_dataset(&table->columns[c].dataset);
    }
    /* what cannot be written shows in a flush, after which the file still closes */
    if (telemetry->file >= 0 && H5Fflush(telemetry->file, H5F_SCOPE_LOCAL) < 0) {
        is_closed = false;
        close(muir_h5_detach(telemetry->file));
    }
    if (telemetry->file >= 0 && H5Fclose(telemetry->file) < 0) is_closed = false, *is_torn = true;
    telemetry->file = H5I_INVALID_HID;
    return is_closed;
}
