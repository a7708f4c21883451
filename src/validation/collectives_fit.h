/* SPDX-License-Identifier: BSD-3-Clause */
/* The network's figures, fitted to measured collectives without one source at a time. */
#ifndef MUIR_VALIDATION_COLLECTIVES_FIT_H
#define MUIR_VALIDATION_COLLECTIVES_FIT_H

#include "validation/collectives.h"

/* How a row's source is called: its address, without file and version. */
void muir_collective_source(const muir_collective_row *row, char *name, size_t size);

/* Predicts every row with figures that have not seen its source.
 *
 * A figure is a key of a fleet or library and its value: fleets that share the value share the figure. For
 * each source the figures are fitted to all other rows,
 *     least sum over rows of w log(1 + (log(predicted / real) / 0.15)^2)
 * with w such that a source weighs as the root of its rows, by Gauss and Newton's method from the shipped
 * values, which count as one weak observation each (a factor e, or a fifth for shares of a rate). A figure
 * that no other source has is what others have in that place, their geometric mean weighted by sources: of a
 * fabric's figures, fabrics with the same transport where there are any; crowding and collisions are off.
 * Where there are none, it stays.
 * rows       in/out  [n], read and not skipped ones predicted
 * n_figures  out     different figures that the rows have together
 * Local. MUIR_ERR_MEM. */
muir_status muir_collectives_leave_out(muir_ctx *ctx, muir_collective_row *rows, int n, int *n_figures);

#endif
