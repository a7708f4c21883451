/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of ways, and the choice among them. */
#include "network/ways.h"

#include <math.h>
#include <string.h>

#define WAY(id) extern const muir_way muir_way_##id;
#include "network/ways.def"
#undef WAY
static const muir_way *const ways[] = {
#define WAY(id) &muir_way_##id,
#include "network/ways.def"
#undef WAY
};

int muir_way_count(void)
{
    return (int)(sizeof ways / sizeof ways[0]);
}

const muir_way *muir_way_at(int i)
{
    return ways[i];
}

const muir_way *muir_way_find(const char *name)
{
    for (int i = 0; i < muir_way_count(); i++)
        if (strcmp(ways[i]->name, name) == 0) return ways[i];
    return NULL;
}

bool muir_kind_is_all_reduce(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_BARRIER;
}

bool muir_kind_is_part(muir_coll_kind kind)
{
    return kind == MUIR_ALL_GATHER || kind == MUIR_REDUCE_SCATTER;
}

bool muir_kind_is_exchange(muir_coll_kind kind)
{
    return kind == MUIR_ALL_TO_ALL || kind == MUIR_ALL_TO_ALLV || kind == MUIR_SEND_RECV;
}

/* Every chip of a site has a part of what its group's members on the site hold together, which it passes to
 * the chips with its place on the other sites, through links that all chips of a site share. */
static void cross_sites(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind, double bytes,
                        muir_flow *flow)
{
    const double sites = (double)group->sites, times = muir_kind_is_all_reduce(kind) ? 2.0 : 1.0;
    const double crossing = bytes / (double)(group->local * group->site_servers) * (sites - 1.0) / sites;
    const double load_s = crossing / muir_rate_site(fleet, muir_site_chips(fleet));
    const double alpha_s = ceil(log2(sites)) * fleet->fabric.site_alpha_s;
    const double base_s =
        group->site_servers == 1 ? fleet->fabric.base_s : 0.0; /* nobody left a server yet */
    flow->latency_s += base_s + times * alpha_s;
    flow->bytes[MUIR_LINK_SITE] += times * crossing;
    flow->load_s[MUIR_LINK_SITE] += times * load_s;
    flow->time_s += base_s + times * (alpha_s + load_s);
}

const muir_way *muir_way_choose(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                double bytes, const muir_way *forced, muir_flow *flow)
{
    const muir_way *best = NULL;
    memset(flow, 0, sizeof *flow);
    if (group->p < 2) return NULL;
    const bool is_crossing = group->sites > 1 && !muir_kind_is_exchange(kind);
    const muir_group part = is_crossing ? muir_group_on_site(group) : *group;
    if (part.p > 1)
        for (int i = 0; i < muir_way_count(); i++) {
            if (!ways[i]->fits(fleet, &part, kind)) continue;
            if (best && best == forced) continue;
            const muir_flow one = ways[i]->flow(fleet, &part, kind, bytes);
            if (best && one.time_s >= flow->time_s && ways[i] != forced) continue;
            best = ways[i];
            *flow = one;
        }
    if (is_crossing) cross_sites(fleet, group, kind, bytes, flow);
    return best;
}
