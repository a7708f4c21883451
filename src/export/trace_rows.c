/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of a telemetry file as tracks: steps with their parts, events, executed ops. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "export/perfetto.h"
#include "scenario/kinds.h"

enum { STEPS_THREAD = 1, EVENTS_THREAD = 2, NAME_SIZE = 96, MOST_STEPS = 100000 };

/* A column of /fleet or /events; NULL where there is none. */
static muir_status read(muir_ctx *ctx, const muir_columns *c, const char *group, const char *name,
                        double **values, size_t *rows)
{
    char path[2 * NAME_SIZE];
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (!muir_columns_have(c, path)) return MUIR_OK;
    return muir_columns_read(ctx, c, path, values, rows, NULL);
}

typedef struct fleet {
    double *step, *end_s, *time_s, *part_s[MUIR_PART_COUNT];
    size_t rows;
} fleet;

static void free_fleet(fleet *f)
{
    free(f->step);
    free(f->end_s);
    free(f->time_s);
    for (int p = 0; p < MUIR_PART_COUNT; p++) free(f->part_s[p]);
}

/* A live file's columns may differ in length by what was flushed last; the coordinate is written last. */
static muir_status read_fleet(muir_ctx *ctx, const muir_columns *c, fleet *f)
{
    muir_status st = MUIR_OK;
    size_t n = 0;
    MUIR_TRY(muir_columns_read(ctx, c, "fleet/step", &f->step, &f->rows, NULL));
    MUIR_TRY(muir_columns_read(ctx, c, "fleet/fleet_time_s", &f->end_s, &n, NULL));
    f->rows = n < f->rows ? n : f->rows;
    MUIR_TRY(muir_columns_read(ctx, c, "fleet/step_time_s", &f->time_s, &n, NULL));
    f->rows = n < f->rows ? n : f->rows;
    for (int p = 0; p < MUIR_PART_COUNT; p++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s_s", muir_part_name((muir_part)p));
        n = f->rows;
        MUIR_TRY(read(ctx, c, "fleet", name, &f->part_s[p], &n));
        f->rows = n < f->rows ? n : f->rows;
    }
done:
    return st;
}

static void put_step(muir_trace_writer *w, const fleet *f, size_t i, double start_s)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "step %.0f", f->step[i]);
    double at_s = start_s;
    const double end_s = start_s + f->time_s[i];
    const muir_trace_slice whole = {MUIR_TRACE_STEPS, STEPS_THREAD, "step", name, start_s, end_s};
    json_t *args = json_pack("{s:f,s:s}", "fleet_time_s", f->end_s[i], "provenance",
                             "modelled; parts are sums, not a sequence");
    for (int p = 0; p < MUIR_PART_COUNT; p++)
        if (f->part_s[p]) json_object_set_new(args, muir_part_name((muir_part)p), json_real(f->part_s[p][i]));
    muir_trace_put_slice(w, &whole, args);
    for (int p = 0; p < MUIR_PART_COUNT; p++) {
        if (!f->part_s[p] || !(f->part_s[p][i] > 0.0)) continue;
        const char *part = muir_part_name((muir_part)p);
        const muir_trace_slice slice = {MUIR_TRACE_STEPS,
                                        STEPS_THREAD,
                                        part,
                                        part,
                                        fmin(at_s, end_s),
                                        fmin(at_s + f->part_s[p][i], end_s)};
        muir_trace_put_slice(w, &slice, NULL);
        at_s += f->part_s[p][i];
    }
}

/* Instants; an event that began before the first step shown stands at its start. */
static muir_status put_events(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *c,
                              muir_trace_steps steps, double zero_s)
{
    static const char *const names[] = {"kind", "step", "start_s", "server", "chip", "stall_s", "severity"};
    enum { KIND, STEP, START, SERVER, CHIP, STALL, SEVERITY, COLUMNS };
    muir_status st = MUIR_OK;
    double *column[COLUMNS] = {NULL};
    size_t rows = SIZE_MAX;
    if (!muir_columns_have(c, "events/kind")) return MUIR_OK;
    for (int i = 0; i < COLUMNS; i++) {
        size_t n = 0;
        MUIR_TRY(read(ctx, c, "events", names[i], &column[i], &n));
        if (!column[i]) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "/events has no %s", names[i]));
        rows = n < rows ? n : rows;
    }
    for (size_t i = 0; i < rows; i++) {
        if (column[STEP][i] < (double)steps.first || column[STEP][i] > (double)steps.last) continue;
        const double at_s = fmax(0.0, column[START][i] - zero_s);
        const muir_trace_slice at = {
            MUIR_TRACE_STEPS, EVENTS_THREAD, "event", muir_kind_name((int)column[KIND][i]), at_s, at_s};
        muir_trace_put_instant(w, &at,
                               json_pack("{s:f,s:f,s:f,s:f,s:f,s:s}", "step", column[STEP][i], "server",
                                         column[SERVER][i], "chip", column[CHIP][i], "severity",
                                         column[SEVERITY][i], "stall_s", column[STALL][i], "provenance",
                                         "injected"));
    }
done:
    for (int i = 0; i < COLUMNS; i++) free(column[i]);
    return st;
}

