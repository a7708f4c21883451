/* SPDX-License-Identifier: BSD-3-Clause */
/* A stack from a few measured runs of one's own: what is known of its kind, updated by them. */
#ifndef MUIR_VALIDATION_CALIBRATE_H
#define MUIR_VALIDATION_CALIBRATE_H

#include "validation/validate.h"

typedef struct muir_calibration {
    muir_belief before, after;
    char base[MUIR_NAME_SIZE]; /* the stack that it starts from */
    muir_stack stack;          /* that stack with the new figures */
} muir_calibration;

/* Updates the belief in a stack's figures by the rows: a normal update in logarithms, at slopes that are
 * found again where it leads, three times over.
 *     gain = C S^T (S C S^T + R)^-1,  after = before + gain (log measured - log modelled),  C' = C - gain S C
 * with slopes S, covariance C of the figures, releases and all, and R of the rows.
 * rows       in/out  [n] from muir_validate; predicted_s, error, low_s and high_s become those of a
 *                    calibration without the row itself (with one row: without any)
 * scenarios  in      [n] theirs, all of one stack
 * out        out     untouched on error
 * Local. MUIR_ERR_ARG: no row can be run, or rows are of several stacks. MUIR_ERR_MEM, MUIR_ERR_CHECK.
 * Source: Tarantola, "Inverse Problem Theory", 2005, section 3.4. */
muir_status muir_calibrate_rows(muir_ctx *ctx, muir_validate_row *rows, const muir_scenario *scenarios, int n,
                                muir_calibration *out);

#endif
