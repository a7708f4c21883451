/* SPDX-License-Identifier: BSD-3-Clause */
/* Costs of algorithms on networks: the closed form of each row against the walk of its step list, and bytes
 * on each link of a torus. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "collectives/walk.h"

enum { MOST_RANKS = 16 };

static const double ALPHA_S = 3e-6, RATE = 7e9;

static muir_coll_walk walk(const muir_coll *coll, double bytes, int p, const muir_coll_network *network)
{
    muir_coll_walk made;
    memset(&made, 0, sizeof made);
    CU_ASSERT_EQUAL_FATAL(muir_coll_walk_make(muir_test_ctx(), coll, bytes, p, network, &made), MUIR_OK);
    return made;
}

static muir_coll_network switch_of(int p)
{
    return (muir_coll_network){.local = p, .port_byte_per_s = RATE, .alpha_s = ALPHA_S};
}

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Rows in which ranks take turns at being the busiest: the sum over rounds of what the busiest carries is
 * more than what any one rank sends. In trees they do (a root that is reduced to receives and sends nothing);
 * in the others where the ranks beyond a power of two fold in first. */
static bool has_turns(const muir_coll *coll, int p)
{
    static const char *const trees[] = {"binomial", "double_binary_tree"};
    static const char *const folds[] = {"recursive_doubling", "recursive_halving", "rabenseifner"};
    for (int i = 0; i < 2; i++)
        if (strcmp(coll->name, trees[i]) == 0) return true;
    for (int i = 0; i < 3 && (p & (p - 1)) != 0; i++)
        if (strcmp(coll->name, folds[i]) == 0) return true;
    return false;
}

static void check_closed_form(const muir_coll *coll, int p)
{
    const double bytes = 4.0 * 1440.0 * p;
    const muir_coll_network network = switch_of(p);
    const muir_coll_walk w = walk(coll, bytes, p, &network);
    double rounds = -1.0, bytes_sent = -1.0;
    coll->traffic(p, bytes, &rounds, &bytes_sent);
    const double closed_s = rounds * ALPHA_S + bytes_sent / RATE;
    bool is_right = w.rounds == (int)rounds && is_close(w.most_sent, bytes_sent);
    if (has_turns(coll, p))
        is_right = is_right && w.time_s >= closed_s * (1.0 - 1e-9);
    else
        is_right = is_right && is_close(w.time_s, closed_s);
    if (!is_right)
        printf("%s %s on %d ranks: %d rounds, %g bytes, %g s; by the formula %g, %g, %g\n",
               muir_coll_kind_name(coll->kind), coll->name, p, w.rounds, w.most_sent, w.time_s, rounds,
               bytes_sent, closed_s);
    CU_ASSERT(is_right);
}

static void every_closed_form_is_the_walk_through_a_switch(void)
{
    int checked = 0;
    for (size_t i = 0; i < muir_coll_count(); i++)
        for (int p = 2; p <= MOST_RANKS; p++) {
            const muir_coll *coll = muir_coll_at(i);
            CU_ASSERT_EQUAL(coll->traffic != NULL, coll->steps != NULL);
            if (!coll->traffic || !muir_coll_fits(coll, p)) continue;
            check_closed_form(coll, p);
            checked++;
        }
    CU_ASSERT(checked > 200);
}

/* Bucket algorithms along their own torus: messages go to neighbours only, and each link carries the share
 * that its dimension's rings hand on. The longest side is walked first, where ranks lie farthest apart. */
static void check_torus(muir_coll_kind kind, const char *name, int n_passes, int p, const int side[3])
{
    const double bytes = 4.0 * 1440.0 * p;
    const muir_coll_network network = {.local = p,
                                       .is_torus = true,
                                       .side = {side[0], side[1], side[2]},
                                       .link_byte_per_s = {RATE, RATE, RATE},
                                       .alpha_s = ALPHA_S};
    const muir_coll_walk w = walk(muir_coll_find(kind, name), bytes, p, &network);
    double left = bytes, sum = 0.0, rounds = 0.0;
    for (int d = MUIR_WALK_DIMS - 1; d >= 0; d--) {
        const double n = side[d], expected = n_passes * left * (n - 1.0) / n;
        CU_ASSERT_DOUBLE_EQUAL(w.most_link[d], expected, 1e-6);
        sum += expected;
        rounds += n_passes * (n - 1.0);
        left /= n;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum, n_passes * bytes * (p - 1.0) / p, 1e-6); /* one link works at a time */
    CU_ASSERT_DOUBLE_EQUAL(w.time_s, rounds * ALPHA_S + sum / RATE, 1e-12);
    CU_ASSERT_EQUAL(w.rounds, (int)rounds);
}

