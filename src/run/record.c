/* SPDX-License-Identifier: BSD-3-Clause */
/* Describing the telemetry file, and putting rows into it. */
#include "run/record_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Before anything else is read: an older muir may have meant something else by it. */
static muir_status check_format(muir_ctx *ctx, const char *path)
{
    char *stored = NULL;
    muir_status st = muir_telemetry_read_attribute(ctx, path, "", "format_version", &stored);
    if (st == MUIR_OK && strcmp(stored, MUIR_TELEMETRY_FORMAT) != 0)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s has format_version %s, but this version of muir writes %s",
                       path, stored, MUIR_TELEMETRY_FORMAT);
    free(stored);
    return st;
}

/* The stored scenario must be the one that goes on; only how long it runs may differ. */
static muir_status check_scenario(muir_ctx *ctx, const char *path, const muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    char *stored = NULL, *mine = NULL;
    MUIR_TRY(muir_telemetry_read_text(ctx, path, "scenario/identity", &stored));
    MUIR_TRY(muir_describe_identity(ctx, scenario, &mine));
    if (strcmp(stored, mine) == 0) goto done;
    size_t at = 0;
    for (size_t i = 0; stored[i] && stored[i] == mine[i]; i++)
        if (stored[i] == '\n') at = i + 1;
    st = muir_fail(ctx, MUIR_ERR_ARG, "%s was written by another scenario: it has '%.*s', this one '%.*s'",
                   path, (int)strcspn(stored + at, "\n"), stored + at, (int)strcspn(mine + at, "\n"),
                   mine + at);
done:
    free(stored);
    free(mine);
    return st;
}

/* Tables have a column of values for each rank, so the number of ranks stays. */
static muir_status check_ranks(muir_ctx *ctx, const char *path)
{
    double stored = 0.0;
    const muir_status st = muir_telemetry_read_number(ctx, path, "", "ranks", &stored);
    if (st == MUIR_OK && stored != (double)ctx->size)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s was written by %.0f ranks and can only be resumed on %.0f; this launch has %d",
                         path, stored, stored, ctx->size);
    return st;
}

/* Steps that a table covers: all before its first missing row, when it has a row every `every` steps. */
static int64_t covered(const muir_record *r, muir_record_table table, int64_t every)
{
    return (int64_t)muir_telemetry_rows(r->telemetry, muir_describe_table(r->describe, table)) * every;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static muir_status cut_details(muir_ctx *ctx, muir_record *r, muir_record_table table, int64_t coordinate)
{
    muir_status st = MUIR_OK;
    size_t rows = 0;
    if (!muir_describe_has_table(r->describe, table)) return MUIR_OK;
    const size_t index = muir_describe_table(r->describe, table);
    MUIR_TRY(muir_telemetry_rows_before(ctx, r->telemetry, index, coordinate, &rows));
    MUIR_TRY(muir_telemetry_truncate(ctx, r->telemetry, index, rows));
done:
    return st;
}

/* Tables are written one after the other, so a kill leaves some ahead: cut all to the steps that every table
 * has. */
static muir_status level_tables(muir_ctx *ctx, muir_record *r, int64_t *next_step)
{
    muir_status st = MUIR_OK;
    const muir_scenario *s = r->scenario;
    int64_t next = INT64_MAX;
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        const int64_t every = muir_table_every(t, s);
        if (every > 0 && muir_describe_has_table(r->describe, t)) next = least(next, covered(r, t, every));
    }
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        const int64_t every = muir_table_every(t, s);
        if (every == 0 || !muir_describe_has_table(r->describe, t)) continue;
        MUIR_TRY(muir_telemetry_truncate(ctx, r->telemetry, muir_describe_table(r->describe, t),
                                         (size_t)((next + every - 1) / every)));
    }
    MUIR_TRY(cut_details(ctx, r, MUIR_TABLE_FLIPS, next * MUIR_FLIPS_A_STEP));
    MUIR_TRY(cut_details(ctx, r, MUIR_TABLE_TRACE, next * MUIR_OPS_A_STEP));
    if (muir_describe_has_table(r->describe, MUIR_TABLE_COLLECTIVES))
        r->samples = covered(r, MUIR_TABLE_COLLECTIVES, 1);
    r->stored_events = covered(r, MUIR_TABLE_EVENTS, 1);
    *next_step = next;
done:
    return st;
}

