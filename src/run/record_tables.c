/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables whose rows are not steps: bit flips, executed ops, events, power. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "run/record_state.h"

muir_status muir_record_put_row(muir_ctx *ctx, muir_record *r, muir_record_table table, const void *row,
                                int64_t coordinate)
{
    muir_status st = MUIR_OK;
    if (muir_telemetry_room(r->telemetry, muir_describe_table(r->describe, table)) == 0)
        MUIR_TRY(muir_record_flush(ctx, r));
    MUIR_TRY(muir_record_append(ctx, r, table, row, coordinate));
done:
    return st;
}

static muir_status put_flips(muir_ctx *ctx, muir_record *r, int64_t step, const muir_flips *flips)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < flips->n; i++)
        MUIR_TRY(
            muir_record_put_row(ctx, r, MUIR_TABLE_FLIPS, &flips->flip[i], step * MUIR_FLIPS_A_STEP + i));
done:
    return st;
}

/* Ranks execute different numbers of ops; each row has one of every rank that has so many. */
static muir_status put_trace(muir_ctx *ctx, muir_record *r, int64_t step, const muir_trace *trace)
{
    muir_status st = MUIR_OK;
    int64_t most = (int64_t)trace->n;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, ctx->comm));
    for (int64_t i = 0; i < most; i++) {
        const bool has = i < (int64_t)trace->n;
        const muir_trace_row none = {-1, NAN, NAN, 0.0};
        const muir_traced_row row = {step, has ? trace->rows[i] : none};
        MUIR_TRY(muir_record_put_row(ctx, r, MUIR_TABLE_TRACE, &row, step * MUIR_OPS_A_STEP + i));
    }
done:
    return st;
}

muir_status muir_record_put_details(muir_ctx *ctx, muir_record *r, int64_t step, const muir_host_clock *host)
{
    muir_status st = MUIR_OK;
    const muir_flips *flips = muir_host_clock_flips(host);
    const muir_trace *trace = muir_host_clock_trace(host, step);
    if (flips) MUIR_TRY(put_flips(ctx, r, step, flips));
    if (trace) MUIR_TRY(put_trace(ctx, r, step, trace));
done:
    return st;
}

static muir_status put_event(muir_ctx *ctx, muir_record *r, const muir_fleet_clock *clock,
                             const muir_event *e)
{
    muir_event_row row = {.event = *e,
                          .start_s = 1e-9 * (double)e->start_ns,
                          .end_s = 1e-9 * (double)e->end_ns,
                          .noticed_s = e->noticed_ns < 0 ? NAN : 1e-9 * (double)e->noticed_ns,
                          .stall_s = 1e-9 * (double)e->stall_ns,
                          .trained_s = 1e-9 * (double)e->trained_ns};
    row.cost_usd = muir_fleet_clock_lost_usd(clock, row.stall_s, row.trained_s);
    return muir_record_append(ctx, r, MUIR_TABLE_EVENTS, &row, r->events);
}

muir_status muir_record_put_events(muir_ctx *ctx, muir_record *r, const muir_fleet_clock *clock)
{
    muir_status st = MUIR_OK;
    int n = 0;
    const size_t table = muir_describe_table(r->describe, MUIR_TABLE_EVENTS);
    const muir_event *events = muir_events_of_row(muir_fleet_clock_events(clock), &n);
    for (int i = 0; i < n; i++, r->events++) {
        if (r->events < r->stored_events) continue;
        if (muir_telemetry_room(r->telemetry, table) == 0) MUIR_TRY(muir_telemetry_flush(ctx, r->telemetry));
        MUIR_TRY(put_event(ctx, r, clock, &events[i]));
    }
done:
    return st;
}

muir_status muir_record_replay(muir_ctx *ctx, muir_record *r, int64_t steps, muir_fleet_clock *clock,
                               muir_record_visit visit, void *data)
{
    enum { BLOCK = 4096 };
    muir_status st = MUIR_OK;
    double *attempt_s = NULL;
    const size_t table = muir_describe_table(r->describe, MUIR_TABLE_FLEET);
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, BLOCK, sizeof *attempt_s, "events", &attempt_s)));
    for (int64_t first = 0; first < steps; first += BLOCK) {
        const int64_t n = steps - first < BLOCK ? steps - first : BLOCK;
        MUIR_TRY(muir_agree(ctx, muir_ctx_go_on(ctx)));
        MUIR_TRY(muir_telemetry_read_rows(ctx, r->telemetry, table,
                                          muir_column_index(MUIR_COLUMN_FLEET_attempt_s), (size_t)first,
                                          (size_t)n, attempt_s));
        for (int64_t i = 0; i < n; i++) {
            MUIR_TRY(visit(ctx, first + i, attempt_s[i], data));
            MUIR_TRY(muir_record_put_events(ctx, r, clock));
        }
    }
    if (r->events < r->stored_events) /* of rows that the other tables lack */
        MUIR_TRY(muir_telemetry_truncate(
            ctx, r->telemetry, muir_describe_table(r->describe, MUIR_TABLE_EVENTS), (size_t)r->events));
    r->stored_events = r->events;
done:
    free(attempt_s);
    return st;
}

bool muir_record_last(const muir_record *r, muir_record_table table, int64_t *row)
{
    return muir_telemetry_last(r->telemetry, muir_describe_table(r->describe, table), row);
}

muir_status muir_record_cut(muir_ctx *ctx, muir_record *r, muir_record_table table, int64_t row)
{
    muir_status st = MUIR_OK;
    const size_t index = muir_describe_table(r->describe, table);
    size_t rows = 0;
    MUIR_TRY(muir_telemetry_rows_before(ctx, r->telemetry, index, row, &rows));
    MUIR_TRY(muir_telemetry_truncate(ctx, r->telemetry, index, rows));
done:
    return st;
}
