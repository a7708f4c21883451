/* SPDX-License-Identifier: BSD-3-Clause */
/* A new file: groups, dimension scales, empty datasets, constants and attributes, as netCDF-4 wants them.
 * Source: Unidata/netcdf-c docs/file_format_specifications.md, "The NetCDF-4 Format". */
#include <errno.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/telemetry_state.h"

/* Bytes of a chunk. Every flush writes a column's last chunk whole, so small; a row longer than the largest
 * is split. */
enum { LEAST_CHUNK = 1 << 10, SMALL_CHUNK = 32 << 10, LARGE_CHUNK = 1 << 20 };

enum { CREATION_ORDER = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED };

/* The file being made. */
typedef struct layout {
    const muir_description *description;
    const char *path; /* for messages */
    hid_t file;
} layout;

/* Extent and chunks of a dataset, slowest dimension first. */
typedef struct dataset_shape {
    int n_dims;
    hsize_t size[2];
    hsize_t largest[2];
    hsize_t chunk[2]; /* 0: not chunked */
} dataset_shape;

muir_status muir_layout_make_group(muir_ctx *ctx, const char *path, hid_t parent, const char *name,
                                   hid_t *group)
{
    muir_status st = MUIR_OK;
    hid_t gcpl = H5I_INVALID_HID;
    MUIR_TRY_H5(gcpl = H5Pcreate(H5P_GROUP_CREATE));
    MUIR_TRY_H5(H5Pset_link_creation_order(gcpl, CREATION_ORDER));
    MUIR_TRY_H5(H5Pset_attr_creation_order(gcpl, CREATION_ORDER));
    MUIR_TRY_H5(H5Pset_obj_track_times(gcpl, false));
    MUIR_TRY_H5(*group = H5Gcreate2(parent, name, H5P_DEFAULT, gcpl, H5P_DEFAULT));
done:
    if (gcpl >= 0) H5Pclose(gcpl);
    return st;
}

/* Opens a group of the file, made if it is new; "" is the root. */
static muir_status open_group(muir_ctx *ctx, const layout *file, const char *name, hid_t *group)
{
    muir_status st = MUIR_OK;
    const char *path = file->path;
    htri_t exists = 1;
    if (name[0] != '\0') MUIR_TRY_H5(exists = H5Lexists(file->file, name, H5P_DEFAULT));
    if (exists)
        MUIR_TRY_H5(*group = H5Gopen2(file->file, name[0] != '\0' ? name : "/", H5P_DEFAULT));
    else
        MUIR_TRY(muir_layout_make_group(ctx, path, file->file, name, group));
done:
    return st;
}

/* Rows of a chunk: as many as make a small one, and at least a batch, so that a flush fills whole chunks if
 * it can; fewer where there will not be as many. */
static void set_chunk(dataset_shape *shape, size_t row_bytes, size_t batch_rows, size_t expected_rows)
{
    const hsize_t bytes = row_bytes, parts = (bytes + LARGE_CHUNK - 1) / LARGE_CHUNK;
    const hsize_t batches = (SMALL_CHUNK + bytes * batch_rows - 1) / (bytes * batch_rows);
    hsize_t rows = batches * batch_rows;
    if (rows * bytes > LARGE_CHUNK) rows = LARGE_CHUNK / bytes;
    const hsize_t least = (LEAST_CHUNK + bytes - 1) / bytes; /* a run may go on for longer than expected */
    const hsize_t enough = expected_rows > least ? expected_rows : least;
    if (expected_rows > 0 && rows > enough) rows = enough;
    shape->chunk[0] = rows ? rows : 1;
    shape->chunk[1] = (shape->size[1] + parts - 1) / parts;
}

