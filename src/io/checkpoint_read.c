/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of checkpoints: every rank its own share, every block verified. */
#include "base/clock.h"
#include "io/checkpoint_state.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static muir_status check_shares(muir_ctx *ctx, const char *path, hid_t group, const muir_checkpoint_layout *l)
{
    muir_status st = MUIR_OK;
    hid_t dataset = H5I_INVALID_HID, space = H5I_INVALID_HID;
    int64_t share = 0;
    MUIR_TRY_H5(dataset = H5Dopen2(group, "share", H5P_DEFAULT));
    MUIR_TRY_H5(space = H5Dget_space(dataset));
    const int64_t ranks = (int64_t)H5Sget_simple_extent_npoints(space);
    if (ranks != ctx->size)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s was written by %lld ranks, but this launch has %d", path,
                           (long long)ranks, ctx->size));
    MUIR_TRY(muir_checkpoint_move(ctx, path, dataset, H5T_NATIVE_INT64, ctx->rank, 1, false, &share));
    if (share != l->bytes)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: part %s has %lld bytes for rank %d, which expects %lld",
                           path, l->part.name, (long long)share, ctx->rank, (long long)l->bytes));
done:
    if (space >= 0) H5Sclose(space);
    if (dataset >= 0) H5Dclose(dataset);
    return st;
}

/* Blocks of a slice, while it is in the cache; the first damaged one is kept. */
static void verify(const muir_checkpoint_layout *l, int64_t block, int64_t end, int64_t *damaged)
{
    for (; block < end; block++)
        if (muir_checkpoint_sum(l, block) != l->checksum[block] && *damaged < 0) *damaged = block;
}

static muir_status read_data(muir_ctx *ctx, const char *path, hid_t dataset, const muir_checkpoint_layout *l,
                             muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    int64_t damaged = -1;
    muir_checkpoint_cache cache = muir_checkpoint_cache_begin(path, dataset, l->first);
    enum { BLOCKS = MUIR_CHECKPOINT_SLICE / MUIR_CHECKPOINT_BLOCK };
    for (int64_t block = 0; block < l->blocks; block += BLOCKS) {
        const int64_t at = block * MUIR_CHECKPOINT_BLOCK, count = least(l->bytes - at, MUIR_CHECKPOINT_SLICE);
        const double start_s = muir_now_s();
        MUIR_TRY(muir_checkpoint_move(ctx, path, dataset, H5T_NATIVE_UINT8, l->first + at, count, false,
                                      (char *)l->part.data + at));
        muir_checkpoint_cache_read(&cache, at, count);
        const double read_s = muir_now_s();
        verify(l, block, least(block + BLOCKS, l->blocks), &damaged);
        time->data_s += read_s - start_s;
        time->checksum_s += muir_now_s() - read_s;
    }
    if (damaged >= 0) {
        const int64_t first = damaged * MUIR_CHECKPOINT_BLOCK, end = first + MUIR_CHECKPOINT_BLOCK;
        st = muir_fail(ctx, MUIR_ERR_CHECK, "%s is damaged: part %s of rank %d, bytes %lld to %lld", path,
                       l->part.name, ctx->rank, (long long)first,
                       (long long)(end < l->bytes ? end : l->bytes) - 1);
    }
done:
    muir_checkpoint_cache_end(&cache);
    return st;
}

static muir_status read_part(muir_ctx *ctx, const char *path, hid_t file, muir_checkpoint_layout *l,
                             muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t group = H5I_INVALID_HID, data = H5I_INVALID_HID, sums = H5I_INVALID_HID;
    MUIR_TRY_H5(group = H5Gopen2(file, l->part.name, H5P_DEFAULT));
    MUIR_TRY(muir_agree(ctx, check_shares(ctx, path, group, l)));
    MUIR_TRY_H5(data = H5Dopen2(group, "data", H5P_DEFAULT));
    MUIR_TRY_H5(sums = H5Dopen2(group, "checksum", H5P_DEFAULT));
    MUIR_TRY(muir_checkpoint_move(ctx, path, sums, H5T_NATIVE_UINT64, l->first_block, l->blocks, false,
                                  l->checksum));
    MUIR_TRY(read_data(ctx, path, data, l, time));
done:
    if (sums >= 0) H5Dclose(sums);
    if (data >= 0) H5Dclose(data);
    if (group >= 0) H5Gclose(group);
    return st;
}

static muir_status read_file(muir_ctx *ctx, muir_checkpoint *c, const char *path, int64_t *step,
                             muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    hid_t file = H5I_INVALID_HID;
    int64_t version = 0, block = 0;
    MUIR_TRY(muir_checkpoint_open(ctx, path, false, &file));
    MUIR_TRY(muir_checkpoint_get_number(ctx, path, file, "format_version", &version));
    MUIR_TRY(muir_checkpoint_get_number(ctx, path, file, "block_bytes", &block));
    MUIR_TRY(muir_checkpoint_get_number(ctx, path, file, "step", step));
    if (version != MUIR_CHECKPOINT_FORMAT || block != MUIR_CHECKPOINT_BLOCK)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has format version %lld, but this version of muir reads %d",
                           path, (long long)version, (int)MUIR_CHECKPOINT_FORMAT));
    for (int i = 0; i < c->n_parts; i++)
        MUIR_TRY(muir_agree(ctx, read_part(ctx, path, file, &c->layout[i], time)));
done:
    if (file >= 0 && H5Fclose(file) < 0 && st == MUIR_OK) st = muir_fail_h5(ctx, path, "closing");
    return muir_agree(ctx, st);
}

muir_status muir_checkpoint_read(muir_ctx *ctx, muir_checkpoint *c, const char *path, int64_t *step,
                                 muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    muir_checkpoint_time t = {0};
    int64_t stored = 0;
    const double start_s = muir_now_s();
    MUIR_TRY(read_file(ctx, c, path, &stored, &t));
    MUIR_TRY(muir_checkpoint_finish_time(ctx, start_s, c->bytes, &t));
    *step = stored;
    *time = t;
done:
    return st;
}
