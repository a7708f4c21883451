/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing a cube: coordinates as dimension scales, variables with their scales attached, attributes.
 * Source: Unidata/netcdf-c docs/file_format_specifications.md, "The NetCDF-4 Format". */
#include <hdf5_hl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/cube_layout.h"
#include "io/telemetry_state.h"

/* Arrays of texts have variable length, as in telemetry_layout.c. */
static muir_status open_type(muir_ctx *ctx, const char *path, muir_value_type type, hid_t *stored)
{
    muir_status st = MUIR_OK;
    if (type == MUIR_TEXT) {
        MUIR_TRY(muir_h5_text_type(ctx, path, 0, stored));
        MUIR_TRY_H5(H5Tset_size(*stored, H5T_VARIABLE));
    } else {
        MUIR_TRY_H5(*stored = H5Tcopy(muir_h5_file_type(type)));
    }
done:
    return st;
}

static muir_status create_dataset(muir_ctx *ctx, const char *path, hid_t file, const muir_label *label,
                                  hid_t type, int n_dims, const hsize_t *size, hid_t *dataset)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, dcpl = H5I_INVALID_HID;
    MUIR_TRY_H5(space = n_dims ? H5Screate_simple(n_dims, size, NULL) : H5Screate(H5S_SCALAR));
    MUIR_TRY_H5(dcpl = H5Pcreate(H5P_DATASET_CREATE));
    MUIR_TRY_H5(H5Pset_attr_creation_order(dcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
    MUIR_TRY_H5(H5Pset_obj_track_times(dcpl, false));
    MUIR_TRY_H5(*dataset = H5Dcreate2(file, label->name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
    MUIR_TRY(muir_put_label(ctx, path, *dataset, label));
done:
    if (dcpl >= 0) H5Pclose(dcpl);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status write_dimension(muir_ctx *ctx, const char *path, hid_t file, const muir_cube_dimension *d)
{
    muir_status st = MUIR_OK;
    const hsize_t size = d->size;
    int64_t *numbers = NULL;
    hid_t type = H5I_INVALID_HID, dataset = H5I_INVALID_HID;
    MUIR_TRY(open_type(ctx, path, d->texts ? MUIR_TEXT : MUIR_I64, &type));
    MUIR_TRY(create_dataset(ctx, path, file, &d->label, type, 1, &size, &dataset));
    MUIR_TRY_H5(H5DSset_scale(dataset, d->label.name));
    if (d->texts) {
        MUIR_TRY_H5(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, d->texts));
        goto done;
    }
    MUIR_TRY(muir_alloc(ctx, d->size, sizeof *numbers, d->label.name, &numbers));
    for (size_t i = 0; i < d->size; i++) numbers[i] = (int64_t)i;
    MUIR_TRY_H5(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers));
done:
    free(numbers);
    if (dataset >= 0) H5Dclose(dataset);
    if (type >= 0) H5Tclose(type);
    return st;
}

static muir_status write_variable(muir_ctx *ctx, const char *path, hid_t file, const muir_cube *cube,
                                  const muir_cube_variable *v)
{
    muir_status st = MUIR_OK;
    const double missing = NAN;
    hsize_t size[MUIR_CUBE_DIMENSIONS];
    hid_t type = H5I_INVALID_HID, dataset = H5I_INVALID_HID;
    for (int i = 0; i < v->n_dims; i++) size[i] = cube->dimensions[v->dims[i]].size;
    MUIR_TRY(open_type(ctx, path, v->type, &type));
    MUIR_TRY(create_dataset(ctx, path, file, &v->label, type, v->n_dims, size, &dataset));
    if (v->type == MUIR_F64)
        MUIR_TRY(muir_put_attribute(ctx, path, dataset, "_FillValue", MUIR_F64, 1, &missing));
    for (int i = 0; i < v->n_dims; i++)
        MUIR_TRY(muir_attach_scale(ctx, path, file, dataset, cube->dimensions[v->dims[i]].label.name,
                                   (unsigned)i));
    MUIR_TRY_H5(H5Dwrite(dataset, v->type == MUIR_TEXT ? type : muir_h5_memory_type(v->type), H5S_ALL,
                         H5S_ALL, H5P_DEFAULT, v->values));
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (type >= 0) H5Tclose(type);
    return st;
}

static muir_status write_all(muir_ctx *ctx, const char *path, hid_t file, const muir_cube *cube)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_put_attribute(ctx, path, file, "Conventions", MUIR_TEXT, 0, "CF-1.8"));
    MUIR_TRY(muir_put_attribute(ctx, path, file, "format_version", MUIR_TEXT, 0, MUIR_TELEMETRY_FORMAT));
    for (size_t i = 0; i < cube->n_attributes; i++) {
        const muir_attribute *a = &cube->attributes[i];
        MUIR_TRY(muir_put_attribute(ctx, path, file, a->key, a->type, a->n, a->values));
    }
    for (size_t i = 0; i < cube->n_dimensions; i++)
        MUIR_TRY(write_dimension(ctx, path, file, &cube->dimensions[i]));
    for (size_t i = 0; i < cube->n_variables; i++)
        MUIR_TRY(write_variable(ctx, path, file, cube, &cube->variables[i]));
    MUIR_TRY_H5(H5Fflush(file, H5F_SCOPE_LOCAL));
done:
    return st;
}

muir_status muir_cube_write(muir_ctx *ctx, const char *path, const muir_cube *cube)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID, fcpl = H5I_INVALID_HID, file = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY(muir_layout_fcpl(ctx, path, &fcpl));
    MUIR_TRY_H5(file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl));
    MUIR_TRY(write_all(ctx, path, file, cube));
done:
    if (st != MUIR_OK && file >= 0) close(muir_h5_detach(file));
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "H5Fclose");
    if (fcpl >= 0) H5Pclose(fcpl);
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}
