/* SPDX-License-Identifier: BSD-3-Clause */
/* All_to_alls as sends and receives between all pairs at once.
 *
 *     T0 = exchange_base + (n - 1) exchange_peer (1 + exchange_growth N)
 *     x  = the longer of S (q - 1) / n inside and S (n - q) / n through a chip's own port */
#include <math.h>

#include "network/ways.h"

static bool fits(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    (void)group;
    return fleet->library.style == MUIR_RINGS && muir_kind_is_exchange(kind);
}

/* To other servers; what goes to other sites passes at the same time as the rest. */
static void add_far(const muir_fleet *fleet, const muir_group *group, double bytes, muir_flow *flow)
{
    const double servers = (double)group->servers, there = (double)group->site_servers;
    flow->bytes[MUIR_LINK_PORT] = bytes;
    flow->load_s[MUIR_LINK_PORT] = bytes / muir_rate_far(fleet, group->is_beyond_leaf);
    if (group->sites < 2) return;
    flow->latency_s += fleet->fabric.site_alpha_s * ceil(log2((double)group->sites));
    flow->bytes[MUIR_LINK_SITE] = bytes * (servers - there) / (servers - 1.0);
    flow->load_s[MUIR_LINK_SITE] =
        flow->bytes[MUIR_LINK_SITE] / muir_rate_site(fleet, muir_site_chips(fleet));
}

static muir_flow exchange_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                               double bytes)
{
    const muir_library *library = &fleet->library;
    const double n = (double)group->p, q = (double)group->local;
    (void)kind;
    muir_flow flow = {.latency_s = library->exchange_base_s};
    flow.latency_s +=
        (n - 1.0) * library->exchange_peer_s * (1.0 + library->exchange_growth * (double)group->servers);
    flow.bytes[MUIR_LINK_LOCAL] = bytes * (q - 1.0) / n;
    flow.load_s[MUIR_LINK_LOCAL] = flow.bytes[MUIR_LINK_LOCAL] / muir_rate_local(fleet, group);
    if (group->servers > 1) add_far(fleet, group, bytes * (n - q) / n, &flow);
    muir_flow_end(&flow, library->exchange_ramp_s, library->exchange_ramp_most_s);
    return flow;
}

const muir_way muir_way_exchange = {
    .name = "exchange",
    .needs = "all_to_all",
    .fits = fits,
    .flow = exchange_flow,
    .source = "NVIDIA/nccl-tests src/alltoall.cu: a send and a receive per pair",
};
