/* SPDX-License-Identifier: BSD-3-Clause */
/* A layout as overrides that can be pasted. */
#ifndef MUIR_PLAN_PLAN_TEXT_H
#define MUIR_PLAN_PLAN_TEXT_H

#include "plan/plan.h"

enum { MUIR_PLAN_OVERRIDES = 16 };

/* "micro_batch_size=1", "parallel.tp=8", ...: every searched key. */
typedef struct muir_plan_overrides {
    char text[MUIR_PLAN_OVERRIDES][2 * MUIR_NAME_SIZE];
    int n;
} muir_plan_overrides;

/* Local. */
muir_plan_overrides muir_plan_overrides_of(const muir_plan_entry *entry);

/* Name of a value of a CHOICE key of scenario files: ("parallel.recompute", 2) is "full".
 * text  out  [MUIR_NAME_SIZE]; also returned
 * Local. */
const char *muir_plan_choice(const char *key, int value, char text[MUIR_NAME_SIZE]);

#endif
