/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers: renewal of failures, slots and spares. */
#include "reliability/servers.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "reliability/servers_state.h"
#include "scenario/fault_log.h"

static muir_status make_arrays(muir_ctx *ctx, muir_servers *s)
{
    muir_status st = MUIR_OK;
    const char *what = "servers";
    const size_t n = (size_t)s->n, slots = (size_t)s->n_slots, units = (size_t)s->n_units;
    MUIR_TRY(muir_heap_create(ctx, s->n, &s->next));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->rate, what, &s->rate));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->is_lemon, what, &s->is_lemon));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->failed, what, &s->failed));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *s->is_retired, what, &s->is_retired));
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
static void draw_rate(muir_servers *s, int32_t server)
{
    const muir_faults_top *f = &s->scenario->faults.top;
    const muir_draw d = {(uint64_t)s->scenario->run.seed, MUIR_STREAM_SERVER, (uint64_t)server,
                         s->ordinal[server]};
    double rate = 1.0;
    if (f->spread > 0.0) rate = muir_draw_gamma(&d, MUIR_PURPOSE_SPREAD, f->spread) / f->spread;
    s->is_lemon[server] = muir_draw_uniform(&d, MUIR_PURPOSE_LEMON) < f->lemon_share;
    s->rate[server] = (float)(s->is_lemon[server] ? rate * f->lemon_factor : rate);
}

static double gap_of(const muir_servers *s, int32_t server, double units)
{
    return units * s->mean_gap_s / (double)s->rate[server];
}

/* Until a server's first failure, in units of its mean. */
static double first_of(const muir_servers *s, int32_t i)
{
    const muir_faults_top *f = &s->scenario->faults.top;
    const muir_draw d = muir_servers_draw(s, i);
    return f->age == MUIR_AGE_OLD ? muir_draw_weibull_rest(&d, MUIR_PURPOSE_REST, f->weibull)
                                  : muir_draw_weibull(&d, MUIR_PURPOSE_REST, f->weibull);
}

static muir_status place_servers(muir_ctx *ctx, muir_servers *s)
{
    const bool can_fail = !isinf(s->mean_gap_s); /* draws that nothing looks at would take seconds */
    muir_status st = MUIR_OK;
    for (int32_t i = 0; i < s->n && st == MUIR_OK; i++, st = muir_ctx_go_on(ctx)) {
        draw_rate(s, i);
        muir_heap_set(s->next, i, can_fail ? after(0, gap_of(s, i, first_of(s, i))) : INT64_MAX);
        s->slot_of[i] = i < s->n_slots ? i : -1;
        s->state[i] = i < s->n_slots ? MUIR_SERVER_IN_JOB : MUIR_SERVER_SPARE;
        if (i < s->n_slots)
            s->server_of[i] = i;
        else
            s->spare[s->n_spares++] = i;
    }
    return st;
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
    s->mean_gap_s = muir_faults_has_log(&scenario->faults)
                        ? INFINITY
                        : 8.64e7 / (f->rate * (double)scenario->fleet.server.chips);
    MUIR_TRY(make_arrays(ctx, s));
    MUIR_TRY(place_servers(ctx, s));
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
    free(s->is_lemon);
    free(s->failed);
    free(s->is_retired);
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

/* What is where. */

int32_t muir_servers_n(const muir_servers *s)
{
    return s->n;
}

muir_server_state muir_servers_state(const muir_servers *s, int32_t server)
{
    return (muir_server_state)s->state[server];
}

int32_t muir_servers_slot(const muir_servers *s, int32_t server)
{
    return s->slot_of[server];
}

bool muir_servers_is_out(const muir_servers *s, int32_t server)
{
    return s->state[server] >= MUIR_SERVER_IN_REPAIR;
}

int32_t muir_servers_n_out(const muir_servers *s)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++) n += muir_servers_is_out(s, i);
    return n;
}

int32_t muir_servers_n_spares(const muir_servers *s)
{
    return s->n_spares;
}

int32_t muir_servers_next(const muir_servers *s, int64_t *time_ns)
{
    const int32_t server = muir_heap_first(s->next);
    *time_ns = muir_heap_time_ns(s->next, server);
    return server;
}

int64_t muir_servers_time_ns(const muir_servers *s, int32_t server)
{
    return muir_heap_time_ns(s->next, server);
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
    const double gap = is_afresh ? muir_draw_weibull(&d, MUIR_PURPOSE_GAP, shape)
                                 : muir_draw_weibull_rest(&d, MUIR_PURPOSE_REST, shape);
    muir_heap_set(s->next, server, after(now_ns, gap_of(s, server, gap)));
}

