/* SPDX-License-Identifier: BSD-3-Clause */
/* Locking and comparing whole files. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One byte far behind any file: HDF5 locks whole files for its own ends, and must not meet this lock. A lock
 * of the open file, not of the process: those vanish when HDF5 closes its own descriptor. */
bool muir_file_try_lock(int file)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1};
    return fcntl(file, F_OFD_SETLK, &range) == 0 || (errno != EAGAIN && errno != EACCES);
}

muir_status muir_file_lock(muir_ctx *ctx, const char *path, int *lock)
{
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", path, strerror(errno));
    if (!muir_file_try_lock(file)) {
        close(file);
        return muir_fail(ctx, MUIR_ERR_ARG, "%s is being written by another run", path);
    }
    *lock = file;
    return MUIR_OK;
}

static bool is_same_place(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool muir_file_is_still(int file, const char *path)
{
    struct stat mine, now;
    return fstat(file, &mine) == 0 && stat(path, &now) == 0 && is_same_place(&mine, &now);
}

/* Status of the folder of a name; its last part, without the folder. */
static bool look_at_folder(const char *path, struct stat *folder_is, const char **name)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    *name = slash ? slash + 1 : path;
    return stat(folder, folder_is) == 0;
}

bool muir_file_is_same(const char *a, const char *b)
{
    struct stat one, other;
    const char *name = NULL, *other_name = NULL;
    const bool has_one = stat(a, &one) == 0, has_other = stat(b, &other) == 0;
    if (has_one || has_other) return has_one && has_other && is_same_place(&one, &other);
    return look_at_folder(a, &one, &name) && look_at_folder(b, &other, &other_name) &&
           is_same_place(&one, &other) && strcmp(name, other_name) == 0;
}
