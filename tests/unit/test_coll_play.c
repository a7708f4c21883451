/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives played through in one process, for more ranks than a test machine has: what arrives, and that
 * each formula of traffic is that of its list of steps. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "collectives/steps.h"

enum { MAX_RANKS = 64, EVERY_RANKS = 19, COST_RANKS = 16, UNTOUCHED = 77 };

/* The k-th message from one rank to another; through when both sides have posted it. */
typedef struct message {
    uint64_t *data; /* [n], as it was when the send was posted */
    size_t n;
    int sent_at, received_at; /* rounds; -1: not posted */
} message;

typedef struct link_of_two {
    message *messages;
    size_t n_sent, n_received, elements;
} link_of_two;

typedef struct player {
    muir_coll_steps *steps;
    uint64_t *buffers[MUIR_COLL_BUFFER_COUNT];
    size_t *sends, *recvs; /* [n_steps] number of the step's messages on their links */
    int *done_at;          /* [n_steps] rounds */
    size_t n_started, n_done, n_recv;
} player;

typedef struct game {
    const muir_coll *coll;
    muir_coll_spec spec;
    int p;
    bool is_in_place;
    player players[MAX_RANKS];
    link_of_two links[MAX_RANKS][MAX_RANKS]; /* [from,to] */
} game;

