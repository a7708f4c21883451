/* SPDX-License-Identifier: BSD-3-Clause */
/* A copy of a finished file in which columns are compressed, or plain again; all else stays as it is. */
#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/telemetry_state.h"

enum { COPY_BYTES = 4 << 20, DEFLATE_LEVEL = 1, MOST_NAME = 256 };

/* One copy under way. */
typedef struct copy_state {
    const char *path; /* for messages */
    bool is_packed;   /* compress columns that get much smaller */
    muir_ctx *ctx;
    char *buffer; /* [buffer_bytes] */
    size_t buffer_bytes;
} copy_state;

static muir_status reserve(copy_state *c, size_t bytes)
{
    if (bytes <= c->buffer_bytes) return MUIR_OK;
    free(c->buffer);
    c->buffer = NULL;
    c->buffer_bytes = 0;
    const muir_status st = muir_alloc(c->ctx, bytes, 1, "a copy of the telemetry", &c->buffer);
    if (st == MUIR_OK) c->buffer_bytes = bytes;
    return st;
}

/* Dimension scales keep their own books in these attributes. */
static bool is_of_scales(const char *name)
{
    static const char *const names[] = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static muir_status copy_attribute(copy_state *c, hid_t from, hid_t to, const char *name)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hid_t attribute = H5I_INVALID_HID, copy = H5I_INVALID_HID, type = H5I_INVALID_HID,
          space = H5I_INVALID_HID;
    if (is_of_scales(name)) return MUIR_OK;
    MUIR_TRY_H5(attribute = H5Aopen(from, name, H5P_DEFAULT));
    MUIR_TRY_H5(type = H5Aget_type(attribute));
    MUIR_TRY_H5(space = H5Aget_space(attribute));
    MUIR_TRY(reserve(c, H5Tget_size(type) * (size_t)H5Sget_simple_extent_npoints(space)));
    MUIR_TRY_H5(H5Aread(attribute, type, c->buffer));
    MUIR_TRY_H5(copy = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY_H5(H5Awrite(copy, type, c->buffer));
done:
    if (copy >= 0) H5Aclose(copy);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return st;
}

static muir_status copy_attributes(copy_state *c, hid_t from, hid_t to)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    H5O_info_t info;
    char name[MOST_NAME];
    MUIR_TRY_H5(H5Oget_info2(from, &info, H5O_INFO_NUM_ATTRS));
    for (hsize_t i = 0; i < info.num_attrs; i++) {
        MUIR_TRY_H5(H5Aget_name_by_idx(from, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name,
                                       H5P_DEFAULT));
        MUIR_TRY(copy_attribute(c, from, to, name));
    }
done:
    return st;
}

/* Rows of a dataset with a first dimension that grows; other datasets are copied whole by HDF5. */
typedef struct copy_shape {
    int n_dims;
    hsize_t size[2], chunk[2];
    bool is_growing;
    size_t row_bytes;
} copy_shape;

static muir_status read_shape(copy_state *c, hid_t dataset, hid_t dcpl, copy_shape *shape)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hsize_t size[H5S_MAX_RANK] = {0}, most[H5S_MAX_RANK] = {0};
    hid_t space = H5I_INVALID_HID, type = H5I_INVALID_HID;
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    MUIR_TRY_H5(type = H5Dget_type(dataset));
    MUIR_TRY_H5(shape->n_dims = H5Sget_simple_extent_dims(space, size, most));
    shape->is_growing = shape->n_dims >= 1 && shape->n_dims <= 2 && most[0] == H5S_UNLIMITED;
    if (!shape->is_growing) goto done;
    shape->size[0] = size[0];
    shape->size[1] = shape->n_dims == 2 ? size[1] : 1;
    shape->row_bytes = H5Tget_size(type) * (size_t)shape->size[1];
    MUIR_TRY_H5(H5Pget_chunk(dcpl, 2, shape->chunk));
done:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status copy_rows(copy_state *c, hid_t from, hid_t to, const copy_shape *shape, hsize_t first,
                             hsize_t n)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    const hsize_t start[2] = {first, 0}, count[2] = {n, shape->size[1]};
    hid_t space = H5I_INVALID_HID, memory = H5I_INVALID_HID, type = H5I_INVALID_HID;
    MUIR_TRY(reserve(c, (size_t)n * shape->row_bytes));
    MUIR_TRY_H5(type = H5Dget_type(from));
    MUIR_TRY_H5(space = H5Dget_space(from));
    MUIR_TRY_H5(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
    MUIR_TRY_H5(memory = H5Screate_simple(shape->n_dims, count, NULL));
    MUIR_TRY_H5(H5Dread(from, type, memory, space, H5P_DEFAULT, c->buffer));
    MUIR_TRY_H5(H5Dwrite(to, type, memory, space, H5P_DEFAULT, c->buffer));
done:
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return st;
}

