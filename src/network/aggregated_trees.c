/* SPDX-License-Identifier: BSD-3-Clause */
/* Parallel aggregated trees: gathers and scatters in a logarithm of rounds, where a server has one member.
 *
 *     T0 = base + ceil(log2 N) between / 3.5 + N pat_member_s
 *     x  = S (N - 1) / N over pat_share of the port */
#include <math.h>

#include "network/ways.h"

static const double TREES_PER_STEP = 3.5; /* counted in NCCL's model of costs */

static bool fits(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return fleet->library.style == MUIR_RINGS && fleet->library.pat_member_s > 0.0 && group->local == 1 &&
           group->servers > 1 && muir_kind_is_part(kind);
}

static muir_flow aggregated_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                 double bytes)
{
    const muir_library *library = &fleet->library;
    const double servers = (double)group->servers;
    (void)kind;
    muir_flow flow = {.latency_s = fleet->fabric.base_s};
    flow.latency_s += ceil(log2(servers)) * muir_step_between_s(fleet, group) / TREES_PER_STEP +
                      servers * library->pat_member_s;
    flow.bytes[MUIR_LINK_PORT] = bytes * (servers - 1.0) / servers;
    flow.load_s[MUIR_LINK_PORT] =
        flow.bytes[MUIR_LINK_PORT] / (library->pat_share * muir_rate_ports(fleet, group));
    muir_flow_end(&flow, 0.0, 0.0);
    return flow;
}

const muir_way muir_way_aggregated_trees = {
    .name = "aggregated_trees",
    .needs = "all_gather and reduce_scatter, one chip of each server, library.pat_member_s",
    .fits = fits,
    .flow = aggregated_flow,
    .source = "PAT of NVIDIA/nccl src/graph/tuning.cc; Jeaugey, arXiv 2506.20252",
};
