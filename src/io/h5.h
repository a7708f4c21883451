/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 as this room uses it: errors as muir's, one access property list, file types. Not for other rooms. */
#ifndef MUIR_IO_H5_H
#define MUIR_IO_H5_H

#include <hdf5.h>

#include "base/ctx.h"
#include "io/telemetry.h"

/* Inside a function with `ctx`, `const char *path` (the file, for the message), `muir_status st` and a label
 * `done`. */
#define MUIR_TRY_H5(call)                                                                                    \
    do {                                                                                                     \
        if ((call) < 0) {                                                                                    \
            st = muir_fail_h5(ctx, path, #call);                                                             \
            goto done;                                                                                       \
        }                                                                                                    \
    } while (0)

/* "path: reason" with the innermost entry of HDF5's error stack, which is emptied; the call where the stack
 * is empty. Local. Returns MUIR_ERR_FILE. */
muir_status muir_fail_h5(muir_ctx *ctx, const char *path, const char *call);

/* How every file is opened: readable from HDF5 1.10 on, a leaked id makes closing fail, locks only where the
 * file system has them. Turns HDF5's printing of errors off.
 * path  in   the file, for the message
 * fapl  out  closed by the caller with H5Pclose; untouched on error
 * Local. MUIR_ERR_FILE. */
muir_status muir_h5_access(muir_ctx *ctx, const char *path, hid_t *fapl);

/* Types of numbers in the file (the same on every machine) and in memory; not for MUIR_TEXT. Local. */
hid_t muir_h5_file_type(muir_value_type type);
hid_t muir_h5_memory_type(muir_value_type type);

/* A type of texts of up to `length` bytes, UTF-8, with a zero at the end: netCDF-C reads on until there is
 * one.
 * path  in   the file, for the message
 * type  out  closed by the caller with H5Tclose; untouched on error
 * Local. MUIR_ERR_FILE. */
muir_status muir_h5_text_type(muir_ctx *ctx, const char *path, size_t length, hid_t *type);

/* Turns all further writes to memory: the file on disk stays as it is now, as after a kill, and H5Fclose
 * works even where the disk is full. Returns a descriptor of the memory, closed by the caller with close();
 * -1 without memory. Local. */
int muir_h5_detach(hid_t file);

/* The same for a file that is open through MPI, whose descriptors only MPI knows: of all that are open on
 * `path`. */
int muir_h5_detach_path(const char *path);

#endif
