/* SPDX-License-Identifier: BSD-3-Clause */
/* The sample telemetry: its description, its formula, and the comparison with a file, by plain HDF5. */
#include "telemetry_sample.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t server_ids[SAMPLE_SERVERS] = {100, 101, 102, 200, 201};
static const char *const server_names[SAMPLE_SERVERS] = {"rack-a1", "rack-a2", "rack-a3", "b1", "b2"};
static const char resolved[] = "fleet: sample\nsteps: 30 # with an umlaut: \xc3\xbc\n";
static const double site_power_w = 12.5e6;

static const muir_column fleet_columns[] = {
    {{"step_time", "s", "time of a step", MUIR_MODELLED}, MUIR_F64, false},
    {{"mfu", "1", "model FLOP utilisation", MUIR_MODELLED}, MUIR_F32, false},
    {{"tokens", "tokens", "tokens trained on so far", MUIR_MODELLED}, MUIR_I64, false},
    {{"replicas", "1", "replicas at work", MUIR_INJECTED}, MUIR_I32, false},
};
static const muir_column rank_columns[] = {
    {{"gemm_time", "s", "time in matrix products", MUIR_EXECUTED}, MUIR_F64, true},
    {{"retries", "1", "repeated measurements", MUIR_EXECUTED}, MUIR_I32, true},
    {{"empty_step", "s", "time of a step without work", MUIR_MEASURED}, MUIR_F64, false},
};
static const muir_column server_columns[] = {
    {{"slowdown", "1", "time over nominal time", MUIR_MODELLED}, MUIR_F32, true},
    {{"power", "W", "power of the site", MUIR_MODELLED}, MUIR_F64, false},
};
static const muir_column event_columns[] = {
    {{"kind", "1", "what failed", MUIR_INJECTED}, MUIR_I32, false},
    {{"start", "s", "time since the start of the run", MUIR_INJECTED}, MUIR_F64, false},
};
static const muir_constant constants[] = {
    {"server", {"server_name", "1", "name", MUIR_INPUT}, MUIR_TEXT, "server", server_names},
    {"server", {"server_id", "1", "number", MUIR_INPUT}, MUIR_I64, "server", server_ids},
    {"fleet", {"site_power", "W", "power that the site can draw", MUIR_INPUT}, MUIR_F64, NULL, &site_power_w},
    {"scenario", {"resolved", "1", "the scenario", MUIR_INPUT}, MUIR_TEXT, NULL, resolved},
};
static const int64_t two = 2;
static const int32_t flags[] = {1, 2, 3};
static const muir_attribute attributes[] = {
    {"", NULL, "Conventions", MUIR_TEXT, 0, "CF-1.8"},
    {"", NULL, "muir_version", MUIR_TEXT, 0, "test"},
    {"", NULL, "note", MUIR_TEXT, 0, ""},
    {"", NULL, "ranks", MUIR_I64, 0, &two},
    {"events", NULL, "description", MUIR_TEXT, 0, "faults injected"},
    {"events", "kind", "flag_values", MUIR_I32, 3, flags},
    {"events", "kind", "flag_meanings", MUIR_TEXT, 0, "chip link host"},
};

