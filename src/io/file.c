/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming and locking of whole files. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static muir_status set_aside(muir_ctx *ctx, const char *path, int *is_moved)
{
    struct stat info;
    char backup[PATH_MAX];
    if (stat(path, &info) != 0) {
        if (errno == ENOENT) return MUIR_OK;
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s is %s, not a file", path,
                         S_ISDIR(info.st_mode) ? "a folder" : "a device");
    if (snprintf(backup, sizeof backup, "%s.bak", path) >= (int)sizeof backup)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: the name is too long", path);
    if (rename(path, backup) != 0)
        return muir_fail(ctx, MUIR_ERR_FILE, "renaming %s to %s: %s", path, backup, strerror(errno));
    *is_moved = 1;
    return MUIR_OK;
}

muir_status muir_file_set_aside(muir_ctx *ctx, const char *path, bool *is_moved)
{
    muir_status st = MUIR_OK;
    int moved = 0;
    if (muir_is_root(ctx)) st = set_aside(ctx, path, &moved);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(&moved, 1, MPI_INT, 0, ctx->comm));
    *is_moved = moved != 0;
done:
    return st;
}

muir_status muir_file_lock(muir_ctx *ctx, const char *path, int *lock)
{
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", path, strerror(errno));
    /* One byte far behind any file: HDF5 locks whole files for its own ends, and must not meet this lock. A
     * lock of the open file, not of the process: those vanish when HDF5 closes its own descriptor. */
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1};
    if (fcntl(file, F_OFD_SETLK, &range) != 0 && (errno == EAGAIN || errno == EACCES)) {
        close(file);
        return muir_fail(ctx, MUIR_ERR_ARG, "%s is being written by another run", path);
    }
    *lock = file;
    return MUIR_OK;
}
