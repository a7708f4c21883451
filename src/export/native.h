/* SPDX-License-Identifier: BSD-3-Clause */
/* The same events as chrome.h has, in Perfetto's own format: packets of track events. Private to the writer.
 * Source: google/perfetto, protos/perfetto/trace: trace.proto, trace_packet.proto, track_event.proto,
 * track_descriptor.proto, counter_descriptor.proto, debug_annotation.proto. */
#ifndef MUIR_EXPORT_NATIVE_H
#define MUIR_EXPORT_NATIVE_H

#include "export/chrome.h"

void muir_native_name_process(muir_trace_writer *w, int process, const char *name);
void muir_native_name_thread(muir_trace_writer *w, int process, int thread, const char *name);
void muir_native_put_slice(muir_trace_writer *w, const muir_trace_slice *slice, json_t *args);
void muir_native_put_instant(muir_trace_writer *w, const muir_trace_slice *at, json_t *args);
void muir_native_put_message(muir_trace_writer *w, const muir_trace_slice *from, const muir_trace_slice *to,
                             json_t *args);
void muir_native_put_counter(muir_trace_writer *w, int process, const char *name, double time_s,
                             double value);

#endif
