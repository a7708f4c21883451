/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoint tiers. */
#include "reliability/checkpoints.h"

#include <math.h>
#include <string.h>

static int64_t ns(double seconds)
{
    return llrint(seconds * 1e9);
}

const char *muir_tier_name(int tier)
{
    static const char *const names[MUIR_TIER_COUNT + 1] = {"memory", "disk", "storage", "none"};
    return names[tier];
}

/* Young's interval in whole steps. */
static int64_t young_steps(double block_s, double write_s, double mtti_s, double storage_share, double step_s)
{
    const double day_s = 86400.0;
    double interval_s = storage_share > 0.0 ? sqrt(2.0 * block_s * mtti_s / storage_share) : day_s;
    interval_s = fmin(day_s, fmax(interval_s, write_s));
    return interval_s > step_s ? llrint(interval_s / step_s) : 1;
}

void muir_checkpoints_init(muir_checkpoints *c, const muir_scenario *s, double params, double step_s,
                           double mtti_s, double storage_share)
{
    const muir_checkpoint_options *o = &s->faults.checkpoint;
    const double servers = (double)(s->fleet.top.servers - s->spare_servers);
    memset(c, 0, sizeof *c);
    c->bytes = params * o->bytes_per_param;
    const double disk_s = c->bytes / servers / o->disk_byte_per_s,
                 storage_s = c->bytes / o->storage_byte_per_s,
                 storage_block_s = o->storage == MUIR_STORAGE_BLOCKING ? storage_s : o->storage_block_s;
    c->tier[MUIR_TIER_MEMORY] = (muir_checkpoint_tier){.is_on = o->memory,
                                                       .every = o->memory_every,
                                                       .block_ns = ns(o->memory_block_s),
                                                       .load_ns = ns(o->memory_load_s)};
    c->tier[MUIR_TIER_DISK] = (muir_checkpoint_tier){.is_on = o->disk,
                                                     .every = o->disk_every,
                                                     .block_ns = ns(o->disk_block_s),
                                                     .write_ns = ns(disk_s),
                                                     .load_ns = ns(disk_s)};
    c->tier[MUIR_TIER_STORAGE] =
        (muir_checkpoint_tier){.is_on = o->storage != MUIR_STORAGE_OFF,
                               .every = o->storage_every,
                               .block_ns = ns(storage_block_s),
                               .write_ns = o->storage == MUIR_STORAGE_ASYNC ? ns(storage_s) : 0,
                               .load_ns = ns(storage_s)};
    if (o->storage_every == 0)
        c->tier[MUIR_TIER_STORAGE].every =
            young_steps(storage_block_s, storage_s, mtti_s, storage_share, step_s);
    for (int t = 0; t < MUIR_TIER_COUNT; t++) c->tier[t].n_kept = 1;
}

static bool is_due(const muir_checkpoint_tier *t, int64_t step, int64_t now_ns)
{
    return t->is_on && step % t->every == 0 && t->kept[t->n_kept - 1].ready_ns <= now_ns;
}

int64_t muir_checkpoints_block_ns(const muir_checkpoints *c, int64_t step, int64_t now_ns)
{
    int64_t block_ns = 0;
    for (int t = 0; t < MUIR_TIER_COUNT; t++)
        if (is_due(&c->tier[t], step, now_ns)) block_ns += c->tier[t].block_ns;
    return block_ns;
}

void muir_checkpoints_save(muir_checkpoints *c, int64_t step, int64_t productive_ns, int64_t now_ns)
{
    int64_t at_ns = now_ns;
    for (int i = 0; i < MUIR_TIER_COUNT; i++) {
        muir_checkpoint_tier *t = &c->tier[i];
        if (!is_due(t, step, now_ns)) continue;
        at_ns += t->block_ns;
        /* only storage keeps more than two: corrupt states are found late */
        const int room = i == MUIR_TIER_STORAGE ? MUIR_SAVED_KEPT : 2;
        if (t->n_kept == room) memmove(t->kept, t->kept + 1, (size_t)--t->n_kept * sizeof t->kept[0]);
        t->kept[t->n_kept++] = (muir_saved){step, productive_ns, at_ns + t->write_ns};
        t->n_saved++;
    }
}

static bool is_wanted(const muir_checkpoint_tier *t, const muir_saved *saved, const muir_wanted *w)
{
    return saved->ready_ns <= w->now_ns && saved->ready_ns - t->write_ns <= w->before_ns &&
           saved->step <= w->most_step;
}

muir_tier muir_checkpoints_find(const muir_checkpoints *c, const muir_wanted *w, muir_saved *saved)
{
    muir_tier found = MUIR_TIER_NONE;
    *saved = (muir_saved){0, 0, 0};
    for (int i = 0; i < MUIR_TIER_COUNT; i++) {
        const muir_checkpoint_tier *t = &c->tier[i];
        for (int k = t->n_kept - 1; t->is_on && w->survives[i] && k >= 0; k--) {
            if (!is_wanted(t, &t->kept[k], w)) continue;
            if (t->kept[k].step > saved->step) *saved = t->kept[k], found = (muir_tier)i;
            break;
        }
    }
    return found;
}

void muir_checkpoints_rewind(muir_checkpoints *c, int64_t step, int64_t now_ns)
{
    for (int i = 0; i < MUIR_TIER_COUNT; i++) {
        muir_checkpoint_tier *t = &c->tier[i];
        while (t->n_kept > 1 &&
               (t->kept[t->n_kept - 1].step > step || t->kept[t->n_kept - 1].ready_ns > now_ns))
            t->n_kept--;
        if (t->kept[0].step > step) t->kept[0] = (muir_saved){0, 0, 0}; /* both copies were newer */
    }
}
