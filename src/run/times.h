/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock's times as the host clock's pace wants them. */
#ifndef MUIR_RUN_TIMES_H
#define MUIR_RUN_TIMES_H

#include "step_time/slot_times.h"
#include "host_clock/pace.h"

/* Times of all ops on the scenario's fleet, for chips of speed 1.
 * slot_times  in   of the program's slots
 * times   out  every field
 * Local. */
void muir_times_fill(const muir_scenario *scenario, const muir_program *program,
                     const muir_slot_times *slot_times, muir_host_times *times);

/* Length of a dilated step of the host clock [s]: that of the first stage, which ends with all others.
 * ranks   in   of the launch
 * step_s  out  0 for asap; untouched on error
 * Local. MUIR_ERR_ARG (pace), MUIR_ERR_MEM. */
muir_status muir_times_dilated_step_s(muir_ctx *ctx, const muir_scenario *scenario,
                                      const muir_program *program, const muir_slot_times *slot_times,
                                      int ranks, double *step_s);

#endif
