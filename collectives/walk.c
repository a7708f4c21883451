/* SPDX-License-Identifier: BSD-3-Clause */
/* Walking lists of steps over links. */
#include "collectives/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectives/file.h"
#include "collectives/steps.h"

enum { ELEMENT_BYTES = 4, DIRECTIONS = 2 };

/* A message, known when one side has posted it; through when both have. */
typedef struct message {
    int from, to, next;       /* next: of the same pair, -1: none */
    int sent_at, received_at; /* rounds; -1: not posted */
    double bytes;
} message;

/* Messages from one rank to another, in order. */
typedef struct pair {
    int first_unsent, first_unreceived, last; /* -1: none */
} pair;

typedef struct player {
    muir_coll_steps *steps;
    int *sent, *received; /* [n_steps] numbers of messages */
    int *done_at;         /* [n_steps] rounds */
    size_t n_started, n_done;
} player;

typedef struct walk {
    int p;
    player *players;   /* [p] */
    pair *pairs;       /* [p,p] from, to */
    message *messages; /* [room] */
    int n_messages, room;
} walk;

static void drop(walk *w)
{
    for (int r = 0; w->players && r < w->p; r++) {
        muir_coll_steps_destroy(&w->players[r].steps);
        free(w->players[r].sent);
        free(w->players[r].received);
        free(w->players[r].done_at);
    }
    free(w->players);
    free(w->pairs);
    free(w->messages);
}

static muir_status open_player(muir_ctx *ctx, walk *w, const muir_coll *coll, const muir_coll_spec *spec,
                               int rank)
{
    muir_status st = MUIR_OK;
    player *one = &w->players[rank];
    MUIR_TRY(muir_coll_steps_create(ctx, coll, spec, w->p, rank, &one->steps));
    MUIR_TRY(muir_alloc(ctx, one->steps->n, sizeof(int), "the walk of a collective", &one->sent));
    MUIR_TRY(muir_alloc(ctx, one->steps->n, sizeof(int), "the walk of a collective", &one->received));
    MUIR_TRY(muir_alloc(ctx, one->steps->n, sizeof(int), "the walk of a collective", &one->done_at));
    for (size_t i = 0; i < one->steps->n; i++) w->room += one->steps->step[i].send.count > 0;
done:
    return st;
}

/* Players, and room for every message that is sent. */
static muir_status open_walk(muir_ctx *ctx, walk *w, const muir_coll *coll, const muir_coll_spec *spec)
{
    muir_status st = MUIR_OK;
    const size_t p = (size_t)w->p;
    MUIR_TRY(muir_alloc(ctx, p, sizeof *w->players, "the walk of a collective", &w->players));
    MUIR_TRY(muir_alloc(ctx, p * p, sizeof *w->pairs, "the walk of a collective", &w->pairs));
    for (size_t i = 0; i < p * p; i++) w->pairs[i] = (pair){-1, -1, -1};
    for (int r = 0; r < w->p; r++) MUIR_TRY(open_player(ctx, w, coll, spec, r));
    MUIR_TRY(muir_alloc(ctx, (size_t)w->room, sizeof *w->messages, "the walk of a collective", &w->messages));
done:
    return st;
}

/* The next message of a pair for one of its sides, made if the other side has not posted it yet. */
static int take(walk *w, int from, int to, bool is_sender)
{
    pair *of = &w->pairs[(size_t)from * (size_t)w->p + (size_t)to];
    int *first = is_sender ? &of->first_unsent : &of->first_unreceived;
    int taken = *first;
    if (taken < 0) {
        taken = w->n_messages++;
        w->messages[taken] = (message){from, to, -1, -1, -1, 0.0};
        int *others = is_sender ? &of->first_unreceived : &of->first_unsent;
        if (*others < 0) *others = taken;
        if (of->last >= 0) w->messages[of->last].next = taken;
        of->last = taken;
    }
    *first = w->messages[taken].next;
    return taken;
}

static void post(walk *w, int rank)
{
    player *one = &w->players[rank];
    const size_t i = one->n_started++;
    const muir_coll_step *step = &one->steps->step[i];
    const int now = step->after > 0 ? one->done_at[step->after - 1] : 0;
    one->sent[i] = one->received[i] = -1;
    if (step->recv.count > 0) {
        one->received[i] = take(w, step->recv.peer, rank, false);
        w->messages[one->received[i]].received_at = now;
    }
    if (step->send.count > 0) {
        one->sent[i] = take(w, rank, step->send.peer, true);
        w->messages[one->sent[i]].sent_at = now;
        w->messages[one->sent[i]].bytes = ELEMENT_BYTES * (double)step->send.count;
    }
}

