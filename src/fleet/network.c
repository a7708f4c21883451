/* SPDX-License-Identifier: BSD-3-Clause */
/* Alpha-beta times over scale-up links and fabric. */
#include "fleet/network.h"

#include <math.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The largest divisor of n up to `most`. */
static int64_t divisor_below(int64_t n, int64_t most)
{
    while (n % most != 0) most--;
    return most;
}

/* Members along each torus dimension. Chips of a server are numbered x fastest. Members `step` apart in a
 * ring leave room for `step` such groups on the same links, which share them. Members of a step that does not
 * divide the ring lie scattered; they count as closer together, by the next step that does. */
static void place_on_torus(const muir_fleet *fleet, int64_t stride, muir_group *group)
{
    const muir_server *server = &fleet->server;
    const double link[MUIR_DIMS] = {server->link_x_byte_per_s, server->link_y_byte_per_s,
                                    server->link_z_byte_per_s};
    int64_t step = stride, left = group->local;
    for (int d = 0; d < MUIR_DIMS; d++) {
        const int64_t size = muir_fleet_side(fleet, d);
        group->extent[d] = 1;
        group->rate[d] = group->hops[d] = 0.0;
        if (step >= size) {
            step /= size;
            continue;
        }
        step = divisor_below(size, step);
        const int64_t extent = least(size / step, left);
        if (extent <= 1) continue;
        const bool is_ring = extent * step == size && size > 2;
        group->extent[d] = (int)extent;
        group->rate[d] = (is_ring ? 2.0 : 1.0) * link[d] * server->efficiency / (double)step;
        group->hops[d] = is_ring ? floor((double)extent / 2.0) : (double)extent - 1.0;
        left = (left + extent - 1) / extent;
        step = 1;
    }
}

/* Of a number of servers, how many scale-up domains they are. */
static int64_t domains(const muir_fleet *fleet, int64_t servers)
{
    const int64_t n = servers / (muir_fleet_domain(fleet) / fleet->server.chips);
    return n > 0 ? n : 1;
}

/* A collective walks its members in order, so of the m members under a leaf only one talks through the uplink
 * at a time, which the leaf's groups share: the port is slowed by oversubscription / m, if at all. */
static void place_on_leaves(const muir_fleet *fleet, int64_t apart, muir_group *group)
{
    const int64_t under_leaf = least(group->servers, domains(fleet, fleet->fabric.leaf_servers) / apart);
    group->is_beyond_leaf = under_leaf < group->servers;
    group->uplink_share = 1.0;
    if (group->is_beyond_leaf)
        group->uplink_share = fmin(1.0, fmax(1.0, (double)under_leaf) / fleet->fabric.oversubscription);
}

/* A group strides through whole sites. */
static void place_on_sites(const muir_fleet *fleet, int64_t apart, muir_group *group)
{
    const int64_t on_site =
        fleet->fabric.site_servers > 0 ? domains(fleet, fleet->fabric.site_servers) / apart : INT64_MAX;
    group->site_servers = least(group->servers, on_site > 0 ? on_site : 1);
    group->sites = (group->servers + group->site_servers - 1) / group->site_servers;
}

muir_group muir_group_place(const muir_fleet *fleet, int64_t stride, int64_t p)
{
    const int64_t chips = muir_fleet_domain(fleet);
    muir_group group;
    memset(&group, 0, sizeof group);
    group.p = p;
    group.local = stride < chips ? least(p, chips / stride) : 1;
    group.servers = (p + group.local - 1) / group.local;
    const int64_t apart = stride < chips ? 1 : (stride + chips - 1) / chips; /* servers between neighbours */
    place_on_leaves(fleet, apart, &group);
    place_on_sites(fleet, apart, &group);
    if (fleet->server.topology == MUIR_TORUS) place_on_torus(fleet, stride, &group);
    return group;
}

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
static double local_gather_time_s(const muir_server *server, const muir_group *group, double bytes)
{
    const double q = (double)group->local;
    if (group->local < 2) return 0.0;
    if (server->topology == MUIR_TORUS) return torus_gather_time_s(server, group, bytes);
    return (q - 1.0) * (server->alpha_s + bytes / q / (server->port_byte_per_s * server->efficiency));
}

