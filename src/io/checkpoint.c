/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing and reading of checkpoints. All ranks open one file together; then each moves its own data, in
 * slices. */
#include "io/checkpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/checksum.h"
#include "io/h5.h"

enum { FORMAT = 1, SLICE = 64 << 20 }; /* HDF5 1.10 hands MPI-IO an int's worth of bytes at a time */

/* One part over all ranks. */
typedef struct layout {
    int64_t *share;                   /* [ranks], byte */
    int64_t first, bytes;             /* mine [byte] */
    int64_t total;                    /* of all ranks [byte] */
    int64_t first_block, blocks, all; /* mine and all, in blocks */
    uint64_t *checksum;               /* [blocks], mine */
} layout;

static int64_t blocks_of(int64_t bytes)
{
    return (bytes + MUIR_CHECKPOINT_BLOCK - 1) / MUIR_CHECKPOINT_BLOCK;
}

static void free_layout(layout *l)
{
    free(l->share);
    free(l->checksum);
}

/* Who holds how much. Collective over ctx->comm. */
static muir_status make_layout(muir_ctx *ctx, const muir_checkpoint_part *part, layout *l)
{
    muir_status st = MUIR_OK;
    l->bytes = (int64_t)part->bytes;
    l->blocks = blocks_of(l->bytes);
    st = muir_alloc(ctx, (size_t)ctx->size, sizeof *l->share, "a checkpoint", &l->share);
    if (st == MUIR_OK)
        st = muir_alloc(ctx, (size_t)l->blocks, sizeof *l->checksum, "a checkpoint", &l->checksum);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Allgather(&l->bytes, 1, MPI_INT64_T, l->share, 1, MPI_INT64_T, ctx->comm));
    for (int r = 0; r < ctx->size; r++) {
        if (r < ctx->rank) l->first += l->share[r], l->first_block += blocks_of(l->share[r]);
        l->total += l->share[r];
        l->all += blocks_of(l->share[r]);
    }
done:
    return st;
}

/* Opening. */

#ifdef H5_HAVE_PARALLEL
static muir_status through_mpi(muir_ctx *ctx, const char *path, hid_t fapl)
{
    muir_status st = MUIR_OK;
    MUIR_TRY_H5(H5Pset_fapl_mpio(fapl, ctx->comm, MPI_INFO_NULL));
    MUIR_TRY_H5(H5Pset_coll_metadata_write(fapl, true));
    MUIR_TRY_H5(H5Pset_all_coll_metadata_ops(fapl, true));
done:
    return st;
}
#else
static muir_status through_mpi(muir_ctx *ctx, const char *path, hid_t fapl)
{
    (void)fapl;
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: checkpoints need an HDF5 built with MPI", path);
}
#endif

/* Collective over ctx->comm. */
static muir_status open_file(muir_ctx *ctx, const char *path, bool is_created, hid_t *file)
{
    muir_status st = MUIR_OK;
    hid_t fapl = H5I_INVALID_HID;
    MUIR_TRY(muir_h5_access(ctx, path, &fapl));
    MUIR_TRY(through_mpi(ctx, path, fapl));
    if (is_created)
        MUIR_TRY_H5(*file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
    else
        MUIR_TRY_H5(*file = H5Fopen(path, H5F_ACC_RDONLY, fapl));
done:
    if (fapl >= 0) H5Pclose(fapl);
    return muir_agree(ctx, st);
}

static muir_status write_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
                                int64_t value)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, attribute = H5I_INVALID_HID;
    MUIR_TRY_H5(space = H5Screate(H5S_SCALAR));
    MUIR_TRY_H5(attribute = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY_H5(H5Awrite(attribute, H5T_NATIVE_INT64, &value));
done:
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status read_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
                               int64_t *value)
{
    muir_status st = MUIR_OK;
    hid_t attribute = H5I_INVALID_HID;
    MUIR_TRY_H5(attribute = H5Aopen(object, name, H5P_DEFAULT));
    MUIR_TRY_H5(H5Aread(attribute, H5T_NATIVE_INT64, value));
done:
    if (attribute >= 0) H5Aclose(attribute);
    return st;
}