static int round_of(const message *m)
{
    return m->sent_at > m->received_at ? m->sent_at : m->received_at;
}

/* Puts off `now` to the end of a message's round; false while one side is missing. */
static bool pass(const walk *w, int number, int *now)
{
    if (number < 0) return true;
    const message *m = &w->messages[number];
    if (m->sent_at < 0 || m->received_at < 0) return false;
    if (round_of(m) + 1 > *now) *now = round_of(m) + 1;
    return true;
}

static bool complete(walk *w, int rank)
{
    player *one = &w->players[rank];
    const size_t i = one->n_done;
    int now = i > 0 ? one->done_at[i - 1] : 0;
    if (!pass(w, one->sent[i], &now) || !pass(w, one->received[i], &now)) return false;
    one->done_at[one->n_done++] = now;
    return true;
}

static void play(walk *w)
{
    for (bool moves = true; moves;) {
        moves = false;
        for (int r = 0; r < w->p; r++) {
            player *one = &w->players[r];
            const muir_coll_steps *steps = one->steps;
            while (one->n_started < steps->n && steps->step[one->n_started].after <= one->n_done)
                post(w, r), moves = true;
            while (one->n_done < one->n_started && complete(w, r)) moves = true;
        }
    }
}

/* Links of a rank: two directions along each side, in and out of the switch, in and out of the far port. */
enum { SWITCH_OUT = DIRECTIONS * MUIR_WALK_DIMS, SWITCH_IN, FAR_OUT, FAR_IN, LINKS };

typedef struct loads {
    const muir_coll_network *network; /* borrowed */
    int places;                       /* of chips or ranks that have links */
    double *now, *total;              /* [places,LINKS] of the round; over all [byte] */
    double *sent;                     /* [p] over all [byte] */
    int *touched;                     /* links of the round; each message adds at most 2 + sum of sides */
    int n_touched;
    double alpha_s; /* of the round */
} loads;

static void carry(loads *l, int place, int link, double bytes)
{
    double *load = &l->now[place * LINKS + link];
    if (*load == 0.0) l->touched[l->n_touched++] = place * LINKS + link;
    *load += bytes;
}

/* Along one side from `at` the shorter way to the coordinate of `to`; returns the chip reached. */
static int go_along(loads *l, int server, int at, int to, int d, int stride, double bytes)
{
    const int side = l->network->side[d];
    const int here = at / stride % side, there = to / stride % side;
    int steps = (there - here + side) % side, way = 1;
    if (steps > side - steps) steps = side - steps, way = -1;
    for (int i = 0; i < steps; i++) {
        const int coordinate = at / stride % side;
        carry(l, server + at, DIRECTIONS * d + (way < 0), bytes);
        at += ((coordinate + way + side) % side - coordinate) * stride;
    }
    return at;
}

static int chips_of(const muir_coll_network *n)
{
    return n->is_torus ? n->side[0] * n->side[1] * n->side[2] : n->local;
}

static void route(loads *l, const message *m)
{
    const muir_coll_network *n = l->network;
    const int chips = chips_of(n), from = m->from % n->local, to = m->to % n->local;
    const int server = m->from / n->local * chips, other = m->to / n->local * chips;
    l->sent[m->from] += m->bytes;
    if (server != other) {
        carry(l, server + from, FAR_OUT, m->bytes);
        carry(l, other + to, FAR_IN, m->bytes);
        l->alpha_s = fmax(l->alpha_s, n->far_alpha_s);
        return;
    }
    l->alpha_s = fmax(l->alpha_s, n->alpha_s);
    if (!n->is_torus) {
        carry(l, server + from, SWITCH_OUT, m->bytes);
        carry(l, server + to, SWITCH_IN, m->bytes);
        return;
    }
    int at = from, stride = 1;
    for (int d = 0; d < MUIR_WALK_DIMS; d++) {
        at = go_along(l, server, at, to, d, stride, m->bytes);
        stride *= n->side[d];
    }
}

