/* SPDX-License-Identifier: BSD-3-Clause */
/* How much slower than speed 1 each tp x cp group of a rank's replicas is in a step: fixed speed, drift and
 * fresh draw of every one of its chips, and the maximum over the group, since everyone in it waits for the
 * slowest. */
#ifndef MUIR_FLEET_CLOCK_SLOWDOWN_H
#define MUIR_FLEET_CLOCK_SLOWDOWN_H

#include "fleet_clock/heat.h"
#include "models/layout.h"
#include "reliability/disturbance.h"
#include "reliability/servers.h"
#include "scenario/fold.h"

/* Replicas are kept in blocks of MUIR_RNG_BLOCK, counted through the fleet, so that draws do not depend on
 * the fold. A rank's first and last block may hold replicas of other ranks: such lanes have speed "infinite"
 * and never count. */
typedef struct muir_slowdown {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_slice replicas;           /* mine */
    int64_t first_block;
    size_t n_blocks;
    int stages, group;   /* group: chips of a tp x cp group */
    int sub, n_subs;     /* the group in parts of `sub` chips that share a server */
    float *base;         /* [n_blocks, stages, group, 64]: 1 / fixed speed; 0 in lanes of others */
    float *drift;        /* [n_blocks, stages, n_subs, 64]: 1 + drift at the knot before */
    float *drift_slope;  /* [n_blocks, stages, n_subs, 64]: change to the next knot */
    float *warmth_c;     /* [n_blocks, stages, n_subs, 64]: of the warmest chip, over the mean */
    float *server_knot;  /* [servers]: scratch */
    int64_t knot;        /* the knot that drift holds, -1: none yet */
    float *excess;       /* [n_blocks, stages, 64]: result, slowdown - 1; -1 in lanes that are down */
    uint8_t *is_down;    /* [n_blocks, 64]: the replica does not train in this step */
    int64_t n_down;      /* of mine */
    float warmest_c;     /* over all of mine, against the mean */
    int64_t n_throttled; /* of my chips, in the last step with temperatures */
    bool is_counted;     /* both hold, for this margin */
    float counted_margin_c;
    size_t bytes;                /* of all arrays */
    const muir_servers *servers; /* which stand where; NULL: each in its place. Borrowed from the events */
} muir_slowdown;

/* Draws the fixed speeds.
 * scenario  in   borrowed; outlives the slowdown
 * replicas  in   this rank's
 * out       out  free it with muir_slowdown_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_slowdown_create(muir_ctx *ctx, const muir_scenario *scenario, muir_slice replicas,
                                 muir_slowdown **out);
void muir_slowdown_destroy(muir_slowdown **slowdown); /* accepts NULL, leaves NULL */

/* Fills `excess` for a step; allocates nothing.
 * disturbance  in      slow chips, replicas that are down; NULL: none
 * heat         in      NULL: chips at their mean temperature
 * servers      in/out  [servers of the fleet], maximum over each server's chips, kept where larger
 *                      already; NULL: not wanted
 * Local. */
void muir_slowdown_step(muir_slowdown *slowdown, uint32_t step, const muir_disturbance *disturbance,
                        const muir_heat_step *heat, float *servers);

/* Another server stands in the place `slot` now, by `servers`: its chips' speeds and its drift. Local. */
void muir_slowdown_move(muir_slowdown *slowdown, int32_t slot);

/* Server of the fleet that holds part `sub` of a group; -1: its place is empty. Local. */
int64_t muir_slowdown_server(const muir_slowdown *slowdown, int stage, int64_t replica, int sub);

/* Fixed speed of a chip of the fleet. Local. */
double muir_chip_speed(const muir_scenario *scenario, int64_t chip);

#endif
