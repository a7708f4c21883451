/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows in memory: filled in the step loop, gathered at a flush. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"
#include "io/telemetry_state.h"

static size_t aligned(size_t bytes)
{
    return (bytes + MUIR_ALIGN - 1) / MUIR_ALIGN * MUIR_ALIGN;
}

static size_t batch_bytes(const table_state *table, const column_state *column)
{
    return aligned(table->table->batch_rows * column->own * column->bytes);
}

static void set_column(const muir_ctx *ctx, const muir_description *description, const muir_table *table,
                       const muir_column *column, column_state *state)
{
    state->column = column;
    state->dataset = H5I_INVALID_HID;
    state->bytes = muir_value_bytes(column->type);
    state->width = 1;
    if (column->is_wide) state->width = muir_description_find(description, table->group, table->across)->size;
    state->is_gathered = table->is_gathered && column->is_wide;
    if (state->is_gathered)
        state->own = state->width / (size_t)ctx->size;
    else
        state->own = muir_is_root(ctx) ? state->width : 0;
}

static muir_status create_tables(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    const muir_description *description = telemetry->description;
    MUIR_TRY(muir_alloc(ctx, description->n_tables, sizeof *telemetry->tables, "tables", &telemetry->tables));
    for (size_t t = 0; t < description->n_tables; t++) {
        const muir_table *table = &description->tables[t];
        table_state *state = &telemetry->tables[t];
        state->table = table;
        state->dataset = H5I_INVALID_HID;
    }
    for (size_t t = 0; t < description->n_tables; t++) {
        const muir_table *table = &description->tables[t];
        table_state *state = &telemetry->tables[t];
        MUIR_TRY(muir_alloc(ctx, table->batch_rows, sizeof *state->coordinates, "coordinates",
                            &state->coordinates));
        MUIR_TRY(muir_alloc(ctx, table->n_columns, sizeof *state->columns, "columns", &state->columns));
        for (size_t c = 0; c < table->n_columns; c++)
            set_column(ctx, description, table, &table->columns[c], &state->columns[c]);
    }
done:
    return st;
}

/* Lays the batches of gathered, then of other columns one behind the other from *offset on. With memory NULL
 * it only counts. */
static void place_batches(muir_telemetry *telemetry, bool is_gathered, char *memory, size_t *offset)
{
    for (size_t t = 0; t < telemetry->description->n_tables; t++) {
        const table_state *table = &telemetry->tables[t];
        for (size_t c = 0; c < table->table->n_columns; c++) {
            column_state *column = &table->columns[c];
            if (column->is_gathered != is_gathered || column->own == 0) continue;
            if (memory) column->batch = memory + *offset;
            *offset += batch_bytes(table, column);
        }
    }
}

/* Bytes of the largest gathered column's batch as the file has it. */
static size_t joined_bytes(const muir_telemetry *telemetry)
{
    size_t largest = 0;
    for (size_t t = 0; t < telemetry->description->n_tables; t++) {
        const table_state *table = &telemetry->tables[t];
        for (size_t c = 0; c < table->table->n_columns; c++) {
            const column_state *column = &table->columns[c];
            const size_t bytes = table->table->batch_rows * column->width * column->bytes;
            if (column->is_gathered && bytes > largest) largest = bytes;
        }
    }
    return largest;
}

muir_status muir_batch_create(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    size_t gathered = 0, total = 0;
    MUIR_TRY(create_tables(ctx, telemetry));
    place_batches(telemetry, true, NULL, &gathered);
    total = gathered;
    place_batches(telemetry, false, NULL, &total);
    if (gathered > INT_MAX)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "telemetry batches of %zu bytes per rank are too large: lower batch_rows", gathered);
    MUIR_TRY(muir_alloc(ctx, total, 1, "telemetry batches", &telemetry->memory));
    telemetry->gather_bytes = gathered;
    size_t offset = 0;
    place_batches(telemetry, true, telemetry->memory, &offset);
    place_batches(telemetry, false, telemetry->memory, &offset);
    if (muir_is_root(ctx)) {
        MUIR_TRY(muir_alloc(ctx, (size_t)ctx->size, gathered, "gathered telemetry", &telemetry->received));
        MUIR_TRY(muir_alloc(ctx, joined_bytes(telemetry), 1, "gathered telemetry", &telemetry->joined));
    }
    for (size_t t = 0; t < telemetry->description->n_tables; t++)
        telemetry->tables[t].n_batch = telemetry->tables[t].table->batch_rows;
    muir_batch_clear(telemetry); /* every row, so that values never put are marked as such */
