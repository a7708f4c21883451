/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs on leaves: placement, max-min rates, and steps from event to event. */
#include "network/jobs_place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { COMPUTING, WAITING };

/* A job on a leaf. */
typedef struct spot {
    int32_t job, leaf;
    double load; /* on its uplink at full rate [ports of servers] */
} spot;

/* Leaves with more than one job, whose uplinks jobs share. A leaf with one job limits that job only. */
typedef struct leaves {
    int32_t n;
    int64_t *of_leaf; /* [n + 1] spots of each leaf */
    spot *spots;      /* by leaf */
    int64_t *of_job;  /* [jobs + 1] */
    spot *by_job;     /* the same, by job */
    double *room;     /* [n] of its uplinks [ports of servers] */
    double *used;     /* [n] by jobs whose rates are found */
    double *rise;     /* [n] sum of the loads of jobs whose rates still rise */
    double *alone;    /* [jobs] the rate that a job has when nobody else is there */
} leaves;

/* Where a job is in its step. */
typedef struct player {
    const muir_job_load *load; /* borrowed */
    int phase;
    double compute_s, traffic_s; /* left of the phase: compute; traffic at full rate */
    double rate;                 /* of its traffic, 0 to 1 */
    bool is_rising;
    int64_t steps;
    double first_s, last_s; /* ends of its first and latest step */
} player;

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

static muir_status alloc_leaves(muir_ctx *ctx, int64_t n_leaves, int64_t under, int n, leaves *l)
{
    muir_status st = MUIR_OK;
    const size_t room = (size_t)n_leaves, spots = room * (size_t)(under < n ? under : n);
    MUIR_TRY(muir_alloc(ctx, room + 1, sizeof *l->of_leaf, "jobs on leaves", &l->of_leaf));
    MUIR_TRY(muir_alloc(ctx, (size_t)n + 1, sizeof *l->of_job, "jobs on leaves", &l->of_job));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *l->room, "jobs on leaves", &l->room));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *l->used, "jobs on leaves", &l->used));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *l->rise, "jobs on leaves", &l->rise));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *l->alone, "jobs on leaves", &l->alone));
    MUIR_TRY(muir_alloc(ctx, spots, sizeof *l->spots, "jobs on leaves", &l->spots));
    MUIR_TRY(muir_alloc(ctx, spots, sizeof *l->by_job, "jobs on leaves", &l->by_job));
    for (int j = 0; j < n; j++) l->alone[j] = 1.0;
done:
    return st;
}

static void free_leaves(leaves *l)
{
    free(l->of_leaf);
    free(l->of_job);
    free(l->room);
    free(l->used);
    free(l->rise);
    free(l->alone);
    free(l->spots);
    free(l->by_job);
}

/* Servers from `first` to `end` are a leaf with that much room: keeps it if jobs share it.
 * count   in/out  [jobs] zero
 * before  in/out  [jobs] servers on earlier leaves */
static void add_leaf(const muir_job_load *jobs, const int32_t *of_server, int64_t first, int64_t end,
                     double room, int64_t *count, int64_t *before, leaves *l, muir_job_share *share)
{
    const int64_t begin = l->of_leaf[l->n];
    int64_t used = begin;
    for (int64_t s = first; s < end; s++) {
        const int32_t j = of_server[s];
        if (j >= 0 && count[j]++ == 0) l->spots[used++] = (spot){j, l->n, 0.0};
    }
    const bool is_shared = used - begin > 1;
    for (int64_t k = begin; k < used; k++) {
        spot *at = &l->spots[k];
        at->load = load_of(&jobs[at->job], before[at->job], count[at->job]);
        before[at->job] += count[at->job];
        count[at->job] = 0;
        share[at->job].leaves++;
        share[at->job].shared += is_shared;
        share[at->job].uplink_ports += at->load;
        if (at->load > 0.0) l->alone[at->job] = fmin(l->alone[at->job], room / at->load);
    }
    if (!is_shared) return;
    l->room[l->n++] = room;
    l->of_leaf[l->n] = used;
}

/* The spots once more, in the order of jobs. */
static void sort_by_job(leaves *l, int n, int64_t *count)
{
    const int64_t spots = l->of_leaf[l->n];
    for (int64_t k = 0; k < spots; k++) count[l->spots[k].job]++;
    for (int j = 0; j < n; j++) {
        l->of_job[j + 1] = l->of_job[j] + count[j];
        count[j] = l->of_job[j];
    }
    for (int64_t k = 0; k < spots; k++) l->by_job[count[l->spots[k].job]++] = l->spots[k];
}