static muir_status create_dataset(muir_ctx *ctx, const char *path, hid_t group, const muir_label *label,
                                  hid_t type, const dataset_shape *shape, hid_t *dataset)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, dcpl = H5I_INVALID_HID;
    MUIR_TRY_H5(space = shape->n_dims ? H5Screate_simple(shape->n_dims, shape->size, shape->largest)
                                      : H5Screate(H5S_SCALAR));
    MUIR_TRY_H5(dcpl = H5Pcreate(H5P_DATASET_CREATE));
    MUIR_TRY_H5(H5Pset_attr_creation_order(dcpl, CREATION_ORDER));
    MUIR_TRY_H5(H5Pset_obj_track_times(dcpl, false));
    if (shape->chunk[0] > 0) {
        MUIR_TRY_H5(H5Pset_chunk(dcpl, shape->n_dims, shape->chunk));
        MUIR_TRY_H5(H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER));
    }
    MUIR_TRY_H5(*dataset = H5Dcreate2(group, label->name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
    MUIR_TRY(muir_put_label(ctx, path, *dataset, label));
done:
    if (dcpl >= 0) H5Pclose(dcpl);
    if (space >= 0) H5Sclose(space);
    return st;
}

muir_status muir_attach_scale(muir_ctx *ctx, const char *path, hid_t group, hid_t dataset,
                              const char *dimension, unsigned index)
{
    muir_status st = MUIR_OK;
    hid_t scale = H5I_INVALID_HID;
    MUIR_TRY_H5(scale = H5Dopen2(group, dimension, H5P_DEFAULT));
    MUIR_TRY_H5(H5DSattach_scale(dataset, scale, index));
done:
    if (scale >= 0) H5Dclose(scale);
    return st;
}

static muir_status write_places(muir_ctx *ctx, const char *path, hid_t dataset,
                                const muir_dimension *dimension)
{
    muir_status st = MUIR_OK;
    int64_t *places = NULL;
    if (dimension->values) {
        MUIR_TRY_H5(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, dimension->values));
        goto done;
    }
    MUIR_TRY(muir_alloc(ctx, dimension->size, sizeof *places, dimension->label.name, &places));
    for (size_t i = 0; i < dimension->size; i++)
        places[i] = dimension->places ? dimension->places[i] : (int64_t)i;
    MUIR_TRY_H5(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, places));
done:
    free(places);
    return st;
}

/* The table whose rows a growing dimension counts; NULL: it counts none. */
static const muir_table *table_of(const muir_description *description, const muir_dimension *dimension)
{
    for (size_t i = 0; i < description->n_tables; i++) {
        const muir_table *table = &description->tables[i];
        if (strcmp(table->group, dimension->group) == 0 && strcmp(table->row, dimension->label.name) == 0)
            return table;
    }
    return NULL;
}

static muir_status make_dimension(muir_ctx *ctx, const layout *file, const muir_dimension *dimension)
{
    muir_status st = MUIR_OK;
    const char *path = file->path;
    hid_t group = H5I_INVALID_HID, dataset = H5I_INVALID_HID;
    const bool is_growing = dimension->size == 0;
    dataset_shape shape = {
        1, {dimension->size, 1}, {is_growing ? H5S_UNLIMITED : dimension->size, 1}, {0, 0}};
    if (is_growing) {
        const muir_table *table = table_of(file->description, dimension);
        set_chunk(&shape, sizeof(int64_t), table ? table->batch_rows : 1, table ? table->expected_rows : 0);
    }
    MUIR_TRY(open_group(ctx, file, dimension->group, &group));
    MUIR_TRY(create_dataset(ctx, path, group, &dimension->label,
                            muir_h5_file_type(dimension->values ? MUIR_F64 : MUIR_I64), &shape, &dataset));
    MUIR_TRY_H5(H5DSset_scale(dataset, dimension->label.name));
    if (!is_growing) MUIR_TRY(write_places(ctx, path, dataset, dimension));
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (group >= 0) H5Gclose(group);
    return st;
}

