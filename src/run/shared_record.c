/* SPDX-License-Identifier: BSD-3-Clause */
/* The telemetry file of a shared run: /job has a row for each step of each job; /jobs says what they are. */
#include <stdlib.h>
#include <string.h>

#include "base/build.h"
#include "base/mem.h"
#include "run/shared_state.h"

enum { TABLE_STEPS, TABLE_EVENTS, BATCH_ROWS = 1024, MOST_CONSTANTS = 24 };

#define STEP(name, units, long_name)                                                                         \
    {                                                                                                        \
        {name, units, long_name, MUIR_MODELLED}, MUIR_F64, false                                             \
    }
#define COUNT(name, long_name, provenance)                                                                   \
    {                                                                                                        \
        {name, "1", long_name, provenance}, MUIR_I64, false                                                  \
    }
static const muir_column step_columns[] = {
    COUNT("job", "number of the job in /jobs", MUIR_MODELLED),
    COUNT("job_step", "row of the job's own fleet clock", MUIR_MODELLED),
    STEP("start_s", "s", "start of the step, standing still included, since the run's start"),
    STEP("end_s", "s", "its end"),
    STEP("step_time_s", "s", "what it took"),
    STEP("alone_s", "s", "what it takes with nobody else on the uplinks"),
    STEP("slowdown", "1", "step_time_s over alone_s"),
    STEP("still_s", "s", "part of both: recovery and checkpoints, without traffic"),
    STEP("uplink_wait_s", "s", "step_time_s - alone_s: what other jobs on the uplinks cost"),
    COUNT("replicas", "replicas that trained the step; 0: it was broken off", MUIR_MODELLED),
    COUNT("training_step", "steps of progress after the row", MUIR_MODELLED),
    {{"bytes", "byte", "that the job's chips send over links of each class", MUIR_MODELLED}, MUIR_F64, true},
};
static const muir_column event_columns[] = {
    COUNT("job", "number of the job in /jobs that met the event", MUIR_INJECTED),
    COUNT("job_step", "its row then", MUIR_INJECTED),
    COUNT("kind", "kind of event, as in /events of a single run", MUIR_INJECTED),
    COUNT("consequence", "what it did, as in /events of a single run", MUIR_INJECTED),
    COUNT("server", "number in the fleet; -1: none", MUIR_INJECTED),
    {{"start_s", "s", "start, by the job's own clock", MUIR_INJECTED}, MUIR_F64, false},
    {{"stall_s", "s", "time for which the whole job stood still", MUIR_MODELLED}, MUIR_F64, false},
};
#undef STEP
#undef COUNT

/* Arrays that constants of /jobs point to. */
typedef struct facts {
    const char **name, **placement, **scenario, **keys, **link; /* [n], link: [classes] */
    int64_t *chips, *servers, *leaves, *shared;                 /* [n] */
    double *start_s, *alone_s, *compute_s, *hidden_s, *exposed_s, *far, *uplink_ports; /* [n] */
    muir_constant constants[MOST_CONSTANTS];
    size_t n;
} facts;

static muir_status make_facts(muir_ctx *ctx, size_t n, facts *f)
{
    muir_status st = MUIR_OK;
    const char ***texts[] = {&f->name, &f->placement, &f->scenario, &f->keys};
    int64_t **counts[] = {&f->chips, &f->servers, &f->leaves, &f->shared};
    double **reals[] = {&f->start_s,   &f->alone_s, &f->compute_s,   &f->hidden_s,
                        &f->exposed_s, &f->far,     &f->uplink_ports};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        MUIR_TRY(muir_alloc(ctx, n, sizeof **texts[i], "telemetry", texts[i]));
    MUIR_TRY(muir_alloc(ctx, MUIR_LINK_COUNT, sizeof *f->link, "telemetry", &f->link));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        MUIR_TRY(muir_alloc(ctx, n, sizeof **counts[i], "telemetry", counts[i]));
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        MUIR_TRY(muir_alloc(ctx, n, sizeof **reals[i], "telemetry", reals[i]));
done:
    return st;
}

static void free_facts(facts *f)
{
    free(f->name);
    free(f->placement);
    free(f->scenario);
    free(f->keys);
    free(f->link);
    free(f->chips);
    free(f->servers);
    free(f->leaves);
    free(f->shared);
    free(f->start_s);
    free(f->alone_s);
    free(f->compute_s);
    free(f->hidden_s);
    free(f->exposed_s);
    free(f->far);
    free(f->uplink_ports);
}

