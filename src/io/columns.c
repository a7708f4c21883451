/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading columns of any telemetry file, as SWMR readers do, so that a live or killed one opens, too. */
#include "io/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/h5.h"

struct muir_columns {
    hid_t file;
    char path[1024];
};

muir_status muir_columns_open(muir_ctx *ctx, const char *path, muir_columns **out)
{
    muir_status st = MUIR_OK;
    muir_columns *c = NULL;
    hid_t fapl = H5I_INVALID_HID;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *c, "a telemetry file", &c));
    c->file = H5I_INVALID_HID;
    snprintf(c->path, sizeof c->path, "%s", path);
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    c->file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, fapl);
    if (c->file < 0) {
        muir_fail_h5(ctx, path, "H5Fopen");
        st = MUIR_ERR_ARG;
        goto done;
    }
    if (H5Aexists(c->file, "format_version") <= 0 || H5Aexists(c->file, "muir_version") <= 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s is not a telemetry file of muir run", path));
    *out = c;
    c = NULL;
done:
    if (fapl >= 0) H5Pclose(fapl);
    muir_columns_close(&c);
    return st;
}

void muir_columns_close(muir_columns **columns)
{
    if (!*columns) return;
    if ((*columns)->file >= 0) H5Fclose((*columns)->file);
    free(*columns);
    *columns = NULL;
}

/* H5Lexists fails where a group on the way is missing. */
bool muir_columns_have(const muir_columns *columns, const char *name)
{
    char group[256];
    const char *slash = strchr(name, '/');
    snprintf(group, sizeof group, "%.*s", slash ? (int)(slash - name) : 0, name);
    if (slash && H5Lexists(columns->file, group, H5P_DEFAULT) <= 0) return false;
    return H5Lexists(columns->file, name, H5P_DEFAULT) > 0;
}

/* An open dataset and its shape. */
typedef struct column {
    hid_t dataset, type;
    hsize_t shape[2];
} column;

static void close_column(const column *c)
{
    if (c->type >= 0) H5Tclose(c->type);
    if (c->dataset >= 0) H5Dclose(c->dataset);
}

static muir_status open_column(muir_ctx *ctx, const muir_columns *columns, const char *name, H5T_class_t text,
                               column *c)
{
    muir_status st = MUIR_OK;
    const char *path = columns->path;
    hid_t space = H5I_INVALID_HID;
    *c = (column){H5I_INVALID_HID, H5I_INVALID_HID, {1, 1}};
    if (!muir_columns_have(columns, name))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no /%s", path, name));
    MUIR_TRY_H5(c->dataset = H5Dopen2(columns->file, name, H5P_DEFAULT));
    MUIR_TRY_H5(c->type = H5Dget_type(c->dataset));
    MUIR_TRY_H5(space = H5Dget_space(c->dataset));
    const bool is_text = H5Tget_class(c->type) == H5T_STRING;
    if (is_text != (text == H5T_STRING) || H5Sget_simple_extent_ndims(space) > 2)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: /%s is not a column of %s", path, name,
                           text == H5T_STRING ? "texts" : "numbers"));
    MUIR_TRY_H5(H5Sget_simple_extent_dims(space, c->shape, NULL));
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

muir_status muir_columns_read(muir_ctx *ctx, const muir_columns *columns, const char *name, double **values,
                              size_t *rows, size_t *width)
{
    muir_status st = MUIR_OK;
    const char *path = columns->path;
    column c;
    double *found = NULL;
    MUIR_TRY(open_column(ctx, columns, name, H5T_FLOAT, &c));
    MUIR_TRY(muir_alloc(ctx, c.shape[0] * c.shape[1], sizeof(double), name, &found));
    MUIR_TRY_H5(H5Dread(c.dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, found));
    *values = found;
    *rows = c.shape[0];
    if (width) *width = c.shape[1];
    found = NULL;
done:
    free(found);
    close_column(&c);
    return st;
}

/* Moves texts that HDF5 has made into one piece with their pointers, so that one free() is enough. */
static muir_status pack(muir_ctx *ctx, char *const *texts, size_t n, const char *what, char ***out)
{
    size_t bytes = n * sizeof(char *);
    char *piece = NULL;
    for (size_t i = 0; i < n; i++) bytes += (texts[i] ? strlen(texts[i]) : 0) + 1;
    const muir_status st = muir_alloc(ctx, bytes, 1, what, &piece);
    if (st != MUIR_OK) return st;
    char **pointers = (char **)(void *)piece, *at = piece + n * sizeof(char *);
    for (size_t i = 0; i < n; i++) {
        const char *text = texts[i] ? texts[i] : "";
        pointers[i] = at;
        at = stpcpy(at, text) + 1;
    }
    *out = pointers;
    return MUIR_OK;
}

muir_status muir_columns_texts(muir_ctx *ctx, const muir_columns *columns, const char *name, char ***texts,
                               size_t *n)
{
    muir_status st = MUIR_OK;
    const char *path = columns->path;
    column c;
    char **found = NULL;
    hid_t space = H5I_INVALID_HID;
    MUIR_TRY(open_column(ctx, columns, name, H5T_STRING, &c));
    if (H5Tis_variable_str(c.type) <= 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: /%s is not a column of texts of any length", path, name));
    MUIR_TRY(muir_alloc(ctx, c.shape[0], sizeof *found, name, &found));
    MUIR_TRY_H5(space = H5Dget_space(c.dataset));
    MUIR_TRY_H5(H5Dread(c.dataset, c.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found));
    st = pack(ctx, found, c.shape[0], name, texts);
    H5Dvlen_reclaim(c.type, space, H5P_DEFAULT, found);
    MUIR_TRY(st);
    *n = c.shape[0];
done:
    if (space >= 0) H5Sclose(space);
    free(found);
    close_column(&c);
    return st;
}

/* Stored with a zero at its end or padded with zeros: one more byte than it has makes both end in one. */
muir_status muir_columns_text(muir_ctx *ctx, const muir_columns *columns, const char *name, char **text)
{
    muir_status st = MUIR_OK;
    const char *path = columns->path;
    column c;
    hid_t type = H5I_INVALID_HID;
    char *found = NULL;
    MUIR_TRY(open_column(ctx, columns, name, H5T_STRING, &c));
    if (H5Tis_variable_str(c.type) != 0 || c.shape[0] * c.shape[1] != 1)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: /%s is not a single text", path, name));
    const size_t size = H5Tget_size(c.type) + 1;
    MUIR_TRY_H5(type = H5Tcopy(c.type));
    MUIR_TRY_H5(H5Tset_size(type, size));
    MUIR_TRY_H5(H5Tset_strpad(type, H5T_STR_NULLTERM));
    MUIR_TRY(muir_alloc(ctx, size, 1, name, &found));
    MUIR_TRY_H5(H5Dread(c.dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found));
    *text = found;
    found = NULL;
done:
    free(found);
    if (type >= 0) H5Tclose(type);
    close_column(&c);
    return st;
}
