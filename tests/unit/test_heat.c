/* SPDX-License-Identifier: BSD-3-Clause */
/* Temperatures against closed formulas, and who throttles against a count over all chips. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "fleet_clock/fleet_clock.h"
#include "fleet_clock/heat.h"
#include "programs.h"

enum { LANES = 64, STEP = 7 };

/* A warm fleet of 170 servers with day and night; `key`: one more, NULL: none. */
static muir_scenario warm_fleet(const char *key)
{
    return scenario_with("llama3-16k",
                         KEYS("parallel.dp=80", "parallel.pp=2", "parallel.vpp=1", "fleet.servers=170",
                              "parallel.tp=8", "global_batch_size=auto", "parallel.schedule=1f1b",
                              "host.every=0", "fleet.site.inlet_c=30", "fleet.site.inlet_swing_c=10",
                              "fleet.site.inlet_peak_h=15", "fleet.variation.inlet_sigma_c=2"),
                         KEYS(key));
}

static int64_t ns(double hours)
{
    return llrint(3600e9 * hours);
}

static void the_inlet_swings_once_a_day(void)
{
    const muir_scenario s = warm_fleet(NULL);
    const double half = sqrt(0.5);
    static const double hours[] = {15.0, 3.0, 21.0, 18.0, 15.0 + 5 * 24.0};
    const double swing_c[] = {5.0, -5.0, 0.0, 5.0 * half, 5.0};
    const muir_heat heat = {.scenario = &s, .load = 0.8};
    for (int i = 0; i < 5; i++) {
        const muir_heat_step now = muir_heat_at(&heat, ns(hours[i]));
        CU_ASSERT_DOUBLE_EQUAL(now.mean_c, 30.0 + swing_c[i] + 0.8 * 45.0, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL((double)now.slower, 0.0015 * swing_c[i], 1e-9);
        CU_ASSERT((double)now.margin_c - (87.0 - now.mean_c) > -1e-5);
        CU_ASSERT((double)now.margin_c - (87.0 - now.mean_c) < 0.1 + 1e-5);
        CU_ASSERT_DOUBLE_EQUAL((double)now.throttling, 1.25, 1e-6);
    }
}

/* A day's swing of 10 K makes 1 to 2 % between the slowest and the fastest hour, as Llama 3's report says. */
static void day_and_night_differ_by_what_is_published(void)
{
    muir_scenario s = warm_fleet("fleet.site.inlet_peak_h=0");
    double step_s[2] = {0.0, 0.0};
    for (int night = 0; night < 2; night++) {
        muir_fleet_clock *clock = NULL;
        muir_fleet_row row;
        muir_rank_row rank;
        s.fleet.site.inlet_peak_h = 12.0 * night;
        CU_ASSERT_EQUAL_FATAL(muir_fleet_clock_create(muir_test_ctx(), &s, &clock), MUIR_OK);
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 0, 0, &row, &rank, NULL), MUIR_OK);
        step_s[night] = row.step_s;
        CU_ASSERT_EQUAL(row.throttled, 0.0);
        CU_ASSERT(row.hottest_c > row.mean_c + 5.0 && row.hottest_c < row.mean_c + 20.0);
        muir_fleet_clock_destroy(&clock);
    }
    CU_ASSERT(step_s[0] / step_s[1] > 1.01 && step_s[0] / step_s[1] < 1.02);
}

static void load_follows_power_with_its_lag(void)
{
    const muir_scenario s = warm_fleet(NULL);
    muir_heat heat = {.scenario = &s, .training = 0.9, .still = 0.2, .load = 0.9};
    const int64_t second = 1000000000;
    const muir_attempt broken = {.row_ns = 300 * second, .broken_ns = 60 * second};
    muir_heat_advance(&heat, &broken); /* 60 s training, 240 s standing still */
    CU_ASSERT_DOUBLE_EQUAL(heat.load, 0.2 + 0.7 * exp(-2.0), 1e-12);
    const muir_attempt kept = {
        .is_kept = true, .row_ns = 150 * second, .prefix_ns = 30 * second, .checkpoint_ns = 12 * second};
    double expected = 0.2 + (heat.load - 0.2) * exp(-30.0 / 120.0);
    expected = 0.9 + (expected - 0.9) * exp(-108.0 / 120.0);
    expected = 0.2 + (expected - 0.2) * exp(-12.0 / 120.0);
    muir_heat_advance(&heat, &kept);
    CU_ASSERT_DOUBLE_EQUAL(heat.load, expected, 1e-12);
}

static float excess(const muir_slowdown *s, int stage, int64_t replica)
{
    const int64_t row = replica / LANES * s->stages + stage;
    return s->excess[row * LANES + replica % LANES];
}

/* Chips of a group that are warmer than the mean by more than the margin. */
static int count(const muir_scenario *s, int stage, int64_t replica, const muir_servers *servers,
                 float margin_c)
{
    int n = 0;
    for (int64_t place = 0; place < 8; place++) {
        const int64_t chip = muir_layout_chip(&s->job, stage, replica, place);
        n += (float)muir_chip_warmth_c(s, muir_servers_at(servers, (int32_t)(chip / 8)) * 8 + chip % 8) >
             margin_c;
    }
    return n;
}

static void chips_that_are_too_warm_slow_their_groups(void)
{
    const muir_scenario s = warm_fleet(NULL);
    muir_slowdown *plain = NULL, *warm = NULL;
    const muir_slice all = {0, s.job.parallel.dp};
    muir_servers *servers = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_servers_create(muir_test_ctx(), &s, &servers), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_slowdown_create(muir_test_ctx(), &s, all, &plain), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_slowdown_create(muir_test_ctx(), &s, all, &warm), MUIR_OK);
    plain->servers = warm->servers = servers;
    for (int moved = 0; moved < 2; moved++) {
        const muir_heat_step heat = {.margin_c = moved ? 6.5f : 6.0f, .throttling = 1.25f};
        int64_t throttled = 0, groups = 0;
        if (moved) {
            muir_servers_drain(servers, 11, INT64_MAX, MUIR_SERVER_IN_REPAIR);
            CU_ASSERT_FATAL(muir_servers_fill(servers, 11));
            CU_ASSERT(muir_servers_at(servers, 11) >= 160);
            muir_slowdown_move(plain, 11), muir_slowdown_move(warm, 11);
        }
        muir_slowdown_step(plain, STEP, NULL, NULL, NULL);
        muir_slowdown_step(warm, STEP, NULL, &heat, NULL);
        CU_ASSERT_EQUAL(plain->n_throttled, 0);
        for (int stage = 0; stage < 2; stage++)
            for (int64_t r = 0; r < 80; r++) {
                const int n = count(&s, stage, r, servers, heat.margin_c);
                const double ratio =
                    (1.0 + (double)excess(warm, stage, r)) / (1.0 + (double)excess(plain, stage, r));
                CU_ASSERT_DOUBLE_EQUAL(ratio, n > 0 ? 1.25 : 1.0, 1e-6);
                throttled += n;
                groups += n > 0;
            }
        CU_ASSERT_EQUAL(warm->n_throttled, throttled);
        CU_ASSERT(throttled > groups && groups > 3 && groups < 80);
    }
    muir_servers_destroy(&servers);
    muir_slowdown_destroy(&plain);
    muir_slowdown_destroy(&warm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"the inlet swings once a day", the_inlet_swings_once_a_day},
        {"day and night differ by what is published", day_and_night_differ_by_what_is_published},
        {"load follows power with its lag", load_follows_power_with_its_lag},
        {"chips that are too warm slow their groups", chips_that_are_too_warm_slow_their_groups},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "heat", tests);
}
