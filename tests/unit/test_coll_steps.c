/* SPDX-License-Identifier: BSD-3-Clause */
/* Step lists of collectives, for more ranks than a test machine has: what they move, and that they end. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "collectives/steps.h"

enum { MAX_RANKS = 19 };

/* One rank of an imagined run in which a message is through only when both sides have posted it. */
typedef struct player {
    muir_coll_steps *steps;
    size_t n_started, n_done;
    size_t sends[MAX_RANKS], recvs[MAX_RANKS]; /* messages to and from each peer, posted */
    size_t *send_number, *recv_number;         /* [n_steps] which message of the pair the step's is */
    size_t *send_counts[MAX_RANKS];            /* [peer][message] elements */
} player;

static void open_player(player *one, const muir_coll *coll, const muir_coll_spec *spec, int p, int rank)
{
    memset(one, 0, sizeof *one);
    CU_ASSERT_EQUAL_FATAL(muir_coll_steps_create(muir_test_ctx(), coll, spec, p, rank, &one->steps), MUIR_OK);
    const size_t n = one->steps->n + 1;
    one->send_number = calloc(n, sizeof(size_t));
    one->recv_number = calloc(n, sizeof(size_t));
    for (int peer = 0; peer < p; peer++) one->send_counts[peer] = calloc(n, sizeof(size_t));
}

static void close_player(player *one)
{
    for (int peer = 0; peer < MAX_RANKS; peer++) free(one->send_counts[peer]);
    free(one->send_number);
    free(one->recv_number);
    muir_coll_steps_destroy(&one->steps);
}

static void post(player *one)
{
    const size_t i = one->n_started;
    const muir_coll_message *send = &one->steps->step[i].send, *recv = &one->steps->step[i].recv;
    if (recv->count > 0) one->recv_number[i] = one->recvs[recv->peer]++;
    if (send->count > 0) {
        one->send_counts[send->peer][one->sends[send->peer]] = send->count;
        one->send_number[i] = one->sends[send->peer]++;
    }
    one->n_started++;
}

static bool is_through(const player *all, int rank)
{
    const player *one = &all[rank];
    const size_t i = one->n_done;
    const muir_coll_message *send = &one->steps->step[i].send, *recv = &one->steps->step[i].recv;
    if (send->count > 0 && all[send->peer].recvs[rank] <= one->send_number[i]) return false;
    if (recv->count == 0) return true;
    if (all[recv->peer].sends[rank] <= one->recv_number[i]) return false;
    CU_ASSERT_EQUAL(all[recv->peer].send_counts[rank][one->recv_number[i]], recv->count);
    return true;
}

/* Posts and completes what one rank can; returns how much that was. */
static size_t play(player *all, int rank)
{
    player *one = &all[rank];
    const muir_coll_steps *steps = one->steps;
    size_t moves = 0;
    while (one->n_started < steps->n && steps->step[one->n_started].after <= one->n_done) post(one), moves++;
    while (one->n_done < one->n_started && is_through(all, rank)) one->n_done++, moves++;
    return moves;
}

static void check_end(const muir_coll *coll, const muir_coll_spec *spec, int p)
{
    player all[MAX_RANKS];
    size_t moves = 1;
    for (int r = 0; r < p; r++) open_player(&all[r], coll, spec, p, r);
    while (moves > 0) {
        moves = 0;
        for (int r = 0; r < p; r++) moves += play(all, r);
    }
    for (int r = 0; r < p; r++) {
        CU_ASSERT_EQUAL(all[r].n_done, all[r].steps->n);
        for (int peer = 0; peer < p; peer++) CU_ASSERT_EQUAL(all[r].sends[peer], all[peer].recvs[r]);
    }
    for (int r = 0; r < p; r++) close_player(&all[r]);
}

static bool has_steps(const muir_coll *coll, int p)
{
    return coll->steps && muir_coll_fits(coll, p);
}

static void every_message_meets_its_receiver_and_every_list_ends(void)
{
    static const size_t counts[] = {0, 1, 5, 100}, segments[] = {0, 3};
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int p = 1; p <= MAX_RANKS; p++)
            for (size_t c = 0; c < 4 && has_steps(muir_coll_at(i), p); c++)
                for (size_t s = 0; s < 2; s++)
                    check_end(muir_coll_at(i),
                              &(muir_coll_spec){.count = counts[c], .segment = segments[s], .root = p / 2},
                              p);
}

static bool overlap(const muir_coll_message *x, const muir_coll_message *y, bool is_in_place)
{
    muir_coll_place a = x->at, b = y->at;
    if (is_in_place && a.buffer == MUIR_COLL_INPUT) a.buffer = MUIR_COLL_OUTPUT;
    if (is_in_place && b.buffer == MUIR_COLL_INPUT) b.buffer = MUIR_COLL_OUTPUT;
    if (a.buffer != b.buffer || x->count == 0 || y->count == 0) return false;
    return a.offset < b.offset + y->count && b.offset < a.offset + x->count;
}

