/* SPDX-License-Identifier: BSD-3-Clause */
/* Intervals of predicted collectives, from the errors on sources that the figures have not seen. */
#ifndef MUIR_VALIDATION_COLLECTIVES_INTERVAL_H
#define MUIR_VALIDATION_COLLECTIVES_INTERVAL_H

#include "validation/collectives.h"

/* Sizes below 1 MiB miss otherwise than those above, and one server otherwise than several. */
enum { MUIR_COLLECTIVE_CELLS = 4 };

/* The cell of a collective, and what data/collectives_hardware.csv calls it. Local. */
int muir_collective_cell(int64_t servers, double bytes);
const char *muir_collective_cell_name(int cell);

/* 80 % intervals of rows predicted without their source: the logarithm of a row's error is as large as on
 * the other sources. In each cell
 *     low, high = predicted exp(-s), predicted exp(s)
 * with s the 80 % quantile of |log(predicted / real)| over the rows of other sources, a source weighing as
 * the root of its rows. Without two sources in a cell s is that of all cells.
 * rows    in/out  [n], predicted by muir_collectives_leave_out; their spread
 * spread  out     [MUIR_COLLECTIVE_CELLS] s of all sources together; NaN: no rows
 * Local. MUIR_ERR_MEM. */
muir_status muir_collectives_intervals(muir_ctx *ctx, muir_collective_row *rows, int n, double *spread);

#endif