static double rate_of(const muir_coll_network *n, int link)
{
    if (link >= FAR_OUT) return n->far_byte_per_s;
    return link >= SWITCH_OUT ? n->port_byte_per_s : n->link_byte_per_s[link / DIRECTIONS];
}

/* Ends a round and adds how long it took. */
static void close_round(loads *l, muir_coll_walk *out)
{
    double slowest_s = 0.0;
    for (int i = 0; i < l->n_touched; i++) {
        const int link = l->touched[i];
        slowest_s = fmax(slowest_s, l->now[link] / rate_of(l->network, link % LINKS));
        l->total[link] += l->now[link];
        l->now[link] = 0.0;
    }
    out->alpha_s += l->alpha_s;
    out->time_s += l->alpha_s + slowest_s;
    l->n_touched = 0;
    l->alpha_s = 0.0;
}

static int compare_rounds(const void *a, const void *b)
{
    const int x = round_of(a), y = round_of(b);
    return (x > y) - (x < y);
}

static void measure(walk *w, loads *l, muir_coll_walk *out)
{
    qsort(w->messages, (size_t)w->n_messages, sizeof *w->messages, compare_rounds);
    for (int i = 0; i < w->n_messages; i++) {
        route(l, &w->messages[i]);
        const bool is_last = i + 1 == w->n_messages;
        if (is_last || round_of(&w->messages[i + 1]) != round_of(&w->messages[i])) close_round(l, out);
        if (is_last) out->rounds = round_of(&w->messages[i]) + 1;
    }
    for (int r = 0; r < w->p; r++) out->most_sent = fmax(out->most_sent, l->sent[r]);
    for (int place = 0; place < l->places; place++) {
        const double *total = &l->total[place * LINKS];
        for (int d = 0; d < MUIR_WALK_DIMS; d++)
            for (int way = 0; way < DIRECTIONS; way++)
                out->most_link[d] = fmax(out->most_link[d], total[DIRECTIONS * d + way]);
        out->most_far = fmax(out->most_far, total[FAR_OUT]);
    }
}

static muir_status open_loads(muir_ctx *ctx, int p, const muir_coll_network *network, loads *l)
{
    muir_status st = MUIR_OK;
    *l = (loads){.network = network, .places = (p + network->local - 1) / network->local * chips_of(network)};
    const size_t links = (size_t)l->places * LINKS;
    MUIR_TRY(muir_alloc(ctx, links, sizeof(double), "the links of a network", &l->now));
    MUIR_TRY(muir_alloc(ctx, links, sizeof(double), "the links of a network", &l->total));
    MUIR_TRY(muir_alloc(ctx, links, sizeof(int), "the links of a network", &l->touched));
    MUIR_TRY(muir_alloc(ctx, (size_t)p, sizeof(double), "the links of a network", &l->sent));
done:
    return st;
}

static muir_status make(muir_ctx *ctx, const muir_coll *coll, const muir_coll_spec *spec, int p,
                        const muir_coll_network *network, muir_coll_walk *out)
{
    muir_status st = MUIR_OK;
    walk w = {.p = p};
    loads l = {.network = network};
    muir_coll_walk found = {.rounds = 0};
    if (p < 1 || p > MUIR_WALK_RANKS || !coll->steps)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s on %d ranks: step lists are walked for 1 to %d ranks",
                         coll->name, p, MUIR_WALK_RANKS);
    MUIR_TRY(open_walk(ctx, &w, coll, spec));
    MUIR_TRY(open_loads(ctx, p, network, &l));
    play(&w);
    measure(&w, &l, &found);
    *out = found;
done:
    drop(&w);
    free(l.now);
    free(l.total);
    free(l.touched);
    free(l.sent);
    return st;
}

muir_status muir_coll_walk_make(muir_ctx *ctx, const muir_coll *coll, double bytes, int p,
                                const muir_coll_network *network, muir_coll_walk *out)
{
    const muir_coll_spec spec = {.count = (size_t)(bytes / ELEMENT_BYTES), .dtype = MUIR_FP32};
    return make(ctx, coll, &spec, p, network, out);
}

muir_status muir_coll_walk_file(muir_ctx *ctx, const muir_coll_file *file, double bytes,
                                const muir_coll_network *network, muir_coll_walk *out)
{
    const muir_coll_spec spec = {.count = (size_t)(bytes / ELEMENT_BYTES), .dtype = MUIR_FP32, .file = file};
    return make(ctx, &file->coll, &spec, file->ranks, network, out);
}