/* Datasets. */

/* A dataset of `total` elements that is neither filled nor cut into chunks, so that ranks only add data. */
static muir_status create_dataset(muir_ctx *ctx, const char *path, hid_t group, const char *name, hid_t type,
                                  int64_t total, hid_t *dataset)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, dcpl = H5I_INVALID_HID;
    const hsize_t size = (hsize_t)total;
    MUIR_TRY_H5(space = H5Screate_simple(1, &size, NULL));
    MUIR_TRY_H5(dcpl = H5Pcreate(H5P_DATASET_CREATE));
    MUIR_TRY_H5(H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER));
    MUIR_TRY_H5(*dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
done:
    if (dcpl >= 0) H5Pclose(dcpl);
    if (space >= 0) H5Sclose(space);
    return st;
}

/* Moves `count` elements between memory and the dataset's elements from `first` on; this rank alone. */
static muir_status move(muir_ctx *ctx, const char *path, hid_t dataset, hid_t type, int64_t first,
                        int64_t count, bool is_write, void *data)
{
    muir_status st = MUIR_OK;
    hid_t space = H5I_INVALID_HID, memory = H5I_INVALID_HID;
    const hsize_t start = (hsize_t)first, size = (hsize_t)count;
    if (count == 0) return MUIR_OK;
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    MUIR_TRY_H5(memory = H5Screate_simple(1, &size, NULL));
    MUIR_TRY_H5(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &size, NULL));
    if (is_write)
        MUIR_TRY_H5(H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, data));
    else
        MUIR_TRY_H5(H5Dread(dataset, type, memory, space, H5P_DEFAULT, data));
done:
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return st;
}

static muir_status move_slices(muir_ctx *ctx, const char *path, hid_t dataset, const layout *l, bool is_write,
                               char *data)
{
    muir_status st = MUIR_OK;
    for (int64_t at = 0; at < l->bytes; at += SLICE) {
        const int64_t count = l->bytes - at < SLICE ? l->bytes - at : SLICE;
        MUIR_TRY(move(ctx, path, dataset, H5T_NATIVE_UINT8, l->first + at, count, is_write, data + at));
    }
done:
    return st;
}

static uint64_t checksum_of(const muir_checkpoint_part *part, int64_t block)
{
    const size_t first = (size_t)block * MUIR_CHECKPOINT_BLOCK, rest = part->bytes - first;
    return muir_checksum((const char *)part->data + first,
                         rest < MUIR_CHECKPOINT_BLOCK ? rest : MUIR_CHECKPOINT_BLOCK);
}

/* Writing. */

static muir_status write_part(muir_ctx *ctx, const char *path, hid_t file, const muir_checkpoint_part *part,
                              layout *l, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID, data = H5I_INVALID_HID, sums = H5I_INVALID_HID, shares = H5I_INVALID_HID;
    MUIR_TRY_H5(group = H5Gcreate2(file, part->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY(create_dataset(ctx, path, group, "data", H5T_STD_U8LE, l->total, &data));
    MUIR_TRY(create_dataset(ctx, path, group, "checksum", H5T_STD_U64LE, l->all, &sums));
    MUIR_TRY(create_dataset(ctx, path, group, "share", H5T_STD_I64LE, ctx->size, &shares));
    const double start_s = muir_now_s();
    for (int64_t b = 0; b < l->blocks; b++) l->checksum[b] = checksum_of(part, b);
    const double summed_s = muir_now_s();
    MUIR_TRY(move_slices(ctx, path, data, l, true, part->data));
    time->checksum_s += summed_s - start_s;
    time->data_s += muir_now_s() - summed_s;
    MUIR_TRY(move(ctx, path, sums, H5T_NATIVE_UINT64, l->first_block, l->blocks, true, l->checksum));
    MUIR_TRY(move(ctx, path, shares, H5T_NATIVE_INT64, ctx->rank, 1, true, &l->share[ctx->rank]));
done:
    if (shares >= 0) H5Dclose(shares);
    if (sums >= 0) H5Dclose(sums);
    if (data >= 0) H5Dclose(data);
    if (group >= 0) H5Gclose(group);
    return st;
}

/* Asked before anything is written: HDF5 gives up badly on a disk that fills up under it. */
static muir_status check_space(muir_ctx *ctx, const char *path, int64_t bytes)
{
    char folder[PATH_MAX];
    struct statvfs info;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    if (statvfs(slash ? folder : ".", &info) != 0)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
    const double room = (double)info.f_bavail * (double)info.f_frsize;
    if ((double)bytes * 1.001 + 1e6 > room)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: a checkpoint of %lld bytes, but %.0f are free", path,
                         (long long)bytes, room);
    return MUIR_OK;
}

/* The slowest rank's times. */
static muir_status finish_time(muir_ctx *ctx, double start_s, int64_t bytes, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    time->total_s = muir_now_s() - start_s;
    time->bytes = bytes;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &time->data_s, 3, MPI_DOUBLE, MPI_MAX, ctx->comm));
