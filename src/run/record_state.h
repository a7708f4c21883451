/* SPDX-License-Identifier: BSD-3-Clause */
/* What a record holds, and what its source files do for each other. Private to the record. */
#ifndef MUIR_RUN_RECORD_STATE_H
#define MUIR_RUN_RECORD_STATE_H

#include "run/describe.h"
#include "run/record.h"

/* Rows of the tables of flips and of executed ops are numbered by step, so that a resumed run can cut off
 * those of steps that it repeats. */
enum { MUIR_FLIPS_A_STEP = MUIR_FLIPS_MOST, MUIR_OPS_A_STEP = 1 << 20 };

struct muir_record {
    muir_describe *describe;
    muir_telemetry *telemetry;
    const muir_scenario *scenario; /* borrowed; outlives the record */
    const muir_host_ops *ops;      /* borrowed; NULL without a part in the host clock */
    int64_t samples;               /* rows of the table of collectives so far */
    int64_t events, stored_events; /* events so far; those of them that the file had when it was opened */
};

/* Puts a row into a table that has room for it.
 * row         in   of the table's type in tables.def
 * coordinate  in   greater than the row's before
 * Local. MUIR_ERR_ARG. */
muir_status muir_record_append(muir_ctx *ctx, muir_record *record, muir_record_table table, const void *row,
                               int64_t coordinate);

#endif
