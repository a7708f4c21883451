/* SPDX-License-Identifier: BSD-3-Clause */
/* Progressive filling over the uplinks that bind. */
#include "network/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LEAST_ROOM = 64, MOST_NEW = 16, FRESH = 4096 };
static const double ROUNDING = 1e-9; /* relative, of loads that are added and taken away again */

struct muir_rates {
    const muir_uplinks *u; /* borrowed */
    bool *talks;           /* [jobs] */
    bool *rising;          /* [jobs] */
    int32_t *by_alone;     /* [jobs] in the order of their rates alone */
    double *rate, *next;   /* [jobs] */
    double *used;          /* [uplinks] at `rate` */
    int32_t *place;        /* [uplinks] among the watched ones; -1: not watched */
    int32_t *watched;      /* [room] uplinks */
    bool *has_bound;       /* [room] held somebody up in the last filling */
    double *filled, *rise; /* [room] by jobs whose rates are found; by those that rise */
    double *loads;         /* [jobs, room] of watched uplinks */
    int32_t n, room;
    int64_t settled; /* times, for the sums to be made afresh */
    bool is_stale;
};

/* In the order of what they could have alone, by insertion: jobs are few, and most are alike. */
static void order_jobs(muir_rates *r)
{
    const double *alone = r->u->alone;
    for (int j = 0; j < r->u->n_jobs; j++) {
        int at = j;
        for (; at > 0 && alone[r->by_alone[at - 1]] > alone[j]; at--) r->by_alone[at] = r->by_alone[at - 1];
        r->by_alone[at] = j;
    }
}

static void watch(muir_rates *r, int32_t uplink)
{
    const muir_uplinks *u = r->u;
    const int32_t at = r->n++;
    r->watched[at] = uplink;
    r->place[uplink] = at;
    for (int j = 0; j < u->n_jobs; j++) r->loads[(size_t)j * (size_t)r->room + (size_t)at] = 0.0;
    for (int64_t k = u->of_uplink[uplink]; k < u->of_uplink[uplink + 1]; k++)
        r->loads[(size_t)u->loads[k].job * (size_t)r->room + (size_t)at] = u->loads[k].load;
}

/* Watches only those that bound: the rates are the same without the others. */
static void forget(muir_rates *r)
{
    const int32_t n = r->n;
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) r->place[r->watched[i]] = -1;
    for (int32_t i = 0; i < n; i++)
        if (r->has_bound[i]) r->watched[kept++] = r->watched[i];
    r->n = 0;
    for (int32_t i = 0; i < kept; i++) watch(r, r->watched[i]);
}

/* A rising job stays at that rate. */
static void fix(muir_rates *r, int j, double rate)
{
    const double *load = &r->loads[(size_t)j * (size_t)r->room];
    r->rising[j] = false;
    r->next[j] = rate;
    for (int32_t i = 0; i < r->n; i++) {
        r->filled[i] += rate * load[i];
        r->rise[i] -= load[i];
    }
}

/* Rates under the watched uplinks. */
static void fill(muir_rates *r)
{
    const muir_uplinks *u = r->u;
    int rising = 0, next = 0;
    for (int32_t i = 0; i < r->n; i++) {
        r->filled[i] = r->rise[i] = 0.0;
        r->has_bound[i] = false;
    }
    for (int j = 0; j < u->n_jobs; j++) {
        const double *load = &r->loads[(size_t)j * (size_t)r->room];
        r->next[j] = 0.0;
        r->rising[j] = r->talks[j];
        rising += r->talks[j];
        for (int32_t i = 0; r->talks[j] && i < r->n; i++) r->rise[i] += load[i];
    }
    while (rising > 0) {
        double level = INFINITY;
        int32_t full = -1;
        for (int32_t i = 0; i < r->n; i++) {
            const double room = fmax(0.0, u->room[r->watched[i]] - r->filled[i]);
            if (r->rise[i] <= ROUNDING || room >= r->rise[i] * level) continue;
            level = room / r->rise[i];
            full = i;
        }
        while (!r->rising[r->by_alone[next]]) next++;
        if (full < 0 || u->alone[r->by_alone[next]] <= level) {
            fix(r, r->by_alone[next], u->alone[r->by_alone[next]]);
            rising--;
            continue;
        }
        r->has_bound[full] = true;
        const int32_t uplink = r->watched[full];
        for (int64_t k = u->of_uplink[uplink]; k < u->of_uplink[uplink + 1]; k++) {
            if (!r->rising[u->loads[k].job] || u->loads[k].load <= 0.0) continue;
            fix(r, u->loads[k].job, level);
            rising--;
        }
        r->rise[full] = 0.0;
    }
}

