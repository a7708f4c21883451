/* SPDX-License-Identifier: BSD-3-Clause */
/* What slows single servers, or the whole job, down for a while: slow chips, slow network ports, flapping
 * links, spikes, the common swing, pauses. */
#ifndef MUIR_RELIABILITY_EFFECTS_H
#define MUIR_RELIABILITY_EFFECTS_H

#include "reliability/disturbance.h"
#include "reliability/servers.h"

/* An episode of one server. */
typedef struct muir_effect {
    int kind; /* MUIR_KIND_slow_compute, _slow_network or _flap */
    uint32_t ordinal;
    int32_t server;
    int64_t chip; /* of the fleet */
    double
        severity; /* slow_compute: slowdown; slow_network: share of the rate left; flap: share of time down */
    double most_s; /* flap: longest time down */
    int64_t start_ns, end_ns;
    int64_t alert_ns; /* when the alerts are enough for an eviction; INT64_MAX: never */
} muir_effect;

typedef struct muir_effects muir_effects;

/* No episodes yet.
 * out  out  free it with muir_effects_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_effects_create(muir_ctx *ctx, const muir_scenario *scenario, muir_effects **out);
void muir_effects_destroy(muir_effects **effects); /* accepts NULL, leaves NULL */

/* Starts an episode of a kind and draws what it is; NULL: there is no room. Local. */
const muir_effect *muir_effects_start(muir_effects *effects, int kind, int64_t start_ns,
                                      const muir_draw *draw);

/* Starts an episode of which a log says all: `effect` but for alerts and, of a flap, the longest time down.
 * NULL: there is no room. Local. */
const muir_effect *muir_effects_add(muir_effects *effects, const muir_effect *effect);

/* Ends episodes that are over at now_ns. Local. */
void muir_effects_expire(muir_effects *effects, int64_t now_ns);

/* Ends all episodes of a server, which goes to repair. Local. */
void muir_effects_repair(muir_effects *effects, int32_t server);

/* An episode of a server that trains about which there were enough alerts by now_ns; false: none. Local. */
bool muir_effects_alert(const muir_effects *effects, const muir_servers *servers, int64_t now_ns,
                        muir_effect *effect);

/* Size of this row's spike, as a share of the step; 0: none. Local. */
double muir_effects_spike(const muir_effects *effects);

/* What the attempt number `row` meets; called once for each row, in order, since the swing has a memory.
 * disturbance  out  but for replicas that are down, and moved
 * Local. */
void muir_effects_meet(muir_effects *effects, const muir_servers *servers, int64_t row,
                       muir_disturbance *disturbance);

#endif
