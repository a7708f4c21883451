/* SPDX-License-Identifier: BSD-3-Clause */
/* Numeric keys that move none of the measures of test_sensitivity, each with the reason or the test that
 * moves it. */
#ifndef MUIR_TESTS_SENSITIVITY_EXEMPT_H
#define MUIR_TESTS_SENSITIVITY_EXEMPT_H

/* Keys that move none of the measures, and why. */
static const char *const still[][2] = {
    {"chip.driver_bytes", "what fits: compared with the memory that a job needs, tested in test_memory"},
    {"chip.hbm_bytes", "what fits: compared with the memory that a job needs, which it does not change"},
    {"fleet.server.chips", "checked: groups of another size are placed elsewhere, tested in test_network"},
    {"chip.checkpoint_power", "checkpoints, which have tests of their own"},
    {"chip.restart_power", "events, which have tests of their own"},
    {"chip.heat_lag_s", "how chips cool in stalls, tested in test_heat"},
    {"chip.lag_s", "the power trace, which has tests of its own"},
    {"fleet.server.chips_per_host", "pauses of hosts, tested in test_causes"},
    {"fleet.server.rack_chips", "failures of racks, tested in test_causes"},
    {"fleet.server.rewire_s", "events, tested in test_reaction"},
    {"fleet.server.supply_lag_s", "the power trace, which has tests of its own"},
    {"fleet.server.reduction", "which way a collective takes, tested in test_ways"},
    {"fleet.server.reduction_chips", "which way a collective takes, tested in test_ways"},
    {"fleet.fabric.exchange", "all_to_alls over servers, tested in test_ways"},
    {"fleet.fabric.reduction", "which way a collective takes, tested in test_ways"},
    {"fleet.fabric.chips_per_adapter", "trees over two servers, tested in test_ways"},
    {"fleet.fabric.crowding", "rings and trees over many servers, tested in test_ways"},
    {"fleet.fabric.collisions", "rings and trees over many servers, tested in test_ways"},
    {"library.", "how collectives go, every key tested in test_ways"},
    {"fleet.site.network_share", "splits the capital, whose sum it does not change"},
    {"fleet.site.rent_usd_per_chip_hour", "printed beside what a chip costs"},
    {"fleet.site.wacc", "earnings of a study, tests/cli/test_study.py"},
    {"fleet.site.repair_usd", "running costs of a study"},
    {"fleet.site.serving_share", "earnings of a study"},
    {"fleet.site.serving_usd_per_chip_hour", "earnings of a study"},
    {"fleet.variation.slow_speed", "needs slow_share, which is tested"},
    {"chip.spread", "the interval of the step, tested in test_estimate"},
    {"stack.scatter", "the interval of the step, tested in test_estimate"},
    {"stack.rows", "says what the figures rest on"},
    {"stack.prior.", "what a fit starts from, tested in test_pool"},
    {"stack.spread.", "the interval of the step, tested in test_estimate"},
    {"steps", "length of a run"},
    {"days", "length of a run"},
    {"seed", "random draws"},
    {"host.", "the host clock"},
    {"telemetry.", "the file"},
    {"evaluation.", "what is made of finished steps"},
    {"power.", "the power trace, which has tests of its own"},
    {"faults.", "events, which have tests of their own"},
};

#endif