muir_status sample_start(muir_ctx *ctx, const char *path, bool is_resumed, const sample *s,
                         muir_telemetry **telemetry)
{
    muir_status st = MUIR_OK;
    muir_claim *claim = NULL;
    MUIR_TRY(muir_claim_create(ctx, path, is_resumed, &claim));
    MUIR_TRY(muir_telemetry_start(ctx, claim, &s->description, telemetry));
done:
    muir_claim_destroy(&claim);
    return st;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

void sample_describe(int ranks, sample *out)
{
    const sample made = {
        .dimensions = {{"fleet", {"step", "1", "step", MUIR_MODELLED}, 0, NULL, NULL},
                       {"rank", {"step", "1", "step", MUIR_MODELLED}, 0, NULL, NULL},
                       {"rank", {"rank", "1", "MPI rank", MUIR_INPUT}, (size_t)ranks, NULL, NULL},
                       {"server", {"step", "1", "step", MUIR_MODELLED}, 0, NULL, NULL},
                       {"server", {"server", "1", "server", MUIR_INPUT}, SAMPLE_SERVERS, server_ids, NULL},
                       {"events", {"event", "1", "event", MUIR_INJECTED}, 0, NULL, NULL}},
        .tables =
            {{"fleet", "step", NULL, false, "tokens", SAMPLE_BATCH, 0, fleet_columns, COUNT(fleet_columns)},
             {"rank", "step", "rank", true, NULL, SAMPLE_BATCH + 1, 0, rank_columns, COUNT(rank_columns)},
             {"server", "step", "server", false, NULL, 2, 10, server_columns, COUNT(server_columns)},
             {"events", "event", NULL, false, NULL, SAMPLE_BATCH, 0, event_columns, COUNT(event_columns)}},
    };
    *out = made;
    out->description = (muir_description){out->dimensions, SAMPLE_DIMENSIONS, out->tables, SAMPLE_TABLES,
                                          constants,       COUNT(constants),  attributes,  COUNT(attributes)};
}

/* Steps between two rows, and rows then. */
static const int every[SAMPLE_TABLES] = {1, 1, 3, 7}, at_once[SAMPLE_TABLES] = {1, 1, 1, 2};

size_t sample_rows(size_t table, int64_t steps)
{
    return (size_t)((steps + every[table] - 1) / every[table] * at_once[table]);
}

static int64_t coordinate_of(size_t table, size_t row)
{
    return table == SAMPLE_EVENTS ? (int64_t)row : (int64_t)row * every[table];
}

/* A whole number below 2^24, so that each type holds it; column 1 of events is never put. */
static double value_of(size_t table, size_t column, int64_t coordinate, size_t place)
{
    if (table == SAMPLE_EVENTS && column == 1) return NAN;
    return (double)(((coordinate % 50000 * 8 + (int64_t)place) * 4 + (int64_t)column) * 4 + (int64_t)table);
}

static void store(muir_value_type type, double value, size_t index, void *values)
{
    if (type == MUIR_F64) ((double *)values)[index] = value;
    if (type == MUIR_F32) ((float *)values)[index] = (float)value;
    if (type == MUIR_I64) ((int64_t *)values)[index] = (int64_t)value;
    if (type == MUIR_I32) ((int32_t *)values)[index] = (int32_t)value;
}

/* Gathered columns: this rank's place. Others: all places, on rank 0 alone. */
static muir_status put_row(muir_ctx *ctx, muir_telemetry *telemetry, size_t t, int64_t coordinate)
{
    muir_status st = MUIR_OK;
    sample s;
    sample_describe(ctx->size, &s);
    const muir_table *table = &s.tables[t];
    for (size_t c = 0; c < table->n_columns; c++) {
        double values[SAMPLE_SERVERS];
        const muir_column *column = &table->columns[c];
        const size_t first = table->is_gathered && column->is_wide ? (size_t)ctx->rank : 0;
        const size_t n = !table->is_gathered && column->is_wide ? SAMPLE_SERVERS : 1;
        if (isnan(value_of(t, c, coordinate, 0))) continue;
        for (size_t i = 0; i < n; i++) store(column->type, value_of(t, c, coordinate, first + i), i, values);
        const bool is_needed = muir_is_root(ctx) || (table->is_gathered && column->is_wide);
        MUIR_TRY(muir_telemetry_put(ctx, telemetry, t, c, is_needed ? values : NULL));
    }
    MUIR_TRY(muir_telemetry_end_row(ctx, telemetry, t, coordinate));
done:
    return st;
}

muir_status sample_write(muir_ctx *ctx, muir_telemetry *telemetry, int64_t from, int64_t to)
{
    muir_status st = MUIR_OK;
    for (int64_t step = from; step < to; step++) {
        for (size_t t = 0; t < SAMPLE_TABLES; t++)
            for (size_t row = sample_rows(t, step); row < sample_rows(t, step + 1); row++)
                MUIR_TRY(put_row(ctx, telemetry, t, coordinate_of(t, row)));
        if (muir_telemetry_is_full(telemetry)) MUIR_TRY(muir_telemetry_flush(ctx, telemetry));
    }
done:
    return st;
}

/* Reads a whole dataset as doubles; NULL if it has not n_rows rows of width values. */
static double *read_dataset(hid_t file, const char *group, const char *name, size_t n_rows, size_t width)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    double *values = calloc(n_rows * width + 1, sizeof *values);
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t size[2] = {0, 1};
    H5Sget_simple_extent_dims(space, size, NULL);
    if (size[0] != n_rows || size[1] != width ||
        H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        free(values);
        values = NULL;
    }
    H5Sclose(space);
    H5Dclose(dataset);
    return values;
}

static int count_wrong_in_column(hid_t file, const muir_table *table, size_t t, size_t c, size_t n_rows,
                                 size_t width)
{
    int wrong = 0;
    double *values = read_dataset(file, table->group, table->columns[c].label.name, n_rows, width);
    if (!values) return 1;
    for (size_t i = 0; i < n_rows * width; i++) {
        const double expected = value_of(t, c, coordinate_of(t, i / width), i % width);
        wrong += isnan(expected) ? !isnan(values[i]) : values[i] != expected;
    }
    free(values);
    return wrong;
}

static int count_wrong_in_table(hid_t file, const sample *s, size_t t, size_t n_rows)
{
    int wrong = 0;
    const muir_table *table = &s->tables[t];
    double *coordinates = read_dataset(file, table->group, table->row, n_rows, 1);
    if (!coordinates) return 1;
    for (size_t i = 0; i < n_rows; i++) wrong += coordinates[i] != (double)coordinate_of(t, i);
    free(coordinates);
    for (size_t c = 0; c < table->n_columns; c++) {
        const size_t across = t == SAMPLE_RANK ? s->dimensions[2].size : SAMPLE_SERVERS;
        wrong += count_wrong_in_column(file, table, t, c, n_rows, table->columns[c].is_wide ? across : 1);
    }
    return wrong;
}

static int count_wrong_constants(hid_t file)
{
    double *ids = read_dataset(file, "server", "server_id", SAMPLE_SERVERS, 1);
    double *places = read_dataset(file, "server", "server", SAMPLE_SERVERS, 1);
    int wrong = !ids || !places;
    for (size_t i = 0; !wrong && i < SAMPLE_SERVERS; i++)
        wrong = ids[i] != (double)server_ids[i] || places[i] != (double)server_ids[i];
    free(ids);
    free(places);
    return wrong;
}

int sample_count_wrong(const char *path, int ranks, int64_t steps)
{
    sample s;
    sample_describe(ranks, &s);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) return -1;
    int wrong = count_wrong_constants(file);
    for (size_t t = 0; t < SAMPLE_TABLES; t++)
        wrong += count_wrong_in_table(file, &s, t, sample_rows(t, steps));
    H5Fclose(file);
    return wrong;
}
