/* SPDX-License-Identifier: BSD-3-Clause */
/* muir validate: memory, next to time. */
#ifndef MUIR_CMD_VALIDATE_PEAKS_H
#define MUIR_CMD_VALIDATE_PEAKS_H

#include <jansson.h>

#include "validation/validate.h"

/* Prints measured peaks next to the model's, their errors by source and by what was measured, what each part
 * of the model is worth, and the verdicts on all rows: they all ran. Local. */
void muir_peaks_print(const muir_validate_row *rows, int n);

/* Adds real_gib, predicted_gib, memory_error, memory_kind of a measured row, and verdict, needed_gib,
 * total_gib, room_gib and parts_gib of any, to a row's object. Local. */
void muir_peak_add_json(json_t *object, const muir_validate_peak *peak);

/* Adds mean_abs_memory_error, max_abs_memory_error and memory_rows over the measured rows among those that
 * pass the filter (NULL: all), and how many of all those rows are called `tight` and `impossible`. Local. */
void muir_peaks_add_json(json_t *object, const muir_validate_row *rows, int n, muir_validate_filter filter);

#endif
