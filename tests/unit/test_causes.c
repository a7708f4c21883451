/* SPDX-License-Identifier: BSD-3-Clause */
/* Causes of failures: shares and picks by weight, what a rack and a leaf take along, hosts of a fleet. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "programs.h"
#include "reliability/events.h"

/* Weights of Llama 3's table: 3 of 419 leaf switches, 5 racks, 7 hangs. */
static void shares_are_those_of_the_weights(void)
{
    const muir_scenario s = scenario_of("llama3-16k", KEYS("faults=llama3"));
    const muir_causes *c = &s.faults.causes;
    CU_ASSERT_DOUBLE_EQUAL(muir_causes_sum(c), 419.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_causes_wide_share(c), 8.0 / 419.0, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(muir_causes_timeout_share(c), 7.0 / 419.0, 1e-15);
    CU_ASSERT_EQUAL(muir_causes_pick(c, 1e-9), MUIR_KIND_chip);
    CU_ASSERT_EQUAL(muir_causes_pick(c, 183.9 / 419.0), MUIR_KIND_chip);
    CU_ASSERT_EQUAL(muir_causes_pick(c, 184.1 / 419.0), MUIR_KIND_hbm);
    CU_ASSERT_EQUAL(muir_causes_pick(c, 1.0 - 1e-9), MUIR_KIND_sdc);
    const muir_causes none = {{0.0}};
    CU_ASSERT_EQUAL(muir_causes_wide_share(&none), 0.0);
    CU_ASSERT_EQUAL(muir_causes_timeout_share(&none), 0.0);
}

static void check_reach(const muir_fleet *fleet, muir_reach reach, int32_t server, int32_t first,
                        int32_t last)
{
    int32_t a = -1, b = -1;
    muir_reach_servers(fleet, reach, server, &a, &b);
    CU_ASSERT_EQUAL(a, first);
    CU_ASSERT_EQUAL(b, last);
}

/* Meta: 16 chips a rack, so two servers of 8; 384 servers a leaf; 3,072 servers. */
static void racks_and_leaves_take_their_servers_along(void)
{
    muir_scenario s = scenario_of("llama3-16k", KEYS("faults=llama3", "fleet.servers=3071"));
    check_reach(&s.fleet, MUIR_REACH_SERVER, 1001, 1001, 1001);
    check_reach(&s.fleet, MUIR_REACH_RACK, 1001, 1000, 1001);
    check_reach(&s.fleet, MUIR_REACH_RACK, 3070, 3070, 3070); /* the last rack is half full */
    check_reach(&s.fleet, MUIR_REACH_LEAF, 1001, 768, 1151);
    s = scenario_of("llama3-16k", KEYS("faults=llama3", "fleet.server.rack_chips=auto"));
    check_reach(&s.fleet, MUIR_REACH_RACK, 1001, 1001, 1001);
}

static void hosts_and_racks_are_those_of_the_fleet(void)
{
    muir_scenario s = scenario_of("llama3-16k", KEYS("fleet=rainier-500k", "fleet.server.rack_chips=32"));
    CU_ASSERT_EQUAL(muir_fleet_hosts(&s.fleet, 500032), 500032 / 16);
    CU_ASSERT_EQUAL(muir_fleet_hosts(&s.fleet, 17), 2);
    CU_ASSERT_EQUAL(muir_fleet_rack_servers(&s.fleet), 1); /* a server fills two racks */
    s = scenario_of("llama3-16k", NULL);
    CU_ASSERT_EQUAL(muir_fleet_hosts(&s.fleet, 80), 10); /* auto: a server is a host */
}

/* One host in two pauses half as often in a step where pauses are not synchronised. */
static void fewer_hosts_pause_less(void)
{
    static const char *const few[] = {"faults=bring-up", "faults.rate=0", "faults.jitter.spike_share=0",
                                      "fleet.server.chips_per_host=8", NULL},
                             *const many[] = {"faults=bring-up", "faults.rate=0",
                                              "faults.jitter.spike_share=0", "fleet.server.chips_per_host=1",
                                              NULL};
    double wait_s[2] = {0.0, 0.0};
    for (int i = 0; i < 2; i++) {
        const muir_scenario s = scenario_of("llama3-16k", i ? many : few);
        muir_effects *e = NULL;
        muir_servers *servers = NULL;
        CU_ASSERT_EQUAL_FATAL(muir_effects_create(muir_test_ctx(), &s, &e), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_servers_create(muir_test_ctx(), &s, &servers), MUIR_OK);
        for (int64_t row = 0; row < 200; row++) {
            muir_disturbance d;
            muir_effects_meet(e, servers, row, &d);
            wait_s[i] += d.wait_s;
        }
        muir_effects_destroy(&e);
        muir_servers_destroy(&servers);
    }
    CU_ASSERT(wait_s[0] > 0.0 && wait_s[0] < wait_s[1]);
}

static void parts_that_do_not_fit_are_refused(void)
{
    static const char *const wrong[][2] = {
        {"fleet.server.chips_per_host=3", "chips_per_host=3 does not divide"},
        {"fleet.server.rack_chips=12", "rack_chips=12 is neither"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        muir_scenario s;
        muir_ctx_clear(muir_test_ctx());
        CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", &wrong[i][0], 1, &s), MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, wrong[i][1]));
    }
    muir_ctx_clear(muir_test_ctx());
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"shares are those of the weights", shares_are_those_of_the_weights},
        {"racks and leaves take their servers along", racks_and_leaves_take_their_servers_along},
        {"hosts and racks are those of the fleet", hosts_and_racks_are_those_of_the_fleet},
        {"fewer hosts pause less", fewer_hosts_pause_less},
        {"parts that do not fit are refused", parts_that_do_not_fit_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "causes", tests);
}
