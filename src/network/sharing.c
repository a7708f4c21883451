/* SPDX-License-Identifier: BSD-3-Clause */
/* Phases of jobs from event to event; between two events everything is linear. */
#include "network/sharing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Where a job is in its step. */
typedef enum phase { IDLE, STILL, COMPUTING, WAITING, ENDED } phase;

typedef struct player {
    phase phase;
    double left_s;    /* standing still or computing */
    double traffic_s; /* left at full rate */
    muir_shared_step step;
} player;

struct muir_sharing {
    muir_rates *rates;
    const muir_uplinks *u; /* borrowed */
    player *players;       /* [jobs] */
    double now_s;
    int64_t events;
    int n_ended; /* whose end has not been told */
};

/* Goes through phases that are over. */
static void turn(muir_sharing *s, int j)
{
    player *p = &s->players[j];
    while (p->phase != IDLE && p->phase != ENDED && p->left_s <= 0.0 && p->traffic_s <= 0.0) {
        if (p->phase == STILL) {
            p->phase = COMPUTING;
            p->left_s = p->step.compute_s;
            p->traffic_s = p->step.hidden_s;
        } else if (p->phase == COMPUTING) {
            p->phase = WAITING;
            p->traffic_s = p->step.exposed_s;
        } else {
            p->phase = ENDED;
            s->n_ended++;
        }
    }
    muir_rates_talk(s->rates, j, p->traffic_s > 0.0);
}

void muir_sharing_begin(muir_sharing *s, int job, const muir_shared_step *step)
{
    s->players[job] = (player){.phase = STILL, .left_s = step->still_s, .step = *step};
    turn(s, job);
}

/* To the next end of a phase or of some traffic; false: no job runs. */
static bool advance(muir_sharing *s)
{
    double next_s = INFINITY;
    muir_rates_settle(s->rates);
    for (int j = 0; j < s->u->n_jobs; j++) {
        const player *p = &s->players[j];
        if (p->left_s > 0.0) next_s = fmin(next_s, p->left_s);
        if (p->traffic_s > 0.0) next_s = fmin(next_s, p->traffic_s / muir_rates_of(s->rates, j));
    }
    if (isinf(next_s)) return false;
    s->now_s += next_s;
    s->events++;
    const double none_s = 1e-12 * next_s; /* rounding must not leave an event of no length */
    for (int j = 0; j < s->u->n_jobs; j++) {
        player *p = &s->players[j];
        if (p->phase == IDLE || p->phase == ENDED) continue;
        p->left_s -= next_s;
        if (p->left_s <= none_s) p->left_s = 0.0;
        p->traffic_s -= muir_rates_of(s->rates, j) * next_s;
        if (p->traffic_s <= none_s) p->traffic_s = 0.0;
        turn(s, j);
    }
    return true;
}

int muir_sharing_next(muir_sharing *s, double *now_s)
{
    while (s->n_ended == 0)
        if (!advance(s)) return -1;
    int job = 0;
    while (s->players[job].phase != ENDED) job++;
    s->players[job].phase = IDLE;
    s->n_ended--;
    *now_s = s->now_s;
    return job;
}

double muir_sharing_alone_s(const muir_sharing *s, int job, const muir_shared_step *step)
{
    const double rate = s->u->alone[job];
    return step->still_s + fmax(step->compute_s, step->hidden_s / rate) + step->exposed_s / rate;
}

int64_t muir_sharing_events(const muir_sharing *s)
{
    return s->events;
}

muir_status muir_sharing_create(muir_ctx *ctx, const muir_uplinks *u, muir_sharing **out)
{
    muir_status st = MUIR_OK;
    muir_sharing *s = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *s, "jobs", &s));
    s->u = u;
    MUIR_TRY(muir_alloc(ctx, (size_t)u->n_jobs, sizeof *s->players, "jobs", &s->players));
    MUIR_TRY(muir_rates_create(ctx, u, &s->rates));
    *out = s;
    s = NULL;
done:
    muir_sharing_destroy(&s);
    return st;
}

void muir_sharing_destroy(muir_sharing **sharing)
{
    muir_sharing *s = *sharing;
    if (!s) return;
    muir_rates_destroy(&s->rates);
    free(s->players);
    free(s);
    *sharing = NULL;
}
