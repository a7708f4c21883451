/* SPDX-License-Identifier: BSD-3-Clause */
/* Predictions for a table of published runs, and how far they are off. */
#ifndef MUIR_VALIDATION_VALIDATE_H
#define MUIR_VALIDATION_VALIDATE_H

#include "step_time/ideal.h"
#include "base/csv.h"
#include "validation/peaks.h"

enum { MUIR_WHY_SIZE = 240, MUIR_GROUP_SIZE = 80 };

/* One row of the table. Texts are borrowed from the table. */
typedef struct muir_validate_row {
    const char *id, *fleet, *source, *complete;
    char chip[MUIR_GROUP_SIZE], stack[MUIR_GROUP_SIZE], family[MUIR_GROUP_SIZE];
    double real_s,
        predicted_s; /* step time; as published, and the mean of the first steps of the fleet clock */
    double error;    /* predicted / real - 1 */
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
} muir_validate_group;

/* Which rows a group takes. */
typedef bool (*muir_validate_filter)(const muir_validate_row *row);

/* Predicts every row of a table.
 * rows  out  [table->n_rows], in the table's order
 * Local: it makes its own context of one process. MUIR_ERR_ARG (a column is missing), MUIR_ERR_MEM. */
muir_status muir_validate(muir_ctx *ctx, const muir_csv *table, muir_validate_row *rows);

/* Errors over the rows that are not skipped and pass the filter (NULL: all). Local. */
muir_validate_group muir_validate_errors(const muir_validate_row *rows, int n, const char *name,
                                         muir_validate_filter filter);

#endif