void muir_servers_restart(muir_servers *s, int32_t server, int64_t now_ns)
{
    draw_gap(s, server, now_ns, true);
}

/* Takes the at-th spare out of the ring, the order of the others kept. */
static int32_t take_spare(muir_servers *s, int32_t at)
{
    const int32_t server = s->spare[(s->first_spare + at) % s->n];
    if (at == 0) s->first_spare = (s->first_spare + 1) % s->n;
    for (; at > 0 && at + 1 < s->n_spares; at++)
        s->spare[(s->first_spare + at) % s->n] = s->spare[(s->first_spare + at + 1) % s->n];
    s->n_spares--;
    return server;
}

/* The spare that takes a place: the one that waits longest, of equals in what is asked for. */
static int32_t select_spare(const muir_servers *s)
{
    const int how = s->scenario->faults.policy.selection;
    if (how == MUIR_SELECT_LATEST) return s->n_spares - 1;
    int32_t best = 0;
    for (int32_t i = 1; how == MUIR_SELECT_FEWEST && i < s->n_spares; i++)
        if (s->failed[s->spare[(s->first_spare + i) % s->n]] <
            s->failed[s->spare[(s->first_spare + best) % s->n]])
            best = i;
    return best;
}

void muir_servers_drain(muir_servers *s, int32_t server, int64_t back_ns, muir_server_state state)
{
    if (s->state[server] == MUIR_SERVER_SPARE) {
        int32_t at = 0;
        while (s->spare[(s->first_spare + at) % s->n] != server) at++;
        take_spare(s, at);
    }
    if (s->slot_of[server] >= 0) muir_servers_empty_slot(s, s->slot_of[server]);
    s->slot_of[server] = -1;
    s->state[server] = (uint8_t)state;
    muir_heap_set(s->next, server, back_ns);
}

/* A new server stands where the retired one did: no lemon, since those are found before they are put in. */
static void renew(muir_servers *s, int32_t server)
{
    draw_rate(s, server);
    if (s->is_lemon[server])
        s->rate[server] = (float)((double)s->rate[server] / s->scenario->faults.top.lemon_factor);
    s->is_lemon[server] = s->is_retired[server] = 0;
    s->failed[server] = 0;
}

static bool is_cured(const muir_servers *s, int32_t server)
{
    const muir_draw d = muir_servers_draw(s, server);
    return muir_draw_uniform(&d, MUIR_PURPOSE_CURED) < s->scenario->faults.policy.repair_cures;
}

void muir_servers_note_failure(muir_servers *s, int32_t server)
{
    s->failed[server]++;
}

uint32_t muir_servers_failed(const muir_servers *s, int32_t server)
{
    return s->failed[server];
}

void muir_servers_retire(muir_servers *s, int32_t server)
{
    s->is_retired[server] = 1;
}

void muir_servers_fails_at(muir_servers *s, int32_t server, int64_t time_ns)
{
    s->ordinal[server]++;
    muir_heap_set(s->next, server, time_ns);
}

void muir_servers_hold(muir_servers *s, int32_t server)
{
    muir_heap_set(s->next, server, INT64_MAX);
}

void muir_servers_return(muir_servers *s, int32_t server, int64_t now_ns)
{
    const double factor = s->scenario->faults.top.lemon_factor;
    const bool is_afresh = s->state[server] == MUIR_SERVER_IN_REPAIR;
    if (s->is_retired[server])
        renew(s, server);
    else if (is_afresh && s->is_lemon[server] && is_cured(s, server)) {
        s->rate[server] = (float)((double)s->rate[server] / factor);
        s->is_lemon[server] = 0;
    }
    s->state[server] = MUIR_SERVER_SPARE;
    s->spare[(s->first_spare + s->n_spares++) % s->n] = server;
    muir_heap_set(s->next, server, INT64_MAX);
    draw_gap(s, server, now_ns, is_afresh);
}

bool muir_servers_fill(muir_servers *s, int32_t slot)
{
    if (s->n_spares == 0) return false;
    muir_servers_occupy_slot(s, slot, take_spare(s, select_spare(s)));
    return true;
}

int32_t muir_servers_first_back(const muir_servers *s)
{
    int32_t first = -1;
    for (int32_t i = 0; i < s->n; i++)
        if (muir_servers_is_out(s, i) &&
            (first < 0 || muir_heap_time_ns(s->next, i) < muir_heap_time_ns(s->next, first)))
            first = i;
    return first;
}