/* An empty dataset like `from`, with or without filters. name NULL: one that is gone when it is closed. */
static muir_status create_like(copy_state *c, hid_t from, hid_t group, const char *name, bool is_packed,
                               hid_t *to)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hid_t dcpl = H5I_INVALID_HID, type = H5I_INVALID_HID, space = H5I_INVALID_HID;
    MUIR_TRY_H5(dcpl = H5Dget_create_plist(from));
    MUIR_TRY_H5(type = H5Dget_type(from));
    MUIR_TRY_H5(space = H5Dget_space(from));
    MUIR_TRY_H5(H5Premove_filter(dcpl, H5Z_FILTER_ALL));
    if (is_packed) MUIR_TRY_H5(H5Pset_shuffle(dcpl));
    if (is_packed) MUIR_TRY_H5(H5Pset_deflate(dcpl, DEFLATE_LEVEL));
    MUIR_TRY_H5(*to = name ? H5Dcreate2(group, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT)
                           : H5Dcreate_anon(group, type, space, dcpl, H5P_DEFAULT));
done:
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (dcpl >= 0) H5Pclose(dcpl);
    return st;
}

/* Whether packing halves the first chunk. What does not is left plain: noise costs time and gains little. */
static muir_status try_packing(copy_state *c, hid_t from, hid_t group, const copy_shape *shape,
                               bool *is_worth_it)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    const hsize_t rows = shape->chunk[0] < shape->size[0] ? shape->chunk[0] : shape->size[0];
    hid_t trial = H5I_INVALID_HID;
    MUIR_TRY(create_like(c, from, group, NULL, true, &trial));
    MUIR_TRY(copy_rows(c, from, trial, shape, 0, rows));
    MUIR_TRY_H5(H5Dflush(trial));
    *is_worth_it = 2 * H5Dget_storage_size(trial) < shape->chunk[0] * shape->row_bytes;
done:
    if (trial >= 0) H5Dclose(trial);
    return st;
}

static muir_status copy_growing(copy_state *c, hid_t from, hid_t group, const char *name,
                                const copy_shape *shape, hid_t *to)
{
    muir_status st = MUIR_OK;
    bool is_packed = c->is_packed && shape->size[0] > 0;
    if (is_packed) MUIR_TRY(try_packing(c, from, group, shape, &is_packed));
    MUIR_TRY(create_like(c, from, group, name, is_packed, to));
    /* whole chunks at a time, so that none is compressed twice */
    const hsize_t chunks = COPY_BYTES / (shape->chunk[0] * shape->row_bytes);
    const hsize_t step = (chunks > 0 ? chunks : 1) * shape->chunk[0];
    for (hsize_t first = 0; first < shape->size[0]; first += step) {
        const hsize_t n = shape->size[0] - first < step ? shape->size[0] - first : step;
        MUIR_TRY(copy_rows(c, from, *to, shape, first, n));
    }
done:
    return st;
}

static muir_status copy_fixed(copy_state *c, hid_t from, hid_t group, const char *name, hid_t *to)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hid_t ocpypl = H5I_INVALID_HID;
    MUIR_TRY_H5(ocpypl = H5Pcreate(H5P_OBJECT_COPY));
    MUIR_TRY_H5(H5Pset_copy_object(ocpypl, H5O_COPY_WITHOUT_ATTR_FLAG));
    MUIR_TRY_H5(H5Ocopy(from, ".", group, name, ocpypl, H5P_DEFAULT));
    MUIR_TRY_H5(*to = H5Dopen2(group, name, H5P_DEFAULT));
done:
    if (ocpypl >= 0) H5Pclose(ocpypl);
    return st;
}

static muir_status copy_dataset(copy_state *c, hid_t from, hid_t group, const char *name)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    copy_shape shape = {.n_dims = 0};
    hid_t dcpl = H5I_INVALID_HID, to = H5I_INVALID_HID;
    MUIR_TRY_H5(dcpl = H5Dget_create_plist(from));
    MUIR_TRY(read_shape(c, from, dcpl, &shape));
    if (shape.is_growing)
        MUIR_TRY(copy_growing(c, from, group, name, &shape, &to));
    else
        MUIR_TRY(copy_fixed(c, from, group, name, &to));
    MUIR_TRY(copy_attributes(c, from, to));
    if (H5DSis_scale(from) > 0) MUIR_TRY_H5(H5DSset_scale(to, name));
done:
    if (to >= 0) H5Dclose(to);
    if (dcpl >= 0) H5Pclose(dcpl);
    return st;
}

/* One link of a group: what to do with what it leads to. */
typedef muir_status (*link_visit)(copy_state *c, hid_t from, hid_t to, const char *name);

