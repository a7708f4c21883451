/* SPDX-License-Identifier: BSD-3-Clause */
/* Power and cost of time in which nothing is trained that lasts. */
#include <math.h>

#include "check.h"
#include "programs.h"

/* A failure at some share of a step has used that share of its energy; the stall draws what restarting
 * does. */
static void a_broken_step_has_drawn_for_what_it_trained(void)
{
    const char *const keys[] = {"faults=llama3",
                                "faults.rate=0.5",
                                "host.every=0",
                                "faults.jitter.spike_share=0",
                                "faults.jitter.gc_steps=1000000",
                                "faults.slow.compute=0",
                                "faults.slow.network=0",
                                "faults.slow.flap=0",
                                NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", keys);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_power *p = muir_fleet_clock_power(clock);
    const double still_w =
        s.fleet.site.pue * (p->base_w + p->spread * p->chip.restart * (double)muir_job_chips(&s.job));
    double kept_w = 0.0;
    int n_broken = 0;
    for (int64_t i = 0; i < 150; i++) {
        muir_fleet_row row;
        muir_rank_row rank;
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, i, 0, &row, &rank, NULL), MUIR_OK);
        if (row.replicas == s.job.parallel.dp && row.part_s[MUIR_PART_checkpoint] == 0.0 &&
            row.part_s[MUIR_PART_recovery] == 0.0)
            kept_w = row.power_w;
        CU_ASSERT(row.broken_s >= 0.0 && row.broken_s <= row.part_s[MUIR_PART_recovery]);
        if (row.replicas > 0) CU_ASSERT_EQUAL(row.broken_s, 0.0);
        if (row.replicas > 0 || row.broken_s == 0.0 || kept_w == 0.0) continue;
        const double trained_j = row.energy_j - still_w * (row.step_s - row.broken_s);
        CU_ASSERT_DOUBLE_EQUAL(trained_j / (kept_w * row.broken_s), 1.0, 0.01);
        n_broken++;
    }
    CU_ASSERT(n_broken > 3);
    muir_fleet_clock_destroy(&clock);
}

static void chips_idle_while_the_host_works(void)
{
    const muir_scenario plain = scenario_of("rainier-1f1b", KEYS("host.every=0", "stack.step_s=0")),
                        hosted = scenario_of("rainier-1f1b", KEYS("host.every=0", "stack.step_s=2"));
    muir_fleet_clock *clocks[] = {clock_of(muir_test_ctx(), &plain), clock_of(muir_test_ctx(), &hosted)};
    const muir_power *p = muir_fleet_clock_power(clocks[0]), *h = muir_fleet_clock_power(clocks[1]);
    const muir_power_step step = {.replicas = (double)plain.job.parallel.dp};
    const double idle_w = p->spread * p->chip.idle * (double)muir_job_chips(&plain.job);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_step_s(h, &step) - muir_power_step_s(p, &step), 2.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL((muir_power_equipment_j(h, &step) - muir_power_equipment_j(p, &step)) /
                               (2.0 * (p->base_w + idle_w)),
                           1.0, 1e-6);
    for (int i = 0; i < 2; i++) muir_fleet_clock_destroy(&clocks[i]);
}

/* By hand: 1 USD/s of rent, 0.2 of energy, 0.4 of the rest. */
static void owning_pays_from_some_use_on(void)
{
    muir_scenario s = scenario_of("rainier-1m", NULL);
    s.fleet.site.rent_usd_per_chip_hour = 3600.0 / 1e6; /* 1 USD/s for the fleet */
    const muir_cost half = {.capital_usd_per_s = 0.3, .staff_usd_per_s = 0.1, .usd_per_j = 2e-8};
    CU_ASSERT_DOUBLE_EQUAL(muir_cost_breakeven_use(&half, &s.fleet, 1e7), 0.4 / 0.8, 1e-9);
    CU_ASSERT(isnan(muir_cost_breakeven_use(&half, &s.fleet, 1e9)));
    s.fleet.site.rent_usd_per_chip_hour = 0.0;
    CU_ASSERT(isnan(muir_cost_breakeven_use(&half, &s.fleet, 1e7)));
}

/* An hour of standing still and one of training for nothing: capital, staff and the energy of each. */
static void lost_time_costs_what_the_fleet_does(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", NULL);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_power *p = muir_fleet_clock_power(clock);
    const muir_cost *cost = muir_fleet_clock_cost(clock);
    const double fixed_usd = 3600.0 * (cost->capital_usd_per_s + cost->staff_usd_per_s);
    const double chips = (double)muir_job_chips(&s.job),
                 usd_per_w = 3600.0 * s.fleet.site.pue * cost->usd_per_j;
    const double still_w = p->base_w + p->spread * chips * p->chip.restart;
    const double training_w = p->base_w + p->spread * chips * muir_power_chip_w(p);
    CU_ASSERT_DOUBLE_EQUAL(muir_fleet_clock_lost_usd(clock, 3600.0, 0.0) / (fixed_usd + usd_per_w * still_w),
                           1.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(
        muir_fleet_clock_lost_usd(clock, 0.0, 3600.0) / (fixed_usd + usd_per_w * training_w), 1.0, 1e-9);
    CU_ASSERT(training_w > 1.3 * still_w);
    muir_fleet_clock_destroy(&clock);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a broken step has drawn for what it trained", a_broken_step_has_drawn_for_what_it_trained},
        {"chips idle while the host works", chips_idle_while_the_host_works},
        {"owning pays from some use on", owning_pays_from_some_use_on},
        {"lost time costs what the fleet does", lost_time_costs_what_the_fleet_does},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "losses", tests);
}
