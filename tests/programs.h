/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios, programs and fleet clocks that tests are made of; a test that cannot have them ends. */
#ifndef MUIR_TESTS_PROGRAMS_H
#define MUIR_TESTS_PROGRAMS_H

#include "fleet_clock/fleet_clock.h"

/* A scenario by name with `n` key=value pairs; NULL: none but these. Collective. */
muir_scenario load(const char *name, const char *const *overrides, int n);

/* The program of a scenario's job; free it with muir_program_destroy. Local. */
muir_program *program_of(const muir_scenario *scenario);

/* A fleet clock on the ranks of ctx; free it with muir_fleet_clock_destroy. Collective over ctx->comm. */
muir_fleet_clock *clock_of(muir_ctx *ctx, const muir_scenario *scenario);

#endif
