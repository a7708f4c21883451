/* SPDX-License-Identifier: BSD-3-Clause */
/* Executing what is due: which file, in which order, and whether it held what was written. */
#include "run/saver.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/checkpoint.h"

enum { MOST_DUE = 256 };

typedef struct due {
    bool is_read;
    int64_t step;
} due;

struct muir_saver {
    const muir_scenario *scenario; /* borrowed; outlives the saver */
    int rank;
    muir_checkpoint_part part[MUIR_SNAPSHOT_PARTS];
    muir_checkpoint *checkpoint;
    char path[MUIR_SAVER_FILES][PATH_MAX];
    int64_t held[MUIR_SAVER_FILES]; /* step of the state in each file, 0: none */
    due due[MOST_DUE];
    int n_due;
    int64_t n_saved; /* by the storage tier, as seen last */
    muir_saver_totals totals;
};

/* Making. */

static void name_files(muir_saver *s, const char *path)
{
    const char *folder = s->scenario->host.checkpoint, *slash = strrchr(path, '/');
    const bool is_beside = strcmp(folder, "auto") == 0;
    const char *name = slash && !is_beside ? slash + 1 : path;
    const size_t length = strlen(name), end = length > 3 && strcmp(name + length - 3, ".h5") == 0 ? 3 : 0;
    for (int i = 0; i < MUIR_SAVER_FILES; i++)
        snprintf(s->path[i], PATH_MAX, "%s%s%.*s.checkpoint-%d.h5", is_beside ? "" : folder,
                 is_beside ? "" : "/", (int)(length - end), name, i);
}

static muir_status check_folder(muir_ctx *ctx, const char *folder)
{
    if (strcmp(folder, "auto") == 0 || access(folder, W_OK | X_OK) == 0) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "host.checkpoint=%s is not a writable folder", folder);
}

static muir_status make_data(muir_ctx *ctx, muir_saver *s, const muir_snapshot_facts *facts)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++) {
        s->part[i] = (muir_checkpoint_part){.name = muir_snapshot_name(i), .bytes = (size_t)facts->bytes[i]};
        MUIR_TRY(muir_alloc(ctx, s->part[i].bytes, 1, "the state of a checkpoint", &s->part[i].data));
    }
done:
    return st;
}

muir_status muir_saver_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_snapshot_facts *facts,
                              const char *path, muir_saver **out)
{
    muir_status st = MUIR_OK;
    muir_saver *s = NULL;
    MUIR_TRY(muir_agree(ctx, check_folder(ctx, scenario->host.checkpoint)));
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *s, "checkpoints", &s)));
    s->scenario = scenario;
    s->rank = ctx->rank;
    name_files(s, path ? path : "muir");
    MUIR_TRY(muir_agree(ctx, make_data(ctx, s, facts)));
    MUIR_TRY(muir_checkpoint_create(ctx, s->part, MUIR_SNAPSHOT_PARTS, &s->checkpoint));
    *out = s;
    s = NULL;
done:
    muir_saver_destroy(&s);
    return st;
}

void muir_saver_destroy(muir_saver **saver)
{
    if (!*saver) return;
    muir_checkpoint_destroy(&(*saver)->checkpoint);
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++) free((*saver)->part[i].data);
    free(*saver);
    *saver = NULL;
}

/* What is due. */

/* A write that no later read of the list asks for, and that as many writes follow as there are files. */
static bool is_overtaken(const muir_saver *s, int index)
{
    int writes = 0;
    for (int i = index + 1; i < s->n_due; i++) {
        if (s->due[i].is_read && s->due[i].step == s->due[index].step) return false;
        writes += !s->due[i].is_read;
    }
    return !s->due[index].is_read && writes >= MUIR_SAVER_FILES;
}

static void drop(muir_saver *s, int index)
{
    memmove(&s->due[index], &s->due[index + 1], (size_t)(--s->n_due - index) * sizeof s->due[0]);
}

/* A write can become overtaken with each new entry, so that the list holds few of them; of restarts that wait
 * for the host clock, the oldest give way. */
