/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios, programs and fleet clocks for tests. */
#include "programs.h"

#include <stdio.h>

#include "check.h"

muir_scenario load(const char *name, const char *const *overrides, int n)
{
    muir_scenario scenario;
    const muir_status st = muir_scenario_load(muir_test_ctx(), name, overrides, n, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return scenario;
}

muir_program *program_of(const muir_scenario *scenario)
{
    muir_program *program = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &scenario->job, &program), MUIR_OK);
    return program;
}

muir_fleet_clock *clock_of(muir_ctx *ctx, const muir_scenario *scenario)
{
    muir_fleet_clock *clock = NULL;
    const muir_status st = muir_fleet_clock_create(ctx, scenario, &clock);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return clock;
}