/* The new rates' loads on all uplinks. */
static void load_up(muir_rates *r)
{
    const muir_uplinks *u = r->u;
    const bool is_fresh = r->settled++ % FRESH == 0;
    if (is_fresh) memset(r->used, 0, (size_t)u->n * sizeof *r->used);
    for (int j = 0; j < u->n_jobs; j++) {
        const double by = is_fresh ? r->next[j] : r->next[j] - r->rate[j];
        if (!is_fresh && fabs(by) <= ROUNDING * r->next[j]) continue;
        r->rate[j] = r->next[j];
        for (int64_t k = u->of_job[j]; k < u->of_job[j + 1]; k++)
            r->used[u->by_job[k].uplink] += by * u->by_job[k].load;
    }
}

/* Watches up to MOST_NEW uplinks that are overfull by most; false: there are none. */
static bool watch_overfull(muir_rates *r)
{
    int32_t worst[MOST_NEW];
    double by[MOST_NEW];
    int n = 0;
    for (int32_t i = 0; i < r->u->n; i++) {
        if (r->used[i] <= r->u->room[i] * (1.0 + ROUNDING) || r->place[i] >= 0) continue;
        const double over = r->used[i] / r->u->room[i];
        if (n == MOST_NEW && over <= by[n - 1]) continue;
        int at = n < MOST_NEW ? n++ : n - 1;
        for (; at > 0 && by[at - 1] < over; at--) {
            by[at] = by[at - 1];
            worst[at] = worst[at - 1];
        }
        by[at] = over;
        worst[at] = i;
    }
    if (r->n + n > r->room) forget(r);
    for (int i = 0; i < n; i++) watch(r, worst[i]);
    return n > 0;
}

void muir_rates_talk(muir_rates *r, int job, bool is_talking)
{
    r->is_stale = r->is_stale || r->talks[job] != is_talking;
    r->talks[job] = is_talking;
}

void muir_rates_settle(muir_rates *r)
{
    if (!r->is_stale) return;
    r->is_stale = false;
    do {
        fill(r);
        load_up(r);
    } while (watch_overfull(r));
}

double muir_rates_of(const muir_rates *r, int job)
{
    return r->rate[job];
}

muir_status muir_rates_create(muir_ctx *ctx, const muir_uplinks *u, muir_rates **out)
{
    muir_status st = MUIR_OK;
    muir_rates *r = NULL;
    const size_t jobs = (size_t)u->n_jobs, uplinks = (size_t)u->n;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r, "rates", &r));
    r->u = u;
    r->room = 2 * u->n_jobs + LEAST_ROOM + MOST_NEW; /* at most a job each binds */
    const size_t room = (size_t)r->room;
    MUIR_TRY(muir_alloc(ctx, jobs, sizeof *r->talks, "rates", &r->talks));
    MUIR_TRY(muir_alloc(ctx, jobs, sizeof *r->rising, "rates", &r->rising));
    MUIR_TRY(muir_alloc(ctx, jobs, sizeof *r->by_alone, "rates", &r->by_alone));
    MUIR_TRY(muir_alloc(ctx, jobs, sizeof *r->rate, "rates", &r->rate));
    MUIR_TRY(muir_alloc(ctx, jobs, sizeof *r->next, "rates", &r->next));
    MUIR_TRY(muir_alloc(ctx, uplinks, sizeof *r->used, "rates", &r->used));
    MUIR_TRY(muir_alloc(ctx, uplinks, sizeof *r->place, "rates", &r->place));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *r->watched, "rates", &r->watched));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *r->has_bound, "rates", &r->has_bound));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *r->filled, "rates", &r->filled));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *r->rise, "rates", &r->rise));
    MUIR_TRY(muir_alloc(ctx, room * jobs, sizeof *r->loads, "rates", &r->loads));
    for (int32_t i = 0; i < u->n; i++) r->place[i] = -1;
    order_jobs(r);
    *out = r;
    r = NULL;
done:
    muir_rates_destroy(&r);
    return st;
}

void muir_rates_destroy(muir_rates **rates)
{
    muir_rates *r = *rates;
    if (!r) return;
    free(r->talks);
    free(r->rising);
    free(r->by_alone);
    free(r->rate);
    free(r->next);
    free(r->used);
    free(r->place);
    free(r->watched);
    free(r->has_bound);
    free(r->filled);
    free(r->rise);
    free(r->loads);
    free(r);
    *rates = NULL;
}
