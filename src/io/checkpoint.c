/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing of checkpoints. All ranks open one file together; then each moves its own data, in slices. */
#include "io/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/checkpoint_state.h"

static int64_t blocks_of(int64_t bytes)
{
    return (bytes + MUIR_CHECKPOINT_BLOCK - 1) / MUIR_CHECKPOINT_BLOCK;
}

/* Who holds how much. Collective over ctx->comm. */
static muir_status make_layout(muir_ctx *ctx, const muir_checkpoint_part *part, muir_checkpoint_layout *l)
{
    muir_status st = MUIR_OK;
    l->part = *part;
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

muir_status muir_checkpoint_create(muir_ctx *ctx, const muir_checkpoint_part *parts, int n_parts,
                                   muir_checkpoint **out)
{
    muir_status st = MUIR_OK;
    muir_checkpoint *c = NULL;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *c, "a checkpoint", &c)));
    for (; c->n_parts < n_parts; c->n_parts++) {
        MUIR_TRY(make_layout(ctx, &parts[c->n_parts], &c->layout[c->n_parts]));
        c->bytes += c->layout[c->n_parts].total;
    }
    *out = c;
    c = NULL;
done:
    muir_checkpoint_destroy(&c);
    return st;
}

void muir_checkpoint_destroy(muir_checkpoint **checkpoint)
{
    if (!*checkpoint) return;
    for (int i = 0; i < MUIR_CHECKPOINT_PARTS; i++) {
        free((*checkpoint)->layout[i].share);
        free((*checkpoint)->layout[i].checksum);
    }
    free(*checkpoint);
    *checkpoint = NULL;
}

/* Writing. */

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

/* MPI says that a write failed, the system says why. */
static muir_status explain(muir_ctx *ctx, const muir_checkpoint_cache *cache, const char *path,
                           const muir_checkpoint_layout *l, int64_t at, int64_t count)
{
    const char *data = (const char *)l->part.data + at;
    if (cache->file < 0) return MUIR_ERR_FILE;
    for (int64_t n = 0; n < count; n += MUIR_CHECKPOINT_BLOCK / 256) {
        if (pwrite(cache->file, data + n, 1, (off_t)(cache->offset + at + n)) == 1) continue;
        const int error = errno;
        muir_ctx_clear(ctx);
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(error));
    }
    return MUIR_ERR_FILE;
}

/* This rank's data, and its checksums, which are taken just before a slice is copied. */
static muir_status write_data(muir_ctx *ctx, const char *path, hid_t dataset, muir_checkpoint_layout *l,
                              muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    double now_s = muir_now_s(), before_s = now_s;
    muir_checkpoint_cache cache = muir_checkpoint_cache_begin(path, dataset, l->first);
    for (int64_t at = 0, block = 0; at < l->bytes; at += MUIR_CHECKPOINT_SLICE) {
        const int64_t rest = l->bytes - at,
                      count = rest < MUIR_CHECKPOINT_SLICE ? rest : MUIR_CHECKPOINT_SLICE;
        for (int64_t end = block + blocks_of(count); block < end; block++)
            l->checksum[block] = muir_checkpoint_sum(l, block);
        now_s = muir_now_s();
        time->checksum_s += now_s - before_s;
        before_s = now_s;
        st = muir_checkpoint_move(ctx, path, dataset, H5T_NATIVE_UINT8, l->first + at, count, true,
                                  (char *)l->part.data + at);
        if (st != MUIR_OK) MUIR_TRY(explain(ctx, &cache, path, l, at, count));
        muir_checkpoint_cache_written(&cache, at, count);
        now_s = muir_now_s();
        time->data_s += now_s - before_s;
        before_s = now_s;
    }
done:
    muir_checkpoint_cache_end(&cache);
    time->data_s += muir_now_s() - before_s;
    return st;
}

