/* SPDX-License-Identifier: BSD-3-Clause */
/* Predictions for a table of published runs, and how far they are off. */
#ifndef MUIR_VALIDATION_VALIDATE_H
#define MUIR_VALIDATION_VALIDATE_H

#include "estimate/belief.h"
#include "scenario/scenario.h"
#include "step_time/ideal.h"
#include "base/csv.h"
#include "validation/peaks.h"

enum { MUIR_WHY_SIZE = 240, MUIR_GROUP_SIZE = 80 };

/* One row of the table. Texts are borrowed from the table. */
typedef struct muir_validate_row {
    const char *id, *fleet, *source, *complete;
    char chip[MUIR_GROUP_SIZE], stack[MUIR_GROUP_SIZE], family[MUIR_GROUP_SIZE];
    char kind[MUIR_GROUP_SIZE]; /* of software */
    double real_s,
        predicted_s;      /* step time; as published, and the mean of the first steps of the fleet clock */
    double error;         /* predicted / real - 1 */
    double low_s, high_s; /* 80 % interval of the step time */
    const char *basis;    /* what the stack's figures rest on, see muir_basis_word */
    double slope[MUIR_FIGURES];     /* d log step / d log figure of the stack */
    double open_sigma;              /* of the logarithm, from what the row leaves open, recompute above all */
    double part_s[MUIR_PART_COUNT]; /* of the prediction */
    muir_validate_peak peak;
    bool has_time; /* the row has a step time */
    bool is_skipped;
    char why[MUIR_WHY_SIZE]; /* it was skipped */
} muir_validate_row;

/* Errors of a set of rows. */
typedef struct muir_validate_group {
    char name[MUIR_GROUP_SIZE];
    int n;
    double mean_abs_error, max_abs_error, mean_error;
    double coverage;     /* share of rows whose measured time lies in their interval */
    double median_width; /* of log(high / low) / 2: 0.2 means about 20 % either way */
} muir_validate_group;

/* Which rows a group takes. */
typedef bool (*muir_validate_filter)(const muir_validate_row *row, const void *data);

/* How rows are predicted. */
typedef struct muir_validate_options {
    const char *stack;        /* of all rows: a name in data/stacks or a path; NULL: each row's own */
    muir_scenario *scenarios; /* out [table->n_rows]: each row's; NULL: not wanted */
} muir_validate_options;

/* Predicts every row of a table. The measured time is column step_time_s, or follows from tokens_per_s,
 * tokens_per_s_per_chip or tflops_per_chip (model FLOP as muir counts them, attention's full square).
 * options  in   NULL: all as in the comments above
 * rows     out  [table->n_rows], in the table's order
 * Local: it makes its own context of one process. MUIR_ERR_ARG (a column is missing), MUIR_ERR_MEM. */
muir_status muir_validate(muir_ctx *ctx, const muir_csv *table, const muir_validate_options *options,
                          muir_validate_row *rows);

/* Errors over the rows that are not skipped and pass the filter (NULL: all). Local. */
muir_validate_group muir_validate_errors(const muir_validate_row *rows, int n, const char *name,
                                         muir_validate_filter filter, const void *filter_data);

#endif
