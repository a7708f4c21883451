/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry files of runs that were killed: made whole, so that every tool opens them. */
#ifndef MUIR_IO_REPAIR_H
#define MUIR_IO_REPAIR_H

#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_REPAIR_TABLES = 32, MUIR_REPAIR_NAME = 64 };

/* What was found. */
typedef struct muir_repair {
    bool was_open; /* the writer was killed: the file was marked as being written */
    int n_tables;
    struct {
        char group[MUIR_REPAIR_NAME], row[MUIR_REPAIR_NAME]; /* "fleet", "step" */
        int64_t rows, cut; /* whole rows; pieces of rows behind them, which are gone now */
    } tables[MUIR_REPAIR_TABLES];
    int64_t bytes_before, bytes; /* the file's size; packed, it is smaller */
} muir_repair;

/* Repairs and packs a file; one that is whole is only packed. Every whole row stays.
 * repair  out  untouched on error
 * Local. MUIR_ERR_ARG (no such file, not muir's, being written by a run), MUIR_ERR_FILE (damaged beyond this,
 * disk full), MUIR_ERR_MEM. */
muir_status muir_repair_file(muir_ctx *ctx, const char *path, muir_repair *repair);

#endif
