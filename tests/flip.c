/* SPDX-License-Identifier: BSD-3-Clause */
/* The byte behind HDF5's back. */
#include "flip.h"

#include <hdf5.h>
#include <stdio.h>

#include "check.h"

void flip(const char *path, const char *dataset, long at)
{
    MPI_Barrier(muir_test_ctx()->comm);
    if (muir_is_root(muir_test_ctx())) {
        const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        const hid_t data = H5Dopen2(file, dataset, H5P_DEFAULT);
        const long offset = (long)H5Dget_offset(data) + at;
        H5Dclose(data);
        H5Fclose(file);
        FILE *raw = fopen(path, "r+b");
        CU_ASSERT_PTR_NOT_NULL_FATAL(raw);
        fseek(raw, offset, SEEK_SET);
        const int byte = fgetc(raw);
        fseek(raw, offset, SEEK_SET);
        fputc(byte ^ 0x10, raw);
        fclose(raw);
    }
    MPI_Barrier(muir_test_ctx()->comm);
}