done:
    return st;
}

static void clear_column(const column_state *column, size_t n_rows)
{
    const size_t n = n_rows * column->own;
    if (column->column->type == MUIR_F64)
        for (size_t i = 0; i < n; i++) ((double *)(void *)column->batch)[i] = NAN;
    else if (column->column->type == MUIR_F32)
        for (size_t i = 0; i < n; i++) ((float *)(void *)column->batch)[i] = NAN;
    else if (n > 0)
        memset(column->batch, 0, n * column->bytes);
}

void muir_batch_clear(muir_telemetry *telemetry)
{
    for (size_t t = 0; t < telemetry->description->n_tables; t++) {
        table_state *table = &telemetry->tables[t];
        /* one row more: it may have been begun and not ended */
        const size_t n_rows = table->n_batch < table->table->batch_rows ? table->n_batch + 1 : table->n_batch;
        for (size_t c = 0; c < table->table->n_columns; c++) clear_column(&table->columns[c], n_rows);
        table->n_batch = 0;
    }
}

muir_status muir_batch_gather(muir_ctx *ctx, muir_telemetry *telemetry)
{
    muir_status st = MUIR_OK;
    const int bytes = (int)telemetry->gather_bytes; /* at most INT_MAX, checked at creation */
    if (bytes > 0)
        MUIR_TRY_MPI(MPI_Gather(telemetry->memory, bytes, MPI_BYTE, telemetry->received, bytes, MPI_BYTE, 0,
                                ctx->comm));
done:
    return st;
}

const void *muir_batch_rows(muir_ctx *ctx, muir_telemetry *telemetry, const table_state *table,
                            const column_state *column)
{
    if (!column->is_gathered) return column->batch;
    const size_t part = column->own * column->bytes, row = column->width * column->bytes;
    const size_t offset = (size_t)(column->batch - telemetry->memory);
    for (int rank = 0; rank < ctx->size; rank++) {
        const char *from = telemetry->received + (size_t)rank * telemetry->gather_bytes + offset;
        char *to = telemetry->joined + (size_t)rank * part;
        for (size_t r = 0; r < table->n_batch; r++) memcpy(to + r * row, from + r * part, part);
    }
    return telemetry->joined;
}

muir_status muir_telemetry_put(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, size_t column,
                               const void *values)
{
    const table_state *state = &telemetry->tables[table];
    const column_state *to = &state->columns[column];
    if (state->n_batch == state->table->batch_rows)
        return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s: the batch of %zu rows is full",
                         state->table->group, state->table->batch_rows);
    const size_t bytes = to->own * to->bytes;
    if (bytes > 0) memcpy(to->batch + state->n_batch * bytes, values, bytes);
    return MUIR_OK;
}

muir_status muir_telemetry_end_row(muir_ctx *ctx, muir_telemetry *telemetry, size_t table, int64_t coordinate)
{
    table_state *state = &telemetry->tables[table];
    if (state->n_batch == state->table->batch_rows)
        return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s: the batch of %zu rows is full",
                         state->table->group, state->table->batch_rows);
    if (state->n_file + state->n_batch > 0 && coordinate <= state->last)
        return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s: %s %lld after %lld", state->table->group,
                         state->table->row, (long long)coordinate, (long long)state->last);
    state->coordinates[state->n_batch++] = coordinate;
    state->last = coordinate;
    return MUIR_OK;
}
