/* SPDX-License-Identifier: BSD-3-Clause */
/* A telemetry file as a trace: modelled schedule of a replica, steps and events of fleets, executed ops. */
#ifndef MUIR_EXPORT_PERFETTO_H
#define MUIR_EXPORT_PERFETTO_H

#include "export/chrome.h"
#include "export/timeline.h"
#include "io/columns.h"

/* Rows of /fleet that are shown. */
typedef struct muir_trace_steps {
    int64_t first, last; /* inclusive */
} muir_trace_steps;

/* The scenario that a file stores, resolved again from today's data.
 * path  in   of the file, for messages
 * Local. MUIR_ERR_ARG if anything in it has changed since, with the line. */
muir_status muir_trace_scenario(muir_ctx *ctx, const muir_columns *columns, const char *path,
                                muir_scenario *scenario);

/* The modelled schedule, from time 0. Local. */
void muir_trace_put_schedule(muir_trace_writer *w, const muir_timeline *timeline);

/* Memory of the first and the last stage through that schedule, where the file has it slot by slot.
 * Local. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_trace_put_memory(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *columns,
                                  const muir_timeline *timeline);

/* Rows of /fleet with their parts, and events that were met in them; time 0 is the start of the first.
 * Local. MUIR_ERR_ARG (no such step), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_trace_put_fleet(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *columns,
                                 muir_trace_steps steps);

/* Executed ops of /host_trace, step after step; nothing where the file has none.
 * n  out  ops written
 * Local. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_trace_put_host(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *columns, int64_t *n);

#endif
