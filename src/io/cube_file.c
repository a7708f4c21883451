/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a cube's file: claimed, replaced as a whole, read to go on. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/cube_layout.h"
#include "io/telemetry_state.h"

struct muir_cube_file {
    muir_claim *claim; /* borrowed; outlives the file */
    const char *path;  /* the claim's */
    int lock;          /* of PATH; -1: there is no PATH yet, and the claim holds PATH.part */
};

muir_status muir_cube_file_create(muir_ctx *ctx, muir_claim *claim, muir_cube_file **out)
{
    muir_status st = MUIR_OK;
    muir_cube_file *file = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *file, "the study's file", &file));
    file->claim = claim;
    file->path = muir_claim_path(claim);
    file->lock = muir_claim_is_new(claim) ? -1 : muir_claim_take_lock(claim);
    *out = file;
done:
    return st;
}

void muir_cube_file_destroy(muir_cube_file **file)
{
    if (!*file) return;
    if ((*file)->lock >= 0) close((*file)->lock);
    free(*file);
    *file = NULL;
}

bool muir_cube_file_is_old(const muir_cube_file *file)
{
    return !muir_claim_is_new(file->claim);
}

/* PATH.part, locked, gets the name once it is complete. */
static muir_status replace(muir_ctx *ctx, muir_cube_file *file, const muir_cube *cube)
{
    muir_status st = MUIR_OK;
    char part[PATH_MAX + 8];
    int lock = -1;
    snprintf(part, sizeof part, "%s.part", file->path);
    st = muir_claim_lock_part(ctx, file->path, part, &lock);
    if (st != MUIR_OK) return st;
    MUIR_TRY(muir_cube_write(ctx, part, cube));
    if (rename(part, file->path) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be renamed from %s: %s", file->path, part,
                           strerror(errno)));
    close(file->lock);
    file->lock = lock;
    return MUIR_OK;
done:
    unlink(part);
    close(lock);
    return st;
}

muir_status muir_cube_file_save(muir_ctx *ctx, muir_cube_file *file, const muir_cube *cube)
{
    muir_status st = MUIR_OK;
    if (file->lock >= 0) return replace(ctx, file, cube);
    MUIR_TRY(muir_cube_write(ctx, muir_claim_part(file->claim), cube));
    MUIR_TRY(muir_claim_publish(ctx, file->claim));
    file->lock = muir_claim_take_lock(file->claim);
done:
    return st;
}

static muir_status open_old(muir_ctx *ctx, const char *path, hid_t *file)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY_H5(*file = H5Fopen(path, H5F_ACC_RDONLY, fapl));
done:
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

/* The dataset, if it is what the caller makes room for. */
static muir_status open_variable(muir_ctx *ctx, const char *path, hid_t file, const char *name,
                                 muir_value_type type, size_t n, hid_t *dataset)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, stored = H5I_INVALID_HID;
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no variable %s", path, name));
    MUIR_TRY_H5(*dataset = H5Dopen2(file, name, H5P_DEFAULT));
    MUIR_TRY_H5(space = H5Dget_space(*dataset));
    MUIR_TRY_H5(stored = H5Dget_type(*dataset));
    const H5T_class_t wanted = type == MUIR_TEXT ? H5T_STRING : type == MUIR_F64 ? H5T_FLOAT : H5T_INTEGER;
    if (H5Sget_simple_extent_npoints(space) != (hssize_t)n || H5Tget_class(stored) != wanted ||
        (type == MUIR_TEXT && H5Tis_variable_str(stored) <= 0))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: variable %s is not what this study writes", path, name));
done:
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    return st;
}

muir_status muir_cube_file_read(muir_ctx *ctx, const muir_cube_file *f, const char *name,
                                muir_value_type type, size_t n, void *values)
{
    muir_status st = MUIR_OK;
    const char *path = f->path;
    hid_t file = H5I_INVALID_HID, dataset = H5I_INVALID_HID, text = H5I_INVALID_HID;
    MUIR_TRY(open_old(ctx, path, &file));
    MUIR_TRY(open_variable(ctx, path, file, name, type, n, &dataset));
    if (type == MUIR_TEXT) {
        MUIR_TRY(muir_h5_text_type(ctx, path, 0, &text));
        MUIR_TRY_H5(H5Tset_size(text, H5T_VARIABLE));
    }
    MUIR_TRY_H5(H5Dread(dataset, type == MUIR_TEXT ? text : muir_h5_memory_type(type), H5S_ALL, H5S_ALL,
                        H5P_DEFAULT, values));
done:
    if (text >= 0) H5Tclose(text);
    if (dataset >= 0) H5Dclose(dataset);
    if (file >= 0) H5Fclose(file);
    return st;
}

muir_status muir_cube_file_read_text(muir_ctx *ctx, const muir_cube_file *f, const char *key, char **text)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    MUIR_TRY(open_old(ctx, f->path, &file));
    MUIR_TRY(muir_stored_attribute(ctx, f->path, file, "", key, text));
done:
    if (file >= 0) H5Fclose(file);
    return st;
}
