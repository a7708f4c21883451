/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios, programs and fleet clocks for tests. */
#include "programs.h"

#include <stdio.h>

#include "check.h"

enum { MOST_KEYS = 64 };

muir_status try_scenario(const char *name, const char *const *keys, const char *const *more,
                         muir_scenario *scenario)
{
    const char *all[MOST_KEYS];
    const char *const *const lists[] = {keys, more};
    int n = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; lists[i] && lists[i][k]; k++) {
            CU_ASSERT_FATAL(n < MOST_KEYS);
            all[n++] = lists[i][k];
        }
    muir_ctx_clear(muir_test_ctx());
    return muir_scenario_load(muir_test_ctx(), name, all, n, scenario);
}

muir_scenario scenario_with(const char *name, const char *const *keys, const char *const *more)
{
    muir_scenario scenario;
    const muir_status st = try_scenario(name, keys, more, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return scenario;
}

muir_scenario scenario_of(const char *name, const char *const *keys)
{
    return scenario_with(name, keys, NULL);
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
