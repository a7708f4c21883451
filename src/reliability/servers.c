/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers: renewal of failures, slots and spares. */
#include "reliability/servers.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { DRAW_SPREAD = 0, DRAW_LEMON = 200, DRAW_FIRST = 128, DRAW_GAP = 0 };

static muir_status make_arrays(muir_ctx *ctx, muir_servers *s)
{
    muir_status st = MUIR_OK;
    const char *what = "servers";
    const size_t n = (size_t)s->n, slots = (size_t)s->n_slots, units = (size_t)s->n_units;
    MUIR_TRY(muir_heap_create(ctx, s->n, &s->next));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->rate, what, &s->rate));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->ordinal, what, &s->ordinal));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->state, what, &s->state));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->slot_of, what, &s->slot_of));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->spare, what, &s->spare));
    MUIR_TRY(muir_alloc(ctx, slots, sizeof *s->server_of, what, &s->server_of));
    MUIR_TRY(muir_alloc(ctx, slots, sizeof *s->empty, what, &s->empty));
    MUIR_TRY(muir_alloc(ctx, slots, sizeof *s->moved, what, &s->moved));
    MUIR_TRY(muir_alloc(ctx, slots, sizeof *s->is_moved, what, &s->is_moved));
    MUIR_TRY(muir_alloc(ctx, units, sizeof *s->missing, what, &s->missing));
    MUIR_TRY(muir_alloc(ctx, units, sizeof *s->ready_ns, what, &s->ready_ns));
    MUIR_TRY(muir_alloc(ctx, units, sizeof *s->cause, what, &s->cause));
    MUIR_TRY(muir_alloc(ctx, units, sizeof *s->is_down, what, &s->is_down));
    MUIR_TRY(muir_alloc(ctx, units, sizeof *s->down, what, &s->down));
done:
    return st;
}

/* now + gap, far enough below the largest number that more can be added. */
static int64_t after(int64_t now_ns, double gap_s)
{
    const double most_s = 4.0e9;
    return now_ns + llrint((gap_s < most_s ? gap_s : most_s) * 1e9);
}

/* Mean 1; lemons come on top, and the mean tends to 1 as they are repaired. */
static float draw_rate(const muir_servers *s, int32_t server)
{
    const muir_faults_top *f = &s->scenario->faults.top;
    const muir_draw d = {(uint64_t)s->scenario->run.seed, MUIR_STREAM_SERVER, (uint64_t)server, 0};
    double rate = 1.0;
    if (f->spread > 0.0) rate = muir_draw_gamma(&d, DRAW_SPREAD, f->spread) / f->spread;
    if (muir_draw_uniform(&d, DRAW_LEMON) < f->lemon_share)
        rate *= -f->lemon_factor; /* the sign marks a lemon */
    return (float)rate;
}

static double gap_of(const muir_servers *s, int32_t server, double units)
{
    return units * s->mean_gap_s / fabs((double)s->rate[server]);
}

static void place_servers(muir_servers *s)
{
    const muir_faults_top *f = &s->scenario->faults.top;
    for (int32_t i = 0; i < s->n; i++) {
        s->rate[i] = draw_rate(s, i);
        const muir_draw d = muir_servers_draw(s, i);
        const double first = f->age == MUIR_AGE_OLD ? muir_draw_weibull_rest(&d, DRAW_FIRST, f->weibull)
                                                    : muir_draw_weibull(&d, DRAW_FIRST, f->weibull);
        s->next->time_ns[i] = f->rate > 0.0 ? after(0, gap_of(s, i, first)) : INT64_MAX;
        s->slot_of[i] = i < s->n_slots ? i : -1;
        s->state[i] = i < s->n_slots ? MUIR_SERVER_IN_JOB : MUIR_SERVER_SPARE;
        if (i < s->n_slots)
            s->server_of[i] = i;
        else
            s->spare[s->n_spares++] = i;
    }
    muir_heap_order(s->next);
}

muir_status muir_servers_create(muir_ctx *ctx, const muir_scenario *scenario, muir_servers **out)
{
    muir_status st = MUIR_OK;
    muir_servers *s = NULL;
    const muir_faults_top *f = &scenario->faults.top;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *s, "servers", &s));
    s->scenario = scenario;
    s->n = (int32_t)scenario->fleet.top.servers; /* at most 1e8 */
    s->n_slots = (int32_t)(scenario->fleet.top.servers - scenario->spare_servers);
    s->unit_replicas = (int32_t)muir_job_expert_replicas(&scenario->job);
    s->n_units = (int32_t)(scenario->job.parallel.dp / s->unit_replicas);
    s->mean_gap_s = 8.64e7 / (f->rate * (double)scenario->fleet.server.chips);
    MUIR_TRY(make_arrays(ctx, s));
    place_servers(s);
    *out = s;
    s = NULL;
done:
    muir_servers_destroy(&s);
    return st;
}