static muir_status write_part(muir_ctx *ctx, const char *path, hid_t file, muir_checkpoint_layout *l,
                              muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID, data = H5I_INVALID_HID, sums = H5I_INVALID_HID, shares = H5I_INVALID_HID;
    MUIR_TRY_H5(group = H5Gcreate2(file, l->part.name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY(create_dataset(ctx, path, group, "data", H5T_STD_U8LE, l->total, &data));
    MUIR_TRY(create_dataset(ctx, path, group, "checksum", H5T_STD_U64LE, l->all, &sums));
    MUIR_TRY(create_dataset(ctx, path, group, "share", H5T_STD_I64LE, ctx->size, &shares));
    MUIR_TRY(write_data(ctx, path, data, l, time));
    MUIR_TRY(muir_checkpoint_move(ctx, path, sums, H5T_NATIVE_UINT64, l->first_block, l->blocks, true,
                                  l->checksum));
    MUIR_TRY(
        muir_checkpoint_move(ctx, path, shares, H5T_NATIVE_INT64, ctx->rank, 1, true, &l->share[ctx->rank]));
done:
    if (shares >= 0) H5Dclose(shares);
    if (sums >= 0) H5Dclose(sums);
    if (data >= 0) H5Dclose(data);
    if (group >= 0) H5Gclose(group);
    return st;
}

/* Asked before anything is written, of the system itself: MPI does not pass its reasons on. */
static muir_status check_file(muir_ctx *ctx, const char *path, int64_t bytes)
{
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    const bool is_possible = file >= 0 && ftruncate(file, (off_t)bytes) == 0;
    const int error = errno;
    if (file >= 0) close(file);
    if (is_possible) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(error));
}

/* The same for the disk: HDF5 gives up badly on one that fills up under it. */
static muir_status check_space(muir_ctx *ctx, const char *path, int64_t bytes)
{
    char folder[PATH_MAX];
    struct statvfs info;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    if (statvfs(slash ? folder : ".", &info) != 0)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
    const double room = (double)info.f_bavail * (double)info.f_frsize, needed = (double)bytes * 1.001 + 1e6;
    if (needed > room)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: a checkpoint takes %.0f bytes here, but %.0f are free",
                         path, needed, room);
    return MUIR_OK;
}

static muir_status write_head(muir_ctx *ctx, const char *path, hid_t file, int64_t step)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_checkpoint_put_number(ctx, path, file, "format_version", MUIR_CHECKPOINT_FORMAT));
    MUIR_TRY(muir_checkpoint_put_number(ctx, path, file, "step", step));
    MUIR_TRY(muir_checkpoint_put_number(ctx, path, file, "block_bytes", MUIR_CHECKPOINT_BLOCK));
done:
    return st;
}

static muir_status write_file(muir_ctx *ctx, muir_checkpoint *c, const char *path, int64_t step,
                              muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    int memory = -1;
    MUIR_TRY(muir_checkpoint_open(ctx, path, true, &file));
    MUIR_TRY(muir_agree(ctx, write_head(ctx, path, file, step)));
    for (int i = 0; i < c->n_parts; i++)
        MUIR_TRY(muir_agree(ctx, write_part(ctx, path, file, &c->layout[i], time)));
    const double start_s = muir_now_s();
    MUIR_TRY_H5(H5Fflush(file, H5F_SCOPE_GLOBAL));
    time->data_s += muir_now_s() - start_s;
done:
    if (muir_agree(ctx, st) != MUIR_OK) memory = muir_h5_detach_path(path);
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "closing");
    if (memory >= 0) close(memory);
    return muir_agree(ctx, st);
}

muir_status muir_checkpoint_write(muir_ctx *ctx, muir_checkpoint *c, const char *path, int64_t step,
                                  muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    muir_checkpoint_time t = {0};
    char part[PATH_MAX];
    const double start_s = muir_now_s();
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: the name is too long", path);
    if (muir_is_root(ctx)) {
        st = check_space(ctx, path, c->bytes);
        if (st == MUIR_OK && (st = check_file(ctx, part, c->bytes)) != MUIR_OK) unlink(part);
    }
    MUIR_TRY(muir_agree(ctx, st));
    st = write_file(ctx, c, part, step, &t);
    if (st == MUIR_OK && muir_is_root(ctx) && rename(part, path) != 0)
        st = muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
    if (st != MUIR_OK && muir_is_root(ctx)) unlink(part);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(muir_checkpoint_finish_time(ctx, start_s, c->bytes, &t));
    *time = t;
done:
    return st;
}
