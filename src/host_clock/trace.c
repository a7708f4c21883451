/* SPDX-License-Identifier: BSD-3-Clause */
/* Noting of executed ops. */
#include "host_clock/trace.h"

#include <stdlib.h>

#include "base/mem.h"

muir_status muir_trace_create(muir_ctx *ctx, size_t room, muir_trace **out)
{
    muir_status st = MUIR_OK;
    muir_trace *trace = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *trace, "the trace of ops", &trace));
    MUIR_TRY(muir_alloc(ctx, room, sizeof *trace->rows, "the trace of ops", &trace->rows));
    trace->room = room;
    *out = trace;
    trace = NULL;
done:
    muir_trace_destroy(&trace);
    return st;
}

void muir_trace_destroy(muir_trace **trace)
{
    if (!*trace) return;
    free((*trace)->rows);
    free(*trace);
    *trace = NULL;
}

void muir_trace_add(muir_trace *trace, int64_t op, double start_s, double end_s, double bytes)
{
    if (!trace || !trace->is_on || trace->n == trace->room) return;
    trace->rows[trace->n++] = (muir_trace_row){op, start_s, end_s, bytes};
}
