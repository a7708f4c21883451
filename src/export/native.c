/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of Perfetto. A slice is a begin and an end on its track; packets of one time keep their order, and
 * a slice's are written before those of what lies in it, so they nest. A message is a slice on a track of its
 * own (tracks of one name are shown as one), tied by a flow to instants where it is sent and received. */
#include "export/native.h"

#include <math.h>
#include <string.h>

#include "base/protobuf.h"

/* Field numbers, by message. */
enum { TRACE_PACKET = 1 };
enum { PACKET_TIME = 8, PACKET_SEQUENCE = 10, PACKET_EVENT = 11, PACKET_FLAGS = 13, PACKET_TRACK = 60 };
enum {
    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_THREAD = 4,
    TRACK_PARENT = 5,
    TRACK_COUNTER = 8
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6, THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum { EVENT_ANNOTATION = 4, EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_CATEGORY = 22, EVENT_NAME = 23 };
enum { EVENT_DOUBLE_COUNTER = 44, EVENT_FLOW = 47, EVENT_LAST_FLOW = 48 };
enum { ANNOTATION_INT = 4, ANNOTATION_DOUBLE = 5, ANNOTATION_TEXT = 6, ANNOTATION_NAME = 10 };
enum { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3, COUNTER = 4 };
enum { SEQUENCE = 1, FLAGS_CLEARED = 1 };

/* Numbers of tracks: of processes as they are, then threads, counters, messages. */
enum { THREADS = 1 << 20, COUNTERS = 1 << 28, MESSAGES = 1 << 29 };

static const double ns_per_s = 1e9;

static uint64_t thread_track(int process, int thread)
{
    return (uint64_t)process * THREADS + (uint64_t)thread + 1;
}

/* Ends a packet: writes it to the file as a field of the trace. */
static void put_packet(muir_trace_writer *w, muir_pb *packet)
{
    muir_pb out = {.data = NULL};
    muir_pb_put_int(packet, PACKET_SEQUENCE, SEQUENCE);
    if (w->n_events++ == 0) muir_pb_put_int(packet, PACKET_FLAGS, FLAGS_CLEARED);
    muir_pb_put_message(&out, TRACE_PACKET, packet);
    w->is_out_of_memory |= out.is_out_of_memory;
    fwrite(out.data, 1, out.n, w->file);
    muir_pb_free(&out);
    muir_pb_free(packet);
}

static void put_track(muir_trace_writer *w, muir_pb *track)
{
    muir_pb packet = {.data = NULL};
    muir_pb_put_message(&packet, PACKET_TRACK, track);
    muir_pb_free(track);
    put_packet(w, &packet);
}

void muir_native_name_process(muir_trace_writer *w, int process, const char *name)
{
    muir_pb track = {.data = NULL}, inside = {.data = NULL};
    muir_pb_put_int(&inside, PROCESS_PID, (uint64_t)process);
    muir_pb_put_text(&inside, PROCESS_NAME, name);
    muir_pb_put_int(&track, TRACK_UUID, (uint64_t)process);
    muir_pb_put_message(&track, TRACK_PROCESS, &inside);
    muir_pb_free(&inside);
    put_track(w, &track);
}

void muir_native_name_thread(muir_trace_writer *w, int process, int thread, const char *name)
{
    muir_pb track = {.data = NULL}, inside = {.data = NULL};
    muir_pb_put_int(&inside, THREAD_PID, (uint64_t)process);
    muir_pb_put_int(&inside, THREAD_TID,
                    (uint64_t)(process * THREADS + thread)); /* tids are of the whole machine */
    muir_pb_put_text(&inside, THREAD_NAME, name);
    muir_pb_put_int(&track, TRACK_UUID, thread_track(process, thread));
    muir_pb_put_int(&track, TRACK_PARENT, (uint64_t)process);
    muir_pb_put_message(&track, TRACK_THREAD, &inside);
    muir_pb_free(&inside);
    put_track(w, &track);
}

static void put_annotations(muir_pb *event, const json_t *args)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)args, key, value)
    {
        muir_pb one = {.data = NULL};
        muir_pb_put_text(&one, ANNOTATION_NAME, key);
        if (json_is_integer(value))
            muir_pb_put_int(&one, ANNOTATION_INT, (uint64_t)json_integer_value(value));
        if (json_is_real(value)) muir_pb_put_double(&one, ANNOTATION_DOUBLE, json_real_value(value));
        if (json_is_string(value)) muir_pb_put_text(&one, ANNOTATION_TEXT, json_string_value(value));
        muir_pb_put_message(event, EVENT_ANNOTATION, &one);
        muir_pb_free(&one);
    }
}

