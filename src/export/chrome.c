/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of the trace format, each made as a JSON object, so that any name is written right. */
#include "export/chrome.h"

#include "export/native.h"

static const double us_per_s = 1e6; /* the format's unit */

static void put(muir_trace_writer *w, json_t *event)
{
    if (w->n_events++ > 0) fputs(",\n", w->file);
    json_dumpf(event, w->file, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(event);
}

void muir_trace_begin(muir_trace_writer *w, FILE *file, bool is_native)
{
    *w = (muir_trace_writer){.file = file, .next_id = 1, .is_native = is_native};
    if (!is_native) fputs("{\"traceEvents\":[\n", file);
}

void muir_trace_end(muir_trace_writer *w, const char *source, const char *scenario)
{
    if (w->is_native) return;
    json_t *other =
        json_pack("{s:s,s:s,s:s}", "program", "muir " MUIR_VERSION, "file", source, "scenario", scenario);
    fputs("\n],\"displayTimeUnit\":\"ms\",\"otherData\":", w->file);
    json_dumpf(other, w->file, JSON_COMPACT);
    fputs("}\n", w->file);
    json_decref(other);
}

void muir_trace_name_process(muir_trace_writer *w, int process, const char *name)
{
    if (w->is_native) {
        muir_native_name_process(w, process, name);
        return;
    }
    put(w, json_pack("{s:s,s:s,s:i,s:{s:s}}", "ph", "M", "name", "process_name", "pid", process, "args",
                     "name", name));
    put(w, json_pack("{s:s,s:s,s:i,s:{s:i}}", "ph", "M", "name", "process_sort_index", "pid", process, "args",
                     "sort_index", process));
}

void muir_trace_name_thread(muir_trace_writer *w, int process, int thread, const char *name)
{
    if (w->is_native) {
        muir_native_name_thread(w, process, thread, name);
        return;
    }
    put(w, json_pack("{s:s,s:s,s:i,s:i,s:{s:s}}", "ph", "M", "name", "thread_name", "pid", process, "tid",
                     thread, "args", "name", name));
    put(w, json_pack("{s:s,s:s,s:i,s:i,s:{s:i}}", "ph", "M", "name", "thread_sort_index", "pid", process,
                     "tid", thread, "args", "sort_index", thread));
}

static json_t *event_at(const char *phase, const muir_trace_slice *at, double time_s)
{
    return json_pack("{s:s,s:s,s:s,s:i,s:i,s:f}", "ph", phase, "cat", at->category, "name", at->name, "pid",
                     at->process, "tid", at->thread, "ts", us_per_s * time_s);
}

static void add_args(json_t *event, json_t *args)
{
    if (args) json_object_set_new(event, "args", args);
}

void muir_trace_put_slice(muir_trace_writer *w, const muir_trace_slice *slice, json_t *args)
{
    if (w->is_native) {
        muir_native_put_slice(w, slice, args);
        return;
    }
    json_t *event = event_at("X", slice, slice->start_s);
    json_object_set_new(event, "dur", json_real(us_per_s * (slice->end_s - slice->start_s)));
    add_args(event, args);
    put(w, event);
}

void muir_trace_put_instant(muir_trace_writer *w, const muir_trace_slice *at, json_t *args)
{
    if (w->is_native) {
        muir_native_put_instant(w, at, args);
        return;
    }
    json_t *event = event_at("i", at, at->start_s);
    json_object_set_new(event, "s", json_string("t"));
    add_args(event, args);
    put(w, event);
}

void muir_trace_put_message(muir_trace_writer *w, const muir_trace_slice *from, const muir_trace_slice *to,
                            json_t *args)
{
    if (w->is_native) {
        muir_native_put_message(w, from, to, args);
        return;
    }
    const struct {
        const char *phase;
        const muir_trace_slice *at;
        double time_s;
    } events[] = {
        {"b", from, from->end_s}, {"e", from, to->start_s}, {"s", from, from->end_s}, {"f", to, to->start_s}};
    const int id = w->next_id++;
    for (int i = 0; i < 4; i++) {
        json_t *event = event_at(events[i].phase, events[i].at, events[i].time_s);
        json_object_set_new(event, "id", json_integer(id));
        if (i == 3) json_object_set_new(event, "bp", json_string("e"));
        if (i == 0) add_args(event, args);
        put(w, event);
    }
}

void muir_trace_put_counter(muir_trace_writer *w, int process, const char *name, double time_s, double value)
{
    if (w->is_native) {
        muir_native_put_counter(w, process, name, time_s, value);
        return;
    }
    put(w, json_pack("{s:s,s:s,s:i,s:f,s:{s:f}}", "ph", "C", "name", name, "pid", process, "ts",
                     us_per_s * time_s, "args", "value", value));
}