static void fill_facts(const muir_shared_state *s, facts *f)
{
    for (int link = 0; link < MUIR_LINK_COUNT; link++) f->link[link] = muir_link_name((muir_link)link);
    for (int j = 0; j < s->n; j++) {
        const muir_shared_job *job = &s->jobs[j];
        const muir_jobs_entry *e = &s->request->file->entries[s->entry[j]];
        const muir_shared_step step = {0.0, job->load.compute_s, job->load.hidden_s, job->load.exposed_s};
        f->name[j] = job->name;
        f->placement[j] = job->placement;
        f->scenario[j] = e->scenario;
        f->keys[j] = e->keys;
        f->chips[j] = job->chips;
        f->servers[j] = job->servers;
        f->leaves[j] = job->share.leaves;
        f->shared[j] = job->share.shared;
        f->start_s[j] = job->load.start_s;
        f->alone_s[j] = muir_sharing_alone_s(s->sharing, j, &step);
        f->compute_s[j] = job->load.compute_s;
        f->hidden_s[j] = job->load.hidden_s;
        f->exposed_s[j] = job->load.exposed_s;
        f->far[j] = job->load.far;
        f->uplink_ports[j] = job->share.uplink_ports;
    }
}

static void add(facts *f, const char *name, const char *units, const char *long_name,
                muir_provenance provenance, muir_value_type type, const void *values)
{
    f->constants[f->n++] = (muir_constant){"jobs", {name, units, long_name, provenance}, type, "job", values};
}

static void list_facts(const muir_shared_state *s, facts *f)
{
    add(f, "name", "1", "name of the job", MUIR_INPUT, MUIR_TEXT, f->name);
    add(f, "placement", "1", "which servers it was given, in the order of the jobs", MUIR_INPUT, MUIR_TEXT,
        f->placement);
    add(f, "scenario", "1", "scenario that it starts from", MUIR_INPUT, MUIR_TEXT, f->scenario);
    add(f, "keys", "1", "keys of its own, a line each", MUIR_INPUT, MUIR_TEXT, f->keys);
    add(f, "chips", "1", "chips that it uses", MUIR_MODELLED, MUIR_I64, f->chips);
    add(f, "servers", "1", "servers that it has", MUIR_MODELLED, MUIR_I64, f->servers);
    add(f, "leaves", "1", "leaves on which it has servers", MUIR_MODELLED, MUIR_I64, f->leaves);
    add(f, "leaves_shared", "1", "of those, with servers of other jobs", MUIR_MODELLED, MUIR_I64, f->shared);
    add(f, "start_s", "s", "when it starts", MUIR_INPUT, MUIR_F64, f->start_s);
    add(f, "alone_s", "s", "ideal step with nobody else there", MUIR_MODELLED, MUIR_F64, f->alone_s);
    add(f, "compute_s", "s", "part of an ideal step without exposed traffic", MUIR_MODELLED, MUIR_F64,
        f->compute_s);
    add(f, "hidden_s", "s", "traffic under it, at the ports' full rate", MUIR_MODELLED, MUIR_F64,
        f->hidden_s);
    add(f, "exposed_s", "s", "traffic for which it waits, at the ports' full rate", MUIR_MODELLED, MUIR_F64,
        f->exposed_s);
    add(f, "far", "1", "share of the traffic in exchanges", MUIR_MODELLED, MUIR_F64, f->far);
    add(f, "uplink_ports", "1", "ports of servers that it loads on all uplinks at its full rate",
        MUIR_MODELLED, MUIR_F64, f->uplink_ports);
    f->constants[f->n++] =
        (muir_constant){"job", {"link_name", "1", "class of links", MUIR_INPUT}, MUIR_TEXT, "link", f->link};
    f->constants[f->n++] =
        (muir_constant){"places",
                        {"job", "1", "job of each server, in /jobs; -1: spare", MUIR_MODELLED},
                        MUIR_I32,
                        "server",
                        s->of_server};
}

/* All that a description points to. */
struct muir_shared_file {
    facts facts;
    muir_dimension dimensions[5];
    muir_table tables[2];
    muir_attribute attributes[6];
    muir_description description;
    int64_t seed;
};

