/* SPDX-License-Identifier: BSD-3-Clause */
/* Placements: orders in which jobs take servers. */
#include "network/jobs_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define NAME(constant, name) [constant] = name,
static const char *const names[] = {MUIR_PLACEMENT_LIST(NAME)};
#undef NAME

muir_placement muir_placement_find(const char *name)
{
    int i = 0;
    while (i < MUIR_PLACEMENT_COUNT && strcmp(names[i], name) != 0) i++;
    return (muir_placement)i;
}

const char *muir_placement_name(muir_placement placement)
{
    return names[placement];
}

static void shuffle(int64_t *order, int64_t n, uint64_t seed)
{
    for (int64_t i = n - 1; i > 0; i--) {
        const double u = muir_rng_uniform_at(seed, MUIR_STREAM_PLACEMENT, 0, (uint64_t)i);
        const int64_t k = (int64_t)(u * (double)(i + 1)), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

/* Servers in the order in which jobs take them.
 * leaf_order  in/out  room for an order of leaves */
static void order_servers(muir_placement placement, int64_t servers, int64_t under_leaf, uint64_t seed,
                          int64_t *order, int64_t *leaf_order)
{
    const int64_t n_leaves = (servers + under_leaf - 1) / under_leaf;
    const bool is_scattered = placement == MUIR_PLACEMENT_SCATTERED;
    int64_t n = 0;
    for (int64_t l = 0; l < n_leaves; l++) leaf_order[l] = l;
    if (placement == MUIR_PLACEMENT_BY_LEAF) shuffle(leaf_order, n_leaves, seed);
    for (int64_t a = 0; a < (is_scattered ? under_leaf : n_leaves); a++)
        for (int64_t b = 0; b < (is_scattered ? n_leaves : under_leaf); b++) {
            const int64_t server = leaf_order[is_scattered ? b : a] * under_leaf + (is_scattered ? a : b);
            if (server < servers) order[n++] = server;
        }
    if (placement == MUIR_PLACEMENT_RANDOM) shuffle(order, servers, seed);
}

muir_status muir_jobs_place(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, int32_t *of_server)
{
    muir_status st = MUIR_OK;
    const int64_t servers = fleet->top.servers;
    int64_t *order = NULL, *leaf_order = NULL, at = 0;
    MUIR_TRY(muir_alloc(ctx, (size_t)servers, sizeof *order, "places of jobs", &order));
    MUIR_TRY(muir_alloc(ctx, (size_t)servers, sizeof *leaf_order, "places of jobs", &leaf_order));
    order_servers(placement, servers, fleet->fabric.leaf_servers, seed, order, leaf_order);
    for (int64_t i = 0; i < servers; i++) of_server[i] = -1;
    for (int j = 0; j < n; j++)
        for (int64_t k = 0; k < jobs[j].servers; k++) {
            if (at == servers)
                MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "the jobs need more servers than the fleet's %lld",
                                   (long long)servers));
            of_server[order[at++]] = j;
        }
done:
    free(order);
    free(leaf_order);
    return st;
}

/* The next numbers of a list: first to last; false at its end or where it is no list. */
static bool next_range(const char **at, int64_t *first, int64_t *last)
{
    char *end = NULL;
    *at += strspn(*at, " ,");
    if (!**at) return false;
    *first = *last = strtoll(*at, &end, 10);
    if (end == *at || *first < 0) return false;
    if (*end == '-') {
        const char *second = end + 1;
        *last = strtoll(second, &end, 10);
        if (end == second || *last < *first) return false;
    }
    *at = end;
    return *end == '\0' || strchr(" ,", *end) != NULL;
}

static muir_status take_listed(muir_ctx *ctx, const muir_fleet *fleet, const char *list, int64_t servers,
                               int32_t job, int32_t *of_server)
{
    const char *at = list;
    int64_t first = 0, last = 0, n = 0;
    while (next_range(&at, &first, &last)) {
        if (last >= fleet->top.servers)
            return muir_fail(ctx, MUIR_ERR_ARG, "server %lld is not in the fleet of %lld servers",
                             (long long)last, (long long)fleet->top.servers);
        for (int64_t s = first; s <= last; s++, n++) {
            if (of_server[s] >= 0)
                return muir_fail(ctx, MUIR_ERR_ARG, "server %lld has a job already", (long long)s);
            of_server[s] = job;
        }
    }
    if (*at)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "placement is '%.60s', but must be packed, by_leaf, scattered, random or servers such as "
            "0-63 128",
            list);
    if (n != servers)
        return muir_fail(ctx, MUIR_ERR_ARG, "the list has %lld servers, but the job takes %lld", (long long)n,
                         (long long)servers);
    return MUIR_OK;
}

muir_status muir_jobs_take(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                           const char *list, int64_t servers, int32_t job, int32_t *of_server)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)fleet->top.servers;
    int64_t *order = NULL, *leaf_order = NULL, taken = 0;
    if (list) return take_listed(ctx, fleet, list, servers, job, of_server);
    MUIR_TRY(muir_alloc(ctx, n, sizeof *order, "places of jobs", &order));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *leaf_order, "places of jobs", &leaf_order));
    order_servers(placement, fleet->top.servers, fleet->fabric.leaf_servers, seed, order, leaf_order);
    for (size_t i = 0; i < n && taken < servers; i++) {
        if (of_server[order[i]] >= 0) continue;
        of_server[order[i]] = job;
        taken++;
    }
    if (taken < servers)
        st = muir_fail(ctx, MUIR_ERR_ARG, "the jobs need more servers than the fleet's %lld",
                       (long long)fleet->top.servers);
done:
    free(order);
    free(leaf_order);
    return st;
}
