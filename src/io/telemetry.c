/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a telemetry, and what all its ranks do together. */
#include "io/telemetry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/telemetry_state.h"

/* Also makes whoever opens PATH find a complete file there: a kill in here leaves PATH.part. */
static muir_status make_file(muir_ctx *ctx, const muir_description *description, muir_claim *claim)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_layout_write(ctx, description, muir_claim_part(claim)));
    MUIR_TRY(muir_claim_publish(ctx, claim));
done:
    return st;
}

static muir_status create_closed(muir_ctx *ctx, const char *path, const muir_description *description,
                                 muir_telemetry **out)
{
    muir_status st = MUIR_OK;
    muir_telemetry *telemetry = NULL;
    MUIR_TRY(muir_description_check(ctx, description));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *telemetry, "telemetry", &telemetry));
    telemetry->description = description;
    telemetry->file = H5I_INVALID_HID;
    telemetry->lock = -1;
    telemetry->path = strdup(path);
    if (!telemetry->path) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for telemetry"));
    MUIR_TRY(muir_batch_create(ctx, telemetry));
    *out = telemetry;
    telemetry = NULL;
done:
    muir_telemetry_destroy(&telemetry);
    return st;
}

/* What rank 0 found in the file, to every rank. */
static muir_status share_rows(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    for (size_t t = 0; t < telemetry->description->n_tables; t++) {
        table_state *table = &telemetry->tables[t];
        int64_t rows_and_last[2] = {(int64_t)table->n_file, table->last};
        MUIR_TRY_MPI(MPI_Bcast(rows_and_last, 2, MPI_INT64_T, 0, ctx->comm));
        table->n_file = (size_t)rows_and_last[0];
        table->last = rows_and_last[1];
    }
done:
    return st;
}

muir_status muir_telemetry_start(muir_ctx *ctx, muir_claim *claim, const muir_description *description,
                                 muir_telemetry **out)
{
    muir_status st = MUIR_OK;
    muir_telemetry *telemetry = NULL;
    MUIR_TRY(muir_agree(ctx, create_closed(ctx, muir_claim_path(claim), description, &telemetry)));
    if (muir_is_root(ctx)) {
        if (muir_claim_is_new(claim)) st = make_file(ctx, description, claim);
        if (st == MUIR_OK) telemetry->lock = muir_claim_take_lock(claim);
        if (st == MUIR_OK && !muir_claim_is_new(claim))
            st = muir_pack(ctx, telemetry->path, false, &telemetry->lock);
        if (st == MUIR_OK) st = muir_rows_open(ctx, telemetry);
    }
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(share_rows(ctx, telemetry));
    *out = telemetry;
    telemetry = NULL;
done:
    muir_telemetry_destroy(&telemetry);
    return st;
}

void muir_telemetry_destroy(muir_telemetry **telemetry)
{
    muir_telemetry *old = *telemetry;
    if (!old) return;
    bool is_torn = false;
    muir_rows_close(old, &is_torn);
    if (old->lock >= 0) close(old->lock);
    for (size_t t = 0; old->tables && t < old->description->n_tables; t++) {
        free(old->tables[t].columns);
        free(old->tables[t].coordinates);
    }
    free(old->tables);
    free(old->memory);
    free(old->received);
    free(old->joined);
    free(old->path);
    free(old);
    *telemetry = NULL;
}

/* Packs a file that is closed but for its lock. What fails here leaves the file whole, and is noted. */
static void pack_in_time(muir_ctx *ctx, muir_telemetry *telemetry, double pack_s, muir_telemetry_size *size)
{
    static const double least_s = 0.05, byte_per_s = 1e8; /* a hundred datasets anew; reading and deflating */
    struct stat info;
    if (fstat(telemetry->lock, &info) != 0) return;
    size->plain_bytes = size->bytes = info.st_size;
    if (least_s + (double)info.st_size / byte_per_s > pack_s) return;
    if (muir_pack(ctx, telemetry->path, true, &telemetry->lock) != MUIR_OK) {
        snprintf(size->unpacked, sizeof size->unpacked, "%.159s", ctx->message);
        muir_ctx_clear(ctx);
    }
    if (fstat(telemetry->lock, &info) == 0) size->bytes = info.st_size;
}

