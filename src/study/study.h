/* SPDX-License-Identifier: BSD-3-Clause */
/* Studies: a table of scenarios, each at its own best layout and over seeds, and what changing one assumption
 * does. Read from data/studies or a file of one's own. */
#ifndef MUIR_STUDY_STUDY_H
#define MUIR_STUDY_STUDY_H

#include "plan/plan.h"
#include "power/investment.h"
#include "study/ensemble.h"

enum { MUIR_STUDY_AXES = 4, MUIR_STUDY_VALUES = 16, MUIR_STUDY_WORDS = 64 };

/* One value of an axis: a label, and the overrides that it stands for, separated by blanks. */
typedef struct muir_study_value {
    char label[MUIR_NAME_SIZE];
    char overrides[MUIR_TEXT_SIZE];
} muir_study_value;

typedef struct muir_study_axis {
    char name[MUIR_NAME_SIZE];
    muir_study_value values[MUIR_STUDY_VALUES];
    int n;
} muir_study_axis;

/* What is asked for. */
typedef struct muir_study {
    char description[MUIR_TEXT_SIZE], source[MUIR_TEXT_SIZE];
    char scenario[MUIR_NAME_SIZE];  /* every case starts from it */
    char overrides[MUIR_TEXT_SIZE]; /* of all cases */
    bool is_best;                /* each case at the planner's first layout; false: at the scenario's own */
    muir_plan_by by;             /* what that layout is the best in */
    char bounds[MUIR_TEXT_SIZE]; /* of the search, separated by blanks */
    int64_t seeds;
    muir_study_axis axes[MUIR_STUDY_AXES]; /* their product is the table */
    int n_axes;
    muir_study_axis sensitivity; /* label: the key; overrides: its low and its high value */
} muir_study;

/* Reads a study.
 * name   in   of data/studies, or a path
 * study  out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG with file, line and key. */
muir_status muir_study_load(muir_ctx *ctx, const char *name, muir_study *study);

/* One cell of the table, or one end of a sensitivity. Modelled. */
typedef struct muir_study_case {
    int at[MUIR_STUDY_AXES]; /* value of each axis */
    int key;                 /* sensitivity: number of the key; -1: a cell */
    bool is_high;
    muir_plan_entry layout; /* as far as the layout was searched; parallel and micro batch always */
    int64_t chips;          /* of the fleet */
    double capital_usd, rent_usd_per_chip_hour, tokens_per_step;
    muir_spread spread[MUIR_MEASURE_COUNT];
    muir_investment investment; /* at the means of power and tokens per second */
} muir_study_case;

typedef struct muir_study_result {
    muir_study_case *cases; /* [n]: cells, the last axis fastest, then sensitivities, low and high */
    int n, n_cells;
} muir_study_result;

/* Called on rank 0 when a case is done. */
typedef void (*muir_study_observer)(int done, int cases, void *data);

/* Runs a study; ranks share each search and each ensemble, and the result does not depend on their number.
 * stop      in   set by a signal; NULL: never
 * observer  in   NULL: nobody looks
 * out       out  free it with muir_study_result_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG: a case cannot be loaded or fits nowhere, with its labels. */
muir_status muir_study_run(muir_ctx *ctx, const muir_study *study, const volatile sig_atomic_t *stop,
                           muir_study_observer observer, void *data, muir_study_result **out);
void muir_study_result_destroy(muir_study_result **result); /* accepts NULL, leaves NULL */

#endif
