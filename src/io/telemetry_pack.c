/* SPDX-License-Identifier: BSD-3-Clause */
/* A finished file takes the place of its plain self, and back: a file that is being written is plain, since a
 * chunk that grows while it is compressed moves, and leaves its old place empty. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/claim.h"
#include "io/telemetry_state.h"

static herr_t look_for_filter(hid_t root, const char *name, const H5O_info_t *info, void *is_packed)
{
    if (info->type != H5O_TYPE_DATASET) return 0;
    const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    const hid_t dcpl = dataset >= 0 ? H5Dget_create_plist(dataset) : H5I_INVALID_HID;
    if (dcpl >= 0 && H5Pget_nfilters(dcpl) > 0) *(bool *)is_packed = true;
    if (dcpl >= 0) H5Pclose(dcpl);
    if (dataset >= 0) H5Dclose(dataset);
    return dcpl < 0 ? -1 : *(bool *)is_packed; /* the first one is enough */
}

/* Writes the copy to PART, which is empty. Whatever fails, HDF5 can close the file. */
static muir_status write_copy(muir_ctx *ctx, const char *path, hid_t from, const char *part, bool is_packed)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID, fcpl = H5I_INVALID_HID, to = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY(muir_layout_fcpl(ctx, path, &fcpl));
    MUIR_TRY_H5(to = H5Fcreate(part, H5F_ACC_TRUNC, fcpl, fapl));
    MUIR_TRY(muir_copy_file(ctx, path, from, to, is_packed));
    MUIR_TRY_H5(H5Fflush(to, H5F_SCOPE_LOCAL));
done:
    if (st != MUIR_OK && to >= 0) close(muir_h5_detach(to));
    if (to >= 0 && H5Fclose(to) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "H5Fclose");
    if (fcpl >= 0) H5Pclose(fcpl);
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}

/* The copy under a name of its own, locked before it can be found. */
static muir_status replace(muir_ctx *ctx, const char *path, hid_t from, bool is_packed, int *lock)
{
    muir_status st = MUIR_OK;
    char part[PATH_MAX + 8];
    int file = -1;
    snprintf(part, sizeof part, "%s.part", path);
    st = muir_claim_lock_part(ctx, path, part, &file);
    if (st != MUIR_OK) return st;
    MUIR_TRY(write_copy(ctx, path, from, part, is_packed));
    if (rename(part, path) != 0)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be renamed from %s: %s", path, part, strerror(errno)));
    close(*lock);
    *lock = file;
    return MUIR_OK;
done:
    unlink(part);
    close(file);
    return st;
}

muir_status muir_pack(muir_ctx *ctx, const char *path, bool is_packed, int *lock)
{
    muir_status st = MUIR_OK;
    bool has_filter = false;
    hid_t fapl = H5I_INVALID_HID, from = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    from = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    if (from < 0 && !is_packed) { /* a killed run's, which is plain */
        H5Eclear2(H5E_DEFAULT);
        goto done;
    }
    MUIR_TRY_H5(from);
    MUIR_TRY_H5(H5Ovisit2(from, H5_INDEX_NAME, H5_ITER_NATIVE, look_for_filter, &has_filter, H5O_INFO_BASIC));
    if (has_filter != is_packed) MUIR_TRY(replace(ctx, path, from, is_packed, lock));
done:
    if (from >= 0) H5Fclose(from);
    if (fapl >= 0) H5Pclose(fapl);
    return st;
}