muir_status muir_telemetry_close(muir_ctx *ctx, muir_telemetry **telemetry, double pack_s,
                                 muir_telemetry_size *size)
{
    muir_status st = MUIR_OK;
    muir_telemetry_size found = {.bytes = 0};
    if (size) *size = found;
    if (!*telemetry) return MUIR_OK;
    st = muir_telemetry_flush(ctx, *telemetry);
    if (st == MUIR_OK && muir_is_root(ctx)) st = muir_rows_check_place(ctx, *telemetry);
    if (!muir_rows_close(*telemetry, &ctx->is_torn) && st == MUIR_OK)
        st = muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be closed", (*telemetry)->path);
    if (st == MUIR_OK && muir_is_root(ctx)) pack_in_time(ctx, *telemetry, pack_s, &found);
    if (size) *size = found;
    st = muir_agree(ctx, st);
    muir_telemetry_destroy(telemetry);
    return st;
}

size_t muir_telemetry_room(const muir_telemetry *telemetry, size_t table)
{
    const table_state *state = &telemetry->tables[table];
    return state->table->batch_rows - state->n_batch;
}

bool muir_telemetry_is_full(const muir_telemetry *telemetry)
{
    for (size_t t = 0; t < telemetry->description->n_tables; t++)
        if (muir_telemetry_room(telemetry, t) == 0) return true;
    return false;
}

size_t muir_telemetry_rows(const muir_telemetry *telemetry, size_t table)
{
    return telemetry->tables[table].n_file;
}

bool muir_telemetry_last(const muir_telemetry *telemetry, size_t table, int64_t *coordinate)
{
    const table_state *state = &telemetry->tables[table];
    if (state->n_file + state->n_batch == 0) return false;
    *coordinate = state->last;
    return true;
}

static bool is_empty(const muir_telemetry *telemetry)
{
    for (size_t t = 0; t < telemetry->description->n_tables; t++)
        if (telemetry->tables[t].n_batch > 0) return false;
    return true;
}

muir_status muir_telemetry_flush(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    if (telemetry->is_broken)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: writing failed before", telemetry->path);
    if (is_empty(telemetry)) return MUIR_OK;
    MUIR_TRY(muir_batch_gather(ctx, telemetry));
    if (muir_is_root(ctx)) st = muir_rows_append(ctx, telemetry);
    MUIR_TRY(muir_agree(ctx, st));
    for (size_t t = 0; t < telemetry->description->n_tables; t++)
        telemetry->tables[t].n_file += telemetry->tables[t].n_batch;
    muir_batch_clear(telemetry);
done:
    telemetry->is_broken = st != MUIR_OK;
    return st;
}

muir_status muir_telemetry_rows_before(muir_ctx *ctx, muir_telemetry *telemetry, size_t table,
                                       int64_t coordinate, size_t *rows)
{
    muir_status st = MUIR_OK;
    const table_state *state = &telemetry->tables[table];
    size_t low = 0,
           high = muir_is_root(ctx) ? state->n_file : 0; /* coordinates grow: halve what is in question */
    while (low < high && st == MUIR_OK) {
        const size_t middle = low + (high - low) / 2;
        int64_t found = 0;
        st = muir_rows_read(ctx, telemetry->path, state->dataset, MUIR_I64, middle, 1, &found);
        if (found < coordinate)
            low = middle + 1;
        else
            high = middle;
    }
    MUIR_TRY(muir_agree(ctx, st));
    int64_t count = (int64_t)low;
    MUIR_TRY_MPI(MPI_Bcast(&count, 1, MPI_INT64_T, 0, ctx->comm));
    *rows = (size_t)count;
done:
    return st;
}

muir_status muir_telemetry_read_rows(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                                     size_t first, size_t n, void *values)
{
    muir_status st = MUIR_OK;
    const table_state *state = &telemetry->tables[table];
    const column_state *from = &state->columns[column];
    const size_t bytes = n * from->width * from->bytes;
    if (first + n > state->n_file || bytes > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s has no rows %zu to %zu to read", telemetry->path,
                         state->table->group, first, first + n);
    if (n == 0) return MUIR_OK;
    if (muir_is_root(ctx))
        st = muir_rows_read(ctx, telemetry->path, from->dataset, from->column->type, first, n, values);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(values, (int)bytes, MPI_BYTE, 0, ctx->comm));
done:
    return st;
}

muir_status muir_telemetry_read_row(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                                    size_t row, void *values)
{
    return muir_telemetry_read_rows(ctx, telemetry, table, column, row, 1, values);
}

muir_status muir_telemetry_truncate(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t rows)
{
    muir_status st = MUIR_OK;
    table_state *state = &telemetry->tables[table];
    if (rows > state->n_file || state->n_batch > 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: %s with %zu rows in the file and %zu more cannot be cut to %zu",
                         telemetry->path, state->table->group, state->n_file, state->n_batch, rows);
    if (muir_is_root(ctx)) st = muir_rows_truncate(ctx, telemetry, state, rows);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(share_rows(ctx, telemetry));
done:
    return st;
}
