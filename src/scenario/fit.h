/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a job fits its chips. */
#ifndef MUIR_SCENARIO_FIT_H
#define MUIR_SCENARIO_FIT_H

#include "models/memory.h"
#include "scenario/scenario.h"

/* Device memory of the job's fullest chip, with as many microbatches as the lists of its schedule hold.
 * program  in   of the scenario's job
 * memory   out  untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_scenario_memory(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 muir_memory *memory);

#endif