/* Every sum of some of these differs from every other, for all that a test will see. */
static uint64_t value_of(int rank, size_t i)
{
    uint64_t x = (uint64_t)rank * 1000003 + i + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static void *make(size_t n, size_t bytes)
{
    void *made = calloc(n + 1, bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static void open_player(game *g, int rank)
{
    player *one = &g->players[rank];
    size_t n_send, offset, own;
    *one = (player){.n_started = 0};
    CU_ASSERT_EQUAL_FATAL(muir_coll_steps_create(muir_test_ctx(), g->coll, &g->spec, g->p, rank, &one->steps),
                          MUIR_OK);
    muir_coll_spec_lengths(g->coll->kind, &g->spec, g->p, rank, &n_send, &one->n_recv);
    muir_coll_block(g->spec.count, g->p, rank, &offset, &own);
    const size_t n = one->steps->n;
    one->sends = make(n, sizeof(size_t));
    one->recvs = make(n, sizeof(size_t));
    one->done_at = make(n, sizeof(int));
    one->buffers[MUIR_COLL_OUTPUT] = make(one->n_recv, sizeof(uint64_t));
    one->buffers[MUIR_COLL_SCRATCH] = make(one->steps->n_scratch, sizeof(uint64_t));
    for (size_t i = 0; i < one->n_recv; i++) one->buffers[MUIR_COLL_OUTPUT][i] = UNTOUCHED;
    one->buffers[MUIR_COLL_INPUT] = !g->is_in_place ? make(n_send, sizeof(uint64_t))
                                    : g->coll->kind == MUIR_ALL_GATHER
                                        ? one->buffers[MUIR_COLL_OUTPUT] + offset
                                        : one->buffers[MUIR_COLL_OUTPUT];
    for (size_t i = 0; i < n_send; i++) one->buffers[MUIR_COLL_INPUT][i] = value_of(rank, i);
}

static void close_player(game *g, int rank)
{
    player *one = &g->players[rank];
    for (int to = 0; to < g->p; to++) {
        link_of_two *link = &g->links[rank][to];
        for (size_t k = 0; k < link->n_sent; k++) free(link->messages[k].data);
        free(link->messages);
    }
    if (!g->is_in_place) free(one->buffers[MUIR_COLL_INPUT]);
    free(one->buffers[MUIR_COLL_OUTPUT]);
    free(one->buffers[MUIR_COLL_SCRATCH]);
    free(one->sends);
    free(one->recvs);
    free(one->done_at);
    muir_coll_steps_destroy(&one->steps);
}

static uint64_t *at(const player *one, muir_coll_place place)
{
    return one->buffers[place.buffer] + place.offset;
}

static message *message_of(link_of_two *link, size_t k)
{
    const size_t known = link->n_sent > link->n_received ? link->n_sent : link->n_received;
    if (k >= known) {
        link->messages = realloc(link->messages, (k + 1) * sizeof *link->messages);
        CU_ASSERT_PTR_NOT_NULL_FATAL(link->messages);
        link->messages[k] = (message){.sent_at = -1, .received_at = -1};
    }
    return &link->messages[k];
}

static void post(game *g, int rank)
{
    player *one = &g->players[rank];
    const size_t i = one->n_started;
    const muir_coll_step *step = &one->steps->step[i];
    const int now = step->after > 0 ? one->done_at[step->after - 1] : 0;
    if (step->recv.count > 0) {
        link_of_two *link = &g->links[step->recv.peer][rank];
        message_of(link, link->n_received)->received_at = now;
        one->recvs[i] = link->n_received++;
    }
    if (step->send.count > 0) {
        link_of_two *link = &g->links[rank][step->send.peer];
        message *sent = message_of(link, link->n_sent);
        sent->sent_at = now;
        sent->n = step->send.count;
        sent->data = make(sent->n, sizeof(uint64_t));
        memcpy(sent->data, at(one, step->send.at), sent->n * sizeof(uint64_t));
        one->sends[i] = link->n_sent++;
        link->elements += sent->n;
    }
    one->n_started++;
}

static void work(const player *one, const muir_coll_local *local)
{
    for (size_t i = 0; i < local->count; i++) {
        uint64_t sum = at(one, local->a)[i];
        if (local->action == MUIR_COLL_REDUCE) sum += at(one, local->b)[i];
        for (int r = 0; r < one->steps->p && local->action == MUIR_COLL_ACCUMULATE; r++)
            if (r != one->steps->rank) sum += at(one, local->b)[(size_t)r * local->stride + i];
        at(one, local->to)[i] = sum;
    }
}

static bool is_through(const message *m, int *time)
{
    if (m->sent_at < 0 || m->received_at < 0) return false;
    const int later = m->sent_at > m->received_at ? m->sent_at : m->received_at;
    if (later + 1 > *time) *time = later + 1;
    return true;
}

static bool complete(game *g, int rank)
{
    player *one = &g->players[rank];
    const size_t i = one->n_done;
    const muir_coll_step *step = &one->steps->step[i];
    int time = i > 0 ? one->done_at[i - 1] : 0;
    if (step->send.count > 0 && !is_through(&g->links[rank][step->send.peer].messages[one->sends[i]], &time))
        return false;
    if (step->recv.count > 0) {
        const message *m = &g->links[step->recv.peer][rank].messages[one->recvs[i]];
        if (!is_through(m, &time)) return false;
        CU_ASSERT_EQUAL_FATAL(m->n, step->recv.count);
        memcpy(at(one, step->recv.at), m->data, m->n * sizeof(uint64_t));
    }
    work(one, &step->local);
    one->done_at[one->n_done++] = time;
    return true;
}

static void play(game *g, const muir_coll *coll, const muir_coll_spec *spec, int p, bool is_in_place)
{
    *g = (game){.coll = coll, .spec = *spec, .p = p, .is_in_place = is_in_place};
    bool moves = true;
    for (int r = 0; r < p; r++) open_player(g, r);
    while (moves) {
        moves = false;
        for (int r = 0; r < p; r++) {
            const muir_coll_steps *steps = g->players[r].steps;
            player *one = &g->players[r];
            while (one->n_started < steps->n && steps->step[one->n_started].after <= one->n_done)
                post(g, r), moves = true;
            while (one->n_done < one->n_started && complete(g, r)) moves = true;
        }
    }
    for (int r = 0; r < p; r++) CU_ASSERT_EQUAL(g->players[r].n_done, g->players[r].steps->n);
}

static uint64_t expected_part(const game *g, int rank, size_t i)
{
    const size_t p = (size_t)g->p, to = (size_t)rank;
    size_t from = 0, first = 0;
    while (i >= g->spec.counts[from * p + to]) i -= g->spec.counts[from++ * p + to];
    for (size_t r = 0; r < to; r++) first += g->spec.counts[from * p + r];
    return value_of((int)from, first + i);
}

/* Element i of what a rank must have at the end, by the table of coll.h. */
static uint64_t expected(const game *g, int rank, size_t i)
{
    const muir_coll_kind kind = g->coll->kind;
    size_t offset, n;
    uint64_t sum = 0;
    muir_coll_block(g->spec.count, g->p, rank, &offset, &n);
    if (kind == MUIR_BROADCAST) return value_of(g->spec.root, i);
    if (kind == MUIR_ALL_TO_ALLV && g->spec.counts) return expected_part(g, rank, i);
    if (kind == MUIR_ALL_TO_ALL || kind == MUIR_ALL_TO_ALLV) return value_of((int)(i / n), offset + i % n);
    if (kind == MUIR_REDUCE && rank != g->spec.root) return UNTOUCHED;
    if (kind == MUIR_ALL_GATHER) {
        for (int r = 0; r < g->p; r++) {
            muir_coll_block(g->spec.count, g->p, r, &offset, &n);
            if (i >= offset && i < offset + n) return value_of(r, i - offset);
        }
    }
    for (int r = 0; r < g->p; r++) sum += value_of(r, kind == MUIR_REDUCE_SCATTER ? offset + i : i);
    return sum;
}

/* CUnit says which assertion failed, but not for whom. */
static void name_the_loser(const muir_coll *coll, int p)
{
    printf("%s %s on %d ranks\n", muir_coll_kind_name(coll->kind), coll->name, p);
}

static void check_data(const muir_coll *coll, const muir_coll_spec *spec, int p, bool is_in_place)
{
    static game g;
    int wrong = 0;
    play(&g, coll, spec, p, is_in_place);
    for (int r = 0; r < p; r++)
        for (size_t i = 0; i < g.players[r].n_recv; i++)
            wrong += g.players[r].buffers[MUIR_COLL_OUTPUT][i] != expected(&g, r, i);
    if (wrong > 0) name_the_loser(coll, p);
    CU_ASSERT_EQUAL(wrong, 0);
    for (int r = 0; r < p; r++) close_player(&g, r);
}

static void every_step_list_does_what_its_kind_says(void)
{
    static const size_t counts[] = {0, 1, 5, 100, 379}, segments[] = {0, 3};
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        const bool may_be_in_place =
            coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_BROADCAST || coll->kind == MUIR_ALL_GATHER;
        for (int p = 1; p <= EVERY_RANKS; p++) {
            if (!coll->steps || !muir_coll_fits(coll, p)) continue;
            for (size_t c = 0; c < 10; c++) {
                const muir_coll_spec spec = {
                    .count = counts[c / 2], .segment = segments[c % 2], .root = p / 2};
                check_data(coll, &spec, p, false);
                if (may_be_in_place) check_data(coll, &spec, p, true);
            }
        }
    }
}

static void larger_powers_of_two_work_as_well(void)
{
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int p = 32; p <= MAX_RANKS; p *= 2)
            if (muir_coll_at(i)->steps && muir_coll_fits(muir_coll_at(i), p))
                check_data(muir_coll_at(i), &(muir_coll_spec){.count = 379, .root = p / 3}, p, false);
}

/* None, one, many, and for one rank nothing at all. */
static void fill_counts(size_t *counts, int p)
{
    for (int from = 0; from < p; from++)
        for (int to = 0; to < p; to++)
            counts[from * p + to] = to == p / 2 ? 0 : (size_t)(from * 31 + to * 17) % 23 * (size_t)(to % 3);
}

static void every_pair_may_exchange_another_number_of_elements(void)
{
    size_t counts[MAX_RANKS * MAX_RANKS];
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int p = 1; p <= EVERY_RANKS; p++) {
            const muir_coll *coll = muir_coll_at(i);
            if (coll->kind != MUIR_ALL_TO_ALLV || !coll->steps || !muir_coll_fits(coll, p)) continue;
            fill_counts(counts, p);
            for (size_t segment = 0; segment < 8; segment += 7)
                check_data(coll, &(muir_coll_spec){.counts = counts, .segment = segment}, p, false);
        }
}

