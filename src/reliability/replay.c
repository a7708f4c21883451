/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay of recorded histories. */
#include "reliability/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct muir_replay {
    muir_fault_log *log;
    uint64_t seed;
    double scale;
    int32_t *place; /* [log->servers] server of the fleet; NULL: as recorded */
    int next;
};

/* The log's servers on random ones of the fleet, no two on one: the start of a shuffle. */
static muir_status place_at_random(muir_ctx *ctx, int32_t servers, muir_replay *r)
{
    int32_t *all = NULL;
    muir_status st = muir_alloc(ctx, (size_t)servers, sizeof *all, "a log of faults", &all);
    if (st == MUIR_OK)
        st = muir_alloc(ctx, (size_t)r->log->servers + 1, sizeof *r->place, "a log of faults", &r->place);
    for (int32_t i = 0; st == MUIR_OK && i < servers; i++) all[i] = i;
    for (int32_t i = 0; st == MUIR_OK && i < r->log->servers; i++) {
        const muir_draw d = {r->seed, MUIR_STREAM_EVENT, MUIR_KIND_COUNT, (uint32_t)i};
        const int32_t k =
            i + (int32_t)(muir_draw_uniform(&d, MUIR_PURPOSE_EVENT_CHIP) * (double)(servers - i));
        const int32_t swapped = all[i];
        r->place[i] = all[k];
        all[k] = swapped;
    }
    free(all);
    return st;
}

muir_status muir_replay_create(muir_ctx *ctx, const muir_scenario *scenario, muir_replay **out)
{
    muir_status st = MUIR_OK;
    muir_replay *r = NULL;
    const muir_faults_top *o = &scenario->faults.top;
    char digest[MUIR_NAME_SIZE];
    if (!muir_faults_has_log(&scenario->faults)) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r, "a log of faults", &r));
    MUIR_TRY(muir_fault_log_read(ctx, o->log, &r->log));
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)r->log->digest);
    if (strcmp(digest, o->log_digest) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s changed while it was read: its checksum was %s and is %s",
                           o->log, o->log_digest, digest));
    r->seed = (uint64_t)scenario->run.seed;
    r->scale = o->log_scale;
    if (o->log_place == MUIR_LOG_PLACE_RANDOM)
        MUIR_TRY(place_at_random(ctx, (int32_t)scenario->fleet.top.servers, r));
    *out = r;
    r = NULL;
done:
    muir_replay_destroy(&r);
    return st;
}

void muir_replay_destroy(muir_replay **replay)
{
    if (!*replay) return;
    muir_fault_log_destroy(&(*replay)->log);
    free((*replay)->place);
    free(*replay);
    *replay = NULL;
}

static int64_t scaled(const muir_replay *r, int64_t ns)
{
    return llrint((double)ns * r->scale);
}

int64_t muir_replay_next_ns(const muir_replay *r)
{
    return r && r->next < r->log->n ? scaled(r, r->log->entries[r->next].start_ns) : INT64_MAX;
}

/* Only the times between starts are scaled: a repair takes as long as it took. */
muir_log_entry muir_replay_take(muir_replay *r, muir_draw *draw)
{
    muir_log_entry e = r->log->entries[r->next];
    const int64_t start_ns = scaled(r, e.start_ns);
    *draw = (muir_draw){r->seed, MUIR_STREAM_EVENT, MUIR_KIND_COUNT + 1, (uint32_t)r->next};
    r->next++;
    if (e.until_ns >= 0) e.until_ns += start_ns - e.start_ns;
    e.start_ns = start_ns;
    if (r->place && e.server >= 0) e.server = r->place[e.server];
    return e;
}
