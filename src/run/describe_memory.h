/* SPDX-License-Identifier: BSD-3-Clause */
/* What the telemetry file says of device memory. Private to run/. */
#ifndef MUIR_RUN_DESCRIBE_MEMORY_H
#define MUIR_RUN_DESCRIBE_MEMORY_H

#include "run/describe_state.h"

/* Adds /memory (the peak of each stage by part) and /memory_first_stage, /memory_last_stage (slot by slot).
 * Local. MUIR_ERR_MEM. */
muir_status muir_describe_memory(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario);

/* Frees what they point to. Local. */
void muir_describe_memory_free(muir_describe *d);

#endif