/* Messages that may be on the way together: those of one round. */
static void check_places(const muir_coll *coll, const muir_coll_spec *spec, int p, int rank)
{
    const bool is_in_place = coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_BROADCAST;
    muir_coll_steps *steps = NULL;
    int overlaps = 0;
    CU_ASSERT_EQUAL_FATAL(muir_coll_steps_create(muir_test_ctx(), coll, spec, p, rank, &steps), MUIR_OK);
    for (size_t i = 0; i < steps->n; i++)
        for (size_t j = steps->step[i].after; j < steps->n && steps->step[j].after <= i; j++) {
            const muir_coll_step *one = &steps->step[i], *other = &steps->step[j];
            overlaps += overlap(&one->recv, &other->send, is_in_place);
            overlaps += i != j && overlap(&one->recv, &other->recv, is_in_place);
        }
    CU_ASSERT_EQUAL(overlaps, 0);
    muir_coll_steps_destroy(&steps);
}

static void no_message_arrives_where_another_leaves(void)
{
    static const size_t counts[] = {1, 5, 100}, segments[] = {0, 7};
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int p = 1; p <= MAX_RANKS; p++)
            for (int rank = 0; rank < p && has_steps(muir_coll_at(i), p); rank++)
                for (size_t c = 0; c < 6; c++)
                    check_places(muir_coll_at(i),
                                 &(muir_coll_spec){.count = counts[c / 2], .segment = segments[c % 2]}, p,
                                 rank);
}

static size_t elements_sent(const char *name, muir_coll_kind kind, size_t count, int p, int rank)
{
    muir_coll_steps *steps = NULL;
    size_t sent = 0;
    const muir_coll_spec spec = {.count = count};
    CU_ASSERT_EQUAL_FATAL(
        muir_coll_steps_create(muir_test_ctx(), muir_coll_find(kind, name), &spec, p, rank, &steps), MUIR_OK);
    for (size_t i = 0; i < steps->n; i++) sent += steps->step[i].send.count;
    muir_coll_steps_destroy(&steps);
    return sent;
}

/* busbw = algbw x this factor is the rate of the wire only if just these bytes cross it. */
static void a_ring_sends_what_the_busbw_factor_says(void)
{
    static const muir_coll_kind kinds[] = {MUIR_ALL_REDUCE, MUIR_REDUCE_SCATTER, MUIR_ALL_GATHER};
    for (int p = 1; p <= MAX_RANKS; p++)
        for (size_t k = 0; k < 3; k++)
            for (int rank = 0; rank < p; rank++) {
                const size_t blocks = 2 * (size_t)(p - 1) / (k == 0 ? 1 : 2), count = 1000 * (size_t)p;
                const size_t sent = elements_sent("ring", kinds[k], count, p, rank);
                CU_ASSERT_EQUAL(sent, 1000 * blocks);
                CU_ASSERT_DOUBLE_EQUAL((double)sent, (double)count * muir_busbw_factor(kinds[k], p), 1e-6);
            }
}

static void recursive_doubling_sends_the_vector_once_for_each_doubling(void)
{
    CU_ASSERT_EQUAL(elements_sent("recursive_doubling", MUIR_ALL_REDUCE, 10, 8, 3), 30);
    CU_ASSERT_EQUAL(elements_sent("recursive_doubling", MUIR_ALL_REDUCE, 10, 11, 0), 10); /* folded away */
    CU_ASSERT_EQUAL(elements_sent("recursive_doubling", MUIR_ALL_REDUCE, 10, 11, 1),
                    40); /* and its partner */
    CU_ASSERT_EQUAL(elements_sent("recursive_doubling", MUIR_ALL_REDUCE, 10, 11, 10), 30);
}

static void blocks_cover_the_vector_and_differ_by_one_at_most(void)
{
    for (int p = 1; p <= MAX_RANKS; p++)
        for (size_t count = 0; count < 50; count++) {
            size_t next = 0, offset, n;
            for (int r = 0; r < p; r++) {
                muir_coll_block(count, p, r, &offset, &n);
                CU_ASSERT_EQUAL(offset, next);
                CU_ASSERT_EQUAL(n, count / (size_t)p + ((size_t)r < count % (size_t)p));
                next = offset + n;
            }
            CU_ASSERT_EQUAL(next, count);
        }
}

static void no_piece_is_longer_than_mpi_can_count(void)
{
    const muir_coll_spec spec = {.count = ((size_t)1 << 33) + 5};
    muir_coll_steps *steps = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_steps_create(muir_test_ctx(), muir_coll_find(MUIR_BROADCAST, "binomial"),
                                                 &spec, 2, 1, &steps),
                          MUIR_OK);
    size_t received = 0;
    for (size_t i = 0; i < steps->n; i++) {
        CU_ASSERT(steps->step[i].recv.count <= 2147483647);
        CU_ASSERT_EQUAL(steps->step[i].recv.at.offset, received);
        received += steps->step[i].recv.count;
    }
    CU_ASSERT_EQUAL(received, spec.count);
    muir_coll_steps_destroy(&steps);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every message meets its receiver and every list ends",
         every_message_meets_its_receiver_and_every_list_ends},
        {"no message arrives where another leaves", no_message_arrives_where_another_leaves},
        {"a ring sends what the busbw factor says", a_ring_sends_what_the_busbw_factor_says},
        {"recursive doubling sends the vector once for each doubling",
         recursive_doubling_sends_the_vector_once_for_each_doubling},
        {"blocks cover the vector and differ by one at most",
         blocks_cover_the_vector_and_differ_by_one_at_most},
        {"no piece is longer than MPI can count", no_piece_is_longer_than_mpi_can_count},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "steps of collectives", tests);
}