void muir_servers_destroy(muir_servers **servers)
{
    muir_servers *s = *servers;
    if (!s) return;
    muir_heap_destroy(&s->next);
    free(s->rate);
    free(s->ordinal);
    free(s->state);
    free(s->slot_of);
    free(s->spare);
    free(s->server_of);
    free(s->empty);
    free(s->moved);
    free(s->is_moved);
    free(s->missing);
    free(s->ready_ns);
    free(s->cause);
    free(s->is_down);
    free(s->down);
    free(s);
    *servers = NULL;
}

muir_draw muir_servers_draw(const muir_servers *s, int32_t server)
{
    return (muir_draw){(uint64_t)s->scenario->run.seed, MUIR_STREAM_FAULT, (uint64_t)server,
                       s->ordinal[server]};
}

/* The next failure: of a server that starts afresh, or of one of unknown age. */
static void draw_gap(muir_servers *s, int32_t server, int64_t now_ns, bool is_afresh)
{
    const double shape = s->scenario->faults.top.weibull;
    s->ordinal[server]++;
    if (isinf(s->mean_gap_s)) return;
    const muir_draw d = muir_servers_draw(s, server);
    const double gap =
        is_afresh ? muir_draw_weibull(&d, DRAW_GAP, shape) : muir_draw_weibull_rest(&d, DRAW_FIRST, shape);
    muir_heap_set(s->next, server, after(now_ns, gap_of(s, server, gap)));
}

void muir_servers_restart(muir_servers *s, int32_t server, int64_t now_ns)
{
    draw_gap(s, server, now_ns, true);
}

static void note_move(muir_servers *s, int32_t slot)
{
    if (s->is_moved[slot]) return;
    s->is_moved[slot] = 1;
    s->moved[s->n_moved++] = slot;
}

static void count_missing(muir_servers *s, int32_t slot, int by)
{
    int64_t first, last;
    muir_servers_groups(s, slot, &first, &last);
    for (int64_t g = first; g <= last; g++)
        s->missing[muir_group_replica(&s->scenario->job, g) / s->unit_replicas] += by;
}

static void empty_slot(muir_servers *s, int32_t slot)
{
    s->server_of[slot] = -1;
    s->empty[s->n_empty++] = slot;
    count_missing(s, slot, 1);
}

static void occupy_slot(muir_servers *s, int32_t slot, int32_t server)
{
    int32_t at = 0;
    while (s->empty[at] != slot) at++;
    s->empty[at] = s->empty[--s->n_empty];
    s->server_of[slot] = server;
    s->slot_of[server] = slot;
    s->state[server] = MUIR_SERVER_IN_JOB;
    count_missing(s, slot, -1);
    note_move(s, slot);
}

void muir_servers_drain(muir_servers *s, int32_t server, int64_t back_ns, muir_server_state state)
{
    if (s->state[server] == MUIR_SERVER_SPARE) { /* out of the ring, order kept */
        int32_t at = 0;
        while (s->spare[(s->first_spare + at) % s->n] != server) at++;
        for (; at + 1 < s->n_spares; at++)
            s->spare[(s->first_spare + at) % s->n] = s->spare[(s->first_spare + at + 1) % s->n];
        s->n_spares--;
    }
    if (s->slot_of[server] >= 0) empty_slot(s, s->slot_of[server]);
    s->slot_of[server] = -1;
    s->state[server] = (uint8_t)state;
    muir_heap_set(s->next, server, back_ns);
}

void muir_servers_return(muir_servers *s, int32_t server, int64_t now_ns)
{
    const double factor = s->scenario->faults.top.lemon_factor;
    const bool is_afresh = s->state[server] == MUIR_SERVER_IN_REPAIR;
    if (is_afresh && s->rate[server] < 0.0f) s->rate[server] = (float)(-(double)s->rate[server] / factor);
    s->state[server] = MUIR_SERVER_SPARE;
    s->spare[(s->first_spare + s->n_spares++) % s->n] = server;
    muir_heap_set(s->next, server, INT64_MAX);
    draw_gap(s, server, now_ns, is_afresh);
}

bool muir_servers_fill(muir_servers *s, int32_t slot)
{
    if (s->n_spares == 0) return false;
    const int32_t server = s->spare[s->first_spare];
    s->first_spare = (s->first_spare + 1) % s->n;
    s->n_spares--;
    occupy_slot(s, slot, server);
    return true;
}

int32_t muir_servers_first_back(const muir_servers *s)
{
    int32_t first = -1;
    for (int32_t i = 0; i < s->n; i++)
        if (muir_servers_is_out(s, i) && (first < 0 || s->next->time_ns[i] < s->next->time_ns[first]))
            first = i;
    return first;
}

void muir_servers_settle(muir_servers *s)
{
    while (s->n_moved > 0) s->is_moved[s->moved[--s->n_moved]] = 0;
}

/* Moves a server of the job to another slot. */
static void move_server(muir_servers *s, int32_t from, int32_t to)
{
    const int32_t server = s->server_of[from];
    empty_slot(s, from);
    occupy_slot(s, to, server);
}

/* Groups, units. */

int64_t muir_group_stage(const muir_job *job, int64_t group)
{
    const muir_parallel *p = &job->parallel;
    return p->order == MUIR_ORDER_PP_OUTERMOST ? group / p->dp : group % p->pp;
}

