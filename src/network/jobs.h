/* SPDX-License-Identifier: BSD-3-Clause */
/* Several jobs on one fabric: where they lie, what they put on the leaves' uplinks, and how much slower each
 * is than alone.
 *
 * Below the leaf a server belongs to one job. A job computes, with hidden traffic under way, and then waits
 * for exposed traffic; all its flows move at one rate r, since collectives wait for their slowest member. On
 * leaf l job j loads the uplink, in ports of servers,
 *     u_jl = near + far sum over its exchange groups of m (1 - m / g)
 * with m of a group's g servers under l; near is the share of its traffic between neighbours (a ring enters
 * and leaves a leaf once, unless all of the job is there), far the share inside exchange groups. Servers are
 * numbered within a job in the order of the fleet, and groups are of consecutive ones. Rates are max-min: all
 * rise together until an uplink is full, whose jobs stay where they are,
 *     sum over jobs of r_j u_jl <= leaf_servers / oversubscription x what is left of the uplinks of l
 * From event to event (traffic of a job starts or ends) rates are constant. What it costs grows with jobs x
 * leaves, not with chips. */
#ifndef MUIR_NETWORK_JOBS_H
#define MUIR_NETWORK_JOBS_H

#include "fleet/fleet.h"

/* Constant, name. PACKED: one after the other in the order of servers. BY_LEAF: whole leaves, in random
 * order. SCATTERED: one server of each leaf in turn. RANDOM: any free server. */
#define MUIR_PLACEMENT_LIST(X)                                                                               \
    X(MUIR_PLACEMENT_PACKED, "packed")                                                                       \
    X(MUIR_PLACEMENT_BY_LEAF, "by_leaf")                                                                     \
    X(MUIR_PLACEMENT_SCATTERED, "scattered")                                                                 \
    X(MUIR_PLACEMENT_RANDOM, "random")
#define MUIR_PLACEMENT_FIRST(constant, name) constant,
typedef enum muir_placement { MUIR_PLACEMENT_LIST(MUIR_PLACEMENT_FIRST) MUIR_PLACEMENT_COUNT } muir_placement;
#undef MUIR_PLACEMENT_FIRST

/* The one of that name, MUIR_PLACEMENT_COUNT: none. Local. */
muir_placement muir_placement_find(const char *name);
const char *muir_placement_name(muir_placement placement);

/* A job's step at full port rates. */
typedef struct muir_job_load {
    int64_t servers;
    double compute_s; /* in which it computes or talks inside servers only */
    double hidden_s;  /* of traffic under it */
    double exposed_s; /* of traffic for which it waits */
    double far;       /* share of the traffic in exchanges, 0 to 1; the rest is between neighbours */
    int64_t group;    /* servers that an exchange spans; 0: all of the job's */
    double start_s;   /* when it starts */
} muir_job_load;

/* What is left of degraded parts, as shares above 0 up to 1. A link, adapter or rail at a part of its rate
 * holds all of its server's flows up, since libraries deal equal parts to all channels; a dead one whose
 * neighbour carries both leaves half. A dead spine of k takes 1 / k from every leaf's uplinks. */
typedef struct muir_fabric_left {
    const double *leaf;   /* [leaves] of their uplinks; NULL: all */
    const double *server; /* [servers] of their ports; NULL: all */
} muir_fabric_left;

/* What became of a job. */
typedef struct muir_job_share {
    double step_s;       /* mean over its steps, the first one left out */
    double alone_s;      /* the same with nobody else there */
    double slowdown;     /* step_s / alone_s */
    double uplink_ports; /* its mean load on all uplinks together while it has the fabric to itself [ports] */
    int64_t leaves;      /* on which it has servers */
    int64_t shared;      /* of those, with servers of other jobs */
} muir_job_share;

/* Places jobs and plays their steps.
 * left        in   NULL: nothing is degraded
 * steps       in   of the job that does fewest, >= 2
 * of_server   out  [fleet's servers] the job of each, -1: none; NULL: not wanted
 * share       out  [n]
 * events      out  that were played; NULL: not wanted
 * Local. MUIR_ERR_ARG: more servers than the fleet has; MUIR_ERR_MEM. Source: max-min fairness, Bertsekas and
 * Gallager, Data Networks, 1992, section 6.5. */
muir_status muir_jobs_share(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, const muir_fabric_left *left, int64_t steps,
                            int32_t *of_server, muir_job_share *share, int64_t *events);

#endif
