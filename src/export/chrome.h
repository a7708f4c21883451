/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing a trace event by event: in the JSON that chrome://tracing and Perfetto read, or in Perfetto's own
 * format (native.h).
 * Source: "Trace Event Format", the Chrome project's document of 2016. */
#ifndef MUIR_EXPORT_CHROME_H
#define MUIR_EXPORT_CHROME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ctx.h"

/* Processes of the trace, in the order in which Perfetto shows them. */
typedef enum muir_trace_process {
    MUIR_TRACE_SCHEDULE = 1, /* a thread per stage */
    MUIR_TRACE_STEPS,        /* fleet clock: steps and events */
    MUIR_TRACE_HOST,         /* a thread per rank */
} muir_trace_process;

enum { MUIR_TRACE_COUNTERS = 64, MUIR_TRACE_NAME = 96 };

typedef struct muir_trace_writer {
    FILE *file;
    int64_t n_events;
    int next_id; /* of messages and flows */
    bool is_native, is_out_of_memory;
    struct {
        int process;
        char name[MUIR_TRACE_NAME];
    } counters[MUIR_TRACE_COUNTERS]; /* [n_counters] native: seen so far */
    int n_counters;
} muir_trace_writer;

/* Where a thread's slice is; times in seconds since the start of the trace. */
typedef struct muir_trace_slice {
    int process, thread;
    const char *category, *name;
    double start_s, end_s;
} muir_trace_slice;

/* Begins and ends the document; the file is the caller's.
 * is_native  in  Perfetto's own format, not JSON
 * Local. */
void muir_trace_begin(muir_trace_writer *w, FILE *file, bool is_native);
void muir_trace_end(muir_trace_writer *w, const char *source, const char *scenario);

/* Names a process, or a thread and its place among others. Local. */
void muir_trace_name_process(muir_trace_writer *w, int process, const char *name);
void muir_trace_name_thread(muir_trace_writer *w, int process, int thread, const char *name);

/* args  in  shown when the slice is chosen; taken over; NULL: none
 * Local. */
void muir_trace_put_slice(muir_trace_writer *w, const muir_trace_slice *slice, json_t *args);

/* Something without a length, on a thread. Local. */
void muir_trace_put_instant(muir_trace_writer *w, const muir_trace_slice *at, json_t *args);

/* Something that runs beside the threads, and an arrow from one slice to another: from the thread and start
 * of `from` to those of `to`. Local. */
void muir_trace_put_message(muir_trace_writer *w, const muir_trace_slice *from, const muir_trace_slice *to,
                            json_t *args);

/* A counter's value from a time on. Local. */
void muir_trace_put_counter(muir_trace_writer *w, int process, const char *name, double time_s, double value);

#endif
