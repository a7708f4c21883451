/* SPDX-License-Identifier: BSD-3-Clause */
/* Max-min rates on many leaves: fair for whoever talks by definition, and nothing is overfull. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "network/jobs_place.h"
#include "network/rates.h"

enum { JOBS = 40, SERVERS = 4096, LEAVES = 128, CHANGES = 300 };

static muir_fleet clos(void)
{
    muir_fleet fleet;
    memset(&fleet, 0, sizeof fleet);
    fleet.top.servers = SERVERS;
    fleet.fabric.leaf_servers = SERVERS / LEAVES;
    fleet.fabric.oversubscription = 4.0;
    return fleet;
}

/* Every job that talks has all that it could have alone, or is on a full uplink on which nobody is faster. */
static void check_fair(const muir_uplinks *u, const muir_rates *rates, const bool *talks)
{
    static double used[LEAVES];
    int unfair = 0, overfull = 0;
    memset(used, 0, sizeof used);
    for (int64_t k = 0; k < u->of_uplink[u->n]; k++)
        used[u->loads[k].uplink] += muir_rates_of(rates, u->loads[k].job) * u->loads[k].load;
    for (int32_t i = 0; i < u->n; i++) overfull += used[i] > u->room[i] * (1.0 + 1e-6);
    for (int j = 0; j < JOBS; j++) {
        const double rate = muir_rates_of(rates, j);
        bool is_held = !talks[j] || rate >= u->alone[j] * (1.0 - 1e-6);
        for (int64_t k = u->of_job[j]; !is_held && k < u->of_job[j + 1]; k++) {
            const int32_t i = u->by_job[k].uplink;
            if (u->by_job[k].load <= 0.0 || used[i] < u->room[i] * (1.0 - 1e-6)) continue;
            is_held = true;
            for (int64_t m = u->of_uplink[i]; m < u->of_uplink[i + 1]; m++)
                if (u->loads[m].load > 0.0 && muir_rates_of(rates, u->loads[m].job) > rate * (1.0 + 1e-6))
                    is_held = false;
        }
        unfair += !is_held;
        if (!talks[j]) CU_ASSERT_EQUAL(rate, 0.0);
    }
    CU_ASSERT_EQUAL(unfair, 0);
    CU_ASSERT_EQUAL(overfull, 0);
}

/* Jobs start and stop at random. */
static void play_changes(muir_placement placement)
{
    static muir_job_load jobs[JOBS];
    static muir_job_share share[JOBS];
    static int32_t of_server[SERVERS];
    static const bool nobody[JOBS];
    const muir_fleet fleet = clos();
    muir_ctx *ctx = muir_test_ctx();
    muir_uplinks uplinks;
    muir_rates *rates = NULL;
    bool talks[JOBS];
    memcpy(talks, nobody, sizeof talks);
    memset(share, 0, sizeof share);
    for (int j = 0; j < JOBS; j++)
        jobs[j] = (muir_job_load){
            .servers = 60 + 2 * j, .compute_s = 1.0, .far = 0.02 * j, .group = j % 3 ? 24 : 0};
    CU_ASSERT_EQUAL_FATAL(muir_jobs_place(ctx, &fleet, placement, 7, jobs, JOBS, of_server), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_uplinks_find(ctx, &fleet, jobs, JOBS, NULL, of_server, share, &uplinks),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_rates_create(ctx, &uplinks, &rates), MUIR_OK);
    for (uint64_t i = 0; i < CHANGES; i++) {
        const int j = (int)(muir_rng_uniform_at(3, MUIR_STREAM_PLACEMENT, 1, i) * JOBS);
        talks[j] = !talks[j];
        muir_rates_talk(rates, j, talks[j]);
        muir_rates_settle(rates);
        check_fair(&uplinks, rates, talks);
    }
    muir_rates_destroy(&rates);
    muir_uplinks_free(&uplinks);
}

static void rates_are_max_min_wherever_jobs_lie(void)
{
    for (int placement = 0; placement < MUIR_PLACEMENT_COUNT; placement++)
        play_changes((muir_placement)placement);
}