/* The sums over links of each rank, and its last round, against the formula of the row. */
static void check_traffic(const muir_coll *coll, int p)
{
    static game g;
    const size_t count = (size_t)p * 1440; /* halves and pieces come out even */
    double rounds = -1.0, bytes_sent = -1.0;
    size_t most = 0;
    int last = 0;
    play(&g, coll, &(muir_coll_spec){.count = count, .root = p / 3}, p, false);
    for (int r = 0; r < p; r++) {
        const muir_coll_steps *steps = g.players[r].steps;
        size_t sent = 0, received = 0;
        for (int peer = 0; peer < p; peer++) {
            CU_ASSERT_EQUAL(g.links[r][peer].n_sent, g.links[r][peer].n_received);
            sent += g.links[r][peer].elements;
            received += g.links[peer][r].elements;
        }
        for (size_t i = 0; i < steps->n; i++) received -= steps->step[i].recv.count;
        CU_ASSERT_EQUAL(received, 0);
        if (sent > most) most = sent;
        if (steps->n > 0 && g.players[r].done_at[steps->n - 1] > last)
            last = g.players[r].done_at[steps->n - 1];
    }
    coll->traffic(p, 4.0 * (double)count, &rounds, &bytes_sent);
    if (rounds != (double)last || fabs(bytes_sent - 4.0 * (double)most) > 1e-6) name_the_loser(coll, p);
    CU_ASSERT_EQUAL(rounds, (double)last);
    CU_ASSERT_DOUBLE_EQUAL(bytes_sent, 4.0 * (double)most, 1e-6);
    for (int r = 0; r < p; r++) close_player(&g, r);
}

static void every_formula_is_that_of_its_steps(void)
{
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        CU_ASSERT_EQUAL(coll->traffic != NULL, coll->steps != NULL);
        for (int p = 2; p <= COST_RANKS; p++)
            if (coll->traffic && muir_coll_fits(coll, p)) check_traffic(coll, p);
    }
}

static void one_rank_alone_sends_nothing(void)
{
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        double rounds = -1.0, bytes_sent = -1.0;
        if (!coll->traffic || !muir_coll_fits(coll, 1)) continue;
        coll->traffic(1, 1000.0, &rounds, &bytes_sent);
        CU_ASSERT(rounds == 0.0 && bytes_sent == 0.0);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every step list does what its kind says", every_step_list_does_what_its_kind_says},
        {"larger powers of two work as well", larger_powers_of_two_work_as_well},
        {"every pair may exchange another number of elements",
         every_pair_may_exchange_another_number_of_elements},
        {"every formula is that of its steps", every_formula_is_that_of_its_steps},
        {"one rank alone sends nothing", one_rank_alone_sends_nothing},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "collectives played through", tests);
}