muir_status muir_record_create(muir_ctx *ctx, muir_claim *claim, const muir_scenario *scenario,
                               const muir_host_clock *host, const muir_record_facts *facts,
                               int64_t *next_step, muir_record **out)
{
    muir_status st = MUIR_OK;
    muir_record *r = NULL;
    const bool is_new = muir_claim_is_new(claim);
    st = muir_alloc(ctx, 1, sizeof *r, "telemetry", &r);
    if (st == MUIR_OK) {
        r->scenario = scenario;
        r->ops = host ? muir_host_clock_ops(host) : NULL;
    }
    MUIR_TRY(muir_agree(ctx, st));
    if (!is_new) MUIR_TRY(check_format(ctx, muir_claim_path(claim)));
    if (!is_new) MUIR_TRY(check_scenario(ctx, muir_claim_path(claim), scenario));
    if (!is_new) MUIR_TRY(check_ranks(ctx, muir_claim_path(claim)));
    MUIR_TRY(muir_describe_create(ctx, scenario, host, facts, &r->describe));
    MUIR_TRY(muir_telemetry_start(ctx, claim, muir_describe_get(r->describe), &r->telemetry));
    *next_step = 0;
    if (!is_new) MUIR_TRY(level_tables(ctx, r, next_step));
    *out = r;
    r = NULL;
done:
    muir_record_destroy(&r);
    return st;
}

muir_status muir_record_append(muir_ctx *ctx, muir_record *r, muir_record_table table, const void *row,
                               int64_t coordinate)
{
    muir_status st = MUIR_OK;
    size_t n = 0;
    const muir_column_row *columns = muir_columns_of(table, &n);
    const size_t index = muir_describe_table(r->describe, table);
    for (size_t i = 0; i < n; i++)
        MUIR_TRY(muir_telemetry_put(ctx, r->telemetry, index, i, muir_column_values(&columns[i], row)));
    MUIR_TRY(muir_telemetry_end_row(ctx, r->telemetry, index, coordinate));
done:
    return st;
}

static muir_status put_host(muir_ctx *ctx, muir_record *r, int64_t step, const muir_host_row *host)
{
    const muir_tally *t = &host->tally;
    const muir_executed_row row = {*host, t->gemm_s > 0.0 ? t->gemm_flop / t->gemm_s : 0.0};
    return muir_record_append(ctx, r, MUIR_TABLE_HOST, &row, step);
}

muir_status muir_record_put(muir_ctx *ctx, muir_record *r, int64_t step, const muir_fleet_row *fleet,
                            const muir_rank_row *rank, const float *servers, const muir_host_row *host,
                            const muir_emulation_row *emulation)
{
    muir_status st = MUIR_OK;
    const muir_server_row server = {servers};
    MUIR_TRY(muir_record_append(ctx, r, MUIR_TABLE_FLEET, fleet, step));
    MUIR_TRY(muir_record_append(ctx, r, MUIR_TABLE_EMULATION, emulation, step));
    if (muir_describe_has_table(r->describe, MUIR_TABLE_RANK))
        MUIR_TRY(muir_record_append(ctx, r, MUIR_TABLE_RANK, rank, step));
    if (servers && muir_describe_has_table(r->describe, MUIR_TABLE_SERVER))
        MUIR_TRY(muir_record_append(ctx, r, MUIR_TABLE_SERVER, &server, step));
    if (host && muir_describe_has_table(r->describe, MUIR_TABLE_HOST)) MUIR_TRY(put_host(ctx, r, step, host));
done:
    return st;
}

bool muir_record_is_full(const muir_record *r)
{
    return muir_telemetry_is_full(r->telemetry);
}

static muir_status put_collectives(muir_ctx *ctx, muir_record *r)
{
    muir_collectives_row row = {.calls = {0.0}};
    if (!muir_describe_has_table(r->describe, MUIR_TABLE_COLLECTIVES)) return MUIR_OK;
    for (int i = 0; r->ops && i < muir_host_ops_coll_count(r->ops); i++) {
        row.calls[i] = muir_host_ops_coll_at(r->ops, i)->calls;
        row.time_s[i] = muir_host_ops_coll_at(r->ops, i)->seconds;
        row.best_s[i] = muir_host_ops_coll_at(r->ops, i)->best_s;
    }
    return muir_record_append(ctx, r, MUIR_TABLE_COLLECTIVES, &row, r->samples++);
}

muir_status muir_record_flush(muir_ctx *ctx, muir_record *r)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(put_collectives(ctx, r));
    MUIR_TRY(muir_telemetry_flush(ctx, r->telemetry));
done:
    return st;
}

muir_status muir_record_close(muir_ctx *ctx, muir_record **record, double pack_s, muir_telemetry_size *size)
{
    if (!*record) return MUIR_OK;
    muir_status st = muir_record_flush(ctx, *record);
    const muir_status closed = muir_telemetry_close(ctx, &(*record)->telemetry, pack_s, size);
    if (st == MUIR_OK) st = closed;
    muir_record_destroy(record);
    return st;
}

void muir_record_destroy(muir_record **record)
{
    if (!*record) return;
    muir_telemetry_destroy(&(*record)->telemetry);
    muir_describe_destroy(&(*record)->describe);
    free(*record);
    *record = NULL;
}
