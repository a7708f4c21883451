/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts out of a file, to be compared with this run's before anything is appended. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/telemetry_state.h"

/* A place in a file that holds a text, as stored_text or an attribute. */
typedef struct text_place {
    const char *path;
    const char *group; /* NULL: `name` is a dataset */
    const char *name;
} text_place;

/* Room for a text of the type, which is neither a number nor of variable length, and the type to read it
 * with. */
static muir_status make_room(muir_ctx *ctx, const text_place *place, hid_t stored, char **text, hid_t *type)
{
    muir_status st = MUIR_OK;
    const size_t size = H5Tget_size(stored);
    if (H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: %s is not a text", place->path, place->name));
    MUIR_TRY(muir_h5_text_type(ctx, place->path, size, type));
    MUIR_TRY(muir_alloc(ctx, size + 1, 1, place->name, text));
done:
    return st;
}

muir_status muir_stored_attribute(muir_ctx *ctx, const char *path, hid_t file, const char *group,
                                  const char *key, char **text)
{
    muir_status st = MUIR_OK;
    const text_place place = {path, group, key};
    hid_t attribute = H5I_INVALID_HID, stored = H5I_INVALID_HID, type = H5I_INVALID_HID;
    char *found = NULL;
    const char *object = group[0] != '\0' ? group : "/";
    if (H5Aexists_by_name(file, object, key, H5P_DEFAULT) <= 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no attribute %s/%s", path, group, key));
    MUIR_TRY_H5(attribute = H5Aopen_by_name(file, object, key, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY_H5(stored = H5Aget_type(attribute));
    MUIR_TRY(make_room(ctx, &place, stored, &found, &type));
    MUIR_TRY_H5(H5Aread(attribute, type, found));
    *text = found;
    found = NULL;
done:
    free(found);
    if (type >= 0) H5Tclose(type);
    if (stored >= 0) H5Tclose(stored);
    if (attribute >= 0) H5Aclose(attribute);
    return st;
}

static muir_status stored_text(muir_ctx *ctx, const char *path, hid_t file, const char *name, char **text)
{
    muir_status st = MUIR_OK;
    const text_place place = {path, NULL, name};
    hid_t dataset = H5I_INVALID_HID, stored = H5I_INVALID_HID, type = H5I_INVALID_HID,
          space = H5I_INVALID_HID;
    char *found = NULL;
    dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s is damaged or was not written by muir: its %s cannot be read", path, name));
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    if (H5Sget_simple_extent_type(space) != H5S_SCALAR)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: %s is not a single text", path, name));
    MUIR_TRY_H5(stored = H5Dget_type(dataset));
    MUIR_TRY(make_room(ctx, &place, stored, &found, &type));
    MUIR_TRY_H5(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found));
    *text = found;
    found = NULL;
done:
    free(found);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (stored >= 0) H5Tclose(stored);
    if (dataset >= 0) H5Dclose(dataset);
    return st;
}

muir_status muir_stored_is_telemetry(muir_ctx *ctx, const char *path, bool *is_telemetry)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID, file = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, fapl);
    *is_telemetry = file >= 0 && H5Aexists(file, "format_version") > 0 && H5Aexists(file, "muir_version") > 0;
    H5Eclear2(H5E_DEFAULT);
done:
    if (file >= 0) H5Fclose(file);
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

/* Opens as SWMR readers do, which a killed or working writer's file allows. */
static muir_status open_to_read(muir_ctx *ctx, const char *path, hid_t *file)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    *file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, fapl);
    if (*file < 0) {
        muir_fail_h5(ctx, path, "H5Fopen");
        st = MUIR_ERR_ARG;
    }
done:
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

static muir_status read_place(muir_ctx *ctx, const text_place *place, char **text)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    MUIR_TRY(open_to_read(ctx, place->path, &file));
    if (place->group)
        MUIR_TRY(muir_stored_attribute(ctx, place->path, file, place->group, place->name, text));
    else
        MUIR_TRY(stored_text(ctx, place->path, file, place->name, text));
done:
    if (file >= 0) H5Fclose(file);
    return st;
}

/* Rank 0 reads, everybody gets a copy. */
static muir_status read_everywhere(muir_ctx *ctx, const text_place *place, char **text)
{
    muir_status st = MUIR_OK;
    char *copy = NULL;
    unsigned long long bytes = 0; /* with the terminating zero */
    if (muir_is_root(ctx)) {
        st = read_place(ctx, place, &copy);
        if (st == MUIR_OK) bytes = strlen(copy) + 1;
        if (bytes > INT_MAX)
            st = muir_fail(ctx, MUIR_ERR_ARG, "%s: %s is too long", place->path, place->name);
    }
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(&bytes, 1, MPI_UNSIGNED_LONG_LONG, 0, ctx->comm));
    if (!copy) st = muir_alloc(ctx, (size_t)bytes, 1, place->name, &copy);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(copy, (int)bytes, MPI_CHAR, 0, ctx->comm));
    *text = copy;
    copy = NULL;
done:
    free(copy);
    return st;
}

muir_status muir_telemetry_read_text(muir_ctx *ctx, const char *path, const char *name, char **text)
{
    const text_place place = {path, NULL, name};
    return read_everywhere(ctx, &place, text);
}

muir_status muir_telemetry_read_attribute(muir_ctx *ctx, const char *path, const char *group, const char *key,
                                          char **text)
{
    const text_place place = {path, group, key};
    return read_everywhere(ctx, &place, text);
}

/* On rank 0. */
static muir_status stored_number(muir_ctx *ctx, const char *path, const char *group, const char *key,
                                 double *value)
{
    muir_status st = MUIR_OK;
    const char *object = group[0] != '\0' ? group : "/";
    hid_t file = H5I_INVALID_HID, attribute = H5I_INVALID_HID, type = H5I_INVALID_HID,
          space = H5I_INVALID_HID;
    MUIR_TRY(open_to_read(ctx, path, &file));
    if (H5Aexists_by_name(file, object, key, H5P_DEFAULT) <= 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no attribute %s/%s", path, group, key));
    MUIR_TRY_H5(attribute = H5Aopen_by_name(file, object, key, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY_H5(type = H5Aget_type(attribute));
    MUIR_TRY_H5(space = H5Aget_space(attribute));
    const H5T_class_t kind = H5Tget_class(type);
    if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Sget_simple_extent_npoints(space) != 1)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: attribute %s/%s is not a number", path, group, key));
    MUIR_TRY_H5(H5Aread(attribute, H5T_NATIVE_DOUBLE, value));
done:
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    if (file >= 0) H5Fclose(file);
    return st;
}

muir_status muir_telemetry_read_number(muir_ctx *ctx, const char *path, const char *group, const char *key,
                                       double *value)
{
    muir_status st = MUIR_OK;
    double found = 0.0;
    if (muir_is_root(ctx)) st = stored_number(ctx, path, group, key, &found);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(&found, 1, MPI_DOUBLE, 0, ctx->comm));
    *value = found;
done:
    return st;
}
