/* SPDX-License-Identifier: BSD-3-Clause */
/* All_reduces that switches add up: inside a server, under a tree over servers, and in the fabric. */
#include <math.h>

#include "network/ways.h"

static bool has_switch(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return fleet->library.style == MUIR_RINGS && fleet->server.reduction > 0.0 &&
           group->local >= fleet->server.reduction_chips && muir_kind_is_all_reduce(kind);
}

static bool fits_server(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return has_switch(fleet, group, kind) && group->servers == 1;
}

static bool fits_servers(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return has_switch(fleet, group, kind) && group->servers > 1 && fleet->library.tree_share > 0.0;
}

static bool fits_fabric(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return fleet->library.style == MUIR_RINGS && fleet->library.fabric_reduction &&
           fleet->fabric.reduction > 0.0 && group->servers > 1 && muir_kind_is_all_reduce(kind);
}

/* What every member sends up and gets down once, at the rate of the reduction. */
static void add_switch(const muir_fleet *fleet, double bytes, muir_flow *flow)
{
    flow->bytes[MUIR_LINK_LOCAL] = bytes;
    flow->load_s[MUIR_LINK_LOCAL] = bytes / (fleet->server.port_byte_per_s * fleet->server.reduction);
}

static muir_flow server_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                             double bytes)
{
    const muir_library *library = &fleet->library;
    muir_flow flow = {.latency_s = library->reduction_base_s};
    (void)kind;
    add_switch(fleet, bytes, &flow);
    muir_flow_end(&flow, library->reduction_ramp_s, library->reduction_ramp_chip_s * (double)group->local);
    return flow;
}

/* A tree over servers whose chains are one step of the switch, which falls behind on its own where many chips
 * are on it. */
static muir_flow servers_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                              double bytes)
{
    const muir_library *library = &fleet->library;
    const muir_flow inside = server_flow(fleet, group, kind, bytes);
    const double steps = 2.0 * ceil(log2((double)group->servers));
    muir_flow flow = inside;
    flow.latency_s += steps * (library->reduction_step_s + muir_step_between_s(fleet, group));
    flow.bytes[MUIR_LINK_PORT] = 2.0 * bytes * (double)(group->servers - 1) / (double)group->p;
    flow.load_s[MUIR_LINK_PORT] = muir_tree_ports_s(fleet, group, bytes);
    muir_flow_end(&flow, library->tree_fill * library->tree_fill * flow.latency_s,
                  library->tree_fill_most * flow.latency_s);
    flow.ramp_s = fmax(flow.ramp_s, inside.ramp_s);
    flow.time_s = flow.latency_s + muir_flow_slowest_s(&flow) + flow.ramp_s;
    return flow;
}

static muir_flow fabric_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                             double bytes)
{
    const muir_fabric *fabric = &fleet->fabric;
    muir_flow flow = {.latency_s = fleet->library.reduction_base_s + fleet->library.fabric_reduction_s};
    (void)kind;
    if (group->local > 1) add_switch(fleet, bytes, &flow);
    flow.load_s[MUIR_LINK_LOCAL] = group->local > 1 ? bytes / muir_rate_local(fleet, group) : 0.0;
    flow.bytes[MUIR_LINK_PORT] = bytes / (double)group->local;
    flow.load_s[MUIR_LINK_PORT] =
        bytes / ((double)group->local * fabric->port_byte_per_s * fabric->reduction * group->uplink_share);
    muir_flow_end(&flow, 0.0, 0.0);
    return flow;
}

const muir_way muir_way_reduction = {
    .name = "reduction",
    .needs = "all_reduce inside a server, server.reduction, server.reduction_chips",
    .fits = fits_server,
    .flow = server_flow,
    .source = "NVLS of NVIDIA/nccl src/graph/tuning.cc",
};
const muir_way muir_way_reduction_tree = {
    .name = "reduction_tree",
    .needs = "all_reduce over servers, server.reduction, server.reduction_chips",
    .fits = fits_servers,
    .flow = servers_flow,
    .source = "NVLSTree of NVIDIA/nccl src/graph/tuning.cc",
};
const muir_way muir_way_fabric_reduction = {
    .name = "fabric_reduction",
    .needs = "all_reduce over servers, fabric.reduction, library.fabric_reduction",
    .fits = fits_fabric,
    .flow = fabric_flow,
    .source = "CollNet of NVIDIA/nccl src/graph/tuning.cc; Graham et al., SHARP, COMHPC 2016",
};