static void add(muir_saver *s, bool is_read, int64_t step)
{
    if (s->n_due == MOST_DUE) {
        s->totals.gone += s->due[0].is_read;
        s->totals.overtaken += !s->due[0].is_read;
        drop(s, 0);
    }
    s->due[s->n_due++] = (due){is_read, step};
    for (int i = s->n_due - 1; i >= 0; i--)
        if (is_overtaken(s, i)) {
            s->totals.overtaken++;
            drop(s, i);
        }
}

void muir_saver_note_saved(muir_saver *s, int64_t step)
{
    add(s, false, step);
}

void muir_saver_note_loaded(muir_saver *s, int64_t step)
{
    add(s, true, step);
}

void muir_saver_note(muir_saver *s, const muir_events *events)
{
    int n = 0;
    if (!s) return;
    const muir_event *event = muir_events_of_row(events, &n);
    const muir_checkpoint_tier *storage = &muir_events_checkpoints(events)->tier[MUIR_TIER_STORAGE];
    for (int i = 0; i < n; i++)
        if (event[i].tier == MUIR_TIER_STORAGE && event[i].loaded_step > 0)
            muir_saver_note_loaded(s, event[i].loaded_step);
    if (storage->n_saved > s->n_saved) muir_saver_note_saved(s, storage->kept[storage->n_kept - 1].step);
    s->n_saved = storage->n_saved;
}

/* Files. */

/* Of a state, -1: none has it. */
static int file_of(const muir_saver *s, int64_t step)
{
    for (int i = 0; i < MUIR_SAVER_FILES; i++)
        if (s->held[i] == step) return i;
    return -1;
}

/* Where the state after `step` goes: in place of a state that training has gone back behind, else of the
 * oldest. */
static int file_for(const muir_saver *s, int64_t step)
{
    int oldest = 0;
    for (int i = 0; i < MUIR_SAVER_FILES; i++) {
        if (s->held[i] >= step) return i;
        if (s->held[i] < s->held[oldest]) oldest = i;
    }
    return oldest;
}

static muir_status write_state(muir_ctx *ctx, muir_saver *s, int64_t step, muir_host_saves *saves)
{
    muir_status st = MUIR_OK;
    muir_checkpoint_time time;
    const int file = file_for(s, step);
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++)
        muir_snapshot_fill((uint64_t)s->scenario->run.seed, step, s->rank, i, s->part[i].data,
                           s->part[i].bytes);
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    const double start_s = muir_now_s();
    MUIR_TRY(muir_checkpoint_write(ctx, s->checkpoint, s->path[file], step, &time));
    s->held[file] = step;
    saves->write_s += muir_now_s() - start_s;
    saves->checksum_s += time.checksum_s;
    saves->writes++;
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++) saves->write_bytes += (double)s->part[i].bytes;
done:
    return st;
}

/* The bytes themselves: checksums only say that the file is as it was written. */
static muir_status check_contents(muir_ctx *ctx, const muir_saver *s, int file, int64_t stored, int64_t step)
{
    if (stored != step)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s holds step %lld, but was written for step %lld",
                         s->path[file], (long long)stored, (long long)step);
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++) {
        const muir_checkpoint_part *part = &s->part[i];
        const int64_t at =
            muir_snapshot_check((uint64_t)s->scenario->run.seed, step, s->rank, i, part->data, part->bytes);
        if (at >= 0)
            return muir_fail(ctx, MUIR_ERR_CHECK, "%s: part %s of rank %d differs from byte %lld on",
                             s->path[file], part->name, s->rank, (long long)at);
    }
    return MUIR_OK;
}

/* The same status on all ranks. */
static muir_status read_state(muir_ctx *ctx, muir_saver *s, int file, int64_t step, muir_host_saves *saves)
{
    muir_status st = MUIR_OK;
    muir_checkpoint_time time = {0};
    int64_t stored = 0;
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    const double start_s = muir_now_s();
    st = muir_checkpoint_read(ctx, s->checkpoint, s->path[file], &stored, &time);
    const double read_s = muir_now_s();
    if (st == MUIR_OK) st = muir_agree(ctx, check_contents(ctx, s, file, stored, step));
    saves->read_s += muir_now_s() - start_s;
    saves->checksum_s += time.checksum_s + muir_now_s() - read_s;
    saves->reads++;
    for (int i = 0; i < MUIR_SNAPSHOT_PARTS; i++) saves->read_bytes += (double)s->part[i].bytes;
done:
    return st;
}

