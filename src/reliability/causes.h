/* SPDX-License-Identifier: BSD-3-Clause */
/* What the causes of failures have to themselves: how far they reach, how they are noticed, what share of all
 * failures they are. */
#ifndef MUIR_RELIABILITY_CAUSES_H
#define MUIR_RELIABILITY_CAUSES_H

#include "scenario/scenario.h"

/* How an event was noticed. Never renumber: files hold the numbers. */
typedef enum muir_noticed {
    MUIR_NOTICED_NEVER,
    MUIR_NOTICED_EXPLICIT, /* a message of the failing part */
    MUIR_NOTICED_TIMEOUT,  /* of a collective */
    MUIR_NOTICED_CHECK,    /* of results */
    MUIR_NOTICED_ALERT,    /* about a slow server */
    MUIR_NOTICED_COUNT
} muir_noticed;
const char *muir_noticed_name(int noticed); /* "explicit"; never NULL */

/* What fails together. */
typedef enum muir_reach { MUIR_REACH_SERVER, MUIR_REACH_RACK, MUIR_REACH_LEAF } muir_reach;

/* A row of scenario/kinds.def. */
typedef struct muir_cause {
    muir_reach reach;
    muir_noticed noticed;
} muir_cause;

/* How a failure of a kind is noticed, a job's failures included. Local. */
muir_noticed muir_kind_noticed(int kind);

/* cause  in  0 .. MUIR_CAUSE_COUNT - 1
 * Local. */
const muir_cause *muir_cause_at(int cause);

/* Share of the failures that reach beyond one server, and that only a time-out finds; 0 without weights.
 * Local. */
double muir_causes_wide_share(const muir_causes *causes);
double muir_causes_timeout_share(const muir_causes *causes);

/* The cause at a uniform draw.
 * u  in  in (0, 1)
 * Local. */
int muir_causes_pick(const muir_causes *causes, double u);

/* Servers that a failure of this reach takes along with `server`: those of its rack or leaf, counted through
 * the fleet.
 * Local. */
void muir_reach_servers(const muir_fleet *fleet, muir_reach reach, int32_t server, int32_t *first,
                        int32_t *last);

#endif
