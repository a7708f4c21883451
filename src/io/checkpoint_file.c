/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a checkpoint: opened by all ranks together, its attributes, and moving elements of datasets. */
#include "io/checkpoint_state.h"

#include "base/clock.h"
#include "io/checksum.h"

#ifdef H5_HAVE_PARALLEL
static muir_status through_mpi(muir_ctx *ctx, const char *path, hid_t fapl)
{
    muir_status st = MUIR_OK;
    MUIR_TRY_H5(H5Pset_fapl_mpio(fapl, ctx->comm, MPI_INFO_NULL));
    MUIR_TRY_H5(H5Pset_coll_metadata_write(fapl, true));
    MUIR_TRY_H5(H5Pset_all_coll_metadata_ops(fapl, true));
    /* the data begins with a page, and on most file systems with a stripe */
    MUIR_TRY_H5(H5Pset_alignment(fapl, MUIR_CHECKPOINT_BLOCK, MUIR_CHECKPOINT_BLOCK));
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

muir_status muir_checkpoint_open(muir_ctx *ctx, const char *path, bool is_created, hid_t *file)
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

muir_status muir_checkpoint_put_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
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

muir_status muir_checkpoint_get_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
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

muir_status muir_checkpoint_move(muir_ctx *ctx, const char *path, hid_t dataset, hid_t type, int64_t first,
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

uint64_t muir_checkpoint_sum(const muir_checkpoint_layout *l, int64_t block)
{
    const size_t first = (size_t)block * MUIR_CHECKPOINT_BLOCK, rest = l->part.bytes - first;
    return muir_checksum((const char *)l->part.data + first,
                         rest < MUIR_CHECKPOINT_BLOCK ? rest : MUIR_CHECKPOINT_BLOCK);
}

muir_status muir_checkpoint_finish_time(muir_ctx *ctx, double start_s, int64_t bytes,
                                        muir_checkpoint_time *time)
{
    muir_status st = MUIR_OK;
    time->total_s = muir_now_s() - start_s;
    time->bytes = bytes;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &time->data_s, 3, MPI_DOUBLE, MPI_MAX, ctx->comm));
done:
    return st;
}

bool muir_checkpoint_is_possible(void)
{
#ifdef H5_HAVE_PARALLEL
    return true;
#else
    return false;
#endif
}
