/* SPDX-License-Identifier: BSD-3-Clause */
/* Double binary trees over servers, a chain of chips inside each.
 *
 *     T0 = base + 2 ((q - 1) alpha + log2(N) between)
 *     x  = S over the lesser of tree_share of a ring's rate inside and the server's ports: all of them
 *          between two servers, tree_shared where chips share adapters, half from three servers on, where a
 *          server has two children in one of the trees */
#include <math.h>

#include "network/ways.h"

static bool fits(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    return fleet->library.style == MUIR_RINGS && fleet->library.tree_share > 0.0 && group->servers > 1 &&
           muir_kind_is_all_reduce(kind);
}

static muir_flow tree_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                           double bytes)
{
    const muir_library *library = &fleet->library;
    const double q = (double)group->local, servers = (double)group->servers, n = (double)group->p;
    const double between_s = ceil(log2(servers)) * muir_step_between_s(fleet, group);
    (void)kind;
    muir_flow flow = {.latency_s =
                          fleet->fabric.base_s + 2.0 * ((q - 1.0) * fleet->server.alpha_s + between_s)};
    flow.bytes[MUIR_LINK_LOCAL] = 2.0 * bytes * (q - 1.0) * servers / n;
    flow.load_s[MUIR_LINK_LOCAL] = bytes / (library->tree_share * muir_rate_local(fleet, group));
    flow.bytes[MUIR_LINK_PORT] = 2.0 * bytes * (servers - 1.0) / n;
    flow.load_s[MUIR_LINK_PORT] = muir_tree_ports_s(fleet, group, bytes);
    muir_flow_end(&flow, library->tree_fill * library->tree_fill * flow.latency_s,
                  library->tree_fill_most * flow.latency_s);
    return flow;
}

const muir_way muir_way_tree = {
    .name = "tree",
    .needs = "all_reduce over servers",
    .fits = fits,
    .flow = tree_flow,
    .source = "NVIDIA/nccl src/graph/tuning.cc; Sanders, Speck, Traeff, Parallel Computing 35(12), 2009",
};
