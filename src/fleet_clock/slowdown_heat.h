/* SPDX-License-Identifier: BSD-3-Clause */
/* Which chips of a rank's replicas are too warm. Private to slowdown*.c. */
#ifndef MUIR_FLEET_CLOCK_SLOWDOWN_HEAT_H
#define MUIR_FLEET_CLOCK_SLOWDOWN_HEAT_H

#include "fleet_clock/slowdown.h"

/* Fills `warmth` for all parts of groups, or for that of a stage, replica and part. Local.
 * MUIR_ERR_STOPPED. */
muir_status muir_slowdown_warm(muir_ctx *ctx, muir_slowdown *slowdown);
void muir_slowdown_warm_part(muir_slowdown *slowdown, int stage, int64_t replica, int sub);

/* Brings `warmest_c` and `n_throttled` up to date for a step; work only when servers moved or the margin did.
 * Local. */
void muir_slowdown_count_throttled(muir_slowdown *slowdown, float margin_c);

#endif
