/* SPDX-License-Identifier: BSD-3-Clause */
/* Policy: which collectives the job hides under its products. */
#ifndef MUIR_HOST_CLOCK_HIDABLE_H
#define MUIR_HOST_CLOCK_HIDABLE_H

#include "models/program.h"
#include "scenario/scenario.h"

/* Whether the job hides op number `index`, a collective, on a stage: gradients and weights of the
 * data-parallel axis where parallel.overlap_grad_reduce and overlap_param_gather say so, a gather before and
 * a scatter after a product of the tensor-parallel axis with overlap_tp. Local. */
bool muir_host_is_hidable(const muir_scenario *scenario, const muir_program *program, int index,
                          int64_t job_stage);

#endif
