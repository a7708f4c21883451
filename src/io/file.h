/* SPDX-License-Identifier: BSD-3-Clause */
/* Files as wholes: keep a second writer out, tell whether two names are one file. */
#ifndef MUIR_IO_FILE_H
#define MUIR_IO_FILE_H

#include <stdbool.h>

#include "base/ctx.h"

/* Keeps other muir writers off an open file until its descriptor is closed with close() or the process ends,
 * however it ends. Readers are not kept off. File systems without locks pass. False if another run has it.
 * Local. */
bool muir_file_try_lock(int file);

/* The same for a file by its name.
 * lock  out  file descriptor; untouched on error
 * Local. MUIR_ERR_ARG if the file cannot be opened for writing or another run writes it. */
muir_status muir_file_lock(muir_ctx *ctx, const char *path, int *lock);

/* Whether an open file still has the name. Local. */
bool muir_file_is_still(int file, const char *path);

/* Whether two names are of one file: the same file where one exists, else the same name in the same folder.
 * Local. */
bool muir_file_is_same(const char *a, const char *b);

#endif