/* Every byte of a ring travels a quarter of it on average (a third of a line), over all links of the
 * dimension. */
static double local_exchange_time_s(const muir_server *server, const muir_group *group, double bytes)
{
    const double q = (double)group->local;
    if (group->local < 2) return 0.0;
    if (server->topology == MUIR_SWITCH)
        return (q - 1.0) * (server->alpha_s + bytes / q / (server->port_byte_per_s * server->efficiency));
    double slowest = 0.0, alpha_steps = 0.0;
    for (int d = 0; d < MUIR_DIMS; d++) {
        if (group->extent[d] < 2) continue;
        const double extent = (double)group->extent[d];
        const double distance =
            group->hops[d] < extent - 1.0 ? extent / 4.0 : (extent * extent - 1.0) / (3.0 * extent);
        slowest = fmax(slowest, bytes * distance / group->rate[d]);
        alpha_steps += group->hops[d];
    }
    return slowest + alpha_steps * server->alpha_s;
}

static double port_rate(const muir_fabric *fabric)
{
    return fabric->port_byte_per_s * fabric->efficiency;
}

/* Rate of traffic between any two chips, not only neighbours. */
static double far_rate(const muir_fabric *fabric, bool is_beyond_leaf)
{
    return port_rate(fabric) / (is_beyond_leaf ? fabric->oversubscription : 1.0);
}

static double site_chips(const muir_fleet *fleet)
{
    return (double)fleet->fabric.site_servers * (double)fleet->server.chips;
}

/* A chip's rate to other sites while so many chips of its site send there. */
static double site_rate(const muir_fleet *fleet, double chips)
{
    return fmin(port_rate(&fleet->fabric), fleet->fabric.site_byte_per_s / chips);
}

/* all_gather or reduce_scatter of v bytes in all among the chips with the same place in their servers, then
 * among those with the same place in their sites. */
static double fabric_gather_time_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    const double m = (double)group->site_servers, sites = (double)group->sites;
    double time_s = 0.0;
    if (group->site_servers > 1)
        time_s = ceil(log2(m)) * fleet->fabric.alpha_s +
                 bytes * (m - 1.0) / m / (port_rate(&fleet->fabric) * group->uplink_share);
    if (group->sites > 1)
        time_s += ceil(log2(sites)) * fleet->fabric.site_alpha_s +
                  bytes / m * (sites - 1.0) / sites / site_rate(fleet, site_chips(fleet));
    return time_s;
}

/* An all_to_all in which each chip sends so many bytes to other servers. */
static double fabric_exchange_time_s(const muir_fleet *fleet, const muir_group *group, double bytes)
{
    if (group->servers < 2) return 0.0;
    const double n = (double)group->servers, m = (double)group->site_servers;
    double alpha_s = fleet->fabric.alpha_s * ceil(log2(m));
    double bytes_s = bytes / far_rate(&fleet->fabric, group->is_beyond_leaf);
    if (group->sites > 1) { /* what other sites get passes beside the rest */
        alpha_s += fleet->fabric.site_alpha_s * ceil(log2((double)group->sites));
        bytes_s = fmax(bytes_s, bytes * (n - m) / (n - 1.0) / site_rate(fleet, site_chips(fleet)));
    }
    return alpha_s + bytes_s;
}

muir_port_times muir_ports_sum(muir_port_times a, muir_port_times b, double times)
{
    return (muir_port_times){a.time_s + times * b.time_s, a.local_s + times * b.local_s,
                             a.fabric_s + times * b.fabric_s};
}

/* Parts one after the other, `times` over, behind the base time of the widest level. */
static muir_port_times in_turn(const muir_fleet *fleet, const muir_group *group, double local_s,
                               double fabric_s, double times)
{
    const bool is_wide = group->servers > 1;
    const double base_s = is_wide ? fleet->fabric.base_s : fleet->server.base_s;
    return (muir_port_times){base_s + times * (local_s + fabric_s),
                             times * local_s + (is_wide ? 0.0 : base_s),
                             times * fabric_s + (is_wide ? base_s : 0.0)};
}