static muir_status make_column(muir_ctx *ctx, const layout *file, hid_t group, const muir_table *table,
                               const muir_column *column)
{
    muir_status st = MUIR_OK;
    const char *path = file->path;
    hid_t dataset = H5I_INVALID_HID;
    hsize_t width = 1;
    if (column->is_wide) width = muir_description_find(file->description, table->group, table->across)->size;
    dataset_shape shape = {column->is_wide ? 2 : 1, {0, width}, {H5S_UNLIMITED, width}, {0, 0}};
    set_chunk(&shape, width * muir_value_bytes(column->type), table->batch_rows, table->expected_rows);
    MUIR_TRY(
        create_dataset(ctx, path, group, &column->label, muir_h5_file_type(column->type), &shape, &dataset));
    MUIR_TRY(muir_put_conventions(ctx, path, dataset, table, column));
    MUIR_TRY(muir_attach_scale(ctx, path, group, dataset, table->row, 0));
    if (column->is_wide) MUIR_TRY(muir_attach_scale(ctx, path, group, dataset, table->across, 1));
done:
    if (dataset >= 0) H5Dclose(dataset);
    return st;
}

static muir_status make_table(muir_ctx *ctx, const layout *file, const muir_table *table)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID;
    MUIR_TRY(open_group(ctx, file, table->group, &group));
    for (size_t i = 0; i < table->n_columns; i++)
        MUIR_TRY(make_column(ctx, file, group, table, &table->columns[i]));
done:
    if (group >= 0) H5Gclose(group);
    return st;
}

/* The type of a text constant. A single text has its length; an array of them has variable length,
 * since netCDF-C before 4.9.1 crashes on arrays of fixed-length texts (Unidata/netcdf-c issue 2159). */
static muir_status open_text_type(muir_ctx *ctx, const char *path, const muir_constant *constant, hid_t *text)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_h5_text_type(ctx, path, constant->dimension ? 0 : strlen(constant->values), text));
    if (constant->dimension) MUIR_TRY_H5(H5Tset_size(*text, H5T_VARIABLE));
done:
    return st;
}

static muir_status make_constant(muir_ctx *ctx, const layout *file, const muir_constant *constant)
{
    muir_status st = MUIR_OK;
    const char *path = file->path;
    hid_t group = H5I_INVALID_HID, dataset = H5I_INVALID_HID, text = H5I_INVALID_HID;
    hid_t stored = muir_h5_file_type(constant->type), given = muir_h5_memory_type(constant->type);
    hsize_t size = 1;
    if (constant->dimension)
        size = muir_description_find(file->description, constant->group, constant->dimension)->size;
    const dataset_shape shape = {constant->dimension ? 1 : 0, {size, 1}, {size, 1}, {0, 0}};
    if (constant->type == MUIR_TEXT) {
        MUIR_TRY(open_text_type(ctx, path, constant, &text));
        stored = given = text;
    }
    MUIR_TRY(open_group(ctx, file, constant->group, &group));
    MUIR_TRY(create_dataset(ctx, path, group, &constant->label, stored, &shape, &dataset));
    if (constant->dimension) MUIR_TRY(muir_attach_scale(ctx, path, group, dataset, constant->dimension, 0));
    MUIR_TRY_H5(H5Dwrite(dataset, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, constant->values));
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (group >= 0) H5Gclose(group);
    if (text >= 0) H5Tclose(text);
    return st;
}

static muir_status make_attribute(muir_ctx *ctx, const layout *file, const muir_attribute *attribute)
{
    muir_status st = MUIR_OK;
    const char *path = file->path;
    hid_t group = H5I_INVALID_HID, dataset = H5I_INVALID_HID;
    MUIR_TRY(open_group(ctx, file, attribute->group, &group));
    if (attribute->dataset) MUIR_TRY_H5(dataset = H5Dopen2(group, attribute->dataset, H5P_DEFAULT));
    MUIR_TRY(muir_put_attribute(ctx, path, attribute->dataset ? dataset : group, attribute->key,
                                attribute->type, attribute->n, attribute->values));
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (group >= 0) H5Gclose(group);
    return st;
}

