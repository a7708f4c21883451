/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that the host clock will take, before there is one. */
#ifndef MUIR_HOST_CLOCK_FOOTPRINT_H
#define MUIR_HOST_CLOCK_FOOTPRINT_H

#include "host_clock/shrink.h"

/* Bytes of a rank's operands, results, payloads, messages and memory streams; the kernels' own buffers and
 * MPI's are not among them.
 * fold    in   of a rank with a part
 * shrink  in   with its factor
 * Local. */
double muir_host_bytes(const muir_scenario *scenario, const muir_program *program, const muir_fold *fold,
                       const muir_shrink *shrink);

#endif
