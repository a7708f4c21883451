/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios that nobody thought of: lists of key=value, drawn, and made shorter. */
#ifndef MUIR_TESTS_DRAW_H
#define MUIR_TESTS_DRAW_H

#include <stdint.h>

#include "scenario/scenario.h"

enum { MUIR_DRAWN_KEYS = 24, MUIR_DRAWN_SIZE = 80 };

typedef struct muir_drawn {
    char text[MUIR_DRAWN_KEYS][MUIR_DRAWN_SIZE];
    int n;
} muir_drawn;

/* Names of the data folder's files, from which models, fleets and faults are drawn. */
typedef struct muir_names muir_names;
muir_names *muir_names_read(void);
void muir_names_free(muir_names *names);

/* The scenario of that number; not all of them are legal. */
muir_drawn muir_draw_scenario(const muir_names *names, uint64_t seed, uint64_t number);

/* The same without one of its keys. */
muir_drawn muir_drawn_without(const muir_drawn *drawn, int key);

/* Loads it on top of data/scenarios/tiny.yaml. MUIR_ERR_ARG: muir refuses it. */
muir_status muir_drawn_load(muir_ctx *ctx, const muir_drawn *drawn, muir_scenario *scenario);

#endif
