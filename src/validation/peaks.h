/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of published runs: the model's peak, a measured one, and whether a run that ran is said to fit. */
#ifndef MUIR_VALIDATION_PEAKS_H
#define MUIR_VALIDATION_PEAKS_H

#include "base/csv.h"
#include "memory/fit.h"

/* What was measured, as column notes says: a peak that PyTorch counts as allocated, or as reserved, or what
 * the driver shows. */
typedef enum muir_peak_kind {
    MUIR_PEAK_ALLOCATED,
    MUIR_PEAK_RESERVED,
    MUIR_PEAK_DRIVER,
    MUIR_PEAK_KINDS
} muir_peak_kind;

/* Of one row. */
typedef struct muir_validate_peak {
    muir_memory memory;
    muir_memory_fit fit;
    bool is_measured; /* the row has measured_gib, and then: */
    muir_peak_kind kind;
    double real_gib, predicted_gib;
    double error;           /* predicted / real - 1 */
    bool is_recompute_open; /* the row does not say what is recomputed; memory is that of the stack's default,
                             * or with full recompute where the default does not fit */
} muir_validate_peak;

const char *muir_peak_kind_name(muir_peak_kind kind);

/* Whether a row has a measured peak. Local. */
bool muir_validate_is_measured(const muir_csv *table, int row);

/* The peak of a row's scenario. What is reserved, and what the driver shows, is at most the chip's room: an
 * allocator gives back what it does not use before it fails.
 * peak  out  untouched on error
 * Local. MUIR_ERR_ARG (measured_gib is no number above 0), MUIR_ERR_MEM. */
muir_status muir_validate_peak_of(muir_ctx *ctx, const muir_csv *table, int row,
                                  const muir_scenario *scenario, muir_validate_peak *peak);

#endif
