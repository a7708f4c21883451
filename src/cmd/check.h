/* SPDX-License-Identifier: BSD-3-Clause */
/* What a dry run works out. Private to cmd/. */
#ifndef MUIR_CMD_CHECK_H
#define MUIR_CMD_CHECK_H

#include <jansson.h>

#include "estimate/interval.h"
#include "memory/fit.h"
#include "run/forecast.h"
#include "step_time/ideal.h"

typedef struct muir_check {
    const muir_scenario *scenario; /* borrowed */
    muir_program *program;
    muir_order *order;
    muir_ideal *ideal;
    muir_interval interval; /* of the ideal step */
    muir_memory memory;
    double dilated_s; /* of a step on the wall under host.pace=dilate:X, 0 otherwise */
    int ranks;
    double peak_flop_per_s; /* measured, of a core here; 0 where the host clock does not run */
    muir_shrink shrink;     /* zeros likewise */
    muir_forecast forecast;
} muir_check;

/* Axes with groups, in the order in which they are printed. */
enum { MUIR_CHECK_AXES = 6 };
extern const muir_axis muir_check_axes[MUIR_CHECK_AXES];

/* Whether the job has groups along an axis. Local. */
bool muir_check_has_group(const muir_scenario *scenario, muir_axis axis);

/* Groups, and the bytes and calls of a chip of the first stage in a step: the page, and for programs; the
 * caller's. Local; call on rank 0. */
void muir_check_print_groups(const muir_check *check);
json_t *muir_check_groups_json(const muir_check *check);

/* The page on ranks. Local; call on rank 0. */
void muir_check_print_ranks(const muir_check *check);

/* The dry run for programs: layout, memory, ideal step, rank map, every key; the caller's. Local; call on
 * rank 0. */
json_t *muir_check_json(const muir_check *check);

#endif
