/* SPDX-License-Identifier: BSD-3-Clause */
/* PyTorch's Kineto traces (Chrome's format) -> a step program: kernels by stream, collectives with sizes.
 * Source: "Trace Event Format", the Chrome project; pytorch/kineto, what ParamCommsDebugInfo adds to NCCL's
 * kernels ("Collective name", "In msg nelems", "Group size", "Process Group Ranks"). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/steps.h"

enum { MOST_STREAMS = 256 };

static const double s_per_us = 1e-6, least_wait_us = 0.5; /* how exact stamps are */

/* A kernel or copy of the step. */
typedef struct event {
    double start_us, end_us;
    int stream;
    const json_t *json;
    bool is_coll;
} event;

typedef struct kineto {
    event *events; /* [n] by start */
    int n, unsized;
    double from_us, to_us;
    long long ranks;
} kineto;

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) return strtod(json_string_value(value), NULL);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* Kernels and copies, not what the host does. */
static bool is_on_device(const json_t *e)
{
    const char *category = text(e, "cat");
    return strcmp(text(e, "ph"), "X") == 0 &&
           (strcmp(category, "kernel") == 0 || strcmp(category, "Kernel") == 0 ||
            strncmp(category, "gpu_mem", 7) == 0);
}

/* The step that is taken: step=N, else the last but one that the profiler marks, which is whole. On the
 * device's own clock where it is marked there. */
static muir_status choose_step(muir_ctx *ctx, const muir_import_source *source, const json_t *events,
                               kineto *k, muir_import *found)
{
    const char *wanted = muir_import_given(source, "step");
    const char *const categories[] = {"gpu_user_annotation", "user_annotation"};
    const json_t *e = NULL;
    size_t i = 0;
    k->from_us = -INFINITY;
    k->to_us = INFINITY;
    for (int c = 0; c < 2 && isinf(k->from_us); c++) {
        double last[2][2] = {{NAN, NAN}, {NAN, NAN}};
        int n = 0;
        json_array_foreach(events, i, e)
        {
            if (strcmp(text(e, "cat"), categories[c]) != 0 ||
                strncmp(text(e, "name"), "ProfilerStep#", 13) != 0)
                continue;
            if (wanted && strcmp(text(e, "name") + 13, wanted) != 0) continue;
            if (!isfinite(number(e, "ts")) || !isfinite(number(e, "dur"))) continue;
            memcpy(last[0], last[1], sizeof last[0]);
            last[1][0] = number(e, "ts");
            last[1][1] = last[1][0] + number(e, "dur");
            n++;
        }
        if (n > 0) {
            k->from_us = last[n > 1 ? 0 : 1][0];
            k->to_us = last[n > 1 ? 0 : 1][1];
        }
    }
    if (wanted && isinf(k->from_us))
        return muir_fail(ctx, MUIR_ERR_ARG, "there is no ProfilerStep#%s in it", wanted);
    return isinf(k->from_us)
               ? muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s",
                                  "the trace is one step: it marks none")
               : muir_import_note(ctx, found, wanted ? MUIR_NOTE_TAKEN : MUIR_NOTE_ASSUMED, "", "",
                                  "the step from %.0f us to %.0f us of the trace's clock%s", k->from_us,
                                  k->to_us, wanted ? "" : ", the last but one; step=N chooses another");
}

static int compare(const void *a, const void *b)
{
    const event *x = a, *y = b;
    if (x->start_us != y->start_us) return x->start_us > y->start_us ? 1 : -1;
    return (x->end_us > y->end_us) - (x->end_us < y->end_us);
}

