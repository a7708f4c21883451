/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of collectives by the ways that a library takes. */
#include "network/network.h"

#include <math.h>

#include "network/tiers.h"

muir_port_times muir_ports_sum(muir_port_times a, muir_port_times b, double times)
{
    return (muir_port_times){a.time_s + times * b.time_s, a.local_s + times * b.local_s,
                             a.fabric_s + times * b.fabric_s};
}

/* Latency and falling behind keep the widest class of links that is used from others, as a load would; what
 * crosses sites passes after the rest, on the port as well. */
static muir_port_times ports_of(muir_flow flow)
{
    const double port_s = fmax(flow.load_s[MUIR_LINK_PORT], flow.load_s[MUIR_LINK_UPLINK]);
    const double more_s = flow.latency_s + flow.ramp_s;
    const bool is_wide = port_s + flow.load_s[MUIR_LINK_SITE] > 0.0;
    return (muir_port_times){flow.time_s, flow.load_s[MUIR_LINK_LOCAL] + (is_wide ? 0.0 : more_s),
                             port_s + flow.load_s[MUIR_LINK_SITE] + (is_wide ? more_s : 0.0)};
}

muir_port_times muir_coll_ports(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                double bytes)
{
    muir_flow flow;
    muir_way_choose(fleet, group, kind, bytes, NULL, &flow);
    return ports_of(flow);
}

double muir_coll_time_s(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind, double bytes)
{
    return muir_coll_ports(fleet, group, kind, bytes).time_s;
}

muir_port_times muir_dispatch_ports(const muir_fleet *fleet, const muir_group *group, double token_bytes,
                                    double server_share, double chip_share)
{
    if (group->p < 2) return (muir_port_times){0.0, 0.0, 0.0};
    const double p = (double)group->p, q = (double)group->local;
    const double local_s = muir_tiers_exchange_s(fleet, group, token_bytes * p * chip_share);
    if (group->servers < 2) return ports_of(muir_tiers_in_turn(fleet, group, local_s, 0.0, 1.0));
    const double crossing = token_bytes * (p - q) / q * server_share;
    muir_port_times ports =
        ports_of(muir_tiers_in_turn(fleet, group, local_s, muir_tiers_far_s(fleet, group, crossing), 1.0));
    ports.time_s = fmax(ports.local_s + fleet->fabric.base_s, ports.fabric_s);
    return ports;
}
