/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of messages between two chips. */
#include <math.h>

#include "network/network.h"

/* Inside a server. */
static double near_time_s(const muir_fleet *fleet, int64_t stride, double bytes)
{
    const muir_server *server = &fleet->server;
    const muir_group pair = muir_group_place(fleet, stride, 2);
    if (server->topology != MUIR_TORUS) return server->alpha_s + bytes / muir_rate_local(fleet, &pair);
    double rate = 0.0;
    for (int d = 0; d < MUIR_DIMS; d++) rate = fmax(rate, pair.rate[d]);
    return server->alpha_s + bytes / rate;
}

/* To another site, while so many chips send. */
static double crossing_time_s(const muir_fleet *fleet, double chips, double bytes)
{
    return fleet->fabric.site_alpha_s + bytes / muir_rate_site(fleet, fmin(chips, muir_site_chips(fleet)));
}

muir_port_times muir_p2p_ports(const muir_fleet *fleet, int64_t stride, double bytes)
{
    const int64_t chips = muir_fleet_domain(fleet), site = fleet->fabric.site_servers;
    if (2 * stride <= chips) { /* as muir_group_place: else most of such pairs are of two domains */
        const double near_s = near_time_s(fleet, stride, bytes);
        return (muir_port_times){near_s, near_s, 0.0};
    }
    const bool is_beyond_leaf = stride / chips >= muir_group_domains(fleet, fleet->fabric.leaf_servers);
    const double time_s = site > 0 && stride / chips >= muir_group_domains(fleet, site)
                              ? crossing_time_s(fleet, (double)stride, bytes)
                              : fleet->fabric.alpha_s + bytes / muir_rate_far(fleet, is_beyond_leaf);
    return (muir_port_times){time_s, 0.0, time_s};
}

double muir_p2p_time_s(const muir_fleet *fleet, int64_t stride, double bytes)
{
    return muir_p2p_ports(fleet, stride, bytes).time_s;
}

muir_port_times muir_hop_ports(const muir_fleet *fleet, int64_t stride, int64_t stages, int64_t hops,
                               double bytes)
{
    const double chips = muir_site_chips(fleet), span = (double)stride * (double)stages;
    const muir_port_times none = {0.0, 0.0, 0.0}, ports = muir_p2p_ports(fleet, stride * hops, bytes);
    if (chips <= 0.0 || span <= chips || (hops == 1 && (double)stride >= chips)) return ports;
    const double cross_s = crossing_time_s(fleet, (double)stride, bytes);
    const muir_port_times cross = {cross_s, 0.0, cross_s};
    if (hops > 1) return cross;
    const double share =
        (ceil(span / chips) - 1.0) / ((double)stages - 1.0); /* borders of sites among those of stages */
    return muir_ports_sum(muir_ports_sum(none, ports, 1.0 - share), cross, share);
}