static muir_status open_leaves(muir_ctx *ctx, const muir_fleet *fleet, const muir_job_load *jobs, int n,
                               const muir_fabric_left *left, const int32_t *of_server, leaves *l,
                               muir_job_share *share)
{
    muir_status st = MUIR_OK;
    const int64_t under = fleet->fabric.leaf_servers, servers = fleet->top.servers;
    const int64_t n_leaves = (servers + under - 1) / under;
    int64_t *count = NULL, *before = NULL;
    MUIR_TRY(alloc_leaves(ctx, n_leaves, under, n, l));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *count, "jobs on leaves", &count));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *before, "jobs on leaves", &before));
    for (int64_t i = 0; i < n_leaves; i++) {
        const int64_t end = (i + 1) * under < servers ? (i + 1) * under : servers;
        const double room =
            (double)under / fleet->fabric.oversubscription * (left && left->leaf ? left->leaf[i] : 1.0);
        add_leaf(jobs, of_server, i * under, end, room, count, before, l, share);
    }
    for (int64_t s = 0; left && left->server && s < servers; s++)
        if (of_server[s] >= 0) l->alone[of_server[s]] = fmin(l->alone[of_server[s]], left->server[s]);
    sort_by_job(l, n, count);
done:
    free(count);
    free(before);
    return st;
}

/* A rising job stays at its rate. */
static void settle(leaves *l, player *p, int j, double rate)
{
    p->is_rising = false;
    p->rate = rate;
    for (int64_t k = l->of_job[j]; k < l->of_job[j + 1]; k++) {
        const spot *at = &l->by_job[k];
        l->used[at->leaf] += rate * at->load;
        l->rise[at->leaf] -= at->load;
    }
}

/* The level at which the next uplink is full, and which; no leaf: -1. */
static double next_full(const leaves *l, int32_t *leaf)
{
    static const double none = 1e-9; /* of loads, what rounding leaves when all jobs of a leaf have settled */
    double level = INFINITY;
    *leaf = -1;
    for (int32_t i = 0; i < l->n; i++) {
        if (l->rise[i] <= none || l->room[i] - l->used[i] >= l->rise[i] * level) continue;
        level = fmax(0.0, l->room[i] - l->used[i]) / l->rise[i];
        *leaf = i;
    }
    return level;
}

/* Max-min rates of the jobs that have traffic: all rise together until an uplink is full or a job has all
 * that it could have alone. */
static void find_rates(leaves *l, player *players, int n)
{
    int rising = 0;
    memset(l->used, 0, (size_t)l->n * sizeof *l->used);
    memset(l->rise, 0, (size_t)l->n * sizeof *l->rise);
    for (int j = 0; j < n; j++) {
        players[j].is_rising = players[j].traffic_s > 0.0;
        if (!players[j].is_rising) continue;
        rising++;
        for (int64_t k = l->of_job[j]; k < l->of_job[j + 1]; k++)
            l->rise[l->by_job[k].leaf] += l->by_job[k].load;
    }
    while (rising > 0) {
        int32_t leaf = -1;
        int least = -1;
        const double level = next_full(l, &leaf);
        for (int j = 0; j < n; j++)
            if (players[j].is_rising && (least < 0 || l->alone[j] < l->alone[least])) least = j;
        if (leaf < 0 || l->alone[least] <= level) {
            settle(l, &players[least], least, l->alone[least]);
            rising--;
            continue;
        }
        for (int64_t k = l->of_leaf[leaf]; k < l->of_leaf[leaf + 1]; k++) {
            const int j = l->spots[k].job;
            if (!players[j].is_rising || l->spots[k].load <= 0.0) continue;
            settle(l, &players[j], j, level);
            rising--;
        }
        l->rise[leaf] = 0.0;
    }
}

static void begin_step(player *p)
{
    p->phase = COMPUTING;
    p->compute_s = p->load->compute_s;
    p->traffic_s = p->load->hidden_s;
}

/* Ends what is over; true where traffic starts or ends, which changes rates. */
static bool turn(player *p, double now_s)
{
    static const double none = 1e-15;
    bool is_changed = false;
    for (int rounds = 0; rounds < 4; rounds++) {
        if (p->traffic_s <= none && p->traffic_s > 0.0) p->traffic_s = 0.0, is_changed = true;
        if (p->compute_s > none || p->traffic_s > none) return is_changed;
        p->compute_s = p->traffic_s = 0.0;
        is_changed = true;
        if (p->phase == COMPUTING) {
            p->phase = WAITING;
            p->traffic_s = p->load->exposed_s;
            continue;
        }
        p->steps++;
        if (p->steps == 1) p->first_s = now_s;
        p->last_s = now_s;
        begin_step(p);
    }
    return is_changed;
}