static muir_status collect(muir_ctx *ctx, const json_t *events, kineto *k)
{
    const json_t *e = NULL;
    size_t i = 0;
    k->events = malloc((json_array_size(events) + 1) * sizeof *k->events);
    if (!k->events) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a trace");
    json_array_foreach(events, i, e)
    {
        const double start = number(e, "ts"), length = number(e, "dur");
        const json_t *args = json_object_get(e, "args");
        double stream = number(args, "stream");
        if (!is_on_device(e) || !isfinite(start) || !(length >= 0.0) || length > 1e12) continue;
        if (start < k->from_us || start >= k->to_us) continue;
        if (!isfinite(stream)) stream = number(e, "tid");
        if (!(stream >= 0.0 && stream < 1e9)) stream = 0.0;
        k->events[k->n++] =
            (event){.start_us = start,
                    .end_us = start + length,
                    .stream = (int)stream,
                    .json = e,
                    .is_coll = strcasestr(text(e, "name"), "nccl") && !strstr(text(e, "cat"), "mem")};
    }
    qsort(k->events, (size_t)k->n, sizeof *k->events, compare);
    return MUIR_OK;
}

static double bytes_of(const char *dtype)
{
    static const struct {
        const char *name;
        double bytes;
    } types[] = {{"BFloat16", 2}, {"Half", 2}, {"Float8", 1}, {"Float", 4}, {"Double", 8}, {"Int", 4},
                 {"Long", 8},     {"Byte", 1}, {"Char", 1},   {"Bool", 1},  {"Short", 2}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strncmp(dtype, types[i].name, strlen(types[i].name)) == 0) return types[i].bytes;
    return 0.0;
}

/* Distance of the first two ranks of "[0, 8, 16]". */
static long long stride_of(const char *ranks)
{
    char *end = NULL;
    const long long a = strtoll(ranks + (ranks[0] == '['), &end, 10),
                    b = *end == ',' ? strtoll(end + 1, NULL, 10) : a + 1;
    return b > a ? b - a : 1;
}

static void as_coll(kineto *k, const event *e, muir_traced *t, muir_traced_node *out)
{
    const json_t *args = json_object_get(e->json, "args");
    const char *word = text(args, "Collective name");
    const double in = number(args, "In msg nelems"), all = number(args, "Out msg nelems");
    const double each = bytes_of(text(args, "dtype")), members = number(args, "Group size");
    out->kind = MUIR_TRACED_MESSAGE;
    out->coll = muir_traced_coll(word);
    const double elements = out->coll == MUIR_ALL_GATHER ? all : in;
    const bool is_sized = out->coll != MUIR_COLL_KIND_COUNT && elements > 0.0 && elements < 1e15 &&
                          each > 0.0 && members >= 1.0 && members <= 1e9;
    if (is_sized)
        out->group = muir_traced_find_group(t, text(args, "Process Group Name"),
                                            text(args, "Process Group Description"), (long long)members,
                                            stride_of(text(args, "Process Group Ranks")));
    if (!is_sized || out->group < 0) {
        k->unsized++;
        return;
    }
    out->kind = MUIR_TRACED_COLL;
    out->bytes = elements * each;
}

/* A node waits for the one before it on its stream. Across streams: a collective for the last operation of
 * another stream that had ended when it began, which made its data; another operation only for what had kept
 * its stream waiting, the last to end before it began. */
static muir_status put(muir_ctx *ctx, kineto *k, int i, int last_of[MOST_STREAMS],
                       const int streams[MOST_STREAMS], int n_streams, muir_traced *t)
{
    muir_status st = MUIR_OK;
    const event *e = &k->events[i];
    muir_traced_node out = {
        .kind = MUIR_TRACED_COMPUTE, .group = -1, .time_s = s_per_us * (e->end_us - e->start_us)};
    double own_us = -INFINITY, ready_us = -INFINITY;
    for (int s = 0; s < n_streams; s++)
        if (streams[s] == e->stream) out.stream = s;
    if (e->is_coll) as_coll(k, e, t, &out);
    MUIR_TRY(muir_traced_add(ctx, t, text(e->json, "name"), &out));
    if (last_of[out.stream] >= 0) {
        own_us = ready_us = k->events[last_of[out.stream]].end_us;
        MUIR_TRY(muir_traced_wait(ctx, t, last_of[out.stream]));
    }
    for (int s = 0; s < n_streams; s++) {
        int other = s == out.stream ? -1 : last_of[s];
        while (other >= 0 && (k->events[other].end_us > e->start_us + least_wait_us ||
                              k->events[other].stream != streams[s]))
            other--;
        if (other < 0) continue;
        const double end_us = k->events[other].end_us;
        if (!e->is_coll && !(k->events[other].is_coll && end_us > own_us)) continue;
        MUIR_TRY(muir_traced_wait(ctx, t, other));
        ready_us = fmax(ready_us, end_us);
    }
    const double since_us = isfinite(ready_us) ? ready_us : k->events[0].start_us;
    t->nodes[t->n - 1].idle_s = s_per_us * fmax(0.0, e->start_us - since_us);
    last_of[out.stream] = i;
done:
    return st;
}

