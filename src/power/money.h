/* SPDX-License-Identifier: BSD-3-Clause */
/* What the money of a fleet is computed from, and what each of these figures rests on. */
#ifndef MUIR_POWER_MONEY_H
#define MUIR_POWER_MONEY_H

#include "scenario/scenario.h"

typedef enum muir_money {
#define MONEY(key, unit, basis) MUIR_MONEY_##key,
#include "power/money.def"
#undef MONEY
    MUIR_MONEY_COUNT
} muir_money;

typedef struct muir_money_input {
    const char *key, *unit; /* "wacc": of fleet.site */
    double value;
    const char *basis; /* measured, published, estimated, assumed; "unsaid": the fleet's file does not say */
} muir_money_input;

/* Fills all inputs, in the order of money.def.
 * inputs  out  [MUIR_MONEY_COUNT], texts are static; untouched on error
 * Local. MUIR_ERR_ARG: site.basis names an unknown key or an unknown word. */
muir_status muir_money_inputs(muir_ctx *ctx, const muir_scenario *scenario, muir_money_input *inputs);

#endif
