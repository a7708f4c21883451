/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios, programs and fleet clocks that tests are made of; a test that cannot have them ends. */
#ifndef MUIR_TESTS_PROGRAMS_H
#define MUIR_TESTS_PROGRAMS_H

#include "fleet_clock/fleet_clock.h"

/* A list of key=value pairs: every list of them ends with NULL, so that none can be half read. */
#define KEYS(...)                                                                                            \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }

/* Loads a scenario and leaves it to the test what to think of the status. A message of before is gone.
 * name        in   NULL: every key is among the lists
 * keys, more  in   NULL-ended, `more` after `keys`; NULL: none
 * Collective. */
muir_status try_scenario(const char *name, const char *const *keys, const char *const *more,
                         muir_scenario *scenario);

/* The same where the test cannot go on without it. Collective. */
muir_scenario scenario_of(const char *name, const char *const *keys);
muir_scenario scenario_with(const char *name, const char *const *keys, const char *const *more);

/* The program of a scenario's job; free it with muir_program_destroy. Local. */
muir_program *program_of(const muir_scenario *scenario);

/* A fleet clock on the ranks of ctx; free it with muir_fleet_clock_destroy. Collective over ctx->comm. */
muir_fleet_clock *clock_of(muir_ctx *ctx, const muir_scenario *scenario);

#endif