/* Two jobs over 128 leaves, 16 servers of each on every one: one leaf stands for all. */
static void leaves_that_are_alike_are_one(void)
{
    static const muir_job_load jobs[] = {{.servers = SERVERS / 2, .compute_s = 1.0, .far = 1.0},
                                         {.servers = SERVERS / 2, .compute_s = 1.0, .far = 1.0}};
    static int32_t of_server[SERVERS];
    muir_fleet fleet = clos();
    muir_uplinks uplinks;
    muir_job_share share[2];
    memset(share, 0, sizeof share);
    CU_ASSERT_EQUAL_FATAL(
        muir_jobs_place(muir_test_ctx(), &fleet, MUIR_PLACEMENT_SCATTERED, 1, jobs, 2, of_server), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(
        muir_uplinks_find(muir_test_ctx(), &fleet, jobs, 2, NULL, of_server, share, &uplinks), MUIR_OK);
    CU_ASSERT_EQUAL(uplinks.n, 1);
    CU_ASSERT_EQUAL(share[0].shared, LEAVES);
    muir_uplinks_free(&uplinks);
    fleet.fabric.oversubscription = 1.0; /* nobody holds anybody up */
    memset(share, 0, sizeof share);
    CU_ASSERT_EQUAL_FATAL(
        muir_uplinks_find(muir_test_ctx(), &fleet, jobs, 2, NULL, of_server, share, &uplinks), MUIR_OK);
    CU_ASSERT_EQUAL(uplinks.n, 0);
    muir_uplinks_free(&uplinks);
}

/* What a job's servers send each other, pair by pair: in exchanges each sends a port's worth in equal parts
 * to all of its group; what goes to another leaf passes the sender's uplink. */
static double counted_by_pairs(const muir_job_load *job, const int32_t *of_server, int32_t number,
                               int64_t leaf)
{
    static int64_t servers[SERVERS];
    int64_t n = 0, here = 0;
    double sent = 0.0;
    for (int64_t s = 0; s < SERVERS; s++)
        if (of_server[s] == number) servers[n++] = s;
    const int64_t group = job->group > 0 ? job->group : n;
    for (int64_t i = 0; i < n; i++) {
        if (servers[i] / (SERVERS / LEAVES) != leaf) continue;
        const int64_t first = i / group * group, size = first + group < n ? group : n - first;
        here++;
        for (int64_t j = first; j < first + size; j++)
            if (servers[j] / (SERVERS / LEAVES) != leaf) sent += 1.0 / (double)size;
    }
    return here == 0 || here == n ? 0.0 : job->far * sent + 1.0 - job->far;
}

/* Uplinks carry what pairs of servers send, and all uplinks together what a job puts on the fabric. */
static void uplinks_carry_what_servers_send(void)
{
    static const muir_job_load jobs[] = {{.servers = 700, .compute_s = 1.0, .far = 1.0, .group = 24},
                                         {.servers = 811, .compute_s = 1.0, .far = 0.3},
                                         {.servers = 1900, .compute_s = 1.0, .far = 0.8, .group = 64}};
    static int32_t of_server[SERVERS];
    const muir_fleet fleet = clos();
    muir_uplinks uplinks;
    muir_job_share share[3];
    memset(share, 0, sizeof share);
    CU_ASSERT_EQUAL_FATAL(
        muir_jobs_place(muir_test_ctx(), &fleet, MUIR_PLACEMENT_RANDOM, 5, jobs, 3, of_server), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(
        muir_uplinks_find(muir_test_ctx(), &fleet, jobs, 3, NULL, of_server, share, &uplinks), MUIR_OK);
    for (int j = 0; j < 3; j++) {
        double sum = 0.0;
        for (int64_t leaf = 0; leaf < LEAVES; leaf++) sum += counted_by_pairs(&jobs[j], of_server, j, leaf);
        CU_ASSERT_DOUBLE_EQUAL(share[j].uplink_ports / sum, 1.0, 1e-9);
    }
    muir_uplinks_free(&uplinks);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"rates are max-min wherever jobs lie", rates_are_max_min_wherever_jobs_lie},
        {"leaves that are alike are one", leaves_that_are_alike_are_one},
        {"uplinks carry what servers send", uplinks_carry_what_servers_send},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "rates", tests);
}
