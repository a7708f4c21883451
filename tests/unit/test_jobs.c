/* SPDX-License-Identifier: BSD-3-Clause */
/* Several jobs on one fabric: places, max-min rates in closed form, steps, and a million chips. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "network/jobs.h"
#include "models/program.h"
#include "scenario/scenario.h"
#include "step_time/traffic.h"

enum { MOST_JOBS = 100, MOST_SERVERS = 131072 };

/* Leaves of 32 servers, uplinks for a quarter of them. */
static muir_fleet clos(int64_t servers)
{
    static const char *const overrides[] = {"fleet=dgx-h100", "parallel.tp=1", "parallel.pp=1",
                                            "parallel.dp=1", "global_batch_size=1"};
    muir_scenario scenario;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", overrides, 5, &scenario),
                          MUIR_OK);
    muir_fleet fleet = scenario.fleet;
    fleet.top.servers = servers;
    fleet.fabric.leaf_servers = 32;
    fleet.fabric.oversubscription = 4.0;
    return fleet;
}

static void share_on(const muir_fleet *fleet, muir_placement placement, const muir_job_load *jobs, int n,
                     const muir_fabric_left *left, int32_t *place_of, muir_job_share *out)
{
    const muir_status st =
        muir_jobs_share(muir_test_ctx(), fleet, placement, 1, jobs, n, left, 50, place_of, out, NULL);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
}

static void share(const muir_fleet *fleet, muir_placement placement, const muir_job_load *jobs, int n,
                  const muir_fabric_left *left, muir_job_share *out)
{
    share_on(fleet, placement, jobs, n, left, NULL, out);
}

static void every_placement_gives_jobs_their_servers(void)
{
    static const muir_job_load jobs[] = {{.servers = 100, .compute_s = 1.0},
                                         {.servers = 37, .compute_s = 1.0}};
    const muir_fleet fleet = clos(150); /* a short last leaf */
    muir_job_share out[2];
    int32_t place_of[150];
    for (int placement = 0; placement < MUIR_PLACEMENT_COUNT; placement++) {
        int64_t n[2] = {0, 0};
        share_on(&fleet, (muir_placement)placement, jobs, 2, NULL, place_of, out);
        for (int s = 0; s < 150; s++)
            if (place_of[s] >= 0) n[place_of[s]]++;
        CU_ASSERT(n[0] == 100 && n[1] == 37);
        CU_ASSERT_EQUAL(muir_placement_find(muir_placement_name((muir_placement)placement)), placement);
    }
    CU_ASSERT_EQUAL(muir_placement_find("heaped"), MUIR_PLACEMENT_COUNT);
}

/* One job of 64 servers on two leaves, all with all: 32 x (1 - 1/2) ports through uplinks of 8, half its
 * rate. */