done:
    return st;
}

static muir_status write_file(muir_ctx *ctx, const char *path, int64_t step,
                              const muir_checkpoint_part *parts, int n_parts, layout *layouts,
                              muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    MUIR_TRY(open_file(ctx, path, true, &file));
    MUIR_TRY(write_number(ctx, path, file, "format_version", FORMAT));
    MUIR_TRY(write_number(ctx, path, file, "step", step));
    MUIR_TRY(write_number(ctx, path, file, "block_bytes", MUIR_CHECKPOINT_BLOCK));
    for (int i = 0; i < n_parts; i++)
        MUIR_TRY(muir_agree(ctx, write_part(ctx, path, file, &parts[i], &layouts[i], time)));
    const double start_s = muir_now_s();
    MUIR_TRY_H5(H5Fflush(file, H5F_SCOPE_GLOBAL));
    time->data_s += muir_now_s() - start_s;
done:
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "closing");
    return muir_agree(ctx, st);
}

static muir_status make_layouts(muir_ctx *ctx, const muir_checkpoint_part *parts, int n_parts,
                                layout *layouts, int64_t *bytes)
{
    muir_status st = MUIR_OK;
    *bytes = 0;
    for (int i = 0; i < n_parts; i++) {
        MUIR_TRY(make_layout(ctx, &parts[i], &layouts[i]));
        *bytes += layouts[i].total;
    }
done:
    return st;
}

muir_status muir_checkpoint_write(muir_ctx *ctx, const char *path, int64_t step,
                                  const muir_checkpoint_part *parts, int n_parts, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    layout layouts[MUIR_CHECKPOINT_PARTS] = {{0}};
    muir_checkpoint_time t = {0};
    char part[PATH_MAX];
    int64_t bytes = 0;
    const double start_s = muir_now_s();
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: the name is too long", path);
    MUIR_TRY(make_layouts(ctx, parts, n_parts, layouts, &bytes));
    MUIR_TRY(muir_agree(ctx, muir_is_root(ctx) ? check_space(ctx, path, bytes) : MUIR_OK));
    st = write_file(ctx, part, step, parts, n_parts, layouts, &t);
    if (st == MUIR_OK && muir_is_root(ctx) && rename(part, path) != 0)
        st = muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
    if (st != MUIR_OK && muir_is_root(ctx)) unlink(part);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(finish_time(ctx, start_s, bytes, &t));
    *time = t;
done:
    for (int i = 0; i < n_parts; i++) free_layout(&layouts[i]);
    return st;
}

/* Reading. */

static muir_status check_shares(muir_ctx *ctx, const char *path, hid_t group,
                                const muir_checkpoint_part *part, const layout *l)
{
    muir_status st = MUIR_OK;
    hid_t dataset = H5I_INVALID_HID, space = H5I_INVALID_HID;
    int64_t share = 0;
    MUIR_TRY_H5(dataset = H5Dopen2(group, "share", H5P_DEFAULT));
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    const int64_t ranks = (int64_t)H5Sget_simple_extent_npoints(space);
    if (ranks != ctx->size)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s was written by %lld ranks, but these are %d", path,
                           (long long)ranks, ctx->size));
    MUIR_TRY(move(ctx, path, dataset, H5T_NATIVE_INT64, ctx->rank, 1, false, &share));
    if (share != l->bytes)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: part %s has %lld bytes for rank %d, which expects %lld",
                           path, part->name, (long long)share, ctx->rank, (long long)l->bytes));