static void a_bucket_puts_on_each_link_what_its_side_hands_on(void)
{
    static const muir_coll_kind kinds[] = {MUIR_ALL_REDUCE, MUIR_REDUCE_SCATTER, MUIR_ALL_GATHER};
    for (int k = 0; k < 3; k++) {
        const int n_passes = k == 0 ? 2 : 1;
        check_torus(kinds[k], "torus_2d", n_passes, 16, (const int[]){4, 4, 1});
        check_torus(kinds[k], "torus_2d", n_passes, 12, (const int[]){3, 4, 1});
        check_torus(kinds[k], "torus_3d", n_passes, 64, (const int[]){4, 4, 4});
        check_torus(kinds[k], "torus_3d", n_passes, 24, (const int[]){2, 3, 4});
    }
}

/* On a ring of links one direction carries all of a ring, both carry half of a bidirectional one, and what
 * goes to far ranks passes through links in between. */
static void a_ring_of_links_shows_what_a_switch_hides(void)
{
    enum { P = 8 };
    const double bytes = 4.0 * 1440.0 * P;
    const muir_coll_network ring = {.local = P,
                                    .is_torus = true,
                                    .side = {P, 1, 1},
                                    .link_byte_per_s = {RATE, RATE, RATE},
                                    .alpha_s = ALPHA_S};
    const muir_coll_network ports = switch_of(P);
    const double handed_on = 2.0 * bytes * (P - 1) / P;
    muir_coll_walk w = walk(muir_coll_find(MUIR_ALL_REDUCE, "ring"), bytes, P, &ring);
    CU_ASSERT_DOUBLE_EQUAL(w.most_link[0], handed_on, 1e-6);
    w = walk(muir_coll_find(MUIR_ALL_REDUCE, "bidirectional_ring"), bytes, P, &ring);
    CU_ASSERT_DOUBLE_EQUAL(w.most_link[0], handed_on / 2.0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(w.most_sent, handed_on, 1e-6);
    const muir_coll *doubling = muir_coll_find(MUIR_ALL_REDUCE, "recursive_doubling");
    CU_ASSERT_DOUBLE_EQUAL(walk(doubling, bytes, P, &ports).time_s, 3 * (ALPHA_S + bytes / RATE), 1e-12);
    /* distances 1, 2 and 4: at most 1, 2 and, half of them each way or all one way, 2 to 4 on a link */
    CU_ASSERT(walk(doubling, bytes, P, &ring).time_s >= 3 * ALPHA_S + 5 * bytes / RATE);
}

static void between_servers_a_message_takes_far_ports(void)
{
    const double bytes = 4.0 * 1440.0 * 8;
    const muir_coll_network network = {.local = 4,
                                       .port_byte_per_s = RATE,
                                       .alpha_s = ALPHA_S,
                                       .far_byte_per_s = RATE / 10.0,
                                       .far_alpha_s = 5.0 * ALPHA_S};
    const muir_coll_walk w = walk(muir_coll_find(MUIR_ALL_GATHER, "ring"), bytes, 8, &network);
    CU_ASSERT_DOUBLE_EQUAL(w.most_far, bytes * 7.0 / 8.0, 1e-6); /* ranks 3 and 7 hand on between servers */
    CU_ASSERT_DOUBLE_EQUAL(w.time_s, 7.0 * (5.0 * ALPHA_S + bytes / 8.0 / (RATE / 10.0)), 1e-12);
}

static void what_cannot_be_walked_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_coll_network network = switch_of(4);
    muir_coll_walk w;
    CU_ASSERT_EQUAL(muir_coll_walk_make(ctx, muir_coll_find(MUIR_ALL_REDUCE, "mpi"), 8.0, 4, &network, &w),
                    MUIR_ERR_ARG);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_coll_walk_make(ctx, muir_coll_find(MUIR_ALL_REDUCE, "ring"), 8.0,
                                        MUIR_WALK_RANKS + 1, &network, &w),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "ring on 257 ranks: step lists are walked for 1 to 256 ranks");
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every closed form is the walk through a switch", every_closed_form_is_the_walk_through_a_switch},
        {"a bucket puts on each link what its side hands on",
         a_bucket_puts_on_each_link_what_its_side_hands_on},
        {"a ring of links shows what a switch hides", a_ring_of_links_shows_what_a_switch_hides},
        {"between servers a message takes far ports", between_servers_a_message_takes_far_ports},
        {"what cannot be walked is refused", what_cannot_be_walked_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "times of collectives", tests);
}