static void alone_a_job_waits_for_its_fullest_uplink(void)
{
    static const muir_job_load job = {.servers = 64, .compute_s = 1.0, .exposed_s = 0.5, .far = 1.0};
    const muir_fleet fleet = clos(64);
    muir_job_share out;
    share(&fleet, MUIR_PLACEMENT_PACKED, &job, 1, NULL, &out);
    CU_ASSERT_DOUBLE_EQUAL(out.alone_s, 1.0 + 0.5 * 2.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(out.step_s, out.alone_s, 1e-9);
    CU_ASSERT_EQUAL(out.leaves, 2);
    CU_ASSERT_EQUAL(out.shared, 0);
}

/* Two jobs that do nothing but talk, on the same two leaves: each has half of the uplinks. */
static void equal_jobs_share_equally(void)
{
    static const muir_job_load jobs[] = {{.servers = 32, .exposed_s = 1.0, .far = 1.0},
                                         {.servers = 32, .exposed_s = 1.0, .far = 1.0}};
    const muir_fleet fleet = clos(64);
    muir_job_share out[2];
    share(&fleet, MUIR_PLACEMENT_SCATTERED, jobs, 2, NULL, out); /* 16 of each on each: 8 ports each of 8 */
    for (int j = 0; j < 2; j++) {
        CU_ASSERT_DOUBLE_EQUAL(out[j].alone_s, 1.0, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(out[j].slowdown, 2.0, 1e-6);
        CU_ASSERT_EQUAL(out[j].shared, 2);
    }
    share(&fleet, MUIR_PLACEMENT_PACKED, jobs, 2, NULL, out); /* a leaf each: nothing leaves it */
    CU_ASSERT_DOUBLE_EQUAL(out[0].slowdown, 1.0, 1e-9);
}

/* A ring puts a port on each uplink, an exchange 8: 8 ports of uplinks are shared at one rate. */
static void rates_rise_together(void)
{
    static const muir_job_load jobs[] = {{.servers = 32, .exposed_s = 1.0, .far = 1.0},
                                         {.servers = 32, .exposed_s = 1.0, .far = 0.0}};
    const muir_fleet fleet = clos(64);
    muir_job_share out[2];
    share(&fleet, MUIR_PLACEMENT_SCATTERED, jobs, 2, NULL, out);
    /* 8 r + r = 8 */
    CU_ASSERT_DOUBLE_EQUAL(out[0].slowdown, 9.0 / 8.0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(out[1].slowdown, 9.0 / 8.0, 1e-6);
}

/* Exchanges among 8 consecutive servers stay under a leaf but at its borders. */
static void exchange_groups_are_cut_at_borders_only(void)
{
    static const muir_job_load jobs[] = {{.servers = 60, .exposed_s = 1.0, .far = 1.0, .group = 8},
                                         {.servers = 60, .exposed_s = 1.0, .far = 1.0, .group = 8}};
    const muir_fleet fleet = clos(128);
    muir_job_share out[2];
    share(&fleet, MUIR_PLACEMENT_PACKED, jobs, 2, NULL, out); /* the second starts at server 60 of 128 */
    CU_ASSERT_DOUBLE_EQUAL(out[0].slowdown, 1.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(out[1].slowdown, 1.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(out[0].alone_s, 1.0, 1e-9);
    /* 4 servers of the second job are under leaf 1, half of its first group: 4 (1 - 4 / 8) = 2 ports, as
     * much on leaf 2 and once more where that one ends, and on leaf 3 */
    CU_ASSERT_DOUBLE_EQUAL(out[1].uplink_ports, 2.0 + 4.0 + 2.0, 1e-9);
}

static void hidden_traffic_has_the_compute_for_it(void)
{
    static const muir_job_load jobs[] = {{.servers = 32, .compute_s = 1.0, .hidden_s = 0.5, .far = 1.0},
                                         {.servers = 32, .compute_s = 1.0, .hidden_s = 0.5, .far = 1.0}};
    const muir_fleet fleet = clos(64);
    muir_job_share out[2];
    share(&fleet, MUIR_PLACEMENT_SCATTERED, jobs, 2, NULL, out);
    CU_ASSERT_DOUBLE_EQUAL(out[0].slowdown, 1.0, 1e-9); /* at half the rate it just fits */
}

/* Half of a leaf's uplinks gone: who has servers there slows down, everyone else does not. */
static void a_degraded_leaf_hits_those_who_cross_it(void)
{
    static const muir_job_load jobs[] = {{.servers = 64, .exposed_s = 1.0, .far = 1.0},
                                         {.servers = 64, .exposed_s = 1.0, .far = 1.0}};
    const muir_fleet fleet = clos(128);
    const double halved[] = {0.5, 1.0, 1.0, 1.0}, dead[] = {0.0, 1.0, 1.0, 1.0};
    const muir_fabric_left left = {.leaf = halved}, none = {.leaf = dead};
    muir_job_share whole[2], hurt[2];
    share(&fleet, MUIR_PLACEMENT_PACKED, jobs, 2, NULL, whole);
    share(&fleet, MUIR_PLACEMENT_PACKED, jobs, 2, &left, hurt);
    CU_ASSERT_DOUBLE_EQUAL(hurt[0].step_s / whole[0].step_s, 2.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(hurt[1].step_s / whole[1].step_s, 1.0, 1e-9);
    CU_ASSERT_EQUAL(muir_jobs_share(muir_test_ctx(), &fleet, MUIR_PLACEMENT_PACKED, 1, jobs, 2, &none, 5,
                                    NULL, hurt, NULL),
                    MUIR_ERR_ARG);
    muir_ctx_clear(muir_test_ctx());
}

/* One adapter of a server at a quarter of its rate: the whole job waits for it, the other job does not. */
static void a_degraded_adapter_hits_its_job(void)
{
    static const muir_job_load jobs[] = {{.servers = 64, .compute_s = 1.0, .exposed_s = 1.0},
                                         {.servers = 64, .compute_s = 1.0, .exposed_s = 1.0}};
    const muir_fleet fleet = clos(128);
    double ports[128];
    for (int s = 0; s < 128; s++) ports[s] = s == 100 ? 0.25 : 1.0;
    const muir_fabric_left left = {.server = ports};
    muir_job_share out[2];
    share(&fleet, MUIR_PLACEMENT_PACKED, jobs, 2, &left, out);
    CU_ASSERT_DOUBLE_EQUAL(out[0].step_s, 2.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(out[1].step_s, 1.0 + 4.0, 1e-9);
}

/* Packed jobs meet on the leaves at their ends only; scattered ones everywhere. */
static void packed_is_never_slower_than_scattered(void)
{
    static muir_job_load jobs[MOST_JOBS];
    muir_job_share out[MOST_JOBS];
    double mean[MUIR_PLACEMENT_COUNT] = {0.0};
    const muir_fleet fleet = clos(MOST_SERVERS);
    int64_t events = 0;
    for (int j = 0; j < MOST_JOBS; j++)
        jobs[j] = (muir_job_load){.servers = 400 + 17 * j,
                                  .compute_s = 1.0 + 0.01 * j,
                                  .hidden_s = 0.2,
                                  .exposed_s = 0.3,
                                  .far = 0.5};
    for (int placement = 0; placement < MUIR_PLACEMENT_COUNT; placement++) {
        CU_ASSERT_EQUAL_FATAL(muir_jobs_share(muir_test_ctx(), &fleet, (muir_placement)placement, 1, jobs,
                                              MOST_JOBS, NULL, 3, NULL, out, &events),
                              MUIR_OK);
        for (int j = 0; j < MOST_JOBS; j++) {
            CU_ASSERT(out[j].slowdown > 0.999 && isfinite(out[j].slowdown));
            mean[placement] += out[j].step_s;
        }
    }
    CU_ASSERT(mean[MUIR_PLACEMENT_PACKED] <= mean[MUIR_PLACEMENT_RANDOM] * 1.001);
}

/* GPT-3 on servers of 8 with tp of 8: a layer gathers and scatters b s h in 16 bits four times forward and
 * as often backward (sequence parallel), of which a chip passes on 7/8; the ring over replicas sends each
 * gradient once and each new weight once. */
static void bytes_of_a_step_follow_from_the_layout(void)
{
    static const char *const overrides[] = {
        "fleet=dgx-h100",          "model=gpt3-175b",       "seq_len=2048",         "parallel.tp=8",
        "parallel.pp=1",           "parallel.dp=4",         "global_batch_size=16", "micro_batch_size=1",
        "parallel.recompute=none", "parallel.zero_stage=1", "fleet.servers=4"};
    muir_scenario s;
    muir_program *program = NULL;
    double bytes[MUIR_LINK_COUNT];
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), NULL, overrides, 11, &s), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &s.job, &program), MUIR_OK);
    muir_traffic_bytes(&s, program, 0, bytes);
    const double layers = (double)s.job.model.layers, hidden = (double)s.job.model.hidden;
    const double block = 2.0 * 2048.0 * hidden * 7.0 / 8.0, tp = 4.0 * 8.0 * layers * block;
    CU_ASSERT(bytes[MUIR_LINK_LOCAL] > tp && bytes[MUIR_LINK_LOCAL] < 1.1 * tp); /* embedding and head too */
    const double weights = muir_stage_params(program, 0, false);
    const double dp = weights * (s.job.parallel.grad_bytes + 2.0) * 3.0 / 4.0;
    CU_ASSERT_DOUBLE_EQUAL(bytes[MUIR_LINK_PORT] / dp, 1.0, 0.02);
    CU_ASSERT_EQUAL(bytes[MUIR_LINK_SITE], 0.0);
    muir_program_destroy(&program);
}

static void too_many_servers_are_refused(void)
{
    static const muir_job_load jobs[] = {{.servers = 65, .compute_s = 1.0}};
    const muir_fleet fleet = clos(64);
    muir_job_share out;
    CU_ASSERT_EQUAL(muir_jobs_share(muir_test_ctx(), &fleet, MUIR_PLACEMENT_PACKED, 1, jobs, 1, NULL, 5, NULL,
                                    &out, NULL),
                    MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "more servers than"));
    muir_ctx_clear(muir_test_ctx());
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every placement gives jobs their servers", every_placement_gives_jobs_their_servers},
        {"alone a job waits for its fullest uplink", alone_a_job_waits_for_its_fullest_uplink},
        {"equal jobs share equally", equal_jobs_share_equally},
        {"rates rise together", rates_rise_together},
        {"exchange groups are cut at borders only", exchange_groups_are_cut_at_borders_only},
        {"hidden traffic has the compute for it", hidden_traffic_has_the_compute_for_it},
        {"a degraded leaf hits those who cross it", a_degraded_leaf_hits_those_who_cross_it},
        {"a degraded adapter hits its job", a_degraded_adapter_hits_its_job},
        {"packed is never slower than scattered", packed_is_never_slower_than_scattered},
        {"bytes of a step follow from the layout", bytes_of_a_step_follow_from_the_layout},
        {"too many servers are refused", too_many_servers_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "jobs", tests);
}