/* Visits the datasets of two groups that are alike, in the order in which they were made. */
static muir_status each_link(copy_state *c, hid_t from, hid_t to, link_visit visit)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    H5G_info_t info;
    char name[MOST_NAME];
    MUIR_TRY_H5(H5Gget_info(from, &info));
    for (hsize_t i = 0; i < info.nlinks; i++) {
        MUIR_TRY_H5(H5Lget_name_by_idx(from, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name,
                                       H5P_DEFAULT));
        MUIR_TRY(visit(c, from, to, name));
    }
done:
    return st;
}

static muir_status copy_link(copy_state *c, hid_t from, hid_t to, const char *name);

static muir_status copy_group(copy_state *c, hid_t from, hid_t to, const char *name)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID;
    /* not by H5Gget_create_plist, which in 1.10 carries the place of the links over into the new file */
    MUIR_TRY(muir_layout_make_group(c->ctx, c->path, to, name, &group));
    MUIR_TRY(copy_attributes(c, from, group));
    MUIR_TRY(each_link(c, from, group, copy_link));
done:
    if (group >= 0) H5Gclose(group);
    return st;
}

static muir_status copy_link(copy_state *c, hid_t from, hid_t to, const char *name)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hid_t object = H5I_INVALID_HID;
    MUIR_TRY_H5(object = H5Oopen(from, name, H5P_DEFAULT));
    if (H5Iget_type(object) == H5I_GROUP)
        MUIR_TRY(copy_group(c, object, to, name));
    else
        MUIR_TRY(copy_dataset(c, object, to, name));
done:
    if (object >= 0) H5Oclose(object);
    return st;
}

/* For H5DSiterate_scales: attaches the scale of the same name in the copy's group. */
typedef struct attach_state {
    hid_t group, copy;
} attach_state;

static herr_t attach_scale(hid_t dataset, unsigned dimension, hid_t scale, void *data)
{
    const attach_state *a = data;
    char full[MOST_NAME] = "";
    (void)dataset;
    if (H5Iget_name(scale, full, sizeof full) < 0) return -1;
    const char *slash = strrchr(full, '/');
    const hid_t same = H5Dopen2(a->group, slash ? slash + 1 : full, H5P_DEFAULT);
    if (same < 0) return -1;
    const herr_t failed = H5DSattach_scale(a->copy, same, dimension);
    H5Dclose(same);
    return failed;
}

static muir_status attach_alike(copy_state *c, hid_t from, hid_t group, hid_t copy)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    attach_state state = {group, copy};
    hid_t space = H5I_INVALID_HID;
    int n_dims = 0;
    if (H5Aexists(from, "DIMENSION_LIST") <= 0) return MUIR_OK;
    MUIR_TRY_H5(space = H5Dget_space(from));
    MUIR_TRY_H5(n_dims = H5Sget_simple_extent_ndims(space));
    for (int i = 0; i < n_dims; i++)
        MUIR_TRY_H5(H5DSiterate_scales(from, (unsigned)i, NULL, attach_scale, &state));
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

/* Once all are there: the scales of each dataset's dimensions, which stand in its own group. */
static muir_status attach_link(copy_state *c, hid_t from, hid_t to, const char *name)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = c->ctx;
    const char *path = c->path;
    hid_t object = H5I_INVALID_HID, copy = H5I_INVALID_HID;
    MUIR_TRY_H5(object = H5Oopen(from, name, H5P_DEFAULT));
    MUIR_TRY_H5(copy = H5Oopen(to, name, H5P_DEFAULT));
    if (H5Iget_type(object) == H5I_GROUP)
        MUIR_TRY(each_link(c, object, copy, attach_link));
    else
        MUIR_TRY(attach_alike(c, object, to, copy));
done:
    if (copy >= 0) H5Oclose(copy);
    if (object >= 0) H5Oclose(object);
    return st;
}

muir_status muir_copy_file(muir_ctx *ctx, const char *path, hid_t from, hid_t to, bool is_packed)
{
    muir_status st = MUIR_OK;
    copy_state c = {path, is_packed, ctx, NULL, 0};
    hid_t from_root = H5I_INVALID_HID, to_root = H5I_INVALID_HID;
    MUIR_TRY_H5(from_root = H5Gopen2(from, "/", H5P_DEFAULT));
    MUIR_TRY_H5(to_root = H5Gopen2(to, "/", H5P_DEFAULT));
    MUIR_TRY(copy_attributes(&c, from_root, to_root));
    MUIR_TRY(each_link(&c, from_root, to_root, copy_link));
    MUIR_TRY(each_link(&c, from_root, to_root, attach_link));
done:
    if (to_root >= 0) H5Gclose(to_root);
    if (from_root >= 0) H5Gclose(from_root);
    free(c.buffer);
    return st;
}
