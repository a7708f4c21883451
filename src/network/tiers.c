/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives tier by tier: inside each domain, then between domains, one after the other. An all_gather or
 * reduce_scatter of V bytes takes inside a domain of q members
 *     switch  (q - 1) (alpha + V / (q beta))                           ring
 *     torus   V in parts, one per dimension, each walking the          bucket algorithm
 *             dimensions in turn, so that all links work at once
 * and between n domains, with v = V / q bytes a chip
 *             log2(n) alpha + v (n - 1) / (n beta)                     recursive doubling
 * all_reduce = reduce_scatter + all_gather. Latencies count as loads: while one tier's messages are under way
 * the other is idle. */
#include "network/tiers.h"

#include <math.h>
#include <string.h>

#include "network/ways.h"

/* Phases of the bucket algorithm on dimensions with unequal rates: part d holds the share rate_d / sum of the
 * data and visits dimension (d + phase) mod D in each phase; a phase lasts as long as its slowest part. */
static double torus_gather_time_s(const muir_server *server, const muir_group *group, double bytes)
{
    int dims[MUIR_DIMS], n = 0;
    double sum = 0.0, alpha_steps = 0.0, time_s = 0.0;
    for (int d = 0; d < MUIR_DIMS; d++) {
        if (group->extent[d] < 2) continue;
        dims[n++] = d;
        sum += group->rate[d];
        alpha_steps += group->hops[d];
    }
    double held[MUIR_DIMS] = {1.0, 1.0, 1.0}; /* what a chip still has to exchange, as a share of its part */
    for (int phase = 0; phase < n; phase++) {
        double slowest = 0.0;
        for (int part = 0; part < n; part++) {
            const int along = dims[(part + phase) % n];
            const double extent = (double)group->extent[along];
            const double part_bytes = bytes * group->rate[dims[part]] / sum * held[part];
            slowest = fmax(slowest, part_bytes * (extent - 1.0) / extent / group->rate[along]);
            held[part] /= extent;
        }
        time_s += slowest;
    }
    return time_s + alpha_steps * server->alpha_s;
}

/* all_gather or reduce_scatter of V bytes in all among the members inside a server. */
static double local_gather_time_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    const double q = (double)group->local;
    if (group->local < 2) return 0.0;
    if (fleet->server.topology == MUIR_TORUS) return torus_gather_time_s(&fleet->server, group, bytes);
    return (q - 1.0) * (fleet->server.alpha_s + bytes / q / muir_rate_local(fleet, group));
}

/* Every byte of a ring travels a quarter of it on average (a third of a line). */
double muir_tiers_exchange_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    const double q = (double)group->local;
    if (group->local < 2) return 0.0;
    if (fleet->server.topology != MUIR_TORUS)
        return (q - 1.0) * (fleet->server.alpha_s + bytes / q / muir_rate_local(fleet, group));
    double slowest = 0.0, alpha_steps = 0.0;
    for (int d = 0; d < MUIR_DIMS; d++) {
        if (group->extent[d] < 2) continue;
        const double extent = (double)group->extent[d];
        const double distance =
            group->hops[d] < extent - 1.0 ? extent / 4.0 : (extent * extent - 1.0) / (3.0 * extent);
        slowest = fmax(slowest, bytes * distance / group->rate[d]);
        alpha_steps += group->hops[d];
    }
    return slowest + alpha_steps * fleet->server.alpha_s;
}

/* all_gather or reduce_scatter of v bytes in all among the chips with the same place in their domains. */
static double between_gather_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    const double m = (double)group->servers;
    if (group->servers < 2) return 0.0;
    return ceil(log2(m)) * muir_step_between_s(fleet, group) +
           bytes * (m - 1.0) / m * (double)group->local / muir_rate_ports(fleet, group);
}

double muir_tiers_far_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    if (group->servers < 2) return 0.0;
    const double n = (double)group->servers, m = (double)group->site_servers;
    double alpha_s = fleet->fabric.alpha_s * ceil(log2(m));
    double bytes_s = bytes / muir_rate_far(fleet, group->is_beyond_leaf);
    if (group->sites > 1) { /* what other sites get passes at the same time as the rest */
        alpha_s += fleet->fabric.site_alpha_s * ceil(log2((double)group->sites));
        bytes_s = fmax(bytes_s, bytes * (n - m) / (n - 1.0) / muir_rate_site(fleet, muir_site_chips(fleet)));
    }
    return alpha_s + bytes_s;
}

muir_flow muir_tiers_in_turn(const muir_fleet *fleet, const muir_group *group, double local_s, double port_s,
                             double times)
{
    const bool is_wide = group->servers > 1;
    const double base_s = is_wide ? fleet->fabric.base_s : fleet->server.base_s;
    muir_flow flow;
    memset(&flow, 0, sizeof flow);
    flow.load_s[MUIR_LINK_LOCAL] = times * local_s + (is_wide ? 0.0 : base_s);
    flow.load_s[MUIR_LINK_PORT] = times * port_s + (is_wide ? base_s : 0.0);
    flow.time_s = base_s + times * (local_s + port_s);
    return flow;
}

static bool fits(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind)
{
    (void)group;
    (void)kind;
    return fleet->library.style == MUIR_TIERS;
}

static muir_flow tiers_flow(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                            double bytes)
{
    const double q = (double)group->local, p = (double)group->p, servers = (double)group->servers;
    if (muir_kind_is_exchange(kind)) {
        muir_flow flow = muir_tiers_in_turn(fleet, group, muir_tiers_exchange_s(fleet, group, bytes * q / p),
                                            muir_tiers_far_s(fleet, group, bytes * (p - q) / p), 1.0);
        flow.bytes[MUIR_LINK_LOCAL] = bytes * (q - 1.0) / p;
        flow.bytes[MUIR_LINK_PORT] = bytes * (p - q) / p;
        return flow;
    }
    const double times = muir_kind_is_all_reduce(kind) ? 2.0 : 1.0;
    muir_flow flow = muir_tiers_in_turn(fleet, group, local_gather_time_s(fleet, group, bytes),
                                        between_gather_s(fleet, group, bytes / q), times);
    flow.bytes[MUIR_LINK_LOCAL] = times * bytes * (q - 1.0) / q;
    flow.bytes[MUIR_LINK_PORT] = times * bytes / q * (servers - 1.0) / servers;
    return flow;
}

const muir_way muir_way_tiers = {
    .name = "tiers",
    .needs = "library.style=tiers",
    .fits = fits,
    .flow = tiers_flow,
    .source = "Jain and Sabharwal, ICS 2010; Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005",
};