static void play(leaves *l, player *players, int n, int64_t steps, int64_t *events)
{
    double now_s = 0.0;
    int64_t least = 0, played = 0;
    find_rates(l, players, n);
    while (least < steps) {
        double next_s = INFINITY;
        bool is_changed = false;
        for (int j = 0; j < n; j++) {
            const player *p = &players[j];
            if (p->compute_s > 0.0) next_s = fmin(next_s, p->compute_s);
            if (p->traffic_s > 0.0) next_s = fmin(next_s, p->traffic_s / p->rate);
        }
        now_s += next_s;
        played++;
        least = INT64_MAX;
        for (int j = 0; j < n; j++) {
            player *p = &players[j];
            p->compute_s = fmax(0.0, p->compute_s - next_s);
            if (p->traffic_s > 0.0) {
                p->traffic_s = fmax(0.0, p->traffic_s - p->rate * next_s);
                is_changed = is_changed || p->traffic_s == 0.0;
            }
            if (turn(p, now_s)) is_changed = true;
            least = p->steps < least ? p->steps : least;
        }
        if (is_changed) find_rates(l, players, n);
    }
    if (events) *events += played;
}

static void start(player *p, const muir_job_load *load)
{
    memset(p, 0, sizeof *p);
    p->load = load;
    p->phase = COMPUTING;
    p->compute_s = load->start_s; /* waits for its start as if it computed */
    if (load->start_s > 0.0)
        p->steps = -1;
    else
        begin_step(p);
    turn(p, 0.0); /* who computes nothing waits for traffic at once */
}

static void find_alone(const leaves *l, const muir_job_load *jobs, int n, muir_job_share *share)
{
    for (int j = 0; j < n; j++) {
        const double rate = l->alone[j], traffic_s = (jobs[j].hidden_s + jobs[j].exposed_s) / rate;
        share[j].alone_s = fmax(jobs[j].compute_s, jobs[j].hidden_s / rate) + jobs[j].exposed_s / rate;
        share[j].uplink_ports *= rate * traffic_s / share[j].alone_s;
    }
}

static muir_status check_left(muir_ctx *ctx, const char *what, const double *left, int64_t n)
{
    for (int64_t i = 0; left && i < n; i++)
        if (!(left[i] > 0.0 && left[i] <= 1.0))
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "the share left of %s %lld is %g, but must be above 0 and at most 1", what,
                             (long long)i, left[i]);
    return MUIR_OK;
}

static muir_status check_jobs(muir_ctx *ctx, const muir_fleet *fleet, const muir_job_load *jobs, int n,
                              const muir_fabric_left *left)
{
    muir_status st = MUIR_OK;
    const int64_t under = fleet->fabric.leaf_servers, n_leaves = (fleet->top.servers + under - 1) / under;
    for (int j = 0; j < n; j++)
        if (jobs[j].servers < 1 || !(jobs[j].compute_s + jobs[j].exposed_s > 0.0))
            return muir_fail(ctx, MUIR_ERR_ARG, "job %d has no servers, or steps that take no time", j);
    if (!left) return MUIR_OK;
    MUIR_TRY(check_left(ctx, "the uplinks of leaf", left->leaf, n_leaves));
    MUIR_TRY(check_left(ctx, "the ports of server", left->server, fleet->top.servers));
done:
    return st;
}

muir_status muir_jobs_share(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, const muir_fabric_left *left, int64_t steps,
                            int32_t *of_server, muir_job_share *share, int64_t *events)
{
    muir_status st = MUIR_OK;
    leaves l = {.n = 0};
    player *players = NULL;
    int32_t *places = NULL;
    if (events) *events = 0;
    MUIR_TRY(check_jobs(ctx, fleet, jobs, n, left));
    memset(share, 0, (size_t)n * sizeof *share);
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *players, "jobs", &players));
    MUIR_TRY(muir_alloc(ctx, (size_t)fleet->top.servers, sizeof *places, "places of jobs", &places));
    MUIR_TRY(muir_jobs_place(ctx, fleet, placement, seed, jobs, n, places));
    MUIR_TRY(open_leaves(ctx, fleet, jobs, n, left, places, &l, share));
    find_alone(&l, jobs, n, share);
    for (int j = 0; j < n; j++) start(&players[j], &jobs[j]);
    play(&l, players, n, steps, events);
    for (int j = 0; j < n; j++) {
        share[j].step_s = (players[j].last_s - players[j].first_s) / (double)(players[j].steps - 1);
        share[j].slowdown = share[j].step_s / share[j].alone_s;
    }
    if (of_server) memcpy(of_server, places, (size_t)fleet->top.servers * sizeof *places);
done:
    free(players);
    free(places);
    free_leaves(&l);
    return st;
}