/* Those of groups come first, so that groups stand in the order in which they are described. */
static muir_status make_attributes(muir_ctx *ctx, const layout *file, bool of_datasets)
{
    muir_status st = MUIR_OK;
    const muir_description *description = file->description;
    for (size_t i = 0; i < description->n_attributes; i++)
        if ((description->attributes[i].dataset != NULL) == of_datasets)
            MUIR_TRY(make_attribute(ctx, file, &description->attributes[i]));
done:
    return st;
}

static muir_status make_everything(muir_ctx *ctx, const layout *file)
{
    muir_status st = MUIR_OK;
    const muir_description *description = file->description;
    const muir_attribute format = {"", NULL, "format_version", MUIR_TEXT, 0, MUIR_TELEMETRY_FORMAT};
    MUIR_TRY(make_attribute(ctx, file, &format));
    MUIR_TRY(make_attributes(ctx, file, false));
    for (size_t i = 0; i < description->n_dimensions; i++)
        MUIR_TRY(make_dimension(ctx, file, &description->dimensions[i]));
    for (size_t i = 0; i < description->n_tables; i++)
        MUIR_TRY(make_table(ctx, file, &description->tables[i]));
    for (size_t i = 0; i < description->n_constants; i++)
        MUIR_TRY(make_constant(ctx, file, &description->constants[i]));
    MUIR_TRY(make_attributes(ctx, file, true));
done:
    return st;
}

muir_status muir_layout_fcpl(muir_ctx *ctx, const char *path, hid_t *fcpl)
{
    muir_status st = MUIR_OK;
    hid_t list = H5I_INVALID_HID;
    MUIR_TRY_H5(list = H5Pcreate(H5P_FILE_CREATE));
    MUIR_TRY_H5(H5Pset_link_creation_order(list, CREATION_ORDER));
    MUIR_TRY_H5(H5Pset_attr_creation_order(list, CREATION_ORDER));
    MUIR_TRY_H5(H5Pset_obj_track_times(list, false));
    *fcpl = list;
    list = H5I_INVALID_HID;
done:
    if (list >= 0) H5Pclose(list);
    return st;
}

/* Makes an empty file at path, and opens what is going to be in it, in memory.
 * file    out  closed by the caller
 * memory  out  descriptor, closed by the caller */
static muir_status create_file(muir_ctx *ctx, const char *path, hid_t *file, int *memory)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID, fcpl = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY(muir_layout_fcpl(ctx, path, &fcpl));
    MUIR_TRY_H5(*file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl));
    *memory = muir_h5_detach(*file);
    if (*memory < 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a new %s: %s", path, strerror(errno)));
done:
    if (fcpl >= 0) H5Pclose(fcpl);
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

static muir_status copy_bytes(muir_ctx *ctx, int from, const char *path)
{
    char buffer[1 << 16];
    ssize_t n = 0;
    off_t offset = 0;
    FILE *file = fopen(path, "wb");
    bool is_copied = file != NULL;
    for (; is_copied && (n = pread(from, buffer, sizeof buffer, offset)) > 0; offset += n)
        is_copied = fwrite(buffer, 1, (size_t)n, file) == (size_t)n;
    if (file && fclose(file) != 0) is_copied = false;
    return is_copied && n == 0 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
}

/* HDF5 writes to memory and this to the disk, because HDF5 cannot close a file whose disk is full. */
muir_status muir_layout_write(muir_ctx *ctx, const muir_description *description, const char *path)
{
    muir_status st = MUIR_OK;
    layout file = {description, path, H5I_INVALID_HID};
    int memory = -1;
    MUIR_TRY(create_file(ctx, path, &file.file, &memory));
    MUIR_TRY(make_everything(ctx, &file));
done:
    if (file.file >= 0 && H5Fclose(file.file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "H5Fclose");
    if (st == MUIR_OK) st = copy_bytes(ctx, memory, path);
    if (memory >= 0) close(memory);
    return st;
}
