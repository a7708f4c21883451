/* SPDX-License-Identifier: BSD-3-Clause */
/* Files as wholes: set aside what is in the way, and keep a second writer out. */
#ifndef MUIR_IO_FILE_H
#define MUIR_IO_FILE_H

#include <stdbool.h>

#include "base/ctx.h"

/* Renames an existing file PATH to PATH.bak, in place of an older PATH.bak.
 * is_moved  out  false if there was no PATH; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG if PATH is no regular file, MUIR_ERR_FILE if it cannot be
 * renamed. */
muir_status muir_file_set_aside(muir_ctx *ctx, const char *path, bool *is_moved);

/* Keeps other muir writers off a file until `lock` is closed with close() or the process ends, however it
 * ends. Readers are not kept off. File systems without locks pass.
 * lock  out  file descriptor; untouched on error
 * Local. MUIR_ERR_ARG if the file cannot be opened for writing or another run writes it. */
muir_status muir_file_lock(muir_ctx *ctx, const char *path, int *lock);

#endif