done:
    if (space >= 0) H5Sclose(space);
    if (dataset >= 0) H5Dclose(dataset);
    return st;
}

static muir_status verify(muir_ctx *ctx, const char *path, const muir_checkpoint_part *part, const layout *l)
{
    for (int64_t b = 0; b < l->blocks; b++) {
        if (checksum_of(part, b) == l->checksum[b]) continue;
        const int64_t first = b * MUIR_CHECKPOINT_BLOCK, end = first + MUIR_CHECKPOINT_BLOCK;
        return muir_fail(ctx, MUIR_ERR_CHECK, "%s is damaged: part %s of rank %d, bytes %lld to %lld", path,
                         part->name, ctx->rank, (long long)first,
                         (long long)(end < l->bytes ? end : l->bytes) - 1);
    }
    return MUIR_OK;
}

static muir_status read_part(muir_ctx *ctx, const char *path, hid_t file, const muir_checkpoint_part *part,
                             layout *l, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID, data = H5I_INVALID_HID, sums = H5I_INVALID_HID;
    MUIR_TRY_H5(group = H5Gopen2(file, part->name, H5P_DEFAULT));
    MUIR_TRY(muir_agree(ctx, check_shares(ctx, path, group, part, l)));
    MUIR_TRY_H5(data = H5Dopen2(group, "data", H5P_DEFAULT));
    MUIR_TRY_H5(sums = H5Dopen2(group, "checksum", H5P_DEFAULT));
    const double start_s = muir_now_s();
    MUIR_TRY(move_slices(ctx, path, data, l, false, part->data));
    time->data_s += muir_now_s() - start_s;
    MUIR_TRY(move(ctx, path, sums, H5T_NATIVE_UINT64, l->first_block, l->blocks, false, l->checksum));
    const double read_s = muir_now_s();
    st = verify(ctx, path, part, l);
    time->checksum_s += muir_now_s() - read_s;
done:
    if (sums >= 0) H5Dclose(sums);
    if (data >= 0) H5Dclose(data);
    if (group >= 0) H5Gclose(group);
    return st;
}

static muir_status read_file(muir_ctx *ctx, const char *path, const muir_checkpoint_part *parts, int n_parts,
                             layout *layouts, int64_t *step, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    int64_t version = 0, block = 0;
    MUIR_TRY(open_file(ctx, path, false, &file));
    MUIR_TRY(read_number(ctx, path, file, "format_version", &version));
    MUIR_TRY(read_number(ctx, path, file, "block_bytes", &block));
    MUIR_TRY(read_number(ctx, path, file, "step", step));
    if (version != FORMAT || block != MUIR_CHECKPOINT_BLOCK)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has format version %lld, but this muir reads %d", path,
                           (long long)version, FORMAT));
    for (int i = 0; i < n_parts; i++)
        MUIR_TRY(muir_agree(ctx, read_part(ctx, path, file, &parts[i], &layouts[i], time)));
done:
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "closing");
    return muir_agree(ctx, st);
}

muir_status muir_checkpoint_read(muir_ctx *ctx, const char *path, const muir_checkpoint_part *parts,
                                 int n_parts, int64_t *step, muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    layout layouts[MUIR_CHECKPOINT_PARTS] = {{0}};
    muir_checkpoint_time t = {0};
    int64_t bytes = 0, stored = 0;
    const double start_s = muir_now_s();
    MUIR_TRY(make_layouts(ctx, parts, n_parts, layouts, &bytes));
    MUIR_TRY(read_file(ctx, path, parts, n_parts, layouts, &stored, &t));
    MUIR_TRY(finish_time(ctx, start_s, bytes, &t));
    *step = stored;
    *time = t;
done:
    for (int i = 0; i < n_parts; i++) free_layout(&layouts[i]);
    return st;
}
