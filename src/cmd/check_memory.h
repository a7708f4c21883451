/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of `muir check` that is about memory. */
#ifndef MUIR_CMD_CHECK_MEMORY_H
#define MUIR_CMD_CHECK_MEMORY_H

#include "memory/fit.h"

/* Prints the peak of the fullest chip by part, what is allocated, reserved and seen by the driver, the
 * verdict, and for a job that does not fit the changes that make it fit.
 * step_s  in  ideal step of the job [s]
 * Local. MUIR_ERR_MEM. */
muir_status muir_check_memory(muir_ctx *ctx, const muir_scenario *s, const muir_memory *memory,
                              double step_s);

#endif
