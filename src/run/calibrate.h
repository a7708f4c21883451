/* SPDX-License-Identifier: BSD-3-Clause */
/* `calibrate: host`: what the host clock measures here takes the place of a key of the fleet. */
#ifndef MUIR_RUN_CALIBRATE_H
#define MUIR_RUN_CALIBRATE_H

#include "scenario/scenario.h"

/* Sets fleet.variation.step_sigma to the jitter of this machine: read from a telemetry file that goes on,
 * since a run's figures must not change half way, else measured now. Nothing with `none`.
 * path      in      of a telemetry file that goes on; NULL: measure
 * scenario  in/out
 * Collective over ctx->comm. MUIR_ERR_CHECK (jitter beyond what the key may be), MUIR_ERR_ARG, MUIR_ERR_FILE,
 * MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_calibrate(muir_ctx *ctx, const char *path, muir_scenario *scenario);

#endif
