/* SPDX-License-Identifier: BSD-3-Clause */
/* muir validate --collectives FILE: measured collectives against the network model. Private to cmd/. */
#ifndef MUIR_CMD_VALIDATE_COLLECTIVES_H
#define MUIR_CMD_VALIDATE_COLLECTIVES_H

#include "base/ctx.h"

/* Prints rows and means; writes them as JSON where asked.
 * json         in   a path, - for standard output alone, or NULL
 * is_left_out  in   each row by figures that are fitted without its source
 * Local. MUIR_ERR_ARG, MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_validate_collectives(muir_ctx *ctx, const char *path, const char *json, bool is_left_out);

#endif