muir_status muir_trace_put_fleet(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *c,
                                 muir_trace_steps steps)
{
    muir_status st = MUIR_OK;
    fleet f = {.rows = 0};
    double zero_s = NAN;
    MUIR_TRY(read_fleet(ctx, c, &f));
    if (steps.last - steps.first >= MOST_STEPS)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--steps: at most %d steps fit a trace", MOST_STEPS));
    muir_trace_name_process(w, MUIR_TRACE_STEPS, "steps of the fleet and its events (modelled, injected)");
    muir_trace_name_thread(w, MUIR_TRACE_STEPS, STEPS_THREAD, "steps and their parts");
    muir_trace_name_thread(w, MUIR_TRACE_STEPS, EVENTS_THREAD, "events");
    for (size_t i = 0; i < f.rows; i++) {
        if (f.step[i] < (double)steps.first || f.step[i] > (double)steps.last) continue;
        const double start_s = f.end_s[i] - f.time_s[i];
        if (isnan(zero_s)) zero_s = start_s;
        put_step(w, &f, i, start_s - zero_s);
    }
    if (isnan(zero_s))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--steps: the file has no step from %lld to %lld, but %zu rows",
                           (long long)steps.first, (long long)steps.last, f.rows));
    MUIR_TRY(put_events(ctx, w, c, steps, zero_s));
done:
    free_fleet(&f);
    return st;
}

/* What /host_trace and /program hold. */
typedef struct ops {
    double *step, *op, *start_s, *end_s, *bytes;
    char **name, **kind;
    size_t rows, ranks, n_names;
} ops;

static void free_ops(ops *o)
{
    free(o->step);
    free(o->op);
    free(o->start_s);
    free(o->end_s);
    free(o->bytes);
    free(o->name);
    free(o->kind);
}

static muir_status read_ops(muir_ctx *ctx, const muir_columns *c, ops *o)
{
    muir_status st = MUIR_OK;
    size_t n = 0;
    MUIR_TRY(muir_columns_read(ctx, c, "host_trace/step", &o->step, &o->rows, NULL));
    MUIR_TRY(muir_columns_read(ctx, c, "host_trace/op", &o->op, &n, &o->ranks));
    o->rows = n < o->rows ? n : o->rows;
    MUIR_TRY(muir_columns_read(ctx, c, "host_trace/start_s", &o->start_s, &n, NULL));
    o->rows = n < o->rows ? n : o->rows;
    MUIR_TRY(muir_columns_read(ctx, c, "host_trace/end_s", &o->end_s, &n, NULL));
    o->rows = n < o->rows ? n : o->rows;
    MUIR_TRY(muir_columns_read(ctx, c, "host_trace/bytes", &o->bytes, &n, NULL));
    o->rows = n < o->rows ? n : o->rows;
    MUIR_TRY(muir_columns_texts(ctx, c, "program/name", &o->name, &o->n_names));
    MUIR_TRY(muir_columns_texts(ctx, c, "program/kind", &o->kind, &n));
    o->n_names = n < o->n_names ? n : o->n_names;
done:
    return st;
}

/* Returns when the op ended, 0 where the rank had none. */
static double put_op(muir_trace_writer *w, const ops *o, size_t row, size_t rank, double zero_s)
{
    const size_t i = row * o->ranks + rank;
    if (!(o->op[i] >= 0.0) || o->op[i] >= (double)o->n_names) return 0.0;
    const size_t op = (size_t)o->op[i];
    const muir_trace_slice slice = {MUIR_TRACE_HOST, (int)rank + 1,          o->kind[op],
                                    o->name[op],     zero_s + o->start_s[i], zero_s + o->end_s[i]};
    muir_trace_put_slice(w, &slice,
                         json_pack("{s:f,s:f,s:s,s:s}", "step", o->step[row], "bytes", o->bytes[i], "kind",
                                   o->kind[op], "provenance", "executed"));
    return o->end_s[i];
}

muir_status muir_trace_put_host(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *c, int64_t *n)
{
    muir_status st = MUIR_OK;
    ops o = {.rows = 0};
    double zero_s = 0.0, longest_s = 0.0;
    *n = 0;
    if (!muir_columns_have(c, "host_trace/op")) return MUIR_OK;
    MUIR_TRY(read_ops(ctx, c, &o));
    if (o.rows == 0) goto done;
    muir_trace_name_process(w, MUIR_TRACE_HOST,
                            "ops of this machine's ranks (executed), traced steps in a row");
    for (size_t rank = 0; rank < o.ranks; rank++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "rank %zu", rank);
        muir_trace_name_thread(w, MUIR_TRACE_HOST, (int)rank + 1, name);
    }
    for (size_t row = 0; row < o.rows; row++) {
        if (row > 0 && o.step[row] != o.step[row - 1]) zero_s += longest_s, longest_s = 0.0;
        for (size_t rank = 0; rank < o.ranks; rank++) {
            const int64_t before = w->n_events;
            longest_s = fmax(longest_s, put_op(w, &o, row, rank, zero_s));
            *n += w->n_events - before;
        }
    }
done:
    free_ops(&o);
    return st;
}