static muir_status convert(muir_ctx *ctx, kineto *k, muir_traced *t)
{
    int streams[MOST_STREAMS], last_of[MOST_STREAMS], n_streams = 0;
    for (int i = 0; i < k->n; i++) {
        bool is_known = false;
        for (int s = 0; s < n_streams; s++) is_known |= streams[s] == k->events[i].stream;
        if (is_known) continue;
        if (n_streams == MOST_STREAMS)
            return muir_fail(ctx, MUIR_ERR_ARG, "more than %d streams", MOST_STREAMS);
        last_of[n_streams] = -1;
        streams[n_streams++] = k->events[i].stream;
    }
    double last_us = 0.0;
    for (int i = 0; i < k->n; i++) {
        const muir_status st = put(ctx, k, i, last_of, streams, n_streams, t);
        if (st != MUIR_OK) return st;
        last_us = fmax(last_us, k->events[i].end_us);
    }
    if (k->n > 0) t->step_s = s_per_us * (last_us - k->events[0].start_us);
    return MUIR_OK;
}

static muir_status note(muir_ctx *ctx, const kineto *k, muir_import *found)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_import_note(
        ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s",
        "what waits for what, across streams: a collective "
        "for the operations that had ended when it began, compute for the collective that its stream "
        "stood still for; the host's pauses stay as they are"));
    MUIR_TRY(
        muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s", "all ranks do what this one does"));
    if (k->unsized > 0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                  "%d collectives and messages whose size or group the trace "
                                  "does not say: they take what they took in it, waiting included",
                                  k->unsized));
done:
    return st;
}

static muir_status read_kineto(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    kineto k = {.n = 0};
    muir_traced t = {.nodes = NULL};
    json_error_t error;
    json_t *document = json_load_file(source->path, 0, &error);
    const json_t *events = json_is_array(document) ? document : json_object_get(document, "traceEvents");
    if (!document)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %s%s", source->path, error.line > 0 ? error.line : 1,
                           error.text, strstr(source->path, ".gz") ? " (unpack it first: gunzip)" : ""));
    if (!json_is_array(events)) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "there are no traceEvents in it"));
    MUIR_TRY(choose_step(ctx, source, events, &k, found));
    MUIR_TRY(collect(ctx, events, &k));
    MUIR_TRY(convert(ctx, &k, &t));
    const double ranks = number(json_object_get(document, "distributedInfo"), "world_size");
    t.ranks = ranks >= 1.0 && ranks < 1e9 ? (long long)ranks : 1;
    for (int i = 0; i < t.n_groups; i++)
        t.ranks = t.groups[i].members > t.ranks ? t.groups[i].members : t.ranks;
    MUIR_TRY(note(ctx, &k, found));
    MUIR_TRY(muir_traced_finish(ctx, source, &t, found));
done:
    muir_traced_free(&t);
    free(k.events);
    json_decref(document);
    return st;
}

const muir_importer muir_importer_kineto = {
    .name = "kineto",
    .reads = "a rank's trace of PyTorch's profiler, Kineto or Chrome JSON (step=N chooses a step)",
    .writes = "steps",
    .form = MUIR_IMPORT_FILE,
    .read = read_kineto,
};
