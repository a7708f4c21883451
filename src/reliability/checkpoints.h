/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state in three tiers: when each saves, how long training stands still, what survives a failure. */
#ifndef MUIR_RELIABILITY_CHECKPOINTS_H
#define MUIR_RELIABILITY_CHECKPOINTS_H

#include "scenario/scenario.h"

/* Tiers, fastest to load first. NONE: nothing survives, training starts from its first step. */
typedef enum muir_tier {
    MUIR_TIER_MEMORY,
    MUIR_TIER_DISK,
    MUIR_TIER_STORAGE,
    MUIR_TIER_NONE,
    MUIR_TIER_COUNT = MUIR_TIER_NONE
} muir_tier;

/* A saved state: after how many steps, what the account held then, and from when on it can be loaded. */
typedef struct muir_saved {
    int64_t step;
    int64_t productive_ns;
    int64_t ready_ns; /* fleet time */
} muir_saved;

enum { MUIR_SAVED_KEPT = 256 };

typedef struct muir_checkpoint_tier {
    bool is_on;
    int64_t every;                       /* steps */
    int64_t block_ns, write_ns, load_ns; /* standing still; until it can be loaded; to load it */
    muir_saved
        kept[MUIR_SAVED_KEPT]; /* the latest, oldest first; kept[0] is the start of training at first */
    int n_kept;                /* >= 1 */
    int64_t n_saved;           /* since the start of training */
} muir_checkpoint_tier;

typedef struct muir_checkpoints {
    muir_checkpoint_tier tier[MUIR_TIER_COUNT];
    double bytes; /* of a saved state */
} muir_checkpoints;

/* Sizes and intervals from the scenario.
 *     bytes = params bytes_per_param
 *     storage interval = sqrt(2 d M), d standing still for one [s], M mean time between failures that no
 *         other tier survives [s]; at least the time to write one, at most a day
 * params          in   weights of the model
 * step_s          in   time of a step, to turn the interval into steps [s]
 * mtti_s          in   mean time between failures of the job [s]
 * storage_share   in   share of failures that only storage survives
 * Local. Source of the interval: Young 1974, doi 10.1145/361147.361115. */
void muir_checkpoints_init(muir_checkpoints *checkpoints, const muir_scenario *scenario, double params,
                           double step_s, double mtti_s, double storage_share);

/* How long training stands still after the step that brings progress to `step`, at fleet time now_ns: a tier
 * whose last write still goes on leaves one out. Local. */
int64_t muir_checkpoints_block_ns(const muir_checkpoints *checkpoints, int64_t step, int64_t now_ns);

/* Saves what is due: now_ns is the end of the step before standing still, as in _block_ns. Local. */
void muir_checkpoints_save(muir_checkpoints *checkpoints, int64_t step, int64_t productive_ns,
                           int64_t now_ns);

/* Which saved states will do. */
typedef struct muir_wanted {
    bool survives[MUIR_TIER_COUNT];
    int64_t now_ns;    /* ready by then */
    int64_t before_ns; /* saved before; INT64_MAX: any */
    int64_t most_step; /* of no more steps; INT64_MAX: any */
} muir_wanted;

/* The newest state that will do; of equal steps the one of the tier that loads faster.
 * saved  out  step 0 where none is left
 * Local. */
muir_tier muir_checkpoints_find(const muir_checkpoints *checkpoints, const muir_wanted *wanted,
                                muir_saved *saved);

/* Forgets all states after `step`, and those that are still written. Local. */
void muir_checkpoints_rewind(muir_checkpoints *checkpoints, int64_t step, int64_t now_ns);

/* Names, MUIR_TIER_NONE included; never NULL. Local. */
const char *muir_tier_name(int tier);

#endif