/* at  in  NULL: the end of a slice, which needs no name */
static muir_pb begin_event(int type, uint64_t track, const muir_trace_slice *at, const json_t *args)
{
    muir_pb event = {.data = NULL};
    muir_pb_put_int(&event, EVENT_TYPE, (uint64_t)type);
    muir_pb_put_int(&event, EVENT_TRACK, track);
    if (at) muir_pb_put_text(&event, EVENT_CATEGORY, at->category);
    if (at) muir_pb_put_text(&event, EVENT_NAME, at->name);
    if (args) put_annotations(&event, args);
    return event;
}

static void end_event(muir_trace_writer *w, muir_pb *event, double time_s)
{
    muir_pb packet = {.data = NULL};
    muir_pb_put_int(&packet, PACKET_TIME, (uint64_t)llround(ns_per_s * fmax(0.0, time_s)));
    muir_pb_put_message(&packet, PACKET_EVENT, event);
    muir_pb_free(event);
    put_packet(w, &packet);
}

static void put_span(muir_trace_writer *w, uint64_t track, const muir_trace_slice *slice, const json_t *args,
                     double start_s, double end_s)
{
    muir_pb first = begin_event(SLICE_BEGIN, track, slice, args),
            last = begin_event(SLICE_END, track, NULL, NULL);
    end_event(w, &first, start_s);
    end_event(w, &last, end_s);
}

void muir_native_put_slice(muir_trace_writer *w, const muir_trace_slice *slice, json_t *args)
{
    put_span(w, thread_track(slice->process, slice->thread), slice, args, slice->start_s, slice->end_s);
    json_decref(args);
}

void muir_native_put_instant(muir_trace_writer *w, const muir_trace_slice *at, json_t *args)
{
    muir_pb event = begin_event(INSTANT, thread_track(at->process, at->thread), at, args);
    end_event(w, &event, at->start_s);
    json_decref(args);
}

static void put_end_of_message(muir_trace_writer *w, const muir_trace_slice *at, double time_s, int field,
                               uint64_t flow)
{
    muir_pb event = begin_event(INSTANT, thread_track(at->process, at->thread), at, NULL);
    muir_pb_put_fixed(&event, field, flow);
    end_event(w, &event, time_s);
}

void muir_native_put_message(muir_trace_writer *w, const muir_trace_slice *from, const muir_trace_slice *to,
                             json_t *args)
{
    const uint64_t id = (uint64_t)w->next_id++, track = MESSAGES + id;
    muir_pb own = {.data = NULL};
    muir_pb_put_int(&own, TRACK_UUID, track);
    muir_pb_put_text(&own, TRACK_NAME, "messages");
    muir_pb_put_int(&own, TRACK_PARENT, (uint64_t)from->process);
    put_track(w, &own);
    put_end_of_message(w, from, from->end_s, EVENT_FLOW, id);
    put_span(w, track, from, args, from->end_s, to->start_s);
    put_end_of_message(w, to, to->start_s, EVENT_LAST_FLOW, id);
    json_decref(args);
}

/* Number of a counter's track; it is described when it is first seen. */
static uint64_t counter_track(muir_trace_writer *w, int process, const char *name)
{
    int i = 0;
    while (i < w->n_counters && (w->counters[i].process != process || strcmp(w->counters[i].name, name) != 0))
        i++;
    if (i < w->n_counters || i == MUIR_TRACE_COUNTERS) return COUNTERS + (uint64_t)i;
    muir_pb track = {.data = NULL}, none = {.data = NULL};
    w->counters[i].process = process;
    snprintf(w->counters[i].name, sizeof w->counters[i].name, "%s", name);
    w->n_counters++;
    muir_pb_put_int(&track, TRACK_UUID, COUNTERS + (uint64_t)i);
    muir_pb_put_int(&track, TRACK_PARENT, (uint64_t)process);
    muir_pb_put_text(&track, TRACK_NAME, name);
    muir_pb_put_message(&track, TRACK_COUNTER, &none);
    put_track(w, &track);
    return COUNTERS + (uint64_t)i;
}

void muir_native_put_counter(muir_trace_writer *w, int process, const char *name, double time_s, double value)
{
    muir_pb event = begin_event(COUNTER, counter_track(w, process, name), NULL, NULL);
    muir_pb_put_double(&event, EVENT_DOUBLE_COUNTER, value);
    end_event(w, &event, time_s);
}
