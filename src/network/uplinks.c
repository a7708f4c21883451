/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs on leaves, leaves that are alike taken together. */
#include "network/uplinks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What goes through the leaves one after the other. */
typedef struct builder {
    muir_uplinks *u;           /* borrowed */
    const muir_job_load *jobs; /* borrowed */
    const int32_t *of_server;  /* borrowed */
    muir_job_share *share;     /* borrowed */
    int64_t *count;            /* [jobs] zero between leaves */
    int64_t *before;           /* [jobs] servers on earlier leaves */
    int32_t *seen;             /* [n_seen] uplinks by what is on them; -1: none */
    uint64_t n_seen;           /* a power of two */
} builder;

/* Ports of servers that a job's `here` servers under a leaf, its first-th and the next ones, load on the
 * uplink: groups that lie on the leaf's border are cut, those inside load nothing. */
static double load_of(const muir_job_load *job, int64_t first, int64_t here)
{
    const int64_t group = job->group > 0 && job->group < job->servers ? job->group : job->servers;
    double cut = 0.0;
    if (here == job->servers) return 0.0;
    for (int64_t at = first; at < first + here;) {
        const int64_t begin = at / group * group;
        const int64_t size = begin + group < job->servers ? group : job->servers - begin;
        const int64_t end = begin + size < first + here ? begin + size : first + here;
        const double m = (double)(end - at);
        cut += m * (1.0 - m / (double)size);
        at = end;
        if (at < first + here && at % group == 0) { /* whole groups in between */
            const int64_t whole = (first + here - at) / group * group;
            at += whole;
        }
    }
    return 1.0 - job->far + job->far * cut;
}

static int by_number(const void *a, const void *b)
{
    const int32_t x = ((const muir_uplink_load *)a)->job, y = ((const muir_uplink_load *)b)->job;
    return (x > y) - (x < y);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static uint64_t bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool is_same(const muir_uplinks *u, int32_t other, double room, int64_t begin, int64_t end)
{
    const int64_t first = u->of_uplink[other];
    if (u->room[other] != room || u->of_uplink[other + 1] - first != end - begin) return false;
    for (int64_t k = 0; k < end - begin; k++)
        if (u->loads[first + k].job != u->loads[begin + k].job ||
            u->loads[first + k].load != u->loads[begin + k].load)
            return false;
    return true;
}

/* Keeps the loads from `begin` to `end` as the next uplink unless there is one like it. */
static void keep(builder *b, double room, int64_t begin, int64_t end)
{
    muir_uplinks *u = b->u;
    uint64_t hash = bits_of(room);
    for (int64_t k = begin; k < end; k++)
        hash = mix(mix(hash, (uint64_t)u->loads[k].job), bits_of(u->loads[k].load));
    uint64_t at = hash & (b->n_seen - 1);
    while (b->seen[at] >= 0) {
        if (is_same(u, b->seen[at], room, begin, end)) return;
        at = (at + 1) & (b->n_seen - 1);
    }
    b->seen[at] = u->n;
    u->room[u->n++] = room;
    u->of_uplink[u->n] = end;
}

/* Servers from `first` to `end` are a leaf with that much room. */
static void add_leaf(builder *b, int64_t first, int64_t end, double room)
{
    muir_uplinks *u = b->u;
    const int64_t begin = u->of_uplink[u->n];
    int64_t used = begin;
    for (int64_t s = first; s < end; s++) {
        const int32_t j = b->of_server[s];
        if (j >= 0 && b->count[j]++ == 0) u->loads[used++] = (muir_uplink_load){j, u->n, 0.0};
    }
    const bool is_shared = used - begin > 1;
    for (int64_t k = begin; k < used; k++) {
        muir_uplink_load *at = &u->loads[k];
        muir_job_share *share = &b->share[at->job];
        at->load = load_of(&b->jobs[at->job], b->before[at->job], b->count[at->job]);
        b->before[at->job] += b->count[at->job];
        b->count[at->job] = 0;
        share->leaves++;
        share->shared += is_shared;
        share->uplink_ports += at->load;
        if (at->load > 0.0) u->alone[at->job] = fmin(u->alone[at->job], room / at->load);
    }
    if (!is_shared) return;
    qsort(&u->loads[begin], (size_t)(used - begin), sizeof *u->loads, by_number);
    keep(b, room, begin, used);
}

/* Takes out uplinks that are never full: no job is faster than alone. */
static void drop_idle(muir_uplinks *u)
{
    int32_t kept = 0;
    int64_t end = 0;
    for (int32_t i = 0; i < u->n; i++) {
        const int64_t first = u->of_uplink[i], n = u->of_uplink[i + 1] - first;
        double most = 0.0;
        for (int64_t k = 0; k < n; k++) most += u->alone[u->loads[first + k].job] * u->loads[first + k].load;
        if (most <= u->room[i]) continue;
        memmove(&u->loads[end], &u->loads[first], (size_t)n * sizeof *u->loads);
        for (int64_t k = end; k < end + n; k++) u->loads[k].uplink = kept;
        u->of_uplink[kept] = end;
        u->room[kept++] = u->room[i];
        end += n;
    }
    u->n = kept;
    u->of_uplink[kept] = end;
}

/* The loads once more, in the order of jobs. */
static void sort_by_job(muir_uplinks *u, int64_t *count)
{
    const int64_t n = u->of_uplink[u->n];
    for (int64_t k = 0; k < n; k++) count[u->loads[k].job]++;
    for (int j = 0; j < u->n_jobs; j++) {
        u->of_job[j + 1] = u->of_job[j] + count[j];
        count[j] = u->of_job[j];
    }
    for (int64_t k = 0; k < n; k++) u->by_job[count[u->loads[k].job]++] = u->loads[k];
}

static muir_status make_room(muir_ctx *ctx, int64_t n_leaves, int64_t under, int n, muir_uplinks *u)
{
    muir_status st = MUIR_OK;
    const size_t room = (size_t)n_leaves, loads = room * (size_t)(under < n ? under : n);
    MUIR_TRY(muir_alloc(ctx, room + 1, sizeof *u->of_uplink, "jobs on leaves", &u->of_uplink));
    MUIR_TRY(muir_alloc(ctx, (size_t)n + 1, sizeof *u->of_job, "jobs on leaves", &u->of_job));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *u->room, "jobs on leaves", &u->room));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *u->alone, "jobs on leaves", &u->alone));
    MUIR_TRY(muir_alloc(ctx, loads, sizeof *u->loads, "jobs on leaves", &u->loads));
    MUIR_TRY(muir_alloc(ctx, loads, sizeof *u->by_job, "jobs on leaves", &u->by_job));
    for (int j = 0; j < n; j++) u->alone[j] = 1.0;
