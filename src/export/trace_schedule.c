/* SPDX-License-Identifier: BSD-3-Clause */
/* The modelled schedule as tracks: a thread per stage with slots, their parts, bubbles, end of the step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/perfetto.h"
#include "scenario/scenario.h"

enum { NAME_SIZE = 96 };

static const char *const part_names[MUIR_SLOT_PARTS] = {[MUIR_SLOT_COMPUTE] = "compute",
                                                        [MUIR_SLOT_TP] = "tp",
                                                        [MUIR_SLOT_CP] = "cp",
                                                        [MUIR_SLOT_EP] = "ep",
                                                        [MUIR_SLOT_DP] = "dp"};

static const char *kind_of(const muir_span *span)
{
    if (span->partner >= 0) return "forward and backward";
    return span->is_joined ? "backward with weight" : muir_phase_name((muir_phase)span->phase);
}

static muir_trace_slice slice_on(int stage, const char *category, const char *name, double start_s,
                                 double end_s)
{
    return (muir_trace_slice){MUIR_TRACE_SCHEDULE, stage + 1, category, name, start_s, end_s};
}

/* A slot, and inside it its parts one after the other. */
static void put_span(muir_trace_writer *w, const muir_span *span)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s %d", kind_of(span), span->microbatch);
    const muir_trace_slice whole = slice_on(span->stage, kind_of(span), name, span->start_s, span->end_s);
    json_t *args = json_pack("{s:i,s:i,s:s}", "microbatch", span->microbatch, "chunk", span->chunk,
                             "provenance", "modelled; the order of parts within a slot is not");
    if (span->partner >= 0) json_object_set_new(args, "forward_chunk", json_integer(span->partner));
    for (int p = 0; p < MUIR_SLOT_PARTS; p++) {
        char key[NAME_SIZE];
        snprintf(key, sizeof key, "%s_s", part_names[p]);
        json_object_set_new(args, key, json_real(span->part_s[p]));
    }
    muir_trace_put_slice(w, &whole, args);
    double at_s = span->start_s;
    for (int p = 0; p < MUIR_SLOT_PARTS; p++) {
        if (span->part_s[p] <= 0.0) continue;
        const muir_trace_slice part = slice_on(span->stage, part_names[p], part_names[p], at_s,
                                               fmin(at_s + span->part_s[p], span->end_s));
        muir_trace_put_slice(w, &part, NULL);
        at_s += span->part_s[p];
    }
}

static void put_between(muir_trace_writer *w, int stage, const char *category, const char *name,
                        double start_s, double end_s)
{
    if (end_s - start_s <= 1e-12) return;
    const muir_trace_slice slice = slice_on(stage, category, name, start_s, end_s);
    muir_trace_put_slice(w, &slice, NULL);
}

/* Slots of one stage, bubbles between them, and how many microbatches it holds. */
static void put_stage(muir_trace_writer *w, const muir_timeline *t, int stage)
{
    char held_name[NAME_SIZE];
    double at_s = 0.0;
    int held = 0;
    snprintf(held_name, sizeof held_name, "stage %d: microbatches held", stage);
    for (int i = 0; i < t->n_spans; i++) {
        const muir_span *span = &t->spans[i];
        if (span->stage != stage) continue;
        put_between(w, stage, "bubble", "bubble", at_s, span->start_s);
        put_span(w, span);
        at_s = span->end_s;
        const bool is_taken = span->partner >= 0 || span->phase == MUIR_FORWARD;
        const bool is_given_back = span->is_joined || span->phase == MUIR_WEIGHT;
        if (is_taken) muir_trace_put_counter(w, MUIR_TRACE_SCHEDULE, held_name, span->start_s, ++held);
        if (is_given_back) muir_trace_put_counter(w, MUIR_TRACE_SCHEDULE, held_name, span->end_s, --held);
    }
    const muir_sync_time *sync = &t->sync[stage];
    const double reduced_s = at_s + sync->reduce_s;
    put_between(w, stage, "dp", "gradient sync", at_s, reduced_s);
    put_between(w, stage, "bubble", "waits for other stages", reduced_s, t->reduced_s);
    at_s = t->reduced_s;
    put_between(w, stage, "dp", "gradient norm", at_s, at_s + sync->norm_s);
    at_s += sync->norm_s;
    put_between(w, stage, "optimizer", "optimizer", at_s, at_s + sync->optimizer_s);
    at_s += sync->optimizer_s;
    put_between(w, stage, "dp", "weight gather", at_s, at_s + sync->gather_s);
}

static void put_transfer(muir_trace_writer *w, const muir_transfer *m)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "message %d to stage %d", m->microbatch, m->to);
    const muir_trace_slice from = slice_on(m->from, "pp", name, m->start_s, m->start_s);
    const muir_trace_slice to = slice_on(m->to, "pp", name, m->end_s, m->end_s);
    muir_trace_put_message(w, &from, &to,
                           json_pack("{s:i,s:i,s:i,s:s}", "from_stage", m->from, "to_stage", m->to,
                                     "microbatch", m->microbatch, "phase",
                                     muir_phase_name((muir_phase)m->phase)));
}

void muir_trace_put_schedule(muir_trace_writer *w, const muir_timeline *t)
{
    muir_trace_name_process(w, MUIR_TRACE_SCHEDULE, "schedule of a replica in an ideal step (modelled)");
    for (int stage = 0; stage < t->n_stages; stage++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "stage %d", stage);
        muir_trace_name_thread(w, MUIR_TRACE_SCHEDULE, stage + 1, name);
        put_stage(w, t, stage);
    }
    for (int i = 0; i < t->n_transfers; i++) put_transfer(w, &t->transfers[i]);
}