muir_port_times muir_coll_ports(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                double bytes)
{
    if (group->p < 2) return (muir_port_times){0.0, 0.0, 0.0};
    const double q = (double)group->local, p = (double)group->p;
    if (kind == MUIR_ALL_TO_ALL || kind == MUIR_ALL_TO_ALLV)
        return in_turn(fleet, group, local_exchange_time_s(&fleet->server, group, bytes * q / p),
                       fabric_exchange_time_s(fleet, group, bytes * (p - q) / p), 1.0);
    return in_turn(fleet, group, local_gather_time_s(&fleet->server, group, bytes),
                   fabric_gather_time_s(fleet, group, bytes / q), kind == MUIR_ALL_REDUCE ? 2.0 : 1.0);
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
    const double local_s = local_exchange_time_s(&fleet->server, group, token_bytes * p * chip_share);
    if (group->servers < 2) return in_turn(fleet, group, local_s, 0.0, 1.0);
    const double crossing = token_bytes * (p - q) / q * server_share;
    muir_port_times ports =
        in_turn(fleet, group, local_s, fabric_exchange_time_s(fleet, group, crossing), 1.0);
    ports.time_s = fmax(ports.local_s + fleet->fabric.base_s, ports.fabric_s);
    return ports;
}

/* Inside a server. */
static double near_time_s(const muir_fleet *fleet, int64_t stride, double bytes)
{
    const muir_server *server = &fleet->server;
    if (server->topology == MUIR_SWITCH)
        return server->alpha_s + bytes / (server->port_byte_per_s * server->efficiency);
    const muir_group pair = muir_group_place(fleet, stride, 2);
    double rate = 0.0;
    for (int d = 0; d < MUIR_DIMS; d++) rate = fmax(rate, pair.rate[d]);
    return server->alpha_s + bytes / rate;
}

/* To another site, while so many chips send. */
static double crossing_time_s(const muir_fleet *fleet, double chips, double bytes)
{
    return fleet->fabric.site_alpha_s + bytes / site_rate(fleet, fmin(chips, site_chips(fleet)));
}

muir_port_times muir_p2p_ports(const muir_fleet *fleet, int64_t stride, double bytes)
{
    const int64_t chips = muir_fleet_domain(fleet), site = fleet->fabric.site_servers;
    if (2 * stride <= chips) { /* as muir_group_place: else most of such pairs are of two domains */
        const double near_s = near_time_s(fleet, stride, bytes);
        return (muir_port_times){near_s, near_s, 0.0};
    }
    const bool is_beyond_leaf = stride / chips >= domains(fleet, fleet->fabric.leaf_servers);
    const double time_s = site > 0 && stride / chips >= domains(fleet, site)
                              ? crossing_time_s(fleet, (double)stride, bytes)
                              : fleet->fabric.alpha_s + bytes / far_rate(&fleet->fabric, is_beyond_leaf);
    return (muir_port_times){time_s, 0.0, time_s};
}

double muir_p2p_time_s(const muir_fleet *fleet, int64_t stride, double bytes)
{
    return muir_p2p_ports(fleet, stride, bytes).time_s;
}

muir_port_times muir_hop_ports(const muir_fleet *fleet, int64_t stride, int64_t stages, int64_t hops,
                               double bytes)
{
    const double chips = site_chips(fleet), span = (double)stride * (double)stages;
    const muir_port_times none = {0.0, 0.0, 0.0}, ports = muir_p2p_ports(fleet, stride * hops, bytes);
    if (chips <= 0.0 || span <= chips || (hops == 1 && (double)stride >= chips)) return ports;
    const double cross_s = crossing_time_s(fleet, (double)stride, bytes);
    const muir_port_times cross = {cross_s, 0.0, cross_s};
    if (hops > 1) return cross;
    const double share =
        (ceil(span / chips) - 1.0) / ((double)stages - 1.0); /* borders of sites among those of stages */
    return muir_ports_sum(muir_ports_sum(none, ports, 1.0 - share), cross, share);
}
