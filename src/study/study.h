/* SPDX-License-Identifier: BSD-3-Clause */
/* Studies: a table of scenarios, each at its own best layout and over seeds, and what changing one assumption
 * does. Read from data/studies or a file of one's own. */
#ifndef MUIR_STUDY_STUDY_H
#define MUIR_STUDY_STUDY_H

#include "io/claim.h"
#include "plan/plan.h"
#include "power/investment.h"
#include "power/money.h"
#include "study/ensemble.h"

enum {
    MUIR_STUDY_AXES = 4,
    MUIR_STUDY_VALUES = 16,
    MUIR_STUDY_WORDS = 64,
    MUIR_STUDY_OVERRIDES = 4096,
    MUIR_STUDY_SEEDS = 100000
};

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
    bool is_done;
    int64_t inputs; /* checksum of the scenario with all its data files, before the search */
    char overrides[MUIR_STUDY_OVERRIDES]; /* of `scenario`: as an argument of muir run they make this case */
    muir_money_input money[MUIR_MONEY_COUNT];
    int64_t chips, job_chips; /* of the fleet; of the layout */
    muir_parallel parallel;
    int64_t micro_batch_size;
    double rent_usd_per_chip_hour, tokens_per_step; /* rent: NaN where none is known */
    double *values;                                 /* [seeds, MUIR_MEASURE_COUNT] the draws */
    muir_spread spread[MUIR_MEASURE_COUNT];         /* of them */
    muir_investment investment;                     /* at the means of power and tokens per second */
} muir_study_case;

typedef struct muir_study_result {
    muir_study_case *cases; /* [n]: cells, the last axis fastest, then sensitivities, low and high */
    double *values;         /* of all cases */
    int n, n_cells;
} muir_study_result;

/* Called on rank 0 when a case is done, or was found in the file. */
typedef void (*muir_study_observer)(int done, int cases, void *data);

typedef struct muir_study_request {
    const muir_study *study;
    const char *name; /* what it was asked for as */
    muir_claim *
        claim; /* of the file, which is saved whenever a case is done and may hold some already; NULL: none */
    const char *history;               /* how the file is made */
    const volatile sig_atomic_t *stop; /* set by a signal; NULL: never */
    muir_study_observer observer;      /* NULL: nobody looks */
    void *data;
} muir_study_request;

/* Runs a study; ranks share each search and each ensemble, and the result does not depend on their number,
 * nor on how often it was interrupted.
 * out  out  free it with muir_study_result_destroy; whole on rank 0; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG: a case cannot be loaded or fits nowhere, with its labels; the
 * file is of another study or of other inputs. MUIR_ERR_STOPPED. MUIR_ERR_FILE. */
muir_status muir_study_run(muir_ctx *ctx, const muir_study_request *request, muir_study_result **out);
void muir_study_result_destroy(muir_study_result **result); /* accepts NULL, leaves NULL */

#endif
