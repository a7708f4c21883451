/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace: every op that a rank executed in a step, with its start, end and bytes. */
#ifndef MUIR_HOST_CLOCK_TRACE_H
#define MUIR_HOST_CLOCK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

/* One executed op. Times [s] after the start of the step, which a barrier makes the same on all ranks. */
typedef struct muir_trace_row {
    int64_t op;            /* number in the step program; n_ops: a message received, n_ops + 1: one sent */
    double start_s, end_s; /* without the wait for the timetable at the end */
    double bytes; /* that this rank handed to MPI or to shared memory; 0 for products and memory streams */
} muir_trace_row;

typedef struct muir_trace {
    muir_trace_row *rows; /* [room] */
    size_t n, room;
    bool is_on; /* ops are noted; off: nothing happens */
} muir_trace;

/* Makes room for `room` ops a step. Local. MUIR_ERR_MEM. */
muir_status muir_trace_create(muir_ctx *ctx, size_t room, muir_trace **out);
void muir_trace_destroy(muir_trace **trace); /* accepts NULL, leaves NULL */

/* Notes an op; accepts NULL, and is without effect when off or full. Local; allocates nothing. */
void muir_trace_add(muir_trace *trace, int64_t op, double start_s, double end_s, double bytes);

#endif