static void fill_shape(const muir_shared_state *s, struct muir_shared_file *f)
{
    const muir_dimension dimensions[] = {
        {"job", {"row", "1", "step of a job, in the order of their ends", MUIR_MODELLED}, 0, NULL, NULL},
        {"job", {"link", "1", "number of the class of links", MUIR_INPUT}, MUIR_LINK_COUNT, NULL, NULL},
        {"job_events", {"event", "1", "event, as the jobs met them", MUIR_INJECTED}, 0, NULL, NULL},
        {"jobs", {"job", "1", "number of the job", MUIR_INPUT}, (size_t)s->n, NULL, NULL},
        {"places",
         {"server", "1", "server of the fleet", MUIR_INPUT},
         (size_t)s->fleet.top.servers,
         NULL,
         NULL}};
    const muir_table tables[] = {{"job", "row", "link", false, "end_s", BATCH_ROWS, 0, step_columns,
                                  sizeof step_columns / sizeof step_columns[0]},
                                 {"job_events", "event", NULL, false, "start_s", BATCH_ROWS, 0, event_columns,
                                  sizeof event_columns / sizeof event_columns[0]}};
    memcpy(f->dimensions, dimensions, sizeof dimensions);
    memcpy(f->tables, tables, sizeof tables);
}

static void fill_attributes(const muir_shared_state *s, struct muir_shared_file *f)
{
    const muir_attribute attributes[] = {
        {"", NULL, "title", MUIR_TEXT, 0, "muir: several jobs on one fleet"},
        {"", NULL, "history", MUIR_TEXT, 0, s->request->history ? s->request->history : ""},
        {"", NULL, "muir_version", MUIR_TEXT, 0, MUIR_VERSION},
        {"", NULL, "seed", MUIR_I64, 0, &f->seed},
        {"", NULL, "oversubscription", MUIR_F64, 0, &s->fleet.fabric.oversubscription},
        {"", NULL, "leaf_servers", MUIR_I64, 0, &s->fleet.fabric.leaf_servers}};
    f->seed = s->scenarios[0].run.seed;
    memcpy(f->attributes, attributes, sizeof attributes);
}

#define SIZE(array) (sizeof(array) / sizeof(array)[0])
muir_status muir_shared_record_start(muir_ctx *ctx, muir_shared_state *s)
{
    muir_status st = MUIR_OK;
    struct muir_shared_file *f = NULL;
    st = muir_alloc(ctx, 1, sizeof *f, "telemetry", &f);
    s->file = f;
    if (st == MUIR_OK) st = make_facts(ctx, (size_t)s->n, &f->facts);
    MUIR_TRY(muir_agree(ctx, st));
    fill_facts(s, &f->facts);
    list_facts(s, &f->facts);
    fill_shape(s, f);
    fill_attributes(s, f);
    f->description =
        (muir_description){f->dimensions,      SIZE(f->dimensions), f->tables,     SIZE(f->tables),
                           f->facts.constants, f->facts.n,          f->attributes, SIZE(f->attributes)};
    MUIR_TRY(muir_telemetry_start(ctx, s->request->claim, &f->description, &s->telemetry));
done:
    return st;
}
#undef SIZE

void muir_shared_record_free(muir_shared_state *s)
{
    muir_telemetry_destroy(&s->telemetry);
    if (!s->file) return;
    free_facts(&s->file->facts);
    free(s->file);
    s->file = NULL;
}

/* Ends a row once all its columns are put; flushes where the batch is full. */
static muir_status put_row(muir_ctx *ctx, muir_telemetry *t, size_t table, const void *const *values,
                           size_t n, int64_t coordinate)
{
    muir_status st = MUIR_OK;
    for (size_t i = 0; i < n; i++) MUIR_TRY(muir_telemetry_put(ctx, t, table, i, values[i]));
    MUIR_TRY(muir_telemetry_end_row(ctx, t, table, coordinate));
    if (muir_telemetry_is_full(t)) MUIR_TRY(muir_telemetry_flush(ctx, t));
done:
    return st;
}

muir_status muir_shared_record_step(muir_ctx *ctx, muir_shared_state *s, const muir_shared_row *r)
{
    const void *const values[] = {&r->job,           &r->step,     &r->start_s,       &r->end_s,
                                  &r->step_s,        &r->alone_s,  &r->slowdown,      &r->still_s,
                                  &r->uplink_wait_s, &r->replicas, &r->training_step, r->link_bytes};
    if (!s->telemetry) return MUIR_OK;
    return put_row(ctx, s->telemetry, TABLE_STEPS, values, sizeof values / sizeof values[0], s->n_rows);
}

muir_status muir_shared_record_event(muir_ctx *ctx, muir_shared_state *s, const muir_shared_event *e)
{
    const void *const values[] = {&e->job,    &e->step,    &e->kind,   &e->consequence,
                                  &e->server, &e->start_s, &e->stall_s};
    if (!s->telemetry) return MUIR_OK;
    return put_row(ctx, s->telemetry, TABLE_EVENTS, values, sizeof values / sizeof values[0], s->n_events);
}
