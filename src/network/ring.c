/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings over all members, through servers and fabric at once.
 *
 * With n members on N servers, q on each, f of the size passing every member, R the lesser of a member's rate
 * inside and of its server's ports together:
 *     T0 = base + (steps - crossings) step + crossings between,  x = f S / R
 *     f, steps, crossings = 2 (n - 1) / n, 2 (n - 1), 2 (N - 1)   all_reduce
 *                           (n - 1) / n, n - 1, N - 1             all_gather, reduce_scatter
 *                           1, n - 1, N - 1                       broadcast, reduce */
#include <math.h>

#include "network/ways.h"

static bool fits(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    (void)group;
    return fleet->library.style == MUIR_RINGS && !muir_kind_is_exchange(kind);
}

static muir_flow ring_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                           double bytes)
{
    const muir_library *library = &fleet->library;
    const double n = (double)group->p, servers = (double)group->servers;
    const double times = muir_kind_is_all_reduce(kind) ? 2.0 : 1.0;
    const bool is_whole = !muir_kind_is_all_reduce(kind) && !muir_kind_is_part(kind);
    const bool is_wide = group->servers > 1;
    const double passing = (is_whole ? 1.0 : times * (n - 1.0) / n) * bytes;
    const double crossings = times * (servers - 1.0), steps = times * (n - 1.0) - crossings;
    const double step_s = is_wide ? library->ring_step_s : fleet->server.alpha_s;
    muir_flow flow = {.latency_s = is_wide ? fleet->fabric.base_s : fleet->server.base_s};
    flow.latency_s += steps * step_s + crossings * muir_step_between_s(fleet, group);
    flow.bytes[MUIR_LINK_LOCAL] = is_wide ? passing * (n - servers) / n : passing;
    flow.load_s[MUIR_LINK_LOCAL] = passing / muir_rate_local(fleet, group);
    if (is_wide) {
        flow.bytes[MUIR_LINK_PORT] = passing * servers / n;
        flow.load_s[MUIR_LINK_PORT] = passing / muir_rate_ports(fleet, group);
        muir_flow_end(&flow, library->ring_fill * library->ring_fill * flow.latency_s,
                      library->ring_fill_most * flow.latency_s);
    } else {
        muir_flow_end(&flow, library->ring_ramp_s, library->ring_ramp_most_s);
    }
    return flow;
}

const muir_way muir_way_ring = {
    .name = "ring",
    .needs = "all but all_to_all",
    .fits = fits,
    .flow = ring_flow,
    .source = "NVIDIA/nccl src/graph/tuning.cc; Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009",
};
