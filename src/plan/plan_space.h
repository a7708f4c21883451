/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys that a plan searches and the values that each may take. Private to the plan. */
#ifndef MUIR_PLAN_PLAN_SPACE_H
#define MUIR_PLAN_PLAN_SPACE_H

#include "scenario/scenario.h"

enum { MUIR_PLAN_VALUES = 32, MUIR_PLAN_VALUE_BITS = 5, MUIR_PLAN_KEYS = 12 };

typedef struct muir_plan_values {
    int64_t value[MUIR_PLAN_VALUES];
    int n;
} muir_plan_values;

/* One searched key. Values are numbers; a schedule is its place in the table of schedules.
 * list  fills the values to try, in the order of the search, given the keys before it
 * get   the job's value
 * set   changes the job */
typedef struct muir_plan_axis {
    const char *key, *help;
    void (*list)(const muir_scenario *so_far, bool is_pareto, muir_plan_values *values);
    int64_t (*get)(const muir_job *job);
    void (*set)(muir_job *job, int64_t value);
} muir_plan_axis;

/* The table, in the order of plan.def. Local. */
int muir_plan_axis_count(void);
const muir_plan_axis *muir_plan_axis_at(int i);

#endif
