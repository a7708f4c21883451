/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups on tori, servers, leaves and sites. */
#include "network/group.h"

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

int64_t muir_group_domains(const muir_fleet *fleet, int64_t servers)
{
    const int64_t n = servers / (muir_fleet_domain(fleet) / fleet->server.chips);
    return n > 0 ? n : 1;
}

/* A collective walks its members in order, so of the m members under a leaf only one talks through the uplink
 * at a time, which the leaf's groups share: the port is slowed by oversubscription / m, if at all. */
static void place_on_leaves(const muir_fleet *fleet, int64_t apart, muir_group *group)
{
    const int64_t under_leaf =
        least(group->servers, muir_group_domains(fleet, fleet->fabric.leaf_servers) / apart);
    group->is_beyond_leaf = under_leaf < group->servers;
    group->uplink_share = 1.0;
    if (group->is_beyond_leaf)
        group->uplink_share = fmin(1.0, fmax(1.0, (double)under_leaf) / fleet->fabric.oversubscription);
}

/* A group strides through whole sites. */
static void place_on_sites(const muir_fleet *fleet, int64_t apart, muir_group *group)
{
    const int64_t on_site = fleet->fabric.site_servers > 0
                                ? muir_group_domains(fleet, fleet->fabric.site_servers) / apart
                                : INT64_MAX;
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

muir_group muir_group_on_site(const muir_group *group)
{
    muir_group part = *group;
    if (group->sites < 2) return part;
    part.servers = group->site_servers;
    part.p = part.servers * part.local;
    part.sites = 1;
    return part;
}
