/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers in slots of the job, and units of replicas, which train when all their slots are filled. */
#include "models/layout.h"
#include "reliability/servers_state.h"

int32_t muir_servers_n_slots(const muir_servers *s)
{
    return s->n_slots;
}

int32_t muir_servers_at(const muir_servers *s, int32_t slot)
{
    return s->server_of[slot];
}

int32_t muir_servers_n_empty(const muir_servers *s)
{
    return s->n_empty;
}

int32_t muir_servers_an_empty(const muir_servers *s)
{
    return s->empty[0];
}

int32_t muir_servers_n_units(const muir_servers *s)
{
    return s->n_units;
}

int32_t muir_servers_unit_replicas(const muir_servers *s)
{
    return s->unit_replicas;
}

int32_t muir_servers_n_down(const muir_servers *s)
{
    return s->n_down;
}

int muir_servers_down_kind(const muir_servers *s, int32_t i)
{
    return s->cause[s->down[i]];
}

void muir_servers_groups(const muir_servers *s, int32_t slot, int64_t *first, int64_t *last)
{
    const int64_t chips = s->scenario->fleet.server.chips, job_chips = muir_job_chips(&s->scenario->job);
    const int64_t end = (slot + 1) * chips;
    muir_layout_groups_of(&s->scenario->job, slot * chips, (end < job_chips ? end : job_chips) - 1, first,
                          last);
}

static int64_t unit_of(const muir_servers *s, int64_t group)
{
    return muir_layout_replica(&s->scenario->job, group) / s->unit_replicas;
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
    for (int64_t g = first; g <= last; g++) s->missing[unit_of(s, g)] += by;
}

void muir_servers_empty_slot(muir_servers *s, int32_t slot)
{
    s->server_of[slot] = -1;
    s->empty[s->n_empty++] = slot;
    count_missing(s, slot, 1);
}

void muir_servers_occupy_slot(muir_servers *s, int32_t slot, int32_t server)
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

void muir_servers_settle(muir_servers *s)
{
    while (s->n_moved > 0) s->is_moved[s->moved[--s->n_moved]] = 0;
}

/* Moves a server of the job to another slot. */
static void move_server(muir_servers *s, int32_t from, int32_t to)
{
    const int32_t server = s->server_of[from];
    muir_servers_empty_slot(s, from);
    muir_servers_occupy_slot(s, to, server);
}

/* Units. */

void muir_servers_down(muir_servers *s, int32_t slot, int64_t ready_ns, int kind)
{
    int64_t first, last;
    muir_servers_groups(s, slot, &first, &last);
    for (int64_t g = first; g <= last; g++) {
        const int64_t unit = unit_of(s, g);
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
        if (!s->is_down[unit_of(s, g)]) return false;
    return true;
}

bool muir_servers_trains(const muir_servers *s, int32_t server)
{
    return s->slot_of[server] >= 0 && !muir_servers_is_idle(s, s->slot_of[server]);
}

void muir_servers_raise_all(muir_servers *s)
{
    while (s->n_down > 0) s->is_down[s->down[--s->n_down]] = 0;
}

void muir_servers_show(const muir_servers *s, muir_disturbance *d)
{
    d->down = s->down;
    d->n_down = s->n_down;
    d->unit_replicas = s->unit_replicas;
    d->moved = s->moved;
    d->n_moved = s->n_moved;
}

/* The empty slot whose unit lacks least, of equals the first. */
static int32_t best_empty(const muir_servers *s, int32_t *lacks, int64_t *unit)
{
    int32_t best = -1;
    for (int32_t i = 0; i < s->n_empty; i++) {
        int64_t first, last;
        muir_servers_groups(s, s->empty[i], &first, &last);
        const int64_t u = unit_of(s, first);
        if (best >= 0 && (s->missing[u] > *lacks || (s->missing[u] == *lacks && s->empty[i] > best)))
            continue;
        best = s->empty[i];
        *lacks = s->missing[u];
        *unit = u;
    }
    return best;
}

int32_t muir_servers_pipeline(const muir_servers *s, int32_t slot, int32_t *slots, int32_t most)
{
    const muir_job *job = &s->scenario->job;
    const int64_t group = muir_layout_group_chips(job), chips = s->scenario->fleet.server.chips;
    int64_t first, last;
    int32_t n = 0;
    muir_servers_groups(s, slot, &first, &last);
    const int64_t replica = muir_layout_replica(job, first);
    for (int64_t stage = 0; stage < job->parallel.pp; stage++) {
        const int64_t g = muir_layout_group(job, stage, replica);
        for (int64_t k = g * group / chips; k <= ((g + 1) * group - 1) / chips && n < most; k++)
            slots[n++] = (int32_t)k;
    }
    return n;
}

static bool has_part(const muir_servers *s, int32_t slot, int64_t unit)
{
    int64_t first, last;
    muir_servers_groups(s, slot, &first, &last);
    for (int64_t g = first; g <= last; g++)
        if (unit_of(s, g) == unit) return true;
    return false;
}

/* A slot with a server and none but idle units, of this unit, without a part of the unit that takes: units
 * that share their servers would pass one to and fro. -1 if there is none. */
static int32_t idle_slot(const muir_servers *s, int64_t unit, int64_t taker)
{
    const muir_job *job = &s->scenario->job;
    const int64_t group = muir_layout_group_chips(job), chips = s->scenario->fleet.server.chips;
    for (int64_t r = unit * s->unit_replicas; r < (unit + 1) * s->unit_replicas; r++)
        for (int64_t stage = 0; stage < job->parallel.pp; stage++) {
            const int64_t g = muir_layout_group(job, stage, r);
            for (int64_t slot = g * group / chips; slot <= ((g + 1) * group - 1) / chips; slot++)
                if (s->server_of[slot] >= 0 && muir_servers_is_idle(s, (int32_t)slot) &&
                    !has_part(s, (int32_t)slot, taker))
                    return (int32_t)slot;
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
        const int32_t found = idle_slot(s, u, unit);
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
