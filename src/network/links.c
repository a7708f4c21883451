/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates of classes of links. */
#include "network/links.h"

#include <math.h>

#define NAME(constant, name) [constant] = name,
static const char *const names[] = {MUIR_LINK_LIST(NAME)};
#undef NAME

const char *muir_link_name(muir_link link)
{
    return names[link];
}

/* In a mesh a member has a link to each of the others and no use for the rest of its links. */
double muir_rate_local(const muir_fleet *fleet, const muir_group *group)
{
    const muir_server *server = &fleet->server;
    if (group->local < 2) return INFINITY;
    const double used =
        server->topology == MUIR_MESH ? (double)(group->local - 1) / (double)(server->chips - 1) : 1.0;
    return server->port_byte_per_s * server->efficiency * used;
}

static double port_rate(const muir_fabric *fabric)
{
    return fabric->port_byte_per_s * fabric->efficiency;
}

double muir_rate_ports(const muir_fleet *fleet, const muir_group *group)
{
    const muir_fabric *fabric = &fleet->fabric;
    if (group->servers < 2) return INFINITY;
    const double leaves = (double)group->servers / (double)muir_group_domains(fleet, fabric->leaf_servers);
    return (double)group->local * port_rate(fabric) * group->uplink_share /
           (1.0 + fabric->collisions * fmax(0.0, log2(leaves)));
}

double muir_rate_far(const muir_fleet *fleet, bool is_beyond_leaf)
{
    const muir_fabric *fabric = &fleet->fabric;
    const double rate =
        fabric->exchange > 0.0 ? fabric->port_byte_per_s * fabric->exchange : port_rate(fabric);
    return rate / (is_beyond_leaf ? fabric->oversubscription : 1.0);
}

double muir_site_chips(const muir_fleet *fleet)
{
    return (double)fleet->fabric.site_servers * (double)fleet->server.chips;
}

double muir_rate_site(const muir_fleet *fleet, double chips)
{
    return fmin(port_rate(&fleet->fabric), fleet->fabric.site_byte_per_s / chips);
}

double muir_step_between_s(const muir_fleet *fleet, const muir_group *group)
{
    return fleet->fabric.alpha_s * (1.0 + fleet->fabric.crowding * (double)group->servers);
}

double muir_tree_ports_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    const double shared = fleet->fabric.chips_per_adapter > 1.0 ? fleet->library.tree_shared : 1.0;
    const double share = group->servers > 2 ? 0.5 : shared;
    return bytes / (share * muir_rate_ports(fleet, group));
}

double muir_flow_slowest_s(const muir_flow *flow)
{
    double slowest_s = 0.0;
    for (int i = 0; i < MUIR_LINK_COUNT; i++) slowest_s = fmax(slowest_s, flow->load_s[i]);
    return slowest_s;
}

void muir_flow_end(muir_flow *flow, double scale_s, double most_s)
{
    const double slowest_s = muir_flow_slowest_s(flow);
    flow->ramp_s = fmin(sqrt(scale_s * slowest_s), most_s);
    flow->time_s = flow->latency_s + slowest_s + flow->ramp_s;
}
