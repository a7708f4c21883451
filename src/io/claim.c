/* SPDX-License-Identifier: BSD-3-Clause */
/* Claiming the name of a telemetry file. */
#include "io/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/telemetry_state.h"

enum { NAME_SIZE = PATH_MAX + 16, MOST_BACKUPS = 10000 };

struct muir_claim {
    char path[NAME_SIZE], part[NAME_SIZE], backup[NAME_SIZE];
    bool is_new;
    bool has_older; /* a file that will be set aside */
    int lock;       /* rank 0: of PATH.part, or of PATH where that goes on; -1: elsewhere, or taken over */
    int older;      /* rank 0: keeps others off the file that will be set aside; -1: there is none */
};

/* A link stands for the file behind it, which may be on another file system. */
static muir_status resolve(muir_ctx *ctx, const char *path, muir_claim *claim)
{
    struct stat info;
    char target[PATH_MAX];
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) {
        if (!realpath(path, target))
            return muir_fail(ctx, MUIR_ERR_ARG, "%s is a link to a file that is not there: %s", path,
                             strerror(errno));
        path = target;
    }
    if (strlen(path) >= PATH_MAX) return muir_fail(ctx, MUIR_ERR_ARG, "%s: the name is too long", path);
    snprintf(claim->path, sizeof claim->path, "%s", path);
    snprintf(claim->part, sizeof claim->part, "%s.part", path);
    return MUIR_OK;
}

/* What stands at PATH: nothing (also an empty file, in which nothing is lost), or a file that muir wrote. */
static muir_status look(muir_ctx *ctx, const char *path, bool *exists)
{
    struct stat info;
    bool is_ours = false;
    *exists = false;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT) return MUIR_OK;
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s is %s, not a file", path,
                         S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
    if (info.st_size == 0) return MUIR_OK;
    const muir_status st = muir_stored_is_telemetry(ctx, path, &is_ours);
    if (st != MUIR_OK) return st;
    if (!is_ours)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s is not a telemetry file written by muir, or is damaged, and is left as it is: "
                         "give another name",
                         path);
    *exists = true;
    return MUIR_OK;
}

/* A run that was killed while it made its file leaves a part of one, which goes; another's file of that name
 * does not. */
static bool is_leftover(int file)
{
    static const char signature[] = "\211HDF\r\n\032\n";
    char start[sizeof signature - 1];
    const ssize_t n = pread(file, start, sizeof start, 0);
    return n == 0 || (n == (ssize_t)sizeof start && memcmp(start, signature, sizeof start) == 0);
}

/* Its owner may give it up between our opening and locking it, so look again. */
muir_status muir_claim_lock_part(muir_ctx *ctx, const char *path, const char *part, int *lock)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        const int file = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s", part, strerror(errno));
        if (!muir_file_try_lock(file)) {
            close(file);
            break;
        }
        const bool is_mine = muir_file_is_still(file, part);
        if (is_mine && is_leftover(file) && ftruncate(file, 0) == 0) {
            *lock = file;
            return MUIR_OK;
        }
        close(file);
        if (is_mine)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "%s is in the way and was not written by muir: move it, or give another name",
                             part);
    }
    return muir_fail(ctx, MUIR_ERR_ARG, "%s is being written by another run", path);
}

static muir_status claim_new(muir_ctx *ctx, muir_claim *claim)
{
    muir_status st = MUIR_OK;
    claim->is_new = true;
    MUIR_TRY(muir_claim_lock_part(ctx, claim->path, claim->part, &claim->lock));
    MUIR_TRY(look(ctx, claim->path, &claim->has_older)); /* which only the part's owner makes */
    if (claim->has_older) MUIR_TRY(muir_file_lock(ctx, claim->path, &claim->older));
done:
    return st;
}

static muir_status claim_name(muir_ctx *ctx, const char *path, bool is_resumed, muir_claim *claim)
{
    muir_status st = MUIR_OK;
    bool exists = false;
    MUIR_TRY(resolve(ctx, path, claim));
    if (is_resumed) MUIR_TRY(look(ctx, claim->path, &exists));
    if (!exists) return claim_new(ctx, claim);
    MUIR_TRY(muir_file_lock(ctx, claim->path, &claim->lock));
done:
    return st;
}

muir_status muir_claim_create(muir_ctx *ctx, const char *path, bool is_resumed, muir_claim **out)
{
    muir_status st = MUIR_OK;
    muir_claim *claim = NULL;
    int is_new = 0;
    st = muir_alloc(ctx, 1, sizeof *claim, "the telemetry's name", &claim);
    if (st == MUIR_OK) {
        claim->lock = claim->older = -1;
        if (muir_is_root(ctx)) st = claim_name(ctx, path, is_resumed, claim);
        is_new = claim->is_new;
    }
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(&is_new, 1, MPI_INT, 0, ctx->comm));
    MUIR_TRY_MPI(MPI_Bcast(claim->path, (int)sizeof claim->path, MPI_CHAR, 0, ctx->comm));
    claim->is_new = is_new != 0;
    *out = claim;
    claim = NULL;
done:
    muir_claim_destroy(&claim);
    return st;
}

void muir_claim_destroy(muir_claim **claim)
{
    muir_claim *c = *claim;
    if (!c) return;
    if (c->lock >= 0 && c->is_new && muir_file_is_still(c->lock, c->part)) unlink(c->part);
    if (c->lock >= 0) close(c->lock);
    if (c->older >= 0) close(c->older);
    free(c);
    *claim = NULL;
}

bool muir_claim_is_new(const muir_claim *claim)
{
    return claim->is_new;
}

const char *muir_claim_path(const muir_claim *claim)
{
    return claim->path;
}

const char *muir_claim_backup(const muir_claim *claim)
{
    return claim->backup;
}

const char *muir_claim_part(const muir_claim *claim)
{
    return claim->part;
}

int muir_claim_take_lock(muir_claim *claim)
{
    const int lock = claim->lock;
    claim->lock = -1;
    return lock;
}

/* A second name for the older file, under the first number that is free. A link fails where the name exists,
 * and leaves PATH in place until the new file takes it; where there are no links, the file is renamed. */
static muir_status set_aside(muir_ctx *ctx, muir_claim *claim)
{
    for (int i = 1; i <= MOST_BACKUPS; i++) {
        char backup[NAME_SIZE], number[12] = "";
        if (i > 1) snprintf(number, sizeof number, "%d", i);
        if (snprintf(backup, sizeof backup, "%s.bak%s", claim->path, number) >= (int)sizeof backup) break;
        bool is_done = link(claim->path, backup) == 0;
        if (!is_done && errno == EEXIST) continue;
        if (!is_done && access(backup, F_OK) == 0) continue;
        if (!is_done) is_done = rename(claim->path, backup) == 0;
        if (!is_done)
            return muir_fail(ctx, MUIR_ERR_FILE, "renaming %s to %s: %s", claim->path, backup,
                             strerror(errno));
        snprintf(claim->backup, sizeof claim->backup, "%s", backup);
        return MUIR_OK;
    }
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: there are %d older files of that name: remove some",
                     claim->path, (int)MOST_BACKUPS);
}

muir_status muir_claim_publish(muir_ctx *ctx, muir_claim *claim)
{
    muir_status st = MUIR_OK;
    if (claim->has_older) MUIR_TRY(set_aside(ctx, claim));
    if (rename(claim->part, claim->path) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be renamed from %s: %s", claim->path, claim->part,
                           strerror(errno)));
    if (claim->older >= 0) close(claim->older);
    claim->older = -1;
done:
    return st;
}