done:
    return st;
}

muir_status muir_uplinks_find(muir_ctx *ctx, const muir_fleet *fleet, const muir_job_load *jobs, int n,
                              const muir_fabric_left *left, const int32_t *of_server, muir_job_share *share,
                              muir_uplinks *u)
{
    muir_status st = MUIR_OK;
    const int64_t under = fleet->fabric.leaf_servers, servers = fleet->top.servers;
    const int64_t n_leaves = (servers + under - 1) / under;
    builder b = {.u = u, .jobs = jobs, .of_server = of_server, .share = share, .n_seen = 2};
    *u = (muir_uplinks){.n_jobs = n};
    while (b.n_seen < 2 * (uint64_t)n_leaves) b.n_seen *= 2;
    MUIR_TRY(make_room(ctx, n_leaves, under, n, u));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *b.count, "jobs on leaves", &b.count));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *b.before, "jobs on leaves", &b.before));
    MUIR_TRY(muir_alloc(ctx, b.n_seen, sizeof *b.seen, "jobs on leaves", &b.seen));
    memset(b.seen, 0xff, b.n_seen * sizeof *b.seen);
    for (int64_t i = 0; i < n_leaves; i++)
        add_leaf(&b, i * under, (i + 1) * under < servers ? (i + 1) * under : servers,
                 (double)under / fleet->fabric.oversubscription * (left && left->leaf ? left->leaf[i] : 1.0));
    for (int64_t s = 0; left && left->server && s < servers; s++)
        if (of_server[s] >= 0) u->alone[of_server[s]] = fmin(u->alone[of_server[s]], left->server[s]);
    drop_idle(u);
    sort_by_job(u, b.count);
done:
    free(b.count);
    free(b.before);
    free(b.seen);
    return st;
}

void muir_uplinks_free(muir_uplinks *u)
{
    free(u->of_uplink);
    free(u->of_job);
    free(u->room);
    free(u->alone);
    free(u->loads);
    free(u->by_job);
    *u = (muir_uplinks){.n = 0};
}