int64_t muir_group_replica(const muir_job *job, int64_t group)
{
    const muir_parallel *p = &job->parallel;
    return p->order == MUIR_ORDER_PP_OUTERMOST ? group % p->dp : group / p->pp;
}

void muir_servers_groups(const muir_servers *s, int32_t slot, int64_t *first, int64_t *last)
{
    const int64_t chips = s->scenario->fleet.server.chips, job_chips = muir_job_chips(&s->scenario->job);
    const int64_t group = s->scenario->job.parallel.tp * s->scenario->job.parallel.cp;
    const int64_t end = (slot + 1) * chips;
    *first = slot * chips / group;
    *last = ((end < job_chips ? end : job_chips) - 1) / group;
}

void muir_servers_down(muir_servers *s, int32_t slot, int64_t ready_ns, int kind)
{
    int64_t first, last;
    muir_servers_groups(s, slot, &first, &last);
    for (int64_t g = first; g <= last; g++) {
        const int64_t unit = muir_group_replica(&s->scenario->job, g) / s->unit_replicas;
        if (!s->is_down[unit]) {
            s->is_down[unit] = 1;
            s->down[s->n_down++] = (int32_t)unit;
            s->cause[unit] = kind;
            s->ready_ns[unit] = 0;
        }
        if (ready_ns > s->ready_ns[unit]) s->ready_ns[unit] = ready_ns;
    }
}

bool muir_servers_is_idle(const muir_servers *s, int32_t slot)
{
    int64_t first, last;
    muir_servers_groups(s, slot, &first, &last);
    for (int64_t g = first; g <= last; g++)
        if (!s->is_down[muir_group_replica(&s->scenario->job, g) / s->unit_replicas]) return false;
    return true;
}

/* The empty slot whose unit lacks least, of equals the first. */
static int32_t best_empty(const muir_servers *s, int32_t *lacks, int64_t *unit)
{
    int32_t best = -1;
    for (int32_t i = 0; i < s->n_empty; i++) {
        int64_t first, last;
        muir_servers_groups(s, s->empty[i], &first, &last);
        const int64_t u = muir_group_replica(&s->scenario->job, first) / s->unit_replicas;
        if (best >= 0 && (s->missing[u] > *lacks || (s->missing[u] == *lacks && s->empty[i] > best)))
            continue;
        best = s->empty[i];
        *lacks = s->missing[u];
        *unit = u;
    }
    return best;
}

/* A slot with a server and none but idle units, of this unit; -1 if it has none. */
static int32_t idle_slot(const muir_servers *s, int64_t unit)
{
    const muir_parallel *p = &s->scenario->job.parallel;
    const int64_t group = p->tp * p->cp, chips = s->scenario->fleet.server.chips;
    for (int64_t r = unit * s->unit_replicas; r < (unit + 1) * s->unit_replicas; r++)
        for (int64_t stage = 0; stage < p->pp; stage++) {
            const int64_t g = p->order == MUIR_ORDER_PP_OUTERMOST ? stage * p->dp + r : r * p->pp + stage;
            for (int64_t slot = g * group / chips; slot <= ((g + 1) * group - 1) / chips; slot++)
                if (s->server_of[slot] >= 0 && muir_servers_is_idle(s, (int32_t)slot)) return (int32_t)slot;
        }
    return -1;
}

/* A server of a unit that lacks more than `unit` does. */
static int32_t donor(const muir_servers *s, int64_t unit, int32_t lacks)
{
    int32_t best = -1, slot = -1;
    for (int32_t i = 0; i < s->n_down; i++) {
        const int32_t u = s->down[i];
        const bool lacks_more = s->missing[u] > lacks || (s->missing[u] == lacks && u > unit);
        if (u == unit || s->missing[u] == 0 || !lacks_more) continue;
        if (best >= 0 &&
            (s->missing[u] < s->missing[best] || (s->missing[u] == s->missing[best] && u < best)))
            continue;
        const int32_t found = idle_slot(s, u);
        if (found >= 0) best = u, slot = found;
    }
    return slot;
}

void muir_servers_refill(muir_servers *s, int64_t ready_ns)
{
    int32_t lacks = 0;
    int64_t unit = -1;
    for (int32_t moves = 0; s->n_empty > 0 && moves < s->n_slots; moves++) {
        const int32_t slot = best_empty(s, &lacks, &unit);
        const int32_t from = s->n_spares > 0 ? -1 : donor(s, unit, lacks);
        if (s->n_spares > 0)
            muir_servers_fill(s, slot);
        else if (from >= 0)
            move_server(s, from, slot);
        else
            break;
        muir_servers_down(s, slot, ready_ns, 0); /* down already: sets when it is ready */
    }
}

int32_t muir_servers_join(muir_servers *s, int64_t now_ns)
{
    int32_t joined = 0;
    for (int32_t i = 0; i < s->n_down;) {
        const int32_t unit = s->down[i];
        if (s->missing[unit] > 0 || s->ready_ns[unit] > now_ns) {
            i++;
            continue;
        }
        s->is_down[unit] = 0;
        s->down[i] = s->down[--s->n_down];
        joined++;
    }
    return joined;
}