static void note_damage(muir_ctx *ctx, muir_saver *s, muir_host_saves *saves)
{
    saves->wrong++;
    if (s->totals.damage[0] == '\0')
        snprintf(s->totals.damage, sizeof s->totals.damage, "%.*s", MUIR_SAVER_MESSAGE - 1, ctx->message);
    muir_ctx_clear(ctx);
}

static muir_status restart(muir_ctx *ctx, muir_saver *s, int64_t step, muir_host_saves *saves)
{
    const int file = file_of(s, step);
    if (file < 0) {
        s->totals.gone++;
        return MUIR_OK;
    }
    const muir_status st = read_state(ctx, s, file, step, saves);
    if (st == MUIR_OK || st == MUIR_ERR_MPI) return st;
    note_damage(ctx, s, saves);
    return MUIR_OK;
}

/* Steps. */

muir_status muir_saver_step(muir_ctx *ctx, muir_saver *s, muir_host_saves *saves)
{
    muir_status st = MUIR_OK;
    if (!s) return MUIR_OK;
    for (int i = 0; i < s->n_due; i++)
        if (s->due[i].is_read)
            MUIR_TRY(restart(ctx, s, s->due[i].step, saves));
        else
            MUIR_TRY(write_state(ctx, s, s->due[i].step, saves));
    s->n_due = 0;
done:
    return st;
}

void muir_saver_replay(muir_saver *s)
{
    if (!s) return;
    for (int i = 0; i < s->n_due; i++)
        if (!s->due[i].is_read) s->held[file_for(s, s->due[i].step)] = s->due[i].step;
    s->n_due = 0;
}

/* Before all else that is due. */
static void renew(muir_saver *s, const int64_t *steps, int n)
{
    if (s->n_due + n > MOST_DUE) return; /* two newer ones are due */
    memmove(&s->due[n], &s->due[0], (size_t)s->n_due * sizeof s->due[0]);
    for (int i = 0; i < n; i++) s->due[i] = (due){false, steps[i]};
    s->n_due += n;
}

muir_status muir_saver_resume(muir_ctx *ctx, muir_saver *s)
{
    int64_t missing[MUIR_SAVER_FILES];
    int n = 0;
    if (!s) return MUIR_OK;
    memset(&s->totals, 0, sizeof s->totals); /* of earlier launches */
    const int older = s->held[1] < s->held[0];
    for (int i = 0; i < MUIR_SAVER_FILES; i++) {
        const int file = i == 0 ? older : !older;
        muir_host_saves found = {0};
        if (s->held[file] == 0) continue;
        const muir_status st = read_state(ctx, s, file, s->held[file], &found);
        if (st == MUIR_ERR_MPI) return st;
        s->totals.verified += st == MUIR_OK;
        if (st == MUIR_OK) continue;
        if (st == MUIR_ERR_CHECK) note_damage(ctx, s, &found);
        muir_ctx_clear(ctx);
        s->totals.wrong += found.wrong;
        s->totals.renewed++;
        missing[n++] = s->held[file];
        s->held[file] = 0;
    }
    renew(s, missing, n);
    return MUIR_OK;
}

void muir_saver_finish(const muir_ctx *ctx, muir_saver *s)
{
    char part[PATH_MAX + 8];
    if (!s || s->scenario->host.checkpoint_keep || !muir_is_root(ctx)) return;
    for (int i = 0; i < MUIR_SAVER_FILES; i++) {
        if (s->held[i] == 0) continue;
        snprintf(part, sizeof part, "%s.part", s->path[i]); /* of a launch that was killed */
        unlink(part);
        unlink(s->path[i]);
    }
}

const muir_saver_totals *muir_saver_get(const muir_saver *s)
{
    return &s->totals;
}

const char *muir_saver_path(const muir_saver *s, int file)
{
    return s->path[file];
}
